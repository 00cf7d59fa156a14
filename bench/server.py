"""A fast local API: an asyncio.Protocol that answers every POST with a clip of a given size.

It runs in a process of its own. `GET /stats` returns its own cost and its counters.
"""

import argparse
import asyncio
import json
import random
import re
import resource
import signal
import time

_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
_CLOSE = re.compile(rb"(?i)\r\nconnection: *close")
_PIECE = 256 * 1024


def clip(size: int) -> bytes:
    """Make an MP4 of `size` bytes: a file type box, and one box of media data."""
    kind = (20).to_bytes(4) + b"ftypisom\0\0\2\0isom"
    rest = size - len(kind)
    return kind + rest.to_bytes(4) + b"mdat" + b"\x5a" * (rest - 8)


class Served:
    """What all connections share: the answer, its delay, and the counts."""

    def __init__(self, size: int, latency: float, spread: float) -> None:
        self.body = memoryview(clip(size))
        head = (
            "HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\nx-remaining-credits: 1000000\r\n"
            f"x-cost: 0.95\r\nContent-Length: {size}\r\n\r\n"
        ).encode()
        self.head = head
        # A small answer leaves in one piece.
        self.small = head + bytes(self.body) if size <= _PIECE else None
        self.latency, self.spread = latency, spread
        self.random = random.Random(7)
        self.posts = self.in_flight = self.peak = self.connections = 0
        self.first = self.last = 0.0

    def delay(self) -> float:
        """Draw how long an answer takes, in seconds."""
        if not self.spread:
            return self.latency
        return self.latency * (1 + self.spread * (2 * self.random.random() - 1))

    def stats(self) -> bytes:
        """Tell what was seen. `first` and `last` are Unix times."""
        used = resource.getrusage(resource.RUSAGE_SELF)
        counts = {
            "posts": self.posts,
            "peak": self.peak,
            "connections": self.connections,
            "first": self.first,
            "last": self.last,
            "cpu": used.ru_utime + used.ru_stime,
        }
        return json.dumps(counts).encode()

    def reset(self) -> None:
        """Reset the counters."""
        self.posts = self.peak = self.connections = 0
        self.first = self.last = 0.0


class Connection(asyncio.Protocol):
    """One connection: one request after the other."""

    def __init__(self, served: Served, loop: asyncio.AbstractEventLoop) -> None:
        self._served = served
        self._loop = loop
        self._buffer = b""
        self._answering = False
        self._left = memoryview(b"")
        self._writable = True
        self._close = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._served.connections += 1
        self._transport = transport

    def connection_lost(self, _error: Exception | None) -> None:
        if self._answering:
            self._served.in_flight -= 1
            self._answering = False

    def data_received(self, data: bytes) -> None:
        self._buffer = self._buffer + data if self._buffer else data
        self._look()

    def _look(self) -> None:
        if self._answering:
            return
        end = self._buffer.find(b"\r\n\r\n")
        if end < 0:
            return
        head = self._buffer[: end + 2]
        length = _LENGTH.search(head)
        whole = end + 4 + (int(length[1]) if length else 0)
        if len(self._buffer) < whole:
            return
        self._buffer = self._buffer[whole:]
        self._close = _CLOSE.search(head) is not None
        if head.startswith(b"POST"):
            self._begin()
        else:
            self._tell(head)

    def _begin(self) -> None:
        served = self._served
        self._answering = True
        served.posts += 1
        served.in_flight += 1
        served.peak = max(served.peak, served.in_flight)
        served.first = served.first or time.time()
        delay = served.delay()
        if delay:
            self._loop.call_later(delay, self._answer)
        else:
            self._answer()

    def _tell(self, head: bytes) -> None:
        if head.startswith(b"GET /stats"):
            body = self._served.stats()
        elif head.startswith(b"GET /reset"):
            self._served.reset()
            body = b"{}"
        else:
            body = b'{"credits": 1000000.0, "free-credits": 0.0}'
        answer = f"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {len(body)}"
        self._transport.write(answer.encode() + b"\r\n\r\n" + body)
        self._look()

    def _answer(self) -> None:
        if not self._answering:
            return
        if self._served.small is not None:
            self._transport.write(self._served.small)
            self._done()
        else:
            self._transport.write(self._served.head)
            self._left = self._served.body
            self._pour()

    def _pour(self) -> None:
        while self._left and self._writable:
            piece, self._left = self._left[:_PIECE], self._left[_PIECE:]
            self._transport.write(piece)
        if not self._left:
            self._done()

    def _done(self) -> None:
        self._answering = False
        self._served.in_flight -= 1
        self._served.last = time.time()
        if self._close:
            self._transport.close()
        elif self._buffer:
            self._look()

    def pause_writing(self) -> None:
        self._writable = False

    def resume_writing(self) -> None:
        self._writable = True
        if self._answering and self._left:
            self._pour()


async def serve(served: Served, port: int) -> None:
    """Serve until SIGTERM; the port is printed once it is open."""
    loop = asyncio.get_running_loop()
    stop = asyncio.Event()
    loop.add_signal_handler(signal.SIGTERM, stop.set)
    server = await loop.create_server(
        lambda: Connection(served, loop), "127.0.0.1", port, backlog=4096
    )
    print(server.sockets[0].getsockname()[1], flush=True)
    await stop.wait()


def main() -> None:
    """Read the arguments and serve."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--size", type=int, default=1024, help="bytes of an answer")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds to the answer")
    parser.add_argument("--spread", type=float, default=0.0, help="as a part of the latency")
    args = parser.parse_args()
    asyncio.run(serve(Served(args.size, args.latency, args.spread), args.port))


if __name__ == "__main__":
    main()
