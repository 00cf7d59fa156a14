"""Still pictures of clips, in `posters/` of the output directory: their names, and their files.

A poster belongs to the bytes of its clip: its name ends with the first digits of their sha256, so
that a clip that was superseded keeps its own. Each is there whole or not at all. Whoever makes one
writes a draft, locked, and renames it; a draft that nobody has locked is a killed process's.
"""

import os
import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from pipeline.common import output_names as places
from pipeline.common.extensions import split_ending
from pipeline.common.files import create, is_locked, lock, refuse_alien_folder, write_all
from pipeline.errors import DirectoryError
from pipeline.facts.reading import read_facts
from pipeline.models import Facts
from pipeline.store.layout import Layout

LARGEST = 2 * 1024**2
"""Bytes of a still, or of a strip: pipeline makes no larger one, and shows none."""

_DIGITS = 12
_STILL, _STRIP = ".webp", ".strip.webp"
_NAME = re.compile(rf"(?P<stem>.+)-(?P<hash>[0-9a-f]{{{_DIGITS}}})\.webp", re.DOTALL)
_SHA256 = re.compile(r"[0-9a-f]{64}")
_DRAFT = re.compile(r"\..+\.[0-9]+\.new", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Shown:
    """The poster of a clip: paths relative to the output directory, and the still's pixels."""

    poster: str | None = None
    strip: str | None = None
    width: int | None = None
    height: int | None = None


class PosterIndex:
    """The posters of an output directory, as they were when it was made."""

    def __init__(self, layout: Layout) -> None:
        self._folder = layout.posters
        self._names = _names(self._folder)
        self._by_hash = {
            match["hash"]: match[0] for match in map(_NAME.fullmatch, self._names) if match
        }

    def has(self, sha256: str) -> bool:
        """Return whether a clip with these bytes has its poster, and not some other file there."""
        return self.poster_of("", sha256) is not None

    def poster_of(self, output: str, sha256: str | None) -> Shown | None:
        """Return the poster of a clip; None where there is none.

        Of several with these bytes, it is the one that has the name of this output.
        """
        if sha256 is None or sha256[:_DIGITS] not in self._by_hash:
            return None
        still, strip = names(self._folder, output, sha256)
        if still not in self._names:
            still = self._by_hash[sha256[:_DIGITS]]
            strip = still.removesuffix(_STILL) + _STRIP
        facts = read_facts(self._folder / still) or Facts()
        if facts.width is None or facts.height is None:  # it is not a picture
            return None
        return Shown(
            poster=f"{self._folder.name}/{still}",
            strip=f"{self._folder.name}/{strip}" if strip in self._names else None,
            width=facts.width,
            height=facts.height,
        )


def _names(folder: Path) -> frozenset[str]:
    try:
        refuse_alien_folder(folder)
        with os.scandir(folder) as found:
            return frozenset(each.name for each in found if _is_small(each))
    except (OSError, DirectoryError):  # it is not there, or not ours: there are none
        return frozenset()


def _is_small(file: os.DirEntry[str]) -> bool:
    return (
        file.is_file(follow_symlinks=False) and file.stat(follow_symlinks=False).st_size <= LARGEST
    )


def is_hash(sha256: str | None) -> bool:
    """Return whether a manifest's word is the sha256 of something."""
    return sha256 is not None and _SHA256.fullmatch(sha256) is not None


def names(folder: Path, output: str, sha256: str) -> tuple[str, str]:
    """Return what the still and the strip of a clip are called in their folder."""
    stem, _ = split_ending(output.replace("/", "-"))
    end = f"-{sha256[:_DIGITS]}"
    # A draft's name is longer by a dot, a number and an ending.
    room = places.longest_name(str(folder.parent)) - len(f".{end}{_STRIP}.4194304.new")
    stem = stem.encode(errors="surrogateescape")[:room].decode(errors="ignore")
    return f"{stem}{end}{_STILL}", f"{stem}{end}{_STRIP}"


def save(layout: Layout, output: str, sha256: str, still: bytes, strip: bytes | None) -> None:
    """Write the poster of a clip: the strip first, as the still says that it is done.

    Raises:
        DirectoryError: there is something else where the folder should be.
        OSError: it cannot be written.
    """
    folder = layout.posters
    refuse_alien_folder(folder)
    folder.mkdir(exist_ok=True)
    still_name, strip_name = names(folder, output, sha256)
    if strip is not None:
        _write(folder / strip_name, strip)
    _write(folder / still_name, still)


def _write(path: Path, data: bytes) -> None:
    draft = path.with_name(f".{path.name}.{os.getpid()}.new")
    file = create(draft)
    try:
        lock(file)
        write_all(file, data)
        os.replace(draft, path)
    except OSError:
        with suppress(OSError):
            os.unlink(draft)
        raise
    finally:
        os.close(file)


def sweep(layout: Layout) -> None:
    """Remove the drafts that killed processes have left."""
    for path in _drafts(layout.posters):
        with suppress(OSError):
            if not is_locked(str(path)):
                path.unlink()


def _drafts(folder: Path) -> Iterator[Path]:
    return (folder / name for name in _names(folder) if _DRAFT.fullmatch(name))
