"""Whether the files of a job have changed: by their sizes and times, without reading them."""

import os
from collections.abc import Iterable
from pathlib import Path

from pipeline.store.layout import Layout

Stamp = tuple[int, int, int]
"""A file's number, size and time; zeros where there is none."""

_NONE: Stamp = (0, 0, 0)


class Stamps:
    """What was there at the last look. `is_replaced` says that the manifest is another file."""

    def __init__(self) -> None:
        self.is_replaced = False
        self._job: tuple[Path, ...] = ()
        self._seen: dict[str, tuple[Stamp, ...]] = {}

    def watch(self, files: Iterable[Path]) -> None:
        """Take the files that the job is made of."""
        self._job = tuple(dict.fromkeys(files))

    def look(self, layout: Layout) -> set[str]:
        """Return which files are not as they were at the last look."""
        claims = [layout.inflight, *_inside(layout.inflight)]
        now = {
            "job": tuple(map(_stamp, self._job)),
            "manifest": (_stamp(layout.manifest),),
            "verdicts": (_stamp(layout.verdicts),),
            "folders": tuple(map(_stamp, (layout.root / "posters", layout.superseded))),
            "claims": tuple(map(_stamp, claims)),
        }
        before, self._seen = self._seen, now
        number = before.get("manifest", (_NONE,))[0][0]
        self.is_replaced = number not in {0, now["manifest"][0][0]}
        return {name for name, stamps in now.items() if before.get(name) != stamps}

    def size(self, name: str) -> int:
        """Return how many bytes a file had at the last look."""
        return self._seen[name][0][1]


def _inside(folder: Path) -> list[Path]:
    """List the claims of a folder: their log, and files of earlier versions; not the parts."""
    try:
        with os.scandir(folder) as found:
            return sorted(Path(one.path) for one in found if not one.name.endswith(".part"))
    except OSError:
        return []


def _stamp(path: Path) -> Stamp:
    try:
        found = os.stat(path)  # noqa: PTH116 - twice a second, for each job
    except (OSError, ValueError):
        return _NONE
    return found.st_ino, found.st_size, found.st_mtime_ns
