"""The older clips of tasks, as far as their files are still in `superseded/`.

A file there has the name that its clip had, and a number; a record says how large it is. Where that
leaves a doubt, its hash decides.
"""

import contextlib
import hashlib
import os
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from pipeline.common.files import open_file
from pipeline.errors import DirectoryError
from pipeline.models import Record
from pipeline.store.shelf import retired_names

# Bytes that are read to tell files apart. What is left then is not shown.
MOST_READ = 4 * 1024**3
_PIECE = 1024**2

Versions = Mapping[str, tuple[tuple[Record, str], ...]]
"""The older clips of a task, newest first: each its record and its file, relative to the output
directory."""


def find(folder: Path, earlier: Mapping[str, Iterable[Record]]) -> Versions:
    """Find the files of `earlier` clips, by task and oldest first, in the folder `superseded/`."""
    there = _sizes(folder)
    if not there:
        return {}
    by_name: defaultdict[str, list[Record]] = defaultdict(list)
    for record in (one for records in earlier.values() for one in records):
        by_name[str(record.output).replace("/", "-")].append(record)
    finder = _Finder(folder, there)
    found: defaultdict[str, list[tuple[Record, str]]] = defaultdict(list)
    for name, records in by_name.items():
        for record, file in finder.pairs(name, records):
            found[record.task].append((record, f"{folder.name}/{file}"))
    return {task: tuple(sorted(pairs, key=_moment, reverse=True)) for task, pairs in found.items()}


def _moment(pair: tuple[Record, str]) -> str:
    return pair[0].finished_at


def _sizes(folder: Path) -> dict[str, int]:
    """Return the size of each regular file in a folder; of one that is a link, none."""
    if folder.is_symlink():
        return {}
    try:
        with os.scandir(folder) as listed:
            return {
                one.name: one.stat(follow_symlinks=False).st_size
                for one in listed
                if one.is_file(follow_symlinks=False)
            }
    except OSError:  # there is none, or it is not readable: then nothing in it can be shown
        return {}


@dataclass(slots=True)
class _Finder:
    """Finds which file is which clip. `left` is how many bytes may still be read for it."""

    folder: Path
    there: dict[str, int]
    left: int = MOST_READ
    hashes: dict[str, str | None] = field(default_factory=dict)

    def pairs(self, name: str, records: list[Record]) -> Iterator[tuple[Record, str]]:
        """Pair clips that had this name with files; `records` are oldest first."""
        files = list(self._candidates(name, len(records)))
        sizes = [self.there[file] for file in files]
        of_one = len({record.task for record in records}) == 1
        if of_one and sizes == [record.bytes for record in records]:
            yield from zip(records, files, strict=True)  # none is gone: they are in their order
            return
        clips = Counter(one.bytes for one in records)
        for record in records:
            alike = [file for file in files if self.there[file] == record.bytes]
            if not (len(alike) == clips[record.bytes] == 1):
                alike = [file for file in alike if self._hash(file) == record.sha256]
            if alike:
                yield record, alike[0]

    def _candidates(self, name: str, count: int) -> Iterator[str]:
        """Yield the files that were called `name`; each new one has taken the first free number."""
        for number, file in enumerate(retired_names(name, self.folder), 1):
            if file in self.there:
                yield file
            elif number > count:
                return

    def _hash(self, file: str) -> str | None:
        if file not in self.hashes:
            self.hashes[file] = self._read(file)
        return self.hashes[file]

    def _read(self, file: str) -> str | None:
        digest = hashlib.sha256()
        with (
            contextlib.suppress(OSError, DirectoryError),
            os.fdopen(open_file(self.folder / file), "rb") as stream,
        ):
            while piece := stream.read(_PIECE):
                self.left -= len(piece)
                if self.left < 0:
                    return None
                digest.update(piece)
            return digest.hexdigest()
        return None
