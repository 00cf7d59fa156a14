"""`manifest.jsonl`: append, replay, repair.

One JSON object a line. A line counts once it is whole and durable; of several records of one
task the last says how it stands, and sums of money count them all.
"""

import hashlib
import os
from collections import deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from enum import IntEnum
from pathlib import Path
from typing import IO

import msgspec

from pipeline.amounts import ZERO, rounded
from pipeline.errors import DirectoryError
from pipeline.models import Record, Status, Task

NAME = "manifest.jsonl"

_ENCODER = msgspec.json.Encoder(decimal_format="number")
_DECODER = msgspec.json.Decoder(Record)


class Standing(IntEnum):
    """How a task of the job stands by the manifest."""

    NEW = 0
    DONE = 1
    CHANGED = 2
    FAILED = 3
    IN_DOUBT = 4


STANDINGS = {
    Status.SUCCEEDED: Standing.DONE,
    Status.FAILED: Standing.FAILED,
    Status.IN_DOUBT: Standing.IN_DOUBT,
}


def encode(record: Record) -> bytes:
    """Write a record as its line."""
    return _ENCODER.encode(record) + b"\n"


class _Summary(msgspec.Struct):
    """The part of a record that a replay needs: decoding less is twice as fast."""

    task: str
    status: Status
    fingerprint: str
    bytes: int | None = None
    cost: Decimal | None = None
    at_risk: Decimal | None = None
    remaining_credits: Decimal | None = None
    duration_s: float | None = None
    simulated: bool | None = None
    started_at: str = ""
    finished_at: str = ""


_SUMMARIES = msgspec.json.Decoder(_Summary)


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode(), digest_size=12).digest()


def attempt_digest(task: str, started_at: str) -> bytes:
    """Name one attempt, so that a claim finds the record it may already have."""
    return _digest(f"{started_at} {task}")


@dataclass(slots=True)
class History:
    """What the manifest says, in a few machine words a task: a million tasks stay affordable.

    `_last` maps a digest of the task to status, 60 bits of the fingerprint and the line's offset.
    """

    records: int = 0
    spent: Decimal = ZERO
    at_risk: Decimal = ZERO
    unpriced: int = 0  # records of what was or may have been charged, nobody knows how much
    remaining: Decimal | None = None
    told_at: str = ""
    largest: int = 0
    simulated: bool | None = None
    durations: deque[float] = field(default_factory=lambda: deque(maxlen=1000))
    attempts: set[bytes] = field(default_factory=set)
    counts: dict[Status, int] = field(default_factory=lambda: dict.fromkeys(Status, 0))
    _last: dict[bytes, int] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self._last)

    def standing(self, task: Task) -> Standing:
        """Say how a task of the job stands."""
        packed = self._last.get(_digest(task.id))
        if packed is None:
            return Standing.NEW
        if (packed >> 4) & _PRINT_MASK != _print_bits(task.fingerprint):
            return Standing.CHANGED
        return Standing(packed & 0xF)

    def has(self, task: str) -> bool:
        """Whether `task` has any record."""
        return _digest(task) in self._last

    def is_last(self, task: str, offset: int) -> bool:
        """Whether the line at `offset` is the last record of `task`."""
        return self._last.get(_digest(task), -1) >> 64 == offset

    def add(self, summary: "_Summary | Record", offset: int) -> None:
        """Take one record in."""
        digest = _digest(summary.task)
        before = self._last.get(digest)
        if before is not None:
            self.counts[_STATUS[Standing(before & 0xF)]] -= 1
        self.counts[summary.status] += 1
        standing = STANDINGS[summary.status]
        self._last[digest] = offset << 64 | _print_bits(summary.fingerprint) << 4 | standing
        self.records += 1
        self.spent += rounded(summary.cost or ZERO)
        self.at_risk += rounded(summary.at_risk or ZERO)
        self.unpriced += summary.cost is None and not summary.at_risk
        self._hear(summary)
        self.largest = max(self.largest, summary.bytes or 0)
        if summary.simulated is not None:
            self.simulated = summary.simulated
        if summary.status is Status.SUCCEEDED and summary.duration_s is not None:
            self.durations.append(summary.duration_s)

    def _hear(self, summary: "_Summary | Record") -> None:
        """Take a balance: an answer to what was sent before the present one came may only lower."""
        if summary.remaining_credits is None:
            return
        told = rounded(summary.remaining_credits)
        if self.remaining is None or told < self.remaining or summary.started_at >= self.told_at:
            self.remaining, self.told_at = told, summary.finished_at


_PRINT_MASK = (1 << 60) - 1
_STATUS = {standing: status for status, standing in STANDINGS.items()}


def _print_bits(fingerprint: str) -> int:
    try:
        return int(fingerprint[:15], 16)
    except ValueError:
        return 0


def replay(path: Path, *, attempts: Iterable[bytes] = ()) -> History:
    """Read a manifest into a `History`. A torn last line is left out, here and on disk.

    `attempts` are the digests to look for (see `attempt_digest`); those that have a record end
    up in `History.attempts`.

    Raises:
        DirectoryError: a line before the last cannot be read.
    """
    history = History()
    wanted = frozenset(attempts)
    for offset, line in lines(path):
        try:
            summary = _SUMMARIES.decode(line)
        except (msgspec.MsgspecError, UnicodeDecodeError) as error:
            raise _unreadable(path, offset, error) from error
        history.add(summary, offset)
        if wanted and (found := attempt_digest(summary.task, summary.started_at)) in wanted:
            history.attempts.add(found)
    return history


def read(path: Path) -> Iterator[Record]:
    """Yield every whole record of a manifest, in order.

    Raises:
        DirectoryError: a line before the last cannot be read.
    """
    for offset, line in lines(path):
        yield _decode(path, offset, line)


def last_records(path: Path, history: History) -> Iterator[Record]:
    """Yield the last record of each task, in the order of the file."""
    for offset, line in lines(path):
        record = _decode(path, offset, line)
        if history.is_last(record.task, offset):
            yield record


def _decode(path: Path, offset: int, line: bytes) -> Record:
    try:
        return _DECODER.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise _unreadable(path, offset, error) from error


def lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """Yield offset and text of each whole line; none where there is no manifest."""
    try:
        file = path.open("rb")
    except FileNotFoundError:
        return
    except OSError as error:
        raise DirectoryError(f"{path} cannot be read: {error.strerror}") from error
    with file:
        offset = 0
        for line in file:
            if line.endswith(b"\n") and not line.isspace():
                yield offset, line
            offset += len(line)


def _unreadable(path: Path, offset: int, error: Exception) -> DirectoryError:
    with path.open("rb") as file:
        number = file.read(offset).count(b"\n") + 1
    return DirectoryError(
        f"{path}:{number}: this line is no record ({error}), so what it paid for is unknown",
        hint="restore the line from a backup, or delete it once you know which task it was",
    )


class Manifest:
    """The manifest, open for appending. Its one owner calls it from one thread at a time."""

    def __init__(self, path: Path, *, fsync: bool = True) -> None:
        self._file: IO[bytes] = path.open("ab", buffering=0)
        self._fsync = fsync
        self.size = _mend_tail(path, self._file)

    def append(self, records: list[Record]) -> list[int]:
        """Append records and make them durable, or leave the file as it was.

        Returns where each line begins.

        Raises:
            OSError: they could not be written.
        """
        texts = [encode(record) for record in records]
        try:
            write_all(self._file.fileno(), b"".join(texts))
            if self._fsync:
                os.fsync(self._file.fileno())
        except OSError:
            # A part of a line would spoil the next record.
            os.ftruncate(self._file.fileno(), self.size)
            raise
        offsets = []
        for text in texts:
            offsets.append(self.size)
            self.size += len(text)
        return offsets

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def write_all(file: int, data: bytes) -> None:
    """Write all of `data` to a descriptor: one call may take only a part."""
    view = memoryview(data)
    while view:
        view = view[os.write(file, view) :]


def _mend_tail(path: Path, file: IO[bytes]) -> int:
    """Cut a torn end off, or end a whole last line; return the size then."""
    size = before = path.stat().st_size
    # Pages that a power loss took read as NULs, which no record holds.
    while b"\0" in (line := _last_line(path, size)):
        size -= len(line)
    unended = bool(line) and not line.endswith(b"\n")
    if unended and not _is_record(line):
        size -= len(line)
        unended = False
    if size < before:
        os.ftruncate(file.fileno(), size)
    return size + (file.write(b"\n") if unended else 0)


def _is_record(line: bytes) -> bool:
    try:
        _DECODER.decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return False
    return True


def _last_line(path: Path, size: int) -> bytes:
    """Read the last line of the first `size` bytes, with its line end if it has one."""
    with path.open("rb") as file:
        line = b""
        while size > len(line):
            step = min(size - len(line), 1 << 16)
            file.seek(size - len(line) - step)
            line = file.read(step) + line
            if (end := line.rfind(b"\n", 0, len(line) - 1)) >= 0:
                return line[end + 1 :]
        return line
