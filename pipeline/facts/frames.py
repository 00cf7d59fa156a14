"""Looks at the frames of clips: the program of the child process. Needs the extra `media`.

It reads the paths of clips, one a line, and answers each with a line of JSON. Clips are hostile, so
all of it happens under limits of memory, time and open files, and a container is only ever read as
what it is by its first bytes: a play list, which could name other files, is none of these.
"""

import contextlib
import os
import resource
import sys
from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import Any

import av
import imagehash
import msgspec
from av.filter import Graph
from PIL import Image

from pipeline.common.files import open_file
from pipeline.facts import boxes, matroska, pictures
from pipeline.facts.reading import reader_of
from pipeline.facts.stretches import Look

_MEMORY = 2 * 1024**3
_MOST_PIXELS = 64 * 1024**2  # of a frame
# Of a longer or faster clip, what comes first.
_MOST_FRAMES = 20_000
# Seconds from which a stretch counts; a fade, or a scene that rests for a moment, is none.
_BLACK, _FROZEN = 0.5, 1.0
_WIDTH = 160  # to which frames are made smaller before they are compared
_HASHED = 16  # frames whose hashes stand for a clip
_FILMS = {boxes.read: "mov", matroska.read: "matroska"}
_PICTURES = {pictures.png: "PNG", pictures.jpeg: "JPEG", pictures.webp: "WEBP", pictures.gif: "GIF"}


def main() -> None:
    """Answer each path until there are no more."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    memory = _MEMORY if most == resource.RLIM_INFINITY else min(_MEMORY, most)
    with contextlib.suppress(ValueError, OSError):  # macOS has no such limit; the others hold
        resource.setrlimit(resource.RLIMIT_AS, (memory, most))
    Image.MAX_IMAGE_PIXELS = _MOST_PIXELS
    for line in sys.stdin.buffer:
        path = Path(os.fsdecode(line.removesuffix(b"\n")))
        try:
            found = _look(path)
        except Exception as error:  # noqa: BLE001 - whatever a decoder may raise over hostile bytes
            found = Look(fault=f"{type(error).__name__}: {error}"[:200])
        sys.stdout.buffer.write(msgspec.json.encode(found) + b"\n")
        sys.stdout.buffer.flush()


def _look(path: Path) -> Look:
    with os.fdopen(open_file(path), "rb") as file:
        reader = reader_of(file.read(16))
        file.seek(0)
        if reader in _FILMS:
            return _film(file, _FILMS[reader])
        if reader in _PICTURES:
            with Image.open(file, formats=[_PICTURES[reader]]) as picture:
                return Look(hashes=(_hash(picture),))
    return Look()


def _film(file: Any, form: str) -> Look:
    with av.open(file, format=form) as container:
        if not container.streams.video:
            return Look()
        stream = container.streams.video[0]
        if stream.width * stream.height > _MOST_PIXELS:
            return Look(fault=f"its frames are too large: {stream.width} × {stream.height}")
        stream.thread_count = 1  # threads take address space, which is bounded
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
    main()
