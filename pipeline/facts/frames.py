"""Looks at the frames of clips: the program of a child process. Needs the extra `media`."""

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import av
import imagehash
import msgspec
from av.filter import Graph
from PIL import Image

from pipeline.facts.child import FILMS, PICTURES, opened, pictures_of, serve
from pipeline.facts.stretches import Look

# Of a longer or faster clip, what comes first.
_MOST_FRAMES = 20_000
# Seconds from which a stretch counts; a fade, or a scene that rests for a moment, is none.
_BLACK, _FROZEN = 0.5, 1.0
_WIDTH = 160  # to which frames are made smaller before they are compared
_HASHED = 16  # frames whose hashes stand for a clip


def _answer(path: Path) -> tuple[bytes, ...]:
    return (msgspec.json.encode(_look(path)),)


def _look(path: Path) -> Look:
    with opened(path) as (file, reader):
        if reader in FILMS:
            return _film(file, FILMS[reader])
        if reader in PICTURES:
            with Image.open(file, formats=[PICTURES[reader]]) as picture:
                return Look(hashes=(_hash(picture),))
    return Look()


def _film(file: Any, form: str) -> Look:
    with av.open(file, format=form) as container:
        if (stream := pictures_of(container)) is None:
            return Look()
        seen = _Seen()
        frames = islice(container.decode(stream), _MOST_FRAMES)
        for frame in _filtered(stream, frames):
            seen.take(frame)
        return seen.look()


def _filtered(stream: Any, frames: Iterator[Any]) -> Iterator[Any]:
    """Yield frames, small, with what the filters of FFmpeg say of them."""
    graph = Graph()
    chain = [
        graph.add_buffer(template=stream),
        graph.add("scale", f"{_WIDTH}:-2:flags=area"),
        graph.add("blackdetect", f"d={_BLACK}:pix_th=0.10"),
        graph.add("freezedetect", f"n=-60dB:d={_FROZEN}"),
        graph.add("buffersink"),
    ]
    graph.link_nodes(*chain).configure()
    for frame in frames:
        graph.push(frame)
        yield from _pulled(graph)
    graph.push(None)
    yield from _pulled(graph)


def _pulled(graph: Graph) -> Iterator[Any]:
    while True:
        try:
            yield graph.pull()
        except (BlockingIOError, EOFError):
            return


class _Seen:
    """What was seen of a film so far."""

    def __init__(self) -> None:
        self._marks: dict[str, list[tuple[float, bool]]] = {"black": [], "freeze": []}
        self._hashes: list[str] = []
        self._step, self._count, self._last = 1, 0, 0.0

    def take(self, frame: Any) -> None:
        """Take the next frame."""
        for name, value in frame.metadata.items():
            _, _, what = name.partition("lavfi.")
            kind, _, edge = what.removeprefix("freezedetect.").partition("_")
            if kind in self._marks and edge in {"start", "end"}:
                self._marks[kind].append((float(value), edge == "start"))
        if frame.time is not None:
            self._last = max(self._last, frame.time + float(frame.duration * frame.time_base))
        if self._count % self._step == 0:
            self._hashes.append(_hash(frame.to_image()))
            if len(self._hashes) == 2 * _HASHED:  # as many again: every other one is enough
                self._hashes, self._step = self._hashes[::2], 2 * self._step
        self._count += 1

    def look(self) -> Look:
        """Say what was seen."""
        black = [one for one in self._stretches("black") if one[1] - one[0] >= _BLACK]
        # What is black is frozen as well, which says nothing more.
        frozen = [
            (begin, end)
            for begin, end in self._stretches("freeze")
            if not any(one[0] <= begin and end <= one[1] for one in black)
        ]
        return Look(
            black=tuple(black), frozen=tuple(frozen), hashes=tuple(self._hashes), seconds=self._last
        )

    def _stretches(self, name: str) -> tuple[tuple[float, float], ...]:
        """Pair begins with ends; a stretch that has no end goes on to the last frame."""
        found, begun = list[tuple[float, float]](), None
        for moment, begins in self._marks[name]:
            if begins:
                begun = moment
            elif begun is not None:
                found.append((begun, moment))
                begun = None
        return (*found, *([] if begun is None else [(begun, self._last)]))


def _hash(picture: Image.Image) -> str:
    return str(imagehash.dhash(picture))


if __name__ == "__main__":
    serve(_answer)
