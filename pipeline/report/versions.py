"""The older clips of tasks, as far as their files are still there: most of them in `superseded/`.

A file there has the name that its clip had, and a number; a record says how large it is. Where that
leaves a doubt, its hash decides.
"""

import contextlib
import hashlib
import os
import stat
from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from pipeline.common.files import open_file, refuse_linked_folders
from pipeline.errors import DirectoryError
from pipeline.models import Record, Status
from pipeline.report.data import ReportData
from pipeline.store.layout import Layout
from pipeline.store.shelf import retired_names

# Bytes that are read to tell files apart. What is left then is not shown.
MOST_READ = 4 * 1024**3
# Versions of a task, the newest; a folder may hold whatever somebody has put there.
MOST = 100
_PIECE = 1024**2

Versions = Mapping[str, tuple[tuple[Record, str], ...]]
"""The older clips of a task, newest first: each its record and its file, relative to the output
directory."""


def find(layout: Layout, data: ReportData) -> Versions:
    """Find the files of the `earlier` clips of a report."""
    in_place = _in_place(layout.root, data)
    found = defaultdict(list, {task: [pair] for task, pair in in_place.items()})
    folder = layout.superseded
    finder = _Finder(folder, _sizes(folder), left=MOST_READ)
    by_name: defaultdict[str, list[Record]] = defaultdict(list)
    for task, records in data.earlier.items():
        for record in records[:-1] if task in in_place else records:
            by_name[str(record.output).replace("/", "-")].append(record)
    for name, records in by_name.items() if finder.there else ():
        for record, file in finder.pairs(name, records):
            found[record.task].append((record, f"{folder.name}/{file}"))
    return {
        task: tuple(sorted(pairs, key=_moment, reverse=True)[:MOST])
        for task, pairs in found.items()
    }


def _moment(pair: tuple[Record, str]) -> str:
    return pair[0].finished_at


def _in_place(root: Path, data: ReportData) -> dict[str, tuple[Record, str]]:
    """Return the last clip of each task that has none now, where its file is still in its place.

    What was to take its place has failed, is in doubt, or is not in place yet.
    """
    found = {}
    for record in data.records:
        older = data.earlier.get(record.task)
        is_placed = record.status is Status.SUCCEEDED and record.task not in data.saved
        if older and not is_placed and _is_there(root, older[-1]):
            found[record.task] = (older[-1], str(older[-1].output))
    return found


def _is_there(root: Path, record: Record) -> bool:
    output = str(record.output)
    with contextlib.suppress(OSError, ValueError, DirectoryError):
        refuse_linked_folders(root, output.rpartition("/")[0])
        seen = (root / output).lstat()
        return stat.S_ISREG(seen.st_mode) and seen.st_size == record.bytes
    return False


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
    left: int

    def pairs(self, name: str, records: list[Record]) -> Iterator[tuple[Record, str]]:
        """Pair clips that had this name with files; `records` are oldest first."""
        files = list(self._candidates(name, len(records)))
        sizes = [self.there[file] for file in files]
        of_one = len({record.task for record in records}) == 1
        if of_one and sizes == [record.bytes for record in records]:
            yield from zip(records, files, strict=True)  # none is gone: they are in their order
            return
        clips = Counter(one.bytes for one in records)
        of_size: defaultdict[int, list[str]] = defaultdict(list)
        hashed: dict[int, dict[str, str]] = {}
        for file, size in zip(files, sizes, strict=True):
            of_size[size].append(file)
        for record in records:
            alike = of_size.get(record.bytes or 0, [])
            if len(alike) == clips[record.bytes] == 1:
                yield record, alike[0]
            elif alike:
                by_hash = hashed.setdefault(record.bytes or 0, {})
                if not by_hash:
                    by_hash.update((self._hash(file), file) for file in alike)
                if record.sha256 in by_hash:
                    yield record, by_hash[record.sha256]

    def _candidates(self, name: str, count: int) -> Iterator[str]:
        """Yield the files that were called `name`; each new one has taken the first free number."""
        for number, file in enumerate(retired_names(name, self.folder), 1):
            if file in self.there:
                yield file
            elif number > count:
                return

    def _hash(self, file: str) -> str:
        """Return the hash of a file, or nothing where that takes too long or it is none."""
        digest = hashlib.sha256()
        with (
            contextlib.suppress(OSError, DirectoryError),
            os.fdopen(open_file(self.folder / file), "rb") as stream,
        ):
            while piece := stream.read(_PIECE):
                self.left -= len(piece)
                if self.left < 0:
                    return ""
                digest.update(piece)
            return digest.hexdigest()
        return ""
