"""`manifest.jsonl`: what it says. `writing.py` appends to it.

One JSON object a line. A line counts once it is whole and durable; of several records of one
task the last says how it stands, and sums of money count them all.
"""

import hashlib
import os
from collections import Counter, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from enum import IntEnum
from pathlib import Path

import msgspec

from pipeline.amounts import ZERO, is_money, rounded
from pipeline.common import output_names as places
from pipeline.common.depth import DEEPEST, is_too_deep
from pipeline.common.files import open_file
from pipeline.errors import DirectoryError
from pipeline.models import CORRECTION, Cause, CostSource, Record, Status, Task

NAME = "manifest.jsonl"

_ENCODER = msgspec.json.Encoder(decimal_format="number")
_DECODER = msgspec.json.Decoder(Record)
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
# Bytes of a line; a record of 0.1 may hold pictures in its parameters.
_LONGEST = 64 * 1024**2
# Seconds that no request takes: a clock has jumped, or a hand has written it.
_NO_DURATION = 86400.0
_BOM = b"\xef\xbb\xbf"


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


_OPEN = frozenset({Standing.NEW, Standing.CHANGED})


def encode(record: Record) -> bytes:
    """Write a record as its line."""
    return _ENCODER.encode(record) + b"\n"


class Summary(msgspec.Struct):
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
    output: str | None = None
    reason: str | None = None
    cost_source: CostSource | None = None


_USELESS = frozenset({Cause.NOT_MEDIA, Cause.BROKEN_MEDIA, Cause.TOO_LARGE, Cause.CUT})
_SUMMARIES = msgspec.json.Decoder(Summary)


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
    last_cost: Decimal | None = None  # of the last one that has cost something
    unpriced: int = 0  # records of what was or may have been charged, nobody knows how much
    remaining: Decimal | None = None
    told_at: str = ""
    largest: int = 0
    simulated: bool | None = None
    durations: deque[float] = field(default_factory=lambda: deque(maxlen=1000))
    without_clip: int = 0  # answers in a row, up to the last, that cost and brought no clip
    killed: deque[str] = field(default_factory=lambda: deque(maxlen=2000))  # when they were sent
    attempts: set[bytes] = field(default_factory=set)
    counts: dict[Status, int] = field(default_factory=lambda: dict.fromkeys(Status, 0))
    _last: dict[bytes, int] = field(default_factory=dict)
    _reported: Counter[Decimal] = field(default_factory=Counter)
    _corrected: set[bytes] = field(default_factory=set)

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

    def known(self, task: Task) -> Task:
        """Give a task as the manifest knows it.

        Where an earlier version read its row otherwise, and what it made of it stands here, that
        one goes on: what was paid for is not paid for again because of a blank.
        """
        former = task.former
        if former is None:
            return task
        if self.standing(task) in _OPEN and self.standing(former) not in _OPEN:
            return former
        return msgspec.structs.replace(task, former=None)

    def has(self, task: str) -> bool:
        """Whether `task` has any record."""
        return _digest(task) in self._last

    def place(self, task: str) -> int | None:
        """Tell where the last record of `task` begins."""
        packed = self._last.get(_digest(task))
        return None if packed is None else packed >> 64

    def is_last(self, task: str, offset: int) -> bool:
        """Whether the line at `offset` is the last record of `task`."""
        return self._last.get(_digest(task), -1) >> 64 == offset

    def is_corrected(self, task: str) -> bool:
        """Whether what an attempt at `task` has cost was corrected."""
        return _digest(task) in self._corrected

    def understated(self, written: Decimal | None) -> Decimal:
        """Add up by how much answers have told less than the written price."""
        least = written or ZERO
        return sum(((least - c) * n for c, n in self._reported.items() if c < least), ZERO)

    def add(self, summary: "Summary | Record", offset: int) -> None:
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
        if summary.reason == CORRECTION:
            self._corrected.add(digest)
            return
        if summary.cost:
            self.last_cost = rounded(summary.cost)
        if summary.cost_source is CostSource.REPORTED:
            self._reported[rounded(summary.cost or ZERO)] += 1
        self._hear(summary)
        self.largest = max(self.largest, summary.bytes or 0)
        if summary.simulated is not None:
            self.simulated = summary.simulated
        taken = summary.duration_s
        if summary.status is Status.SUCCEEDED and taken is not None and 0 <= taken < _NO_DURATION:
            self.durations.append(taken)
        if summary.reason == Cause.KILLED:
            # It was sent before its record was written, whatever a clock that was set back says.
            sent, recorded = summary.started_at, summary.finished_at
            self.killed.append(min(sent, recorded or sent))
        if summary.status is Status.SUCCEEDED:
            self.without_clip = 0
        self.without_clip += summary.reason in _USELESS

    def _hear(self, summary: "Summary | Record") -> None:
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
    """Read a manifest into a `History`. A torn last line is left out.

    `attempts` are the digests to look for (see `attempt_digest`); those that have a record end
    up in `History.attempts`.

    Raises:
        DirectoryError: a line before the last is no record, or one that would lead elsewhere.
    """
    return replay_lines(Lines(path), attempts=attempts)


def replay_lines(lines: "Lines", *, attempts: Iterable[bytes] = ()) -> History:
    """Read lines into a `History`, as `replay` does."""
    history = History()
    wanted = frozenset(attempts)
    for offset, line in lines:
        summary = summarize(lines.path, offset, line)
        history.add(summary, offset)
        if wanted and (found := attempt_digest(summary.task, summary.started_at)) in wanted:
            history.attempts.add(found)
    return history


def read(path: Path) -> Iterator[Record]:
    """Yield every whole record of a manifest, in order.

    Raises:
        DirectoryError: a line before the last is no record, or one that would lead elsewhere.
    """
    for offset, line in Lines(path):
        yield _decode(path, offset, line)


def summaries(path: Path) -> Iterator[tuple[int, "Summary"]]:
    """Yield the offset and the gist of every whole record: twice as fast as `read`."""
    for offset, line in Lines(path):
        yield offset, summarize(path, offset, line)


def last_records(path: Path, history: History) -> Iterator[Record]:
    """Yield the last record of each task, in the order of the file, corrections taken in."""
    standing: dict[str, Record] = {}
    for offset, line in Lines(path):
        record = _decode(path, offset, line)
        if history.is_corrected(record.task):
            record = standing[record.task] = corrected(standing.get(record.task), record)
        if history.is_last(record.task, offset):
            yield record


def record_at(path: Path, offset: int) -> Record | None:
    """Read the record whose line begins at `offset`; None where none does, any more."""
    try:
        with path.open("rb") as file:
            file.seek(offset)
            return _DECODER.decode(file.readline())
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return None


def corrected(before: Record | None, record: Record) -> Record:
    """Take a correction into the record that it corrects; any other record stands as it is."""
    if record.reason != CORRECTION:
        return record
    cost = rounded((before.cost or ZERO if before else ZERO) + (record.cost or ZERO))
    if before is None:
        return msgspec.structs.replace(record, cost=cost, reason=None)
    return msgspec.structs.replace(before, cost=cost, cost_source=record.cost_source)


def _decode(path: Path, offset: int, line: bytes) -> Record:
    try:
        record = _DECODER.decode(line)
    except _UNREADABLE as error:
        raise _unreadable(path, offset, error) from error
    if is_too_deep(line, [record.params, record.meta], DEEPEST * 2):
        raise _unreadable(path, offset, "it nests too deeply")
    _refuse_forged(path, offset, record)
    return record


def summarize(path: Path, offset: int, line: bytes) -> "Summary":
    """Read what a replay needs of a line.

    Raises:
        DirectoryError: it is no record, or one that would lead elsewhere.
    """
    try:
        summary = _SUMMARIES.decode(line)
    except _UNREADABLE as error:
        raise _unreadable(path, offset, error) from error
    _refuse_forged(path, offset, summary)
    return summary


def _refuse_forged(path: Path, offset: int, record: "Summary | Record") -> None:
    """See that a record is about its own directory, and that its money can be added up."""
    fault = None
    if record.output is not None and (why := places.fault(record.output)):
        fault = f"its output {record.output[:200]!r} {why}"
    if not all(map(is_money, (record.cost, record.at_risk, record.remaining_credits))):
        fault = "no money has such an amount"
    if fault:
        raise DirectoryError(
            f"{path}:{_line_number(path, offset)}: this is no record of this program: {fault}",
            hint="delete the line if you do not know where it is from; nothing was sent or moved",
        )


class Lines:
    """The whole lines of a manifest, with their offsets; none where there is no manifest.

    Once they are read, `end` is where the last of them ends: what follows it is a torn end. A power
    loss leaves NULs in pages, which no record holds. `unended` says that the last line is whole
    but for its line end.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.end = 0
        self.unended = False

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        try:
            file = os.fdopen(open_file(self.path), "rb")
        except FileNotFoundError:
            return
        except OSError as error:
            raise DirectoryError(f"{self.path} cannot be read: {error.strerror}") from error
        torn: tuple[int, bytes] | None = None
        offset = 0
        with file:
            while line := file.readline(_LONGEST + 1):
                text = line.removeprefix(_BOM) if offset == 0 else line
                if self._is_torn(text, offset):
                    torn = torn or (offset, text)
                else:
                    if torn is not None:  # it is in the middle: whoever reads it will say so
                        yield torn
                    self.end = offset + len(line)
                    if not text.isspace():
                        yield offset, text
                offset += len(line)

    def _is_torn(self, text: bytes, offset: int) -> bool:
        if len(text) > _LONGEST:
            number = _line_number(self.path, offset)
            raise DirectoryError(
                f"{self.path}:{number}: this line has more than {_LONGEST:,} bytes",
                hint="it is no record of this program: restore the manifest from a backup",
            )
        if b"\0" in text:
            return True
        if text.endswith(b"\n"):
            return False
        self.unended = _is_record(text)
        return not self.unended


def _is_record(line: bytes) -> bool:
    try:
        _DECODER.decode(line)
    except _UNREADABLE:
        return False
    return True


def _unreadable(path: Path, offset: int, error: Exception | str) -> DirectoryError:
    return DirectoryError(
        f"{path}:{_line_number(path, offset)}: this line is no record ({error}), so what it paid"
        " for is unknown",
        hint="restore the line from a backup, or delete it once you know which task it was",
    )


def _line_number(path: Path, offset: int) -> int:
    number = 1
    with os.fdopen(open_file(path), "rb") as file:
        while offset > 0 and (piece := file.read(min(offset, 1 << 20))):
            number += piece.count(b"\n")
            offset -= len(piece)
    return number
