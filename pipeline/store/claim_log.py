"""`.inflight/claims.json`: the claims of a run, in one log that is only appended to.

JSON lines; `docs/reference/formats.md` has their form. A claim is durable before its request is
sent: many of them with one write and one fdatasync. What happens to an attempt meanwhile, and its
end, is appended without a sync: what a process has written outlives the process, and after a power
loss the machine's boot id is another, so that nothing is concluded from it.

The log is rewritten, with the claims of that moment, before a run appends the first line to it,
when it has grown large, and when it cannot be relied on: a sync has failed, or somebody has removed
it. So a torn end is never appended to.
"""

import contextlib
import errno
import os
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

import msgspec

from pipeline import __version__
from pipeline.api.outcome import Outcome
from pipeline.common.boot import boot_id
from pipeline.common.files import create, refuse_alien_folder, write_all
from pipeline.ledger.formats import FORMAT
from pipeline.models import Claim
from pipeline.store import claims
from pipeline.store.claim_lines import NAME, Line, merged, read_log
from pipeline.store.claims import Head

# Bytes of a log that is rewritten, if it is as many times as large as what is open. Where it is
# not, that is looked at again when it has doubled.
_LARGE, _TIMES = 4 * 1024**2, 4
_ENCODER = msgspec.json.Encoder(decimal_format="number")


class ClaimLog:
    """The claims of a folder: what earlier runs left in it, and the log that this one writes.

    Commits come from one thread at a time, and what happens to an attempt from the event loop,
    which never waits for the disk here.

    Raises:
        DirectoryError: see `leftovers`.
    """

    def __init__(self, folder: Path, *, fsync: bool, sync_names: Callable[[Path], None]) -> None:
        refuse_alien_folder(folder)
        self._folder, self._path = folder, f"{folder}{os.sep}{NAME}"
        self._fsync, self._sync_names = fsync, sync_names
        found = read_log(folder / NAME)
        self.leftovers = merged(folder, found)
        self._files = {left.attempt for left in self.leftovers} - found.keys()
        self._open = {attempt: each.lines for attempt, each in found.items()}
        self._lock = threading.Lock()  # of what follows, and of `_open`; never held for a sync
        self._file: int | None = None
        self._identity: tuple[int, int] | None = None  # of that file: device and inode
        self._size = self._synced = 0
        self._large = _LARGE
        self._unsure = True  # whether the log must be rewritten before it is relied on
        self._late: list[bytes] | None = None  # what is appended while it is
        self._owed: list[bytes] = []  # what there was no room for

    def __contains__(self, attempt: str) -> bool:
        """Whether the next run would find the claim of an attempt."""
        with self._lock:  # a log that is being replaced is in its place before or after that
            if attempt in self._open and self._is_in_place():
                return True
        return attempt in self._files and os.path.lexists(self._claim_file(attempt))

    def commit(self, written: Mapping[str, Claim]) -> None:
        """Make claims durable, each in place of what there was of its attempt, or none of them.

        Raises:
            OSError: they cannot be written.
        """
        lines = {attempt: [_encode(attempt, claim)] for attempt, claim in written.items()}
        before = {attempt: self._open.get(attempt) for attempt in lines}
        try:
            self._make_ready()
            with self._lock:
                data = b"".join(line for each in lines.values() for line in each)
                self._append(b'{"synced":%d}\n%b' % (self._synced, data))
                self._open |= lines
                size = self._size
            self._sync(size)
        except BaseException:
            self._put_back(before)
            raise

    def _put_back(self, before: Mapping[str, list[bytes] | None]) -> None:
        with self._lock:
            for attempt, lines in before.items():
                if lines is None:
                    self._open.pop(attempt, None)
                else:
                    self._open[attempt] = lines

    def _sync(self, size: int) -> None:
        """Make durable what was written, and see that it is found under the name of the log."""
        assert self._file is not None
        if self._fsync:
            try:
                _sync_data(self._file)
            except OSError:
                self._unsure = True  # the system reports once that it has lost what was written
                raise
            self._synced = size
        if not self._is_in_place():
            self._rewrite()

    def mark(self, attempt: str, line: bytes, *, look: bool = True) -> None:
        """Append a line about an open attempt; it outlives the process.

        Where nothing follows from it, it need not `look` whether the log is still in its place: if
        it is not, the next commit writes the line again.

        Raises:
            OSError: it cannot be written, or the next run would not find it.
        """
        with self._lock:
            lines = self._open.get(attempt)
            if lines is None or self._unsure or (look and not self._is_in_place()):
                raise OSError(errno.ENOENT, "the claim is not there any more")
            self._append(line)
            lines.append(line)

    def close_claims(self, *attempts: str) -> None:
        """Close claims whose records are durable, or of which nothing was sent.

        One that cannot be closed is known by its record, or in doubt: the safe side.
        """
        with self._lock:
            closed = [each for each in attempts if self._open.pop(each, None) is not None]
            self._owed += [_about(each, b'"closed":true') for each in closed]
            if self._owed and not self._unsure:
                with contextlib.suppress(OSError):
                    self._append(b"".join(self._owed))
                    self._owed.clear()
        for attempt in self._files.intersection(attempts):
            with contextlib.suppress(OSError):
                os.unlink(self._claim_file(attempt))

    def close(self) -> None:
        """Close the log; one in which nothing is open is removed."""
        with contextlib.suppress(OSError):
            if not self._open:
                if self._is_in_place():
                    os.unlink(self._path)
            elif self._owed or (self._unsure and self._file is not None):
                self._rewrite()
        if self._file is not None:
            os.close(self._file)
            self._file = None
        self._unsure = True

    def _claim_file(self, attempt: str) -> str:
        return f"{self._folder}{os.sep}{attempt}.json"

    def _is_in_place(self) -> bool:
        if self._file is None:  # nothing was written yet: what was read is there
            return os.path.lexists(self._path)
        try:
            found = os.lstat(self._path)
        except OSError:
            return False
        return (found.st_dev, found.st_ino) == self._identity

    # -- writing ------------------------------------------------------------------------------

    def _append(self, data: bytes) -> None:
        """Append whole lines, or nothing; whoever calls it has the lock."""
        assert self._file is not None
        try:
            write_all(self._file, data)
        except BaseException:
            try:
                os.ftruncate(self._file, self._size)  # the next line must not follow a torn one
            except OSError:
                self._unsure = True
            raise
        self._size += len(data)
        if self._late is not None:
            self._late.append(data)

    def _make_ready(self) -> None:
        """Rewrite the log where it must be; where that only saves room, it may fail."""
        if self._unsure or not self._is_in_place():
            self._rewrite()
        elif self._size > self._large:
            self._large = 2 * self._size  # until then no commit counts again all that is open
            with self._lock:
                used = sum(len(line) for lines in self._open.values() for line in lines)
            if self._size > _TIMES * used:
                try:
                    self._rewrite()
                except OSError:
                    if self._unsure:
                        raise

    def _rewrite(self) -> None:
        """Write the open claims into a new log, and put it in place of the old one."""
        with self._lock:
            data = b"".join([_header(), *(x for lines in self._open.values() for x in lines)])
            owed, self._owed, self._late = self._owed, [], []
        try:
            self._replace(data)
        except BaseException:
            with self._lock:
                self._owed[:0] = owed
                self._late = None
            raise
        try:
            if self._fsync:
                self._sync_names(self._folder)
        except OSError:
            self._unsure = True
            raise

    def _replace(self, data: bytes) -> None:
        """Replace the log by one that says this, and what is appended until it is in place."""
        draft = f"{self._path}.new"
        new = create(draft, os.O_APPEND)
        try:
            write_all(new, data)
            if self._fsync:
                os.fsync(new)
            with self._lock:
                late = b"".join([*(self._late or []), *self._owed])
                write_all(new, late)
                os.replace(draft, self._path)
                made = os.fstat(new)  # under its name: where inodes are made of it, not before
                old, self._file = self._file, new
                self._identity = made.st_dev, made.st_ino
                self._size, self._synced = len(data) + len(late), len(data) * self._fsync
                self._large = max(_LARGE, 2 * self._size)
                self._late, self._unsure = None, False
                self._owed.clear()
        except BaseException:
            os.close(new)
            with contextlib.suppress(OSError):
                os.unlink(draft)
            raise
        if old is not None:
            os.close(old)


def _sync_data(file: int) -> None:
    if hasattr(os, "fdatasync"):  # not on macOS
        os.fdatasync(file)
    else:
        os.fsync(file)


def _header() -> bytes:
    return _ENCODER.encode(Line(format=FORMAT, program=__version__, boot_id=boot_id())) + b"\n"


def _about(attempt: str, what: bytes) -> bytes:
    return b'{"attempt":%b,%b}\n' % (_ENCODER.encode(attempt), what)


def _encode(attempt: str, claim: Claim) -> bytes:
    return _about(attempt, b'"claim":' + claims.encode(claim, attempt))


class Noting:
    """Notes in the log how far an attempt has come. `failed` is called if it cannot."""

    def __init__(
        self, log: ClaimLog, attempt: str, failed: Callable[[OSError], None], started_at: str
    ) -> None:
        self._log, self._attempt, self._failed, self._at = log, attempt, failed, started_at
        self.sent = False
        self.has_head = False  # by which a body that is whole is taken in after a kill

    def sending(self, worker: str | None = None) -> None:
        """Note that the first byte leaves now, or that `worker` gets the request, elsewhere.

        Raises:
            OSError: it could not be noted; then nothing may leave.
        """
        what = b'"sent":"%b"' % self._at.encode()
        if worker is not None:
            what += b',"worker":' + _ENCODER.encode(worker)
        try:
            self._log.mark(self._attempt, _about(self._attempt, what))
        except OSError as error:
            self._failed(error)
            raise
        self.sent = True

    def answered(self, outcome: Outcome, length: int | None) -> None:
        """Note that an answer has begun; and its head, if it gives the length of the body.

        Without the head a whole body is kept, and not taken in.
        """
        what = b'"answered":true'
        if length is not None:
            what += b',"head":' + _ENCODER.encode(_head(outcome, length))
        with contextlib.suppress(OSError):
            self._log.mark(self._attempt, _about(self._attempt, what), look=False)
            self.has_head = length is not None


def _head(outcome: Outcome, length: int) -> Head:
    return Head(
        length=length,
        status=outcome.status or 0,
        content_type=outcome.content_type,
        cost=outcome.cost,
        remaining_credits=outcome.remaining,
        request_id=outcome.request_id,
        simulated=outcome.simulated,
    )
