"""`manifest.jsonl`: what it says. `writing.py` appends to it.

One JSON object a line. A line counts once it is whole and durable; of several records of one
task the last says how it stands, and sums of money count them all.
"""

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import IO, TypeVar

import msgspec

from pipeline.amounts import ZERO, is_money, rounded
from pipeline.common import output_names as places
from pipeline.common.depth import DEEPEST, is_too_deep
from pipeline.common.files import open_file
from pipeline.errors import DirectoryError
from pipeline.ledger.costs import Spending
from pipeline.ledger.doubts import attempt_digest
from pipeline.ledger.formats import FORMAT, refuse_newer
from pipeline.ledger.history import Clip, History, Summary
from pipeline.models import CORRECTION, Record, Status

NAME = "manifest.jsonl"

Gist = TypeVar("Gist", bound=Summary)

_ENCODER = msgspec.json.Encoder(decimal_format="number")
_DECODER = msgspec.json.Decoder(Record)
_SUMMARIES = msgspec.json.Decoder(Summary)
_SPENDINGS = msgspec.json.Decoder(Spending)
_CLIPS = msgspec.json.Decoder(Clip)
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError)
# Bytes of a line; a record of 0.1 may hold pictures in its parameters.
_LONGEST = 64 * 1024**2
_AT_ONCE = 256 * 1024  # bytes that are read at once
_BOM = b"\xef\xbb\xbf"
_SAYS_FORMAT = b',"format":%d}\n' % FORMAT


def encode(record: Record, *, first: bool = False) -> bytes:
    """Write a record as its line; the `first` that a run appends says its format as well."""
    line = _ENCODER.encode(record)
    return line[:-1] + _SAYS_FORMAT if first else line + b"\n"


def replay(path: Path, *, attempts: Iterable[bytes] = ()) -> History:
    """Read a manifest into a `History`. A torn last line is left out.

    `attempts` are the digests to look for (see `attempt_digest`); those that have a record end
    up in `History.attempts`.

    Raises:
        DirectoryError: a line before the last is not a record, or one that names a file elsewhere.
    """
    return replay_lines(Lines(path), attempts=attempts)


def replay_lines(lines: "Lines", *, attempts: Iterable[bytes] = ()) -> History:
    """Read lines into a `History`, as `replay` does."""
    history = History()
    wanted = frozenset(attempts)
    path = lines.path
    for offset, line in lines:
        summary = _gist(path, offset, line, _SUMMARIES)
        if summary.format is not None:
            history.format = summary.format
        if summary.settled is not None and (fault := history.doubts.fault(summary)):
            raise _forged(path, offset, fault)
        history.add(summary, offset)
        if summary.reason == CORRECTION and min(history.spent, history.at_risk) < 0:
            raise _forged(path, offset, "it takes back more than was spent")
        if wanted and (found := attempt_digest(summary.task, summary.started_at)) in wanted:
            history.attempts.add(found)
    return history


def read(path: Path) -> Iterator[Record]:
    """Yield every whole record of a manifest, in order.

    Raises:
        DirectoryError: a line before the last is not a record, or one that names a file elsewhere.
    """
    for offset, line in Lines(path):
        yield _decode(path, offset, line)


class Following:
    """The whole records of a manifest from the line that begins at `start`, in order.

    Once they are read, `end` is where the next one will begin. Raises what `read` does.
    """

    def __init__(self, path: Path, start: int = 0) -> None:
        self._lines = Lines(path, start=start)

    def __iter__(self) -> Iterator[Record]:
        for offset, line in self._lines:
            yield _decode(self._lines.path, offset, line)

    @property
    def end(self) -> int:
        """Where the last record that was read ends, its line end included where it is there."""
        return self._lines.end


def summaries(path: Path) -> Iterator[tuple[int, Summary]]:
    """Yield the offset and the gist of every whole record: twice as fast as `read`."""
    for offset, line in Lines(path):
        yield offset, summarize(path, offset, line)


def spendings(path: Path) -> Iterator[tuple[int, Spending]]:
    """Yield the offset and the costs of every whole record."""
    for offset, line in Lines(path):
        yield offset, _gist(path, offset, line, _SPENDINGS)


def clips(path: Path) -> Iterator[tuple[str, str]]:
    """Yield the task and the sha256 of every clip that was recorded, in order.

    Raises:
        DirectoryError: a line before the last is not a record.
    """
    for offset, line in Lines(path):
        found = _gist(path, offset, line, _CLIPS)
        made = found.status is Status.SUCCEEDED and found.reason != CORRECTION
        if made and found.sha256 is not None:
            yield found.task, found.sha256


def last_records(path: Path, history: History) -> Iterator[Record]:
    """Yield the last record of each task, in the order of the file, corrections taken in."""
    last: dict[str, Record] = {}
    for offset, line in Lines(path):
        record = _decode(path, offset, line)
        if history.is_corrected(record.task):
            record = last[record.task] = corrected(last.get(record.task), record)
        if history.is_last(record.task, offset):
            yield record


def tail(path: Path, most: int = 2 * 1024**2) -> Iterator[Record]:
    """Yield the records at the end of a manifest: those in its last `most` bytes.

    Raises:
        DirectoryError: a line is not a record.
    """
    for offset, line in Lines(path, most=most):
        yield _decode(path, offset, line)


def record_at(path: Path, offset: int) -> Record | None:
    """Read the record whose line begins at `offset`; None where none does, any more."""
    try:
        with path.open("rb") as file:
            file.seek(offset)
            return _DECODER.decode(file.readline())
    except (OSError, msgspec.MsgspecError, UnicodeDecodeError):
        return None


def open_doubts(path: Path, history: History) -> Iterator[Record]:
    """Yield the record of each doubt that none has ended, in the order of the file.

    Its money is what the history counts for it.

    Raises:
        DirectoryError: a line is not a record, any more.
        OSError: the manifest cannot be read.
    """
    places = history.doubts.places()
    if not places:
        return
    with os.fdopen(open_file(path), "rb") as file:
        for offset, cost, at_risk in places:
            file.seek(offset)
            record = _decode(path, offset, file.readline(_LONGEST))
            yield msgspec.structs.replace(record, cost=cost, at_risk=at_risk)


def corrected(before: Record | None, record: Record) -> Record:
    """Take a correction into the record that it corrects; any other record stands as it is.

    What ends the doubt of an attempt before the last is a correction too: of the sums alone.
    """
    if record.reason != CORRECTION:
        return _as_ended(before, record)
    if record.settled is not None:  # it ends an older attempt: the task stands as before
        return before or record
    cost = rounded((before.cost or ZERO if before else ZERO) + (record.cost or ZERO))
    if before is None:
        return msgspec.structs.replace(record, cost=cost, reason=None)
    return msgspec.structs.replace(before, cost=cost, cost_source=record.cost_source)


def _as_ended(before: Record | None, record: Record) -> Record:
    """Add to a record that ends a doubt what the doubt has counted as cost."""
    is_end = before is not None and record.settled and before.started_at == record.started_at
    if before is None or not is_end or not before.cost or record.cost is None:
        return record
    return msgspec.structs.replace(record, cost=rounded(before.cost + record.cost))


def _decode(path: Path, offset: int, line: bytes) -> Record:
    refuse_newer(path, line)
    try:
        record = _DECODER.decode(line)
    except _UNREADABLE as error:
        raise _unreadable(path, offset, error) from error
    if is_too_deep(line, [record.params, record.meta], DEEPEST * 2):
        raise _unreadable(path, offset, "it nests too deeply")
    _refuse_forged(path, offset, record)
    return record


def summarize(path: Path, offset: int, line: bytes) -> Summary:
    """Read what a replay needs of a line.

    Raises:
        DirectoryError: it is not a record, or one that names a file elsewhere.
    """
    return _gist(path, offset, line, _SUMMARIES)


def _gist(path: Path, offset: int, line: bytes, decoder: msgspec.json.Decoder[Gist]) -> Gist:
    try:
        summary = decoder.decode(line)
    except _UNREADABLE as error:
        refuse_newer(path, line)
        raise _unreadable(path, offset, error) from error
    if summary.format is not None:
        refuse_newer(path, line)
    _refuse_forged(path, offset, summary)
    return summary


def _refuse_forged(path: Path, offset: int, record: Summary | Record) -> None:
    """See that a record is about its own directory, and that its money can be added up."""
    if record.output is not None and (why := places.fault(record.output)):
        raise _forged(path, offset, f"its output {record.output[:200]!r} {why}")
    cost, at_risk = record.cost, record.at_risk
    if not (is_money(cost) and is_money(at_risk) and is_money(record.remaining_credits)):
        raise _forged(path, offset, "an amount in it is not a valid amount of money")
    if record.settled is not None:  # what it may take back, the doubt says that it ends
        return
    if (at_risk and at_risk < 0) or (cost and cost < 0 and record.reason != CORRECTION):
        raise _forged(path, offset, "an amount in it is negative")


def _forged(path: Path, offset: int, fault: str) -> DirectoryError:
    return DirectoryError(
        f"{path}:{_line_number(path, offset)}: pipeline did not write this record: {fault}",
        hint="delete the line if you do not know where it is from; nothing was sent or moved",
    )


class Lines:
    """The whole lines of a manifest, with their offsets; none where there is no manifest.

    Once they are read, `end` is where the last of them ends: what follows it is a torn end. A power
    loss leaves NULs in pages, which no record holds. `unended` says that the last line is whole
    but for its line end.
    """

    def __init__(self, path: Path, most: int | None = None, start: int = 0) -> None:
        """With `most`, only the lines that begin in the last so many bytes are read.

        With `start`, those from there on.
        """
        self.path, self._most, self._start = path, most, start
        self.end = start
        self.unended = False

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        try:
            file = os.fdopen(open_file(self.path), "rb", _AT_ONCE)
        except FileNotFoundError:
            return
        except OSError as error:
            raise DirectoryError(f"{self.path} cannot be read: {error.strerror}") from error
        torn: tuple[int, bytes] | None = None
        with file:
            offset = self._begin(file)
            while line := file.readline(_LONGEST + 1):
                text = line if offset else line.removeprefix(_BOM)
                if self._is_torn(text, offset):
                    torn = torn or (offset, text)
                else:
                    if torn is not None:  # it is in the middle: whoever reads it will say so
                        yield torn
                    self.end = offset + len(line)
                    if not text.isspace():
                        yield offset, text
                offset += len(line)

    def _begin(self, file: IO[bytes]) -> int:
        """Go to the first line to read; return its offset."""
        size = os.fstat(file.fileno()).st_size
        if self._most is None or size <= self._most:
            return file.seek(self._start)
        file.seek(size - self._most)
        file.readline(_LONGEST)
        return file.tell()

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
