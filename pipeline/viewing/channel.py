"""What a job's pages get to know: one stream that all of them follow, in server-sent events.

Each event is written once, and kept for a while: a page that was away catches up by its id. One
that was away for too long is asked to load everything again, so that no slow page fills the memory.
"""

import asyncio
import secrets
from collections import deque
from collections.abc import AsyncGenerator
from typing import Any

import msgspec

_MOST = 400  # events that are kept,
_LARGEST = 8 * 1024**2  # and their bytes
_BEAT = 15.0  # seconds without an event until a comment shows that the connection lives
_ENCODER = msgspec.json.Encoder(decimal_format="number")


def encode(value: Any) -> bytes:
    """Encode as JSON; what is not valid Unicode, as some file names, is escaped twice."""
    try:
        return _ENCODER.encode(value)
    except UnicodeEncodeError:
        return _ENCODER.encode(_in_unicode(msgspec.to_builtins(value, builtin_types=())))


def _in_unicode(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode(errors="backslashreplace").decode()
    if isinstance(value, dict):
        return {_in_unicode(name): _in_unicode(item) for name, item in value.items()}
    return [_in_unicode(item) for item in value] if isinstance(value, list | tuple) else value


def framed(kind: str, data: Any, number: str = "") -> bytes:
    """Write one event; without an id it is for one page alone."""
    head = f"id: {number}\n" if number else ""
    return b"%bevent: %b\ndata: %b\n\n" % (head.encode(), kind.encode(), encode(data))


class Channel:
    """The events of one job. For one event loop."""

    def __init__(self) -> None:
        self._life = secrets.token_hex(4)  # ids of another server mean nothing here
        self._number = 0
        self._kept: deque[tuple[int, bytes]] = deque()
        self._bytes = 0
        self._news = asyncio.Event()
        self._closed = False

    @property
    def at(self) -> str:
        """The id of the last event."""
        return f"{self._life}-{self._number}"

    def tell(self, kind: str, data: Any) -> None:
        """Tell all pages."""
        self._number += 1
        frame = framed(kind, data, self.at)
        self._kept.append((self._number, frame))
        self._bytes += len(frame)
        while len(self._kept) > _MOST or (self._bytes > _LARGEST and len(self._kept) > 1):
            self._bytes -= len(self._kept.popleft()[1])
        self._wake()

    def close(self) -> None:
        """End all streams."""
        self._closed = True
        self._wake()

    async def follow(self, after: str | None) -> AsyncGenerator[bytes, None]:
        """Yield what comes from now on; or from `after`, the id of the last event seen."""
        seen = self._place(after)
        if seen is None:
            seen = self._number
            yield self._reload()
        while not self._closed:
            if seen < self._number:
                # One that was too slow has missed what is not kept any more.
                missed = self._kept[0][0] > seen + 1
                frames = [frame for number, frame in self._kept if number > seen]
                seen = self._number
                yield self._reload() if missed else b"".join(frames)
                continue
            news = self._news
            try:
                await asyncio.wait_for(news.wait(), _BEAT)
            except TimeoutError:
                yield b": \n\n"

    def _place(self, after: str | None) -> int | None:
        """Return the number of an id; None for one that is not kept any more."""
        if not after:
            return self._number
        life, _, number = after.partition("-")
        if life != self._life or not number.isdecimal() or len(number) > 18:  # noqa: PLR2004
            return None
        seen = int(number)
        first = self._kept[0][0] if self._kept else self._number + 1
        return seen if first - 1 <= seen <= self._number else None

    def _reload(self) -> bytes:
        return framed("reload", {}, self.at)

    def _wake(self) -> None:
        self._news.set()
        self._news = asyncio.Event()
