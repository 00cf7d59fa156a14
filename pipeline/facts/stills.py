"""Makes the posters of clips: the program of a child process. Needs the extra `media`.

Of a film it answers a still and a strip of stills, both WebP, of a picture a smaller one, and of
anything else nothing.
"""

import contextlib
import io
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import av
from PIL import Image, ImageOps, ImageStat

from pipeline.facts.child import (
    FILMS,
    PICTURES,
    UnfitError,
    opened,
    pictures_of,
    serve,
    shape,
    shown,
)

# Pixels of the longest side, of a tile's; tiles. A browser keeps a thousand decoded stills: larger
# ones would fill 500 MB.
_POSTER, _TILE, _TILES = 360, 240, 9
# The still is the first of these tiles that shows something: a film may begin in black.
_BEST = (3, 4, 5, 2, 6, 7, 8, 1, 0)
_FLAT = 5.0  # deviation of the brightness, of 255, up to which a frame shows nothing
_FAR = 10.0  # seconds between tiles from which it is quicker to seek than to read
_MOST_PACKETS = 100_000
_MOST_HELD = 64 * 1024**2  # bytes
_QUALITY, _EFFORT = 72, 3


def _answer(path: Path) -> tuple[bytes, ...]:
    with opened(path) as (file, reader):
        if reader in FILMS:
            made = _film(file, FILMS[reader])
        elif reader in PICTURES:
            made = [_picture(file, PICTURES[reader])]
        else:
            made = []
    return (b"{}", *map(_webp, made))


def _picture(file: Any, form: str) -> Image.Image:
    with Image.open(file, formats=[form]) as opened:
        opened.draft("RGB", (_POSTER, _POSTER))
        clear = opened.has_transparency_data
        picture = ImageOps.exif_transpose(opened).convert("RGBA" if clear else "RGB")
    picture.thumbnail((_POSTER, _POSTER))
    return picture


def _film(file: Any, form: str) -> list[Image.Image]:
    """Return the still and the strip; no strip where there is one frame only, as in an AVIF."""
    with av.open(file, format=form) as container:
        if (stream := pictures_of(container)) is None:
            return []
        # Frames that no other needs are left out, which halves the time.
        stream.codec_context.skip_frame = "NONREF"
        begin, length = _span(container, stream)
        times = [begin + length * tile / _TILES for tile in range(_TILES)]
        frames = list(_small(_Near(container, stream, times), shape(stream)))
    if not frames:
        raise UnfitError("it has no frame that can be decoded")
    frames += frames[-1:] * (_TILES - len(frames))
    still = next((frames[tile] for tile in _BEST if not _is_flat(frames[tile])), frames[_BEST[0]])
    return [still] if all(frame is frames[0] for frame in frames) else [still, _strip(frames)]


def _span(container: Any, stream: Any) -> tuple[float, float]:
    """Return where a film begins, and how long it is, in seconds."""
    base = stream.time_base
    begin = float((stream.start_time or 0) * base)
    if stream.duration:
        return begin, max(float(stream.duration * base), 0.0)
    if container.duration:
        return begin, max(container.duration / av.time_base, 0.0)
    last = begin
    for _, packet in zip(range(_MOST_PACKETS), container.demux(stream), strict=False):
        if packet.pts is not None:
            last = max(last, float(packet.pts * base))
    container.seek(0)
    return begin, last - begin


class _Near:
    """The frames at some ascending times, at even steps; fewer where the film ends.

    Packets are held until the one of a time comes, and let go when a key frame makes them
    superfluous, so that only what leads to a frame is decoded. A key frame that is nearer to a time
    than half a step will do for it.
    """

    def __init__(self, container: Any, stream: Any, times: Sequence[float]) -> None:
        self._container, self._stream = container, stream
        self._wanted = deque(times)
        self._near = (times[1] - times[0]) / 2
        self._held: list[Any] = []
        self._size = 0

    def __iter__(self) -> Iterator[Any]:
        last = None
        with contextlib.suppress(av.error.FFmpegError):  # what came before it breaks off is there
            for _, packet in zip(
                range(_MOST_PACKETS), self._container.demux(self._stream), strict=False
            ):
                for frame in self._after(packet):
                    last = frame
                    yield from self._met(frame)
                    if not self._wanted:
                        return
        if last is not None:
            yield last

    def _after(self, packet: Any) -> Iterator[Any]:
        """Yield the frames that are due with a packet: none yet, or all that were held back."""
        at = None if packet.pts is None else float(packet.pts * self._stream.time_base)
        if packet.is_keyframe and at is not None:
            if abs(at - self._wanted[0]) <= self._near:
                self._wanted[0] = at
            if at <= self._wanted[0] and self._held:
                self._stream.codec_context.flush_buffers()
                self._let_go()
        self._held.append(packet)
        self._size += packet.size
        if at is not None and at < self._wanted[0] and self._size < _MOST_HELD:
            return
        due = self._held
        self._let_go()
        for each in due:
            with contextlib.suppress(av.error.InvalidDataError):
                yield from each.decode()

    def _let_go(self) -> None:
        self._held, self._size = [], 0

    def _met(self, frame: Any) -> Iterator[Any]:
        met = False
        while self._wanted and (frame.time is None or frame.time >= self._wanted[0]):
            before = self._wanted.popleft()
            met = True
            yield frame
        if met and self._wanted and self._wanted[0] - before > _FAR:
            with contextlib.suppress(av.error.FFmpegError):
                base = self._stream.time_base
                self._container.seek(int(self._wanted[0] / base), stream=self._stream)
                self._let_go()


def _small(frames: Iterable[Any], ratio: float) -> Iterator[Image.Image]:
    """Yield frames as they are shown; of one frame the same picture."""
    last = small = None
    for frame in frames:
        if frame is not last or small is None:
            last, small = frame, shown(frame, ratio, _POSTER)
        yield small


def _is_flat(frame: Image.Image) -> bool:
    return ImageStat.Stat(frame.convert("L").resize((64, 64))).stddev[0] < _FLAT


def _strip(frames: Sequence[Image.Image]) -> Image.Image:
    width, height = frames[0].size
    scale = _TILE / max(width, height)
    tile = (max(1, round(width * scale)), max(1, round(height * scale)))
    strip = Image.new("RGB", (tile[0] * _TILES, tile[1]))
    for number, frame in enumerate(frames):
        strip.paste(frame.resize(tile), (tile[0] * number, 0))
    return strip


def _webp(picture: Image.Image) -> bytes:
    file = io.BytesIO()
    picture.save(file, "WEBP", quality=_QUALITY, method=_EFFORT)
    return file.getvalue()


if __name__ == "__main__":
    serve(_answer, niceness=10)
