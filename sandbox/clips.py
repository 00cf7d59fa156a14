"""What a generation returns: a clip, real or tiny, and the padding behind it."""

import asyncio
import hashlib
import struct
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from sandbox import stills
from sandbox.digests import digest
from sandbox.kinds import Kind
from sandbox.settings import Clips

_CACHE_BYTES = 64 * 1024 * 1024
_LOOKS = 4  # the same request again looks different, as from the real API; up to so many times
_BOX_HEADER = 8
_LARGE_BOX = 2**32


@dataclass(frozen=True, slots=True)
class Media:
    """A body: its first bytes, and how many zeros follow."""

    head: bytes
    padding: int = 0

    @property
    def size(self) -> int:
        """Its length, in bytes."""
        return len(self.head) + self.padding


class Cache:
    """Keeps the clips that were used last, up to `limit` bytes in all."""

    def __init__(self, limit: int = _CACHE_BYTES) -> None:
        self._limit = limit
        self._clips: OrderedDict[str, bytes] = OrderedDict()
        self._size = 0

    def get(self, key: str) -> bytes | None:
        """Look a clip up."""
        if key in self._clips:
            self._clips.move_to_end(key)
        return self._clips.get(key)

    def put(self, key: str, clip: bytes) -> None:
        """Keep a new clip, and forget what was not used for longest."""
        self._clips[key] = clip
        self._size += len(clip)
        while self._size > self._limit:
            self._size -= len(self._clips.popitem(last=False)[1])


class Studio:
    """Makes clips, off the event loop, and keeps those it made. `size` pads them, in bytes."""

    def __init__(self, clips: Clips, seed: int, size: int | None) -> None:
        self._clips = clips
        self._seed = seed
        self._size = size
        self._pool = ThreadPoolExecutor(max_workers=2, thread_name_prefix="clips")
        self._cache = Cache()
        self._rendering: dict[str, asyncio.Task[bytes]] = {}

    async def make(
        self, model: str, body: dict[str, Any], nth: int, nonce: str, kind: Kind = Kind.FILM
    ) -> Media:
        """Make the output for the `nth` request of this model and body."""
        mark = hashlib.sha256(f"{digest(model, body)}:{nonce}".encode()).digest()
        if kind is Kind.SOUND:
            return Media(stills.sound(mark))
        look = f"{self._seed}:{digest(model, body)}:{nth % _LOOKS}"
        if kind is Kind.PICTURE:
            if self._clips is Clips.TINY:
                return Media(stills.picture(mark))
            name = f"{look}:picture"
            return Media(await self._get(name, lambda: _photograph(model, body, look)))
        if self._clips is Clips.TINY:
            return pad(_tiny() + box(b"free", mark), self._size)
        return pad(await self._get(look, lambda: _render(model, body, look)), self._size)

    def close(self) -> None:
        """Render nothing more."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    async def _get(self, key: str, render: Callable[[], bytes]) -> bytes:
        """Render what is not there yet; requests for the same clip share the work."""
        if clip := self._cache.get(key):
            return clip
        if key not in self._rendering:
            self._rendering[key] = asyncio.create_task(self._shoot(key, render))
        return await self._rendering[key]

    async def _shoot(self, key: str, render: Callable[[], bytes]) -> bytes:
        try:
            clip = await asyncio.get_running_loop().run_in_executor(self._pool, render)
        finally:
            del self._rendering[key]
        self._cache.put(key, clip)
        return clip


def pad(clip: bytes, size: int | None) -> Media:
    """Let a box of zeros follow `clip`, so that all is `size` bytes, if that is possible."""
    room = (size or 0) - len(clip)
    if room < _BOX_HEADER:
        return Media(clip)
    if room < _LARGE_BOX:
        header = struct.pack(">I4s", room, b"free")
    else:
        header = struct.pack(">I4sQ", 1, b"free", room)
    return Media(clip + header, room - len(header))


@cache
def _tiny() -> bytes:
    """Read a clip of one frame, 16 by 16, that PyAV once wrote."""
    return files(__package__).joinpath("tiny.mp4").read_bytes()


def box(kind: bytes, content: bytes) -> bytes:
    """Write an MP4 box."""
    return struct.pack(">I4s", _BOX_HEADER + len(content), kind) + content


def _render(model: str, body: dict[str, Any], look: str) -> bytes:
    from sandbox import film  # noqa: PLC0415 - PyAV takes long to import

    return film.shoot(model, body, look)


def _photograph(model: str, body: dict[str, Any], look: str) -> bytes:
    from sandbox import film  # noqa: PLC0415 - PyAV takes long to import

    return film.photograph(model, body, look)
