"""Makes small films of clips: the program of a child process. Needs the extra `media`.

A small film is H.264 in MP4, 480 pixels at most on its longest side, no faster than the clip, its
sound AAC. Of anything but a film it answers nothing.
"""

import contextlib
import io
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
from av.audio.resampler import AudioResampler
from PIL import Image

from pipeline.facts.child import FILMS, UnfitError, opened, pictures_of, serve, shape, shown

_SIDE = 480
_MOST_FRAMES = 20_000  # pictures and pieces of sound
_MOST_SECONDS = 120.0
_FASTEST = 30.0  # frames a second
_CLOCK = Fraction(1, 90_000)
_LOOK = {"crf": "30", "preset": "veryfast", "threads": "1"}
_SOUND_RATE, _SOUND_BITS = 44_100, 64_000
_MOST_BYTES = 16 * 1024**2


class _Memory(io.BytesIO):
    """A file in memory that may not grow without bound."""

    def write(self, data: Any) -> int:
        """Write, up to so many bytes."""
        if self.tell() + len(data) > _MOST_BYTES:
            raise UnfitError("its small film is too large")
        return super().write(data)


def _answer(path: Path) -> tuple[bytes, ...]:
    with opened(path) as (file, reader):
        if reader not in FILMS:
            return (b"{}",)
        with av.open(file, format=FILMS[reader]) as container:
            pictures = pictures_of(container)
            return (b"{}",) if pictures is None else (b"{}", _small(container, pictures))


def _small(container: Any, pictures: Any) -> bytes:
    made, sounds = _Memory(), container.streams.audio[:1]
    film, sound = None, None
    with av.open(made, "w", format="mp4") as small:
        # What comes before it breaks off is a film.
        with contextlib.suppress(av.error.FFmpegError):
            for frame in _frames(container, [pictures, *sounds]):
                if isinstance(frame, av.VideoFrame):
                    image = shown(frame, shape(pictures), _SIDE)
                    if film is None:  # all streams are there before the first is written to
                        film = _Film(small, pictures, image.size)
                        sound = _Sound(small) if sounds else None
                    film.take(image, frame.time)
                elif sound is not None:
                    sound.take(frame)
        if film is None:
            raise UnfitError("it has no frame that can be decoded")
        film.end()
        if sound is not None:
            sound.end()
    return made.getvalue()


def _frames(container: Any, streams: list[Any]) -> Iterator[Any]:
    """Yield pictures and sound in the order of the file, of a long one what comes first."""
    count = 0
    for packet in container.demux(streams):
        if packet.pts is not None and float(packet.pts * packet.time_base) > _MOST_SECONDS:
            return
        for frame in packet.decode():
            count += 1
            if count > _MOST_FRAMES:
                return
            yield frame


class _Film:
    """The pictures of a small film."""

    def __init__(self, small: Any, source: Any, size: tuple[int, int]) -> None:
        rate = min(max(float(source.average_rate or _FASTEST), 1.0), _FASTEST)
        self._small, self._step, self._next = small, 1 / rate, float("-inf")
        stream = self._stream = small.add_stream("libx264", rate=round(rate), options=_LOOK)
        stream.width, stream.height = self._size = _even(size[0]), _even(size[1])
        stream.pix_fmt, stream.thread_count = "yuv420p", 1
        stream.codec_context.time_base = _CLOCK

    def take(self, image: Image.Image, at: float | None) -> None:
        """Take a picture at a time; what comes faster than a film should be is left out."""
        if at is None or at < self._next - self._step / 2:
            return
        self._next = at + self._step
        frame = av.VideoFrame.from_image(image)  # type: ignore[no-untyped-call]
        small = frame.reformat(*self._size, "yuv420p")
        small.pts, small.time_base = round(at / _CLOCK), _CLOCK
        self._small.mux(self._stream.encode(small))

    def end(self) -> None:
        """Write what is left."""
        self._small.mux(self._stream.encode())


class _Sound:
    """The sound of a small film."""

    def __init__(self, small: Any) -> None:
        self._small = small
        self._stream = small.add_stream("aac", rate=_SOUND_RATE)
        self._stream.bit_rate, self._stream.layout = _SOUND_BITS, "stereo"
        self._resampler = AudioResampler("fltp", "stereo", _SOUND_RATE)

    def take(self, frame: Any) -> None:
        """Take a frame."""
        for part in self._resampler.resample(frame):
            self._small.mux(self._stream.encode(part))

    def end(self) -> None:
        """Write what is left."""
        for part in (*self._resampler.resample(None), None):
            self._small.mux(self._stream.encode(part))


def _even(side: int) -> int:
    return max(2, side // 2 * 2)


if __name__ == "__main__":
    serve(_answer, niceness=5)
