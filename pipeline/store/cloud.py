"""A shelf whose outputs lie in a bucket. Parts stay on this machine, where they are checked.

A part goes to its place in these steps; a kill between any two of them loses nothing, and each may
be made again:

    claim completed, part durable       on this machine; from here on nothing of it can be lost
    part uploaded                       to `.inflight/` below the prefix
    older clip of the task moved        to `superseded/`
    name created                        only where nothing has it; the object is whole from then on
    what is said of it added            hash, task and attempt; on S3 in a request of its own
    object looked at                    what a bucket says it has is not there until it is seen
    upload removed
    record appended, claim and part removed
"""

import itertools
import re
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from urllib.parse import quote

from pipeline.common import bucket_address
from pipeline.common.bucket_address import BucketAddress
from pipeline.errors import BucketError, PipelineError
from pipeline.models import Claim, Completion, part_of, task_key
from pipeline.store.bucket import Attributes, Bucket, Found
from pipeline.store.copies import copy_beside
from pipeline.store.layout import Layout
from pipeline.store.prefix import Prefix, identity
from pipeline.store.shelf import LocalShelf, is_whole

_STAGING = ".inflight"
_OURS = re.compile(rf"{re.escape(_STAGING)}/[0-9a-f]+\.[0-9a-f]+\.\d+\.part")
# Seconds.
_COPY_EVERY = 240
# Names that are tried for an output.
_MOST_NAMES = 20
# Questions for objects at once.
_QUESTIONS = 8
# Characters: S3 allows 2 kB for all that is said of an object.
_LONGEST_TASK = 1000
_PRINTABLE = "".join(chr(code) for code in range(0x20, 0x7F) if chr(code) != "%")


class CloudShelf(LocalShelf):
    """Parts in a folder of this machine, outputs below a prefix of a bucket.

    `bring` may be called from several threads at once; what else is called needs no request, but
    where it says so.
    """

    far = True

    def __init__(  # noqa: PLR0913 - what it is made of
        self,
        address: BucketAddress,
        layout: Layout,
        *,
        job: str,
        public: str | None = None,
        fsync: bool = True,
        warn: Callable[[str], None] = lambda _: None,
        connect: Callable[[BucketAddress], Bucket] = Bucket,
    ) -> None:
        super().__init__(layout, fsync=fsync, warn=warn)
        self._address, self._public, self._connect = address, public, connect
        self._job = job
        self._connected: Bucket | None = None
        self._prefix: Prefix | None = None
        self._copied: tuple[float, int] = (0.0, 0)  # when, and how long the manifest was then
        self._lock = threading.Lock()
        self._brought: dict[str, str] = {}  # the names of parts in place that have no record yet
        self._foreign: set[str] = set()  # names that somebody else has in the bucket
        self._refused: Counter[str] = Counter()  # how often, by part
        self._down = False

    @property
    def _bucket(self) -> Bucket:
        if self._connected is None:
            self._connected = self._connect(self._address)
        return self._connected

    # -- the prefix -----------------------------------------------------------------------------

    def begin(self) -> None:
        """Take the prefix for a run, and remove what a killed one has left in its staging.

        Raises:
            DirectoryError: it is another directory's.
            BucketError: the bucket is down, or refuses.
        """
        self._prefix = Prefix(self._bucket, self._layout, self._job)
        self._prefix.take()
        self._owned()  # now, as a long manifest takes seconds to read
        here = {f"{_STAGING}/{part}" for part in self.parts()}
        for key in list(self._bucket.names(_STAGING)):
            if _OURS.fullmatch(key) and key not in here:
                self._bucket.delete(key)

    def tend(self) -> None:
        """Show that the prefix is in use, and copy what has changed beside the outputs.

        Raises:
            BucketError: the prefix was taken away, or the bucket is down.
        """
        if self._prefix is not None:
            self._prefix.renew()
            if time.monotonic() - self._copied[0] >= _COPY_EVERY:
                self._copy_manifest()

    def end(self) -> None:
        """Copy the manifest, and release the prefix; a bucket that is down is left alone."""
        prefix, self._prefix = self._prefix, None
        if prefix is None or not prefix.held or self._down:
            return
        try:
            self._copy_manifest()
            prefix.renew(released=True)
        except BucketError as error:
            self._warn(f"{self._address} was not released: {error.message}")

    def _copy_manifest(self) -> None:
        """Copy the manifest if it has grown; one that cannot be copied stops nothing."""
        file = self._layout.manifest
        size = file.stat().st_size if file.exists() else 0
        if size and size != self._copied[1]:
            try:
                copy_beside(self._bucket, file, identity(self._layout), lines=True)
            except (OSError, PipelineError) as error:
                self._warn(f"the manifest was not copied to {self._address}: {error}")
                size = 0
        self._copied = time.monotonic(), size

    def publish(self, file: Path) -> None:
        """Copy a file of the directory beside the outputs.

        Raises:
            BucketError: the bucket is down, or refuses.
        """
        copy_beside(self._bucket, file, identity(self._layout))

    # -- outputs --------------------------------------------------------------------------------

    def _is_free(self, task: str, output: str) -> bool:
        with self._lock:
            if self._chosen.get(output, task) != task or output in self._foreign:
                return False
            return self._owned().task_of(output) in {None, task}

    def bring(self, part: str, claim: Claim) -> None:
        """Upload a part, and give it its name. It blocks, and may be called again.

        Raises:
            FileExistsError: somebody else has that name; another is to be chosen.
            BucketError: the bucket is down, or refuses; the part stays here.
        """
        done = claim.completion
        assert done is not None
        with self._lock:
            if self._brought.get(part) == done.output:
                return
        if self._prefix is not None and not self._prefix.held:
            raise BucketError(f"{self._address} is another directory's now", lasts=True)
        if not is_whole(self.spool(part), done):
            raise BucketError(f"{self.spool(part)} is not what was received any more", lasts=True)
        said = _attributes(part, claim.task, done)
        try:
            self._bucket.upload(self.spool(part), f"{_STAGING}/{part}", said)
            self._make_way(claim.task, said["attempt"])
            self._name(part, done, said)
        except BucketError:
            self._down = True
            raise
        self._down = False
        with self._lock:
            self._brought[part] = done.output

    def _name(self, part: str, done: Completion, said: Attributes) -> None:
        """Give an upload its name; one that has it already, by an earlier try, keeps it."""
        staged = f"{_STAGING}/{part}"
        try:
            self._bucket.copy(staged, done.output)
        except FileExistsError:
            found = self._bucket.find(done.output)
            if found is None:
                raise BucketError(f"{self._address}/{done.output} has just been removed") from None
            if not self._is_this(found, done, said["attempt"]):
                self._give_up(part, done.output)
                raise
            self._bucket.copy(staged, done.output, create=False)
        if not self.holds(done.output, done):
            raise BucketError(f"{self._address}/{done.output} was acknowledged, and is not there")
        self._bucket.delete(staged)

    def _give_up(self, part: str, output: str) -> None:
        """Note that somebody else has a name.

        Raises:
            BucketError: whatever name is tried.
        """
        with self._lock:
            self._foreign.add(output)
            self._refused[part] += 1
            if self._refused[part] >= _MOST_NAMES:
                message = f"{self._address} refuses each of {_MOST_NAMES} names of {output}"
                raise BucketError(message, lasts=True)

    def _is_this(self, found: Found, done: Completion, attempt: str) -> bool:
        """Whether an object is the output of this attempt."""
        if found.size != done.bytes:
            return False
        if "attempt" in found.attributes:
            return found.attributes["attempt"] == attempt
        # Killed before anything was said of it: only its content can show it.
        return self._bucket.sha256(done.output) == done.sha256

    def _make_way(self, task: str, attempt: str) -> None:
        """Move the older clips of a task to `superseded/`; what is not its own stays."""
        with self._lock:
            older = self._owned().of(task)
        for output in older:
            found = self._bucket.find(output)
            if found is None:
                continue
            of = found.attributes.get("attempt", "")
            # Else it is the new one already; or somebody else's, which stays.
            if of != attempt and of.partition(".")[0] == task_key(task):
                self._supersede(output)

    def _supersede(self, output: str) -> None:
        path = PurePosixPath(output.replace("/", "-"))
        for number in itertools.count(1):
            try:
                name = f"{self._layout.superseded.name}/{path.stem}.{number}{path.suffix}"
                self._bucket.move(output, name)
            except FileExistsError:
                continue
            return

    def supersede(self, task: str) -> None:
        """Forget the older clips of a task: they have made way before its new one."""
        with self._lock:
            self._owned().pop(task)

    def place(self, part: str, task: str, output: str) -> None:
        """Note that a part is the output of a task: `bring` has put it there.

        Raises:
            BucketError: it has not.
        """
        with self._lock:
            if self._brought.get(part) != output:
                raise BucketError(f"{output} has not been brought to {self._address}")
            del self._brought[part]
            self._chosen.pop(output, None)
            self._owned().add(output, task)

    def flush(self) -> None:
        """Do nothing: what a bucket has acknowledged is durable."""

    def holds(self, output: str, done: Completion) -> bool:
        """Ask whether an output is there, whole, with that hash."""
        found = self._bucket.find(output)
        if found is None or found.size != done.bytes:
            return False
        return found.attributes.get("sha256") == done.sha256

    # -- what lies there ------------------------------------------------------------------------

    def clips(self, folder: str) -> Iterator[str]:  # noqa: ARG002 - of none of them
        """List nothing: what others have in a bucket is met when an output is given its name."""
        return iter(())

    def missing(self, outputs: Iterable[str]) -> set[str]:
        """Return which of these outputs are not there: by a list of the prefix.

        A list that was cut short costs a clip each if it is believed. So what is not in it is asked
        for by name.
        """
        wanted = set(outputs)
        if wanted:
            wanted.difference_update(self._bucket.names())
        with ThreadPoolExecutor(_QUESTIONS) as threads:
            found = threads.map(self._bucket.find, names := sorted(wanted))
            return {name for name, one in zip(names, found, strict=True) if one is None}

    def sign(self, output: str, seconds: float) -> str:
        """Make a URL by which anybody can read an output for so long."""
        return self._bucket.sign(output, seconds)

    def link(self, output: str) -> str:
        """Return the public URL of an output, where the job names one; else its address."""
        if self._public is not None:
            return bucket_address.public_link(self._public, output)
        return f"{self._address}/{output}"

    def refuse_unwritable(self, folder: str) -> None:
        """Check nothing: `begin` has written below the prefix."""


def _attributes(part: str, task: str, done: Completion) -> Attributes:
    """Say of an object what it is. What is not ASCII is percent-encoded."""
    attempt = part.removesuffix(part_of(""))
    return {
        "Content-Type": done.content_type or "application/octet-stream",
        "sha256": done.sha256,
        "task": quote(task, safe=_PRINTABLE)[:_LONGEST_TASK],
        "attempt": attempt,
    }
