"""`manifest.jsonl` open for appending: locked, repaired at its end, and found under its name.

A record counts when it is found under the manifest's name. People edit and restore files also
while a run goes on: what a replaced or cut manifest lacks is put back from a copy of ours.
"""

import errno
import os
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from pipeline.common.files import create, lock, open_file, sync_directory, write_all
from pipeline.errors import DirectoryError, PipelineError
from pipeline.ledger.doubts import attempt_digest
from pipeline.ledger.formats import FORMAT
from pipeline.ledger.manifest import Lines, encode, replay_lines, summarize
from pipeline.models import Record

_FLAGS = os.O_RDWR | os.O_APPEND | os.O_CREAT
_IN_MEMORY = 8 * 1024**2
# Of a longer manifest only this run's records are kept to be put back, in bytes.
_COPIED = 64 * 1024**2
_TRIES = 3
# A manifest that somebody else writes is left alone until it stays as it is for so many seconds.
_STILL, _LOOKS = 0.3, 20


class Manifest:
    """The manifest, open for appending. Its one owner calls it from one thread at a time.

    `history` is what it said when it was opened, `put_back` how many records had to be put back
    since. A copy of it is held in memory up to `in_memory` bytes, and on disk above that.

    Raises:
        DirectoryError: it is not a manifest of pipeline, or another run uses it.
        OSError: it cannot be opened.
    """

    def __init__(
        self,
        path: Path,
        *,
        fsync: bool = True,
        attempts: Iterable[bytes] = (),
        in_memory: int = _IN_MEMORY,
    ) -> None:
        self._path, self._fsync = path, fsync
        self.put_back = 0
        self._says_format = False
        self._file = _open_alone(path)
        self._copy = tempfile.SpooledTemporaryFile(max_size=in_memory)  # noqa: SIM115
        try:
            lines = Lines(path)
            self.history = replay_lines(lines, attempts=attempts)
            self.history.format = FORMAT
            self.size = self._repair(lines, self.history.records)
            if self.size <= _COPIED:
                self._copy_all()
        except BaseException:
            self.close()
            raise

    def append(self, records: list[Record]) -> list[int]:
        """Append records and make them durable, or leave the file as it was.

        Returns where each line begins.

        Raises:
            OSError: they could not be written, or are not found under the manifest's name.
        """
        texts = [encode(r, first=not (self._says_format or n)) for n, r in enumerate(records)]
        self.verify()
        offset = self.size
        self._write(b"".join(texts))
        self._says_format = True
        self._remember(b"".join(texts))
        self.verify()
        offsets = []
        for text in texts:
            offsets.append(offset)
            offset += len(text)
        return offsets

    def verify(self) -> None:
        """See that what was appended is found under the manifest's name; else put it back.

        Raises:
            OSError: it cannot be put back.
        """
        for _ in range(_TRIES):
            if self._is_in_place():
                return
            try:
                self._put_back()
            except PipelineError as error:
                raise OSError(errno.ESTALE, f"it was replaced during the run: {error}") from error
        if not self._is_in_place():
            raise OSError(errno.ESTALE, f"{self._path} is replaced again and again")

    def close(self) -> None:
        """Close the file."""
        os.close(self._file)
        self._copy.close()

    def _copy_all(self) -> None:
        with os.fdopen(open_file(self._path), "rb") as whole:
            while not self._copy.closed and (piece := whole.read(1 << 20)):
                self._remember(piece)

    def _remember(self, data: bytes) -> None:
        try:
            if not self._copy.closed:
                self._copy.write(data)
        except OSError:  # the system's temporary directory is full: that stops no run
            self._copy.close()

    def _write(self, data: bytes) -> None:
        try:
            write_all(self._file, data)
            if self._fsync:
                os.fsync(self._file)
        except OSError:
            # A part of a line would spoil the next record.
            if os.fstat(self._file).st_size > self.size:
                os.ftruncate(self._file, self.size)
            raise
        self.size += len(data)

    def _repair(self, lines: Lines, records: int) -> int:
        """Cut a torn end off, or end a whole last line; return the size then."""
        if os.fstat(self._file).st_size > lines.end:
            if not records:
                self._refuse_foreign_file()
            os.ftruncate(self._file, lines.end)
        return lines.end + (os.write(self._file, b"\n") if lines.unended else 0)

    def _refuse_foreign_file(self) -> None:
        """See that a file without a whole record is a torn first record, and not somebody's."""
        begins = b'{"task":'
        head, _, _ = os.pread(self._file, len(begins), 0).partition(b"\0")
        if not begins.startswith(head):
            raise DirectoryError(
                f"{self._path}:1: pipeline did not write this manifest",
                hint="move the file away, or choose another directory with --output",
            )

    # -- when somebody else wrote -------------------------------------------------------------

    def _is_in_place(self) -> bool:
        try:
            here = os.lstat(self._path)
        except FileNotFoundError:
            return False
        mine = os.fstat(self._file)
        same = (here.st_dev, here.st_ino) == (mine.st_dev, mine.st_ino)
        return same and here.st_size == self.size

    def _put_back(self) -> None:
        """Open the file that has the name now, and append to it what it lacks."""
        self._wait_until_still()
        if self._copy.closed:
            raise DirectoryError("there is no room for a copy of the records")
        new = open_file(self._path, _FLAGS)
        if os.path.sameopenfile(new, self._file):
            os.close(new)
        else:
            if not lock(new):
                os.close(new)
                raise DirectoryError(f"another run has locked the new {self._path}")
            os.close(self._file)
            self._file = new
        lines = Lines(self._path)
        there = Counter(
            attempt_digest(s.task, s.started_at)
            for offset, line in lines
            for s in (summarize(self._path, offset, line),)
        )
        self.size = self._repair(lines, there.total())
        for missing in self._lacking(there):
            self._write(missing)
            self.put_back += 1
        if self._fsync:
            os.fsync(self._file)
            sync_directory(self._path.parent)

    def _wait_until_still(self) -> None:
        """Let whoever is writing end: an editor cuts a file first, and then fills it."""
        before: tuple[int, ...] | None = ()
        for _ in range(_LOOKS):
            try:
                now = os.lstat(self._path)
            except FileNotFoundError:
                seen = None
            else:
                seen = (now.st_ino, now.st_size, now.st_mtime_ns)
            if seen == before:
                return
            before = seen
            time.sleep(_STILL)

    def _lacking(self, there: Counter[bytes]) -> Iterator[bytes]:
        """Yield our lines for which `there`, by attempt, has no line."""
        self._copy.seek(0)
        try:
            for line in self._copy:
                summary = summarize(self._path, 0, line)
                attempt = attempt_digest(summary.task, summary.started_at)
                if there[attempt] > 0:
                    there[attempt] -= 1
                else:
                    yield line
        finally:
            self._copy.seek(0, os.SEEK_END)


def _open_alone(path: Path) -> int:
    """Open and lock a manifest; one that is hard-linked elsewhere is copied first.

    Such a link is a backup's (`cp -al`, `rsync --link-dest`), and appending would change it.
    """
    file = open_file(path, _FLAGS)
    try:
        _lock(path, file)
        if os.fstat(file).st_nlink == 1:
            return file
        draft = path.with_name(f".{path.name}.new")
        alone = create(draft, os.O_APPEND)
    except BaseException:
        os.close(file)
        raise
    try:
        with os.fdopen(file, "rb") as linked:
            while piece := linked.read(1 << 20):
                write_all(alone, piece)
        os.fsync(alone)
        _lock(path, alone)
        os.replace(draft, path)
    except BaseException:
        os.close(alone)
        raise
    return alone


def _lock(path: Path, file: int) -> None:
    if not lock(file):
        raise DirectoryError(
            f"{path} is in use by another run",
            hint="wait for it, or watch it with `pipeline status`",
        )
