"""What the programs of child processes share that decode clips: their limits, and how they answer.

A program reads the paths of clips, one a line. It answers each with a line of sizes, in bytes, and
then parts of those sizes: the first is JSON, the others are what was made. Clips are hostile, so
all of it happens under limits of memory, time and open files, no file can be written, and a
container is only ever read as what it is by its first bytes: a play list, which could name other
files, is none of these.
"""

import contextlib
import os
import resource
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import av
import msgspec
from PIL import Image

from pipeline.common.files import open_file
from pipeline.facts import boxes, matroska, pictures
from pipeline.facts.reading import Reader, reader_of

MOST_PIXELS = 64 * 1024**2  # of a frame
FILMS: dict[Reader, str] = {boxes.read: "mov", matroska.read: "matroska"}
PICTURES: dict[Reader, str] = {
    pictures.png: "PNG", pictures.jpeg: "JPEG", pictures.webp: "WEBP", pictures.gif: "GIF",
}  # fmt: skip
_MEMORY = 2 * 1024**3
# Seconds for one clip. Who asks gives up earlier: this ends a child whose parent was killed.
_ALARM = 120


class UnfitError(Exception):
    """What the file holds is not decoded."""


def serve(answer: Callable[[Path], tuple[bytes, ...]], *, niceness: int = 0) -> None:
    """Answer each path on standard input until there are no more.

    `answer` makes the parts; whatever it raises is answered as `fault`.
    """
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    _, most = resource.getrlimit(resource.RLIMIT_AS)
    memory = _MEMORY if most == resource.RLIM_INFINITY else min(_MEMORY, most)
    with contextlib.suppress(ValueError, OSError):  # macOS has no such limit; the others hold
        resource.setrlimit(resource.RLIMIT_AS, (memory, most))
    os.nice(niceness)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    Image.MAX_IMAGE_PIXELS = MOST_PIXELS
    out = sys.stdout.buffer
    for line in sys.stdin.buffer:
        signal.alarm(_ALARM)
        try:
            parts = answer(Path(os.fsdecode(line.removesuffix(b"\n"))))
        except Exception as error:  # noqa: BLE001 - whatever a decoder may raise over hostile bytes
            parts = (msgspec.json.encode({"fault": _said(error)}),)
        out.write(" ".join(str(len(part)) for part in parts).encode() + b"\n")
        out.writelines(parts)
        out.flush()
        signal.alarm(0)


def _said(error: Exception) -> str:
    if isinstance(error, UnfitError):
        text = str(error)
    elif isinstance(error, OSError) and error.filename is not None:  # its bytes were never seen
        text = f"it cannot be read: {error.strerror}"
    else:  # in the decoder's words
        text = f"it cannot be decoded: {type(error).__name__}: {error}"
    return text[:200].encode(errors="backslashreplace").decode()


@contextlib.contextmanager
def opened(path: Path) -> Iterator[tuple[Any, Reader | None]]:
    """Open a clip, and say by its first bytes what reads it."""
    with os.fdopen(open_file(path), "rb") as file:
        reader = reader_of(file.read(16))
        file.seek(0)
        yield file, reader


def pictures_of(container: Any) -> Any | None:
    """Return the stream of moving pictures, None where there is none: a cover is no film.

    Raises:
        UnfitError: its frames are too large.
    """
    cover = av.stream.Disposition.attached_pic
    streams = (each for each in container.streams.video if not each.disposition & cover)
    if (stream := next(streams, None)) is None:
        return None
    if stream.width * stream.height > MOST_PIXELS:
        raise UnfitError(f"its frames are too large: {stream.width} × {stream.height}")
    stream.thread_count = 1  # threads take address space, which is bounded
    return stream


def shape(stream: Any) -> float:
    """Return the width of a pixel by its height, as far as that can be true."""
    ratio = float(stream.sample_aspect_ratio or 1)
    return ratio if 0.1 <= ratio <= 10.0 else 1.0  # noqa: PLR2004 - others are no film's


def shown(frame: Any, ratio: float, longest: int) -> Image.Image:
    """Return a frame as it is shown: upright, its pixels square, no side longer than `longest`."""
    width, height = frame.width * ratio, frame.height
    scale = min(1.0, longest / max(width, height))
    small: Image.Image = frame.to_image(
        width=max(1, round(width * scale)), height=max(1, round(height * scale))
    )
    return small.rotate(frame.rotation, expand=True) if frame.rotation else small
