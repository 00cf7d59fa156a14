"""A fast local API: an asyncio.Protocol that answers POSTs with a clip of a given size.

It runs in a process of its own. `GET /stats` returns its own cost and its counters. A limit makes
it answer 429, with `Retry-After` where that is asked for and known.
"""

import argparse
import asyncio
import json
import math
import re
import resource
import signal
import time

from bench.limits import NEVER, answers, limit

_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
_CLOSE = re.compile(rb"(?i)\r\nconnection: *close")
_PIECE = 256 * 1024


def clip(size: int) -> bytes:
    """Make an MP4 of `size` bytes: a file type box, and one box of media data."""
    kind = (20).to_bytes(4) + b"ftypisom\0\0\2\0isom"
    rest = size - len(kind)
    return kind + rest.to_bytes(4) + b"mdat" + b"\x5a" * (rest - 8)


def problem(status: str, text: str, headers: str = "") -> bytes:
    """Make an answer that is an error."""
    body = json.dumps({"error": text})
    return (
        f"HTTP/1.1 {status}\r\nContent-Type: application/json\r\n{headers}"
        f"Content-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


def refusal(headers: str) -> bytes:
    return problem("429 Too Many Requests", "Too many requests", headers)


_BROKEN = problem("500 Internal Server Error", "Internal server error")


class Served:
    """What all connections share: the answer, when it comes, the limit, and the counts."""

    def __init__(self, args: argparse.Namespace) -> None:
        size = args.size
        self.body = memoryview(clip(size))
        head = (
            "HTTP/1.1 200 OK\r\nContent-Type: video/mp4\r\nx-remaining-credits: 1000000\r\n"
            f"x-cost: 0.95\r\nContent-Length: {size}\r\n\r\n"
        ).encode()
        self.head = head
        # A small answer leaves in one piece.
        self.small = head + bytes(self.body) if size <= _PIECE else None
        self._args = args
        self.in_flight = 0
        self.reset()

    def reset(self) -> None:
        """Reset the counters, the limit and the answers."""
        args = self._args
        self.drawn = answers(args.latency, args.spread, most=args.most, errors=args.errors)
        self.limit = limit(args.limit)
        self.posts = self.peak = self.connections = self.refused = 0
        self.first = 0.0
        self.arrivals: list[float] = []

    def enter(self) -> bytes | None:
        """Let a request in (None), or return the answer that refuses it."""
        now = time.time()
        self.first = self.first or now
        wait = self.limit.refuses(now - self.first, self.in_flight)
        if wait is not None:
            self.refused += 1
            named = self._args.retry_after and wait != NEVER
            return refusal(f"Retry-After: {math.ceil(wait)}\r\n" if named else "")
        self.arrivals.append(round(now - self.first, 4))
        self.posts += 1
        self.in_flight += 1
        self.peak = max(self.peak, self.in_flight)
        return None

    def stats(self) -> bytes:
        """Tell what was seen. `first` is a Unix time, `arrivals` count from it."""
        used = resource.getrusage(resource.RUSAGE_SELF)
        counts = {
            "posts": self.posts,
            "refused": self.refused,
            "peak": self.peak,
            "connections": self.connections,
            "first": self.first,
            "arrivals": self.arrivals,
            "cpu": used.ru_utime + used.ru_stime,
        }
        return json.dumps(counts).encode()


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
        refused = self._served.enter()
        if refused is not None:
            self._transport.write(refused)
            self._next()
            return
        self._answering = True
        delay, whole = next(self._served.drawn)
        answer = self._answer if whole else self._fail
        if delay:
            self._loop.call_later(delay, answer)
        else:
            answer()

    def _fail(self) -> None:
        if self._answering:
            self._transport.write(_BROKEN)
            self._done()

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
        self._next()

    def _next(self) -> None:
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
    parser.add_argument("--most", type=float, default=0.0, help="lognormal from --latency to this")
    parser.add_argument("--errors", type=float, default=0.0, help="the part that is answered 500")
    parser.add_argument("--limit", default="", help="at-once:5, bucket:30/60 or window:30/60")
    parser.add_argument("--retry-after", action="store_true", help="in a 429, where known")
    args = parser.parse_args()
    asyncio.run(serve(Served(args), args.port))


if __name__ == "__main__":
    main()
