"""The page as one file that can be sent: pictures and small films are in it, within a budget.

Films come first, in the order of the page, while the budget lasts; then strips of stills; then
stills, for which room is kept from the start. The page is written as it is made: at most a few
films are in memory at a time.
"""

import base64
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Self
from urllib.parse import unquote

from msgspec.structs import replace

from pipeline.common.files import read_file, refuse_linked_folders
from pipeline.errors import DirectoryError, UsageError
from pipeline.facts.asking import NoAnswerError
from pipeline.facts.drawing import Previews
from pipeline.report.data import ReportData
from pipeline.report.entries import Entry, entries
from pipeline.report.render import looked_for, place_page, render
from pipeline.store.layout import Layout
from pipeline.store.posters import LARGEST
from pipeline.store.shelf import LocalShelf

_AT_ONCE = 2  # films that are made at a time
_MISSES = 3  # films that are too large for what is left, after which no more are made
_FIELD = 64  # bytes, at most, of a field's name and the beginning of its address
Progress = Callable[[int], None]


@dataclass(slots=True)
class Bundled:
    """What is in a bundle: clips by the best that they have, and its bytes."""

    films: int = 0
    strips: int = 0
    stills: int = 0
    without: int = 0
    size: int = 0


def write_bundle(
    path: Path, layout: Layout, data: ReportData, budget: int, progress: Progress | None = None
) -> Bundled:
    """Write the page with what it shows in it, in `budget` bytes at most.

    `progress` gets how many films are done. Posters are those that are there.

    Raises:
        UsageError: the budget is too small even for the data.
        StorageError: the page cannot be written.
        DirectoryError: the file at `path` was not written by `pipeline`, or a folder is a link.
    """
    for folder in {(one.output or "").rpartition("/")[0] for one in data.records}:
        refuse_linked_folders(layout.root, folder)
    data, sizes = looked_for(data, LocalShelf(layout)), _Sizes(layout)
    bare = sum(len(piece.encode()) for piece in render(data, embed=sizes.see))
    if bare > budget:
        raise UsageError(
            f"--budget: the page has {said(bare)} without any picture, which is more than"
            f" {said(budget)}",
            hint=f"give it more: --budget {bare // 1000**2 + 1}MB",
        )
    films = [layout.root / one.file for one in entries(data) if one.file and _is_film(one)]
    with _Films(films) as ahead:
        filling = _Filling(layout, budget - bare, sizes.stills, ahead, progress)
        place_page(path, _counted(render(data, embed=filling.fill), filling.done))
    return filling.done


def said(size: int) -> str:
    """Write a number of bytes for people; never less than it is."""
    if size < 1000**2:
        return f"{-(-size // 1000):,} kB"
    return f"{-(-size // 100_000) / 10:,.1f} MB"


def _counted(pieces: Iterable[str], done: Bundled) -> Iterator[str]:
    for piece in pieces:
        done.size += len(piece.encode())
        yield piece


def _is_film(one: Entry) -> bool:
    return one.kind == "video" and one.src is not None and not one.missing


def _bare(one: Entry) -> Entry:
    # Older clips stay where they are.
    return replace(one, src=None, poster=None, strip=None, versions=())


def _file(layout: Layout, url: str | None) -> Path | None:
    """Return the file of a poster's URL."""
    return None if url is None else layout.root / unquote(url, errors="surrogatepass")


def _encoded(size: int) -> int:
    """Return how many bytes of a page so many bytes of a picture take, at most."""
    return (size + 2) // 3 * 4 + _FIELD


class _Sizes:
    """How much the stills of a page take."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self.stills: list[int] = []

    def see(self, one: Entry) -> Entry:
        """Note the still of an entry, and return the entry without pictures."""
        path = _file(self._layout, one.poster)
        try:
            size = path.lstat().st_size if path is not None else 0
        except OSError:
            size = 0
        self.stills.append(_encoded(size) if 0 < size <= LARGEST else 0)
        return _bare(one)


class _Filling:
    """Puts into entries what the budget has room for: `left` bytes, of which `stills` are kept."""

    def __init__(
        self,
        layout: Layout,
        left: int,
        stills: list[int],
        films: "_Films",
        progress: Progress | None,
    ) -> None:
        self._layout, self._films, self._progress = layout, films, progress
        self._stills = deque[int]()
        for size in stills:  # those that fit, in the order of the page
            fits = 0 < size <= left
            self._stills.append(size if fits else 0)
            left -= size if fits else 0
        self._left = left
        self._misses = 0
        self.done = Bundled()

    def fill(self, one: Entry) -> Entry:
        """Return an entry with what is shown of it."""
        still = film = strip = None
        if size := self._stills.popleft():
            still = self._picture(one.poster, size)
        if _is_film(one) and (film := self._film()) is not None:
            self.done.films += 1
        elif still is not None and (strip := self._picture(one.strip, self._left)) is not None:
            self._left -= _encoded(len(strip))
            self.done.strips += 1
        elif still is not None:
            self.done.stills += 1
        else:
            self.done.without += one.file is not None
        return replace(
            _bare(one),
            src=_address("video/mp4", film),
            small=film is not None,
            poster=_address("image/webp", still),
            strip=_address("image/webp", strip),
        )

    def _picture(self, url: str | None, most: int) -> bytes | None:
        path = _file(self._layout, url)
        if path is None:
            return None
        try:
            data = read_file(path, LARGEST)
        except (OSError, DirectoryError):  # it has gone since, or is not a file
            return None
        return data if _encoded(len(data)) <= most else None

    def _film(self) -> bytes | None:
        """Take the next film, while the budget lasts."""
        if self._misses >= _MISSES:
            return None
        film = self._films.take()
        if film is None:
            return None
        if _encoded(len(film)) > self._left:
            self._misses += 1
            return None
        self._left -= _encoded(len(film))
        self._misses = 0
        if self._progress is not None:
            self._progress(self.done.films + 1)
        return film


def _address(kind: str, data: bytes | None) -> str | None:
    return None if data is None else f"data:{kind};base64,{base64.b64encode(data).decode()}"


class _Films:
    """Small films of clips, made in their order, a few of them ahead."""

    def __init__(self, paths: Iterable[Path]) -> None:
        self._paths = iter(paths)
        self._resources = ExitStack()
        self._ahead: deque[Future[bytes | None]] = deque()
        self._idle: SimpleQueue[Previews] = SimpleQueue()
        self._all: list[Previews] = []

    def __enter__(self) -> Self:
        self._pool = self._resources.enter_context(ThreadPoolExecutor(_AT_ONCE))
        for _ in range(_AT_ONCE):
            self._all.append(self._resources.enter_context(Previews()))
            self._idle.put(self._all[-1])
        return self

    def __exit__(self, *_: object) -> None:
        for each in self._all:
            each.kill()
        self._pool.shutdown(cancel_futures=True)
        self._resources.close()

    def take(self) -> bytes | None:
        """Return the next film; None where it cannot be made."""
        while len(self._ahead) <= _AT_ONCE and (path := next(self._paths, None)) is not None:
            self._ahead.append(self._pool.submit(self._make, path))
        return self._ahead.popleft().result()

    def _make(self, path: Path) -> bytes | None:
        previews = self._idle.get()
        try:
            return previews.make(path)
        except NoAnswerError:
            return None
        finally:
            self._idle.put(previews)
