"""The ways in which an answer reaches its client, or does not, down to the socket."""

import asyncio
import itertools
import socket
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from starlette.types import Receive, Scope, Send
from uvicorn.config import Config
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.server import ServerState

from sandbox.clips import Media

TRANSPORT = "sandbox.transport"

_PIECE = 64 * 1024
_ZEROS = bytes(_PIECE)
_SLOW_PIECES = 10


class Protocol(H11Protocol):
    """HTTP/1.1 that shows the application its connection, under `TRANSPORT` in the scope."""

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any],
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(config, server_state, app_state, _loop)
        inner = self.app

        async def app(scope: Any, receive: Any, send: Any) -> None:
            scope[TRANSPORT] = self.transport
            await inner(scope, receive, send)

        self.app = app


def drop(transport: asyncio.Transport) -> None:
    """Close the connection cleanly, after what was already written."""
    transport.close()


def reset(transport: asyncio.Transport) -> None:
    """Close the connection by a reset: a close that lingers for 0 s sends RST, not FIN."""
    if transport.is_closing():
        return
    sock = transport.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport.abort()


async def until_gone(receive: Receive) -> None:
    """Wait until the connection is closed, from either end."""
    while (await receive())["type"] != "http.disconnect":
        pass


@dataclass(frozen=True, slots=True)
class Silence:
    """No answer at all. `end` closes the books on the request before the client can know."""

    sever: Callable[[asyncio.Transport], None]
    end: Callable[[], None]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Be an ASGI application."""
        self.end()
        self.sever(scope[TRANSPORT])
        await until_gone(receive)


@dataclass(frozen=True, slots=True)
class Delivery:
    """An answer with a body, sent whole, or trickling over `slow` seconds."""

    media: Media
    content_type: str
    headers: dict[str, str] = field(default_factory=dict)
    slow: float = 0.0
    status: int = 200

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        """Be an ASGI application."""
        await _send_head(self, send)
        if self.slow:
            for part in _cut_up(self.media.head, _SLOW_PIECES):
                await asyncio.sleep(self.slow / _SLOW_PIECES)
                await _send_part(part, send)
        else:
            await _send_part(self.media.head, send)
        for part in _zeros(self.media.padding):
            await _send_part(part, send)
        await send({"type": "http.response.body", "body": b""})


@dataclass(frozen=True, slots=True)
class Half:
    """Headers and half of a body. Then the connection is closed, or, without `end`, silence."""

    delivery: Delivery
    end: Callable[[], None] | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Be an ASGI application."""
        head = self.delivery.media.head
        await _send_head(self.delivery, send)
        await _send_part(head[: len(head) // 2], send)
        if self.end is not None:
            self.end()
            drop(scope[TRANSPORT])
        await until_gone(receive)


async def _send_head(delivery: Delivery, send: Send) -> None:
    headers = {
        "content-type": delivery.content_type,
        "content-length": str(delivery.media.size),
        **delivery.headers,
    }
    raw = [(name.encode(), value.encode()) for name, value in headers.items()]
    await send({"type": "http.response.start", "status": delivery.status, "headers": raw})


async def _send_part(part: bytes, send: Send) -> None:
    await send({"type": "http.response.body", "body": part, "more_body": True})


def _cut_up(data: bytes, pieces: int) -> Iterator[bytes]:
    """Cut `data` into that many pieces of about the same size."""
    marks = [len(data) * number // pieces for number in range(pieces + 1)]
    return (data[start:end] for start, end in itertools.pairwise(marks))


def _zeros(size: int) -> Iterator[bytes]:
    """Yield `size` zero bytes, without ever holding more than a piece of them."""
    for _ in range(size // _PIECE):
        yield _ZEROS
    if rest := size % _PIECE:
        yield _ZEROS[:rest]
