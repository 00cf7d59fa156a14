"""Where parts and outputs lie: the port, and the folders of this machine behind it.

A part is the body of one attempt, a local file. It becomes an output when the store places it, or
is kept as evidence, or dropped. The order of these steps is the store's; see `steps.py`.
"""

import contextlib
import errno
import hashlib
import itertools
import os
import shutil
import tempfile
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path, PurePosixPath
from typing import Protocol

from pipeline.api.media import beginning, extension_of
from pipeline.common import bucket_address
from pipeline.common import output_names as places
from pipeline.common.files import open_file, refuse_linked_folders, sync_directory
from pipeline.errors import DirectoryError, UsageError
from pipeline.ledger.manifest import read
from pipeline.models import Claim, Completion, Job, Status
from pipeline.printable import printable
from pipeline.store.arrivals import Arrivals, SharedFolder
from pipeline.store.layout import Layout

_MEDIA = (
    ".mp4", ".m4v", ".mov", ".webm", ".mkv", ".avi", ".jpg", ".jpeg", ".png", ".webp", ".gif",
    ".avif", ".heic", ".mp3", ".wav", ".ogg", ".m4a", ".flac", ".aac", ".opus",
)  # fmt: skip
_NOT_DURABLE = (
    "the file system of {} cannot make names durable: a power loss may cost finished work, a kill"
    " does not"
)


class Shelf(Protocol):
    """Where parts and outputs lie.

    A part is named by `Claim.part`, an output by its path relative to the output directory. The
    store calls it from one thread at a time; what fails raises `OSError`.

    Where outputs are `far`, on no disk of this machine, the store's thread never waits for them: a
    run calls `bring` in threads of its own before it calls `place`.
    """

    @property
    def far(self) -> bool:
        """Whether outputs lie elsewhere, and asking for them takes requests."""

    def begin(self) -> None:
        """Take the place of outputs for a run, before anything is sent."""

    def tend(self) -> None:
        """Show that the place is in use, every minute of a run; it may block."""

    def end(self) -> None:
        """Release the place; it may block. Called again, it does nothing."""

    def publish(self, file: Path) -> None:
        """Copy a file of the directory beside the outputs, where they are far; it may block."""

    def bring(self, part: str, claim: Claim) -> None:
        """Carry a part to where its completed claim says; it may block, and be called again.

        Raises:
            FileExistsError: somebody else has that name there; another is to be chosen.
        """

    def spool(self, part: str) -> Path:
        """Return the local file of a part, which a worker writes."""

    def local(self, part: str) -> str:
        """Return the path of that file as text: objects of paths take long to make."""

    def arrivals(self) -> Arrivals:
        """Return the way by which workers on other machines bring parts home. Plain data."""

    def parts(self) -> list[str]:
        """List the parts that are there."""

    def drop(self, part: str) -> None:
        """Remove a part; if it is not there or cannot be removed, nothing happens."""

    def keep(self, part: str, name: str) -> str | None:
        """Move a part to `errors/`, named by what it holds; None if there is nothing in it."""

    def choose(self, task: str, wanted: str, sha256: str) -> str:
        """Choose the name of an output: a file that is not this task's stays where it is."""

    def supersede(self, task: str) -> None:
        """Move the older clips of a task to `superseded/`."""

    def place(self, part: str, task: str, output: str) -> None:
        """Make a part the output of a task. It is durable after `flush`."""

    def flush(self) -> None:
        """Make durable what was placed since the last time."""

    def holds(self, output: str, done: Completion) -> bool:
        """Return whether an output is there, whole, with that hash."""

    def clips(self, folder: str) -> Iterable[str]:
        """List the clips in a folder, whoever made them."""

    def missing(self, outputs: Iterable[str]) -> set[str]:
        """Return which of these outputs are not there."""

    def link(self, output: str) -> str:
        """Return where people and scripts find an output: a path, or a URL."""

    def sign(self, output: str, seconds: float) -> str:
        """Make a URL by which anybody can read an output for so long; no request is needed.

        Raises:
            UsageError: outputs are not in a bucket.
        """

    def refuse_unwritable(self, folder: str) -> None:
        """Check that outputs can be placed in a folder, before anything is sent."""

    def room(self) -> int | None:
        """Return how many bytes are free; None if that is not known."""


def retired_names(name: str, folder: Path) -> Iterator[str]:
    """Yield the names that a file may have in one of our own folders; the first free one is taken.

    `name` is that of an output, with `-` for `/`.
    """
    most = places.longest_name(str(folder))
    stem, suffix = os.path.splitext(name)
    for number in itertools.count(1):
        yield places.fitting(f"{stem}.{number}{suffix}", most)


class Owners:
    """Which task each output belongs to, found from either side: a scan a task is quadratic."""

    def __init__(self) -> None:
        self._task: dict[str, str] = {}
        self._outputs: dict[str, list[str]] = {}

    def add(self, output: str, task: str) -> None:
        """Note that `output` is `task`'s now."""
        before = self._task.get(output)
        if before is not None:
            self._outputs[before].remove(output)
        self._task[output] = task
        self._outputs.setdefault(task, []).append(output)

    def task_of(self, output: str) -> str | None:
        """Return whose an output is; None if it is nobody's."""
        return self._task.get(output)

    def of(self, task: str) -> list[str]:
        """Return the outputs of a task."""
        return list(self._outputs.get(task, ()))

    def pop(self, task: str) -> list[str]:
        """Take all outputs of a task out."""
        outputs = self._outputs.pop(task, [])
        for output in outputs:
            del self._task[output]
        return outputs


class ShelfFactory(Protocol):
    """Opens the shelf of a job."""

    def __call__(
        self, job: Job, layout: Layout, *, fsync: bool, warn: Callable[[str], None]
    ) -> Shelf:
        """Make it; `fsync` makes names durable, `warn` notes what a person should know."""


class LocalShelf:
    """Parts and outputs in folders of this machine."""

    far = False

    def __init__(
        self, layout: Layout, *, fsync: bool = True, warn: Callable[[str], None] = lambda _: None
    ) -> None:
        self._layout, self._fsync, self._warn = layout, fsync, warn
        # As text: objects of paths would be a tenth of what a task costs.
        self._root = f"{layout.root}{os.sep}"
        self._inflight = f"{layout.inflight}{os.sep}"
        self._owners: Owners | None = None
        self._folders: set[str] = set()
        self._placed: set[str] = set()  # folders to be made durable
        self._chosen: dict[str, str] = {}  # the task of each name that is not yet in place

    def begin(self) -> None:
        """Do nothing: the lock of the output directory is enough."""

    def tend(self) -> None:
        """Do nothing."""

    def end(self) -> None:
        """Do nothing."""

    def publish(self, file: Path) -> None:
        """Do nothing: it lies beside the outputs."""

    def bring(self, part: str, claim: Claim) -> None:
        """Do nothing: `place` only renames."""

    # -- parts --------------------------------------------------------------------------------

    def spool(self, part: str) -> Path:
        """Return the local file of a part, which a worker writes."""
        return Path(self._inflight + part)

    def local(self, part: str) -> str:
        """Return the path of that file as text."""
        return self._inflight + part

    def arrivals(self) -> Arrivals:
        """Return the folder of parts, which workers on other machines see too."""
        return SharedFolder(str(self._layout.inflight))

    def parts(self) -> list[str]:
        """List the parts that are there."""
        return sorted(path.name for path in self._layout.inflight.glob("*.part"))

    def drop(self, part: str) -> None:
        """Remove a part; if it is not there or cannot be removed, nothing happens."""
        with contextlib.suppress(OSError):
            os.unlink(self._inflight + part)

    def keep(self, part: str, name: str) -> str | None:
        """Move a part to `errors/`, named by what it holds; None if there is nothing in it.

        Raises:
            OSError: it cannot be moved.
        """
        path = self._inflight + part
        try:
            with os.fdopen(open_file(Path(path)), "rb") as file:
                extension = extension_of(beginning(file.fileno()))
                if self._fsync:
                    os.fsync(file.fileno())
        except FileNotFoundError:
            return None
        except DirectoryError:  # a folder, or nothing that could hold a body
            extension = ".part"
        if os.path.islink(path) or not os.lstat(path).st_size:
            return None
        kept = self._retire(path, (name + extension).replace("/", "-"), self._layout.errors)
        return f"{self._layout.errors.name}/{kept}"

    # -- outputs ------------------------------------------------------------------------------

    def choose(self, task: str, wanted: str, sha256: str) -> str:
        """Choose the name of an output: a file that is not this task's stays where it is."""
        names = self._names(places.fitting_output(self._layout.root, wanted), sha256)
        chosen = next(name for name in names if self._is_free(task, name))
        self._chosen[chosen] = task
        return chosen

    def _names(self, wanted: str, sha256: str) -> Iterator[str]:
        yield wanted
        path = PurePosixPath(wanted)
        for number in itertools.count(1):
            end = f"-{sha256[:8]}" + (f"-{number}" if number > 1 else "")
            other = path.with_name(f"{path.stem}{end}{path.suffix}")
            yield places.fitting_output(self._layout.root, str(other))

    def _is_free(self, task: str, output: str) -> bool:
        if self._chosen.get(output, task) != task:
            return False
        return not os.path.lexists(f"{self._root}{output}") or self._owned().task_of(output) == task

    def place(self, part: str, task: str, output: str) -> None:
        """Make a part the output of a task. It is durable after `flush`.

        Raises:
            OSError: it cannot be placed.
        """
        folder = output.rpartition("/")[0]
        if folder not in self._folders:
            self._make_folder(folder)
        try:
            os.replace(self._inflight + part, self._root + output)
        except FileNotFoundError:  # somebody has removed the folder since
            self._make_folder(folder)
            os.replace(self._inflight + part, self._root + output)
        self._placed.add(folder)
        self._chosen.pop(output, None)
        if self._owners is not None:
            self._owners.add(output, task)

    def _refuse_links(self, folder: str) -> None:
        try:
            refuse_linked_folders(self._layout.root, folder)
        except DirectoryError as error:
            raise OSError(errno.ELOOP, error.message) from error

    def _make_folder(self, folder: str) -> None:
        self._refuse_links(folder)
        path = self._layout.root / folder
        if not path.is_dir():
            path.mkdir(parents=True, exist_ok=True)
            while path != self._layout.root:
                path = path.parent
                self._sync(path)
        self._folders.add(folder)

    def supersede(self, task: str) -> None:
        """Move the older clips of a task out of the way.

        Raises:
            OSError: one cannot be moved; it stays, and is nobody's now.
        """
        for output in self._owned().pop(task):
            old = f"{self._root}{output}"
            if os.path.lexists(old):
                self._refuse_links(output.rpartition("/")[0])
                self._retire(old, output.replace("/", "-"), self._layout.superseded)

    def _retire(self, file: str, name: str, folder: Path) -> str:
        """Move a file into one of our own folders, under a name that nothing has yet."""
        folder.mkdir(exist_ok=True)
        names = retired_names(name, folder)
        free = next(one for one in names if not os.path.lexists(folder / one))
        os.replace(file, folder / free)
        self._sync(folder)
        return free

    def flush(self) -> None:
        """Make durable what was placed since the last time.

        Raises:
            OSError: the disk failed.
        """
        placed, self._placed = self._placed, set()
        for folder in placed:
            self._sync(self._layout.root / folder)

    def _sync(self, folder: Path) -> None:
        if self._fsync:
            sync_names(folder, self._layout, self._warn)

    def holds(self, output: str, done: Completion) -> bool:
        """Return whether an output is there, whole, with that hash."""
        if not is_whole(self._layout.root / output, done):
            return False
        self._placed.add(output.rpartition("/")[0])
        return True

    # -- what lies there ----------------------------------------------------------------------

    def clips(self, folder: str) -> Iterator[str]:
        """List the clips in a folder, whoever made them.

        Raises:
            DirectoryError: the folder is a link.
        """
        refuse_linked_folders(self._layout.root, folder)
        try:
            with os.scandir(self._layout.root / folder) as found:
                for entry in found:  # one by one: a million names take 100 MB
                    if entry.name.lower().endswith(_MEDIA):
                        # What cannot be printed is none of our outputs; it is shown so that it can.
                        clip = printable(entry.name)
                        yield f"{folder}/{clip}" if folder else clip
        except OSError:  # it is not there yet
            return

    def missing(self, outputs: Iterable[str]) -> set[str]:
        """Return which of these outputs are not there."""
        # Path.exists raises for a name that no file can have; such a file is not there either.
        return {output for output in outputs if not os.path.exists(self._root + output)}

    def link(self, output: str) -> str:
        """Return the path of an output."""
        return str(self._layout.root / output)

    def sign(self, output: str, seconds: float) -> str:  # noqa: ARG002 - none is made
        """Refuse: a file needs no signature."""
        raise UsageError(f"{self.link(output)} is a file of this machine: no link of it is signed")

    def refuse_unwritable(self, folder: str) -> None:
        """Check that outputs can be placed in a folder, or that it can be made.

        Raises:
            DirectoryError: they cannot.
        """
        path = self._layout.root / folder
        while not path.exists() and path != self._layout.root:
            path = path.parent
        if os.access(path, os.W_OK | os.X_OK):
            return
        try:  # some shares say that they cannot be written, and can
            with tempfile.TemporaryFile(dir=path):
                pass
        except OSError as error:
            raise DirectoryError(
                f"{path} cannot be written, and clips of this job go there: {error.strerror}",
                hint="make it writable; nothing was sent",
            ) from error

    def room(self) -> int | None:
        """Return how many bytes are free; None if the disk does not say.

        Raises:
            OSError: the disk cannot be reached.
        """
        disk = shutil.disk_usage(self._root)
        return disk.free if disk.total else None

    def _owned(self) -> Owners:
        """Which task each output in place belongs to; read when first needed."""
        if self._owners is None:
            self._owners = Owners()
            for record in read(self._layout.manifest):
                if record.status is Status.SUCCEEDED and record.output is not None:
                    self._owners.add(record.output, record.task)
        return self._owners


def open_shelf(
    job: Job, layout: Layout, *, fsync: bool = True, warn: Callable[[str], None] = lambda _: None
) -> Shelf:
    """Open the shelf of a job: the one place where it is chosen.

    Raises:
        UsageError: its outputs would go where no shelf of this program reaches.
    """
    if job.bucket is None:
        return LocalShelf(layout, fsync=fsync, warn=warn)
    from pipeline.store.cloud import CloudShelf  # noqa: PLC0415 - it is a LocalShelf, and more

    address = bucket_address.parse(job.bucket)
    return CloudShelf(address, layout, job=job.name, public=job.public, fsync=fsync, warn=warn)


def is_whole(path: Path, done: Completion) -> bool:
    """Return whether a file is there, and holds what came."""
    try:
        with os.fdopen(open_file(path), "rb") as file:
            if os.fstat(file.fileno()).st_size != done.bytes:
                return False
            return hashlib.file_digest(file, "sha256").hexdigest() == done.sha256
    except (OSError, DirectoryError):
        return False


def sync_names(folder: Path, layout: Layout, warn: Callable[[str], None]) -> None:
    """Make the names in a folder durable, if its file system knows how; else warn.

    Raises:
        OSError: the disk failed.
    """
    if not sync_directory(folder):
        warn(_NOT_DURABLE.format(layout.root))
