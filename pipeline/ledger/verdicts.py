"""`verdicts.jsonl`: what people say of clips, kept or rejected.

One JSON object a line, appended and never edited. A verdict is about the clip whose sha256 it
names; of several about one clip the one with the latest `at` counts, of equal ones the last line.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Annotated, Literal, TypeVar

import msgspec

from pipeline.common.files import lock, open_file, read_file, sync_directory, write_all
from pipeline.common.files import write_atomically as replace_file
from pipeline.errors import DirectoryError
from pipeline.ledger.formats import FORMAT, refuse_newer
from pipeline.ledger.manifest import Lines
from pipeline.models import Record, Status

NAME = "verdicts.jsonl"
LONGEST_NOTE = 4000
"""Characters that a note may have."""

Word = Literal["kept", "rejected"]

Key = TypeVar("Key")

_LONGEST_LINE = 64 * 1024  # bytes
_LARGEST = 128 * 1024**2  # bytes of a file: half a million verdicts
_PATIENCE = 10.0  # seconds to wait for another command that writes
_TRIES = 5
_MOST_PROBLEMS = 20
_FORM = "one JSON object a line, as a page saves them; nothing was taken in"
_SAYS_FORMAT = b',"format":%d}\n' % FORMAT
_UNREADABLE = (msgspec.MsgspecError, UnicodeDecodeError, RecursionError, ValueError)


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """What a person said of the clip of `task` that has this `sha256`.

    `verdict` None says that an earlier one is taken back. `by` is who said it, `at` when
    (RFC 3339).
    """

    task: Annotated[str, msgspec.Meta(min_length=1, max_length=2000)]
    verdict: Word | None
    note: Annotated[str, msgspec.Meta(max_length=LONGEST_NOTE)] | None = None
    sha256: Annotated[str, msgspec.Meta(pattern="^[0-9a-f]{64}$")]
    by: Annotated[str, msgspec.Meta(max_length=200)] | None = None
    at: Annotated[str, msgspec.Meta(max_length=40)]

    @property
    def moment(self) -> datetime:
        """When it was said.

        Raises:
            ValueError: `at` is not a time with a time zone.
        """
        moment = datetime.fromisoformat(self.at)
        if moment.tzinfo is None:
            raise ValueError(f"{self.at!r} has no time zone: write it as 2026-12-01T09:30:00Z")
        return moment


_ENCODER = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Verdict)


def applies(verdict: Verdict, record: Record) -> bool:
    """Return whether a verdict is about the clip of this record: a newer clip has none yet."""
    return (
        record.status is Status.SUCCEEDED
        and verdict.task == record.task
        and verdict.sha256 == record.sha256
    )


class Verdicts(Mapping[str, Verdict]):
    """The verdicts of a file: the last of each task, and `on` the last about one clip.

    A later one about a clip that is not the task's any more does not hide the one that applies:
    ask `on`, or `of` with the record.
    """

    def __init__(self, words: Iterable[Verdict] = ()) -> None:
        self._last: dict[str, Verdict] = {}
        self._on: dict[tuple[str, str], Verdict] = {}
        self._said: set[int] = set()
        for word in words:
            self.add(word)

    def __getitem__(self, task: str) -> Verdict:
        return self._last[task]

    def __iter__(self) -> Iterator[str]:
        return iter(self._last)

    def __len__(self) -> int:
        return len(self._last)

    def on(self, task: str, sha256: str | None) -> Verdict | None:
        """Return what counts about the clip of `task` that has this hash."""
        return None if sha256 is None else self._on.get((task, sha256))

    def of(self, record: Record) -> Verdict | None:
        """Return what counts about the clip of a record."""
        found = self.on(record.task, record.sha256)
        return found if found is not None and applies(found, record) else None

    def has(self, word: Verdict) -> bool:
        """Return whether exactly this was said."""
        return hash(word) in self._said

    def add(self, word: Verdict) -> None:
        """Take in one verdict: it counts if none that is there was said later."""
        self._said.add(hash(word))
        clip = (word.task, word.sha256)
        _take(self._last, word.task, word)
        _take(self._on, clip, word)


def _take(words: dict[Key, Verdict], key: Key, word: Verdict) -> None:
    before = words.get(key)
    if before is None or before.moment <= word.moment:
        words[key] = word


def read(path: Path) -> Verdicts:
    """Read the verdicts of an output directory; none where there is no file.

    A torn last line is left out.

    Raises:
        DirectoryError: a line is not a verdict, or a newer version wrote it, or the file is a
            link, a folder or a device, or too large.
    """
    return Verdicts(lines(path))


def lines(path: Path) -> Iterator[Verdict]:
    """Yield every verdict of a file, in order. Raises what `read` does."""
    return _decoded(_Lines(path))


def whole(path: Path) -> list[Verdict]:
    """Read a file of verdicts that came from elsewhere, such as from a page: all of it, or nothing.

    Raises:
        DirectoryError: as `read` does, with every line that is wrong; or it is cut off, or holds
            nothing.
        OSError: it cannot be read.
    """
    there, words, wrong = _Lines(path), list[Verdict](), list[str]()
    for offset, line in there:
        try:
            words.append(_word(path, offset, line))
        except DirectoryError as error:
            wrong.append(error.message)
            if len(wrong) == _MOST_PROBLEMS:
                break
    if len(wrong) < _MOST_PROBLEMS and there.end < path.stat().st_size:
        wrong.append(_wrong(path, there.end, "it is cut off, or damaged").message)
    if wrong:
        raise DirectoryError("\n".join(wrong), hint=_FORM)
    if not words:
        raise DirectoryError(f"{path} has no verdicts: it is empty", hint=_FORM)
    return words


def append(path: Path, words: Sequence[Verdict]) -> None:
    """Append verdicts and make them durable, or leave the file as it was.

    Raises:
        DirectoryError: as `read` does, or another command writes for longer than 10 s.
        OSError: they could not be written.
    """
    update(path, lambda _: words)


def update(path: Path, change: Callable[[Verdicts], Sequence[Verdict]]) -> Sequence[Verdict]:
    """Append what `change` makes of the verdicts that are there; nobody else writes meanwhile.

    Raises what `append` does, and what `change` does; then the file is as it was.
    """
    file, is_new = _open_locked(path)
    try:
        there = _Lines(path)
        words = change(Verdicts(_decoded(there)))
        if words:
            _write(path, file, there, words)
            if is_new:
                sync_directory(path.parent)
    finally:
        os.close(file)
    return words


def encode(words: Sequence[Verdict]) -> bytes:
    """Write verdicts as their lines; the first of them says the format."""
    first, *others = [_ENCODER.encode(word) for word in words]
    return b"".join([first[:-1], _SAYS_FORMAT, *(line + b"\n" for line in others)])


class _Lines(Lines):
    """The whole lines of a file of verdicts, as `Lines` of a manifest."""

    def _is_torn(self, text: bytes, offset: int) -> bool:
        if len(text) > _LONGEST_LINE:
            raise _wrong(self.path, offset, f"it has more than {_LONGEST_LINE:,} bytes")
        if offset > _LARGEST:
            raise _too_large(self.path)
        if b"\0" in text:
            return True
        if text.endswith(b"\n"):
            return False
        self.unended = _is_verdict(text)
        return not self.unended


def _is_verdict(line: bytes) -> bool:
    try:
        _DECODER.decode(line)
    except _UNREADABLE:
        return False
    return True


def _decoded(found: _Lines) -> Iterator[Verdict]:
    for offset, line in found:
        yield _word(found.path, offset, line)


def _word(path: Path, offset: int, line: bytes) -> Verdict:
    refuse_newer(path, line)
    try:
        word = _DECODER.decode(line)
        _ = word.moment
    except _UNREADABLE as error:
        raise _wrong(path, offset, str(error)) from error
    return word


def _open_locked(path: Path) -> tuple[int, bool]:
    """Open the file and lock it; also return whether it is new.

    One that is hard-linked elsewhere is copied first: such a link is a backup's. One that was
    replaced meanwhile, by an editor or another command, is opened again.
    """
    for _ in range(_TRIES):
        file = open_file(path, os.O_RDWR | os.O_APPEND | os.O_CREAT)
        try:
            if _is_ours(path, file):
                return file, os.fstat(file).st_size == 0
        except FileNotFoundError:  # it was deleted meanwhile
            pass
        except BaseException:
            os.close(file)
            raise
        os.close(file)
    raise DirectoryError(f"{path} is replaced again and again", hint="close what writes to it")


def _is_ours(path: Path, file: int) -> bool:
    """Lock an open file; return whether it still has its name, and no other."""
    if not lock(file, patience=_PATIENCE):
        raise DirectoryError(
            f"{path} is being written by another command", hint="run this one again"
        )
    mine = os.fstat(file)
    if mine.st_size > _LARGEST:
        raise _too_large(path)
    if mine.st_nlink > 1:
        replace_file(path, read_file(path, _LARGEST))
        return False
    return os.path.samestat(os.lstat(path), mine)


def _write(path: Path, file: int, there: _Lines, words: Sequence[Verdict]) -> None:
    size = os.fstat(file).st_size
    try:
        if size > there.end:
            _refuse_foreign(path, file, there)
            os.ftruncate(file, there.end)
            size = there.end
        data = b"\n" * there.unended + encode(words)
        if size + len(data) > _LARGEST:
            raise _too_large(path)
        write_all(file, data)
        os.fsync(file)
    except OSError:
        # A part of a line would spoil the next one.
        if os.fstat(file).st_size > size:
            os.ftruncate(file, size)
        raise


def _refuse_foreign(path: Path, file: int, there: _Lines) -> None:
    """See that a file without a whole line is a torn first one, and not somebody's."""
    begins = b'{"task":'
    head = os.pread(file, len(begins), 0).partition(b"\0")[0]
    if not there.end and not begins.startswith(head):
        raise DirectoryError(
            f"{path}:1: pipeline did not write this file", hint="move it away, then run again"
        )


def _wrong(path: Path, offset: int, fault: str) -> DirectoryError:
    with os.fdopen(open_file(path), "rb") as file:
        number = 1 + file.read(offset).count(b"\n")
    return DirectoryError(
        f"{path}:{number}: this line is not a verdict: {fault}",
        hint="restore the line from a backup, or delete it; nothing was changed",
    )


def _too_large(path: Path) -> DirectoryError:
    return DirectoryError(
        f"{path} is, or would be, larger than {_LARGEST:,} bytes: more verdicts than are kept",
        hint="move it away, then run again",
    )
