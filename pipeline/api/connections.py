"""Questions over HTTP/1.1 connections that are kept: for answers that are short, and cost nothing.

A thousand requests that are waited for are asked for some hundred times a second, and connections
cost more than all else (`bench/polls`). So what is free keeps them: one that was closed meanwhile
is no loss, as the request can be sent again.
"""

import asyncio
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import httpx

from pipeline.api.connecting import connect
from pipeline.api.http1 import Incoming, written
from pipeline.api.origin import Origin

# What is kept longer may have been closed under way; more of them are not needed at once.
_IDLE_SECONDS = 30.0
_MOST_KEPT = 64
_MOST_REQUESTS = 2048


@dataclass(frozen=True, slots=True)
class Answer:
    """A whole answer, or the begin of one that is too long. Names of headers are in lower case."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    complete: bool = True


class Connections:
    """Keeps connections to one origin, and asks over them."""

    def __init__(
        self, origin: Origin, trust: Callable[[], ssl.SSLContext], idle: float = _IDLE_SECONDS
    ) -> None:
        self._origin = origin
        self._idle = idle
        self._tls = trust() if origin.is_secure else None
        self._kept: list[_Line] = []  # the one used last is the last
        self._headers: tuple[Mapping[str, str], list[tuple[bytes, bytes]]] = ({}, [])
        self._requests: dict[bytes, bytes] = {}  # by target

    async def get(self, target: bytes, headers: Mapping[str, str], most: int) -> Answer:
        """Ask for a target (path and query), for an answer of `most` bytes.

        Raises:
            httpx.HTTPError: no answer, or one that is not whole, or not HTTP.
            OSError: the connection failed.
        """
        return await self._ask(self._request(target, headers), most)

    async def post(
        self, target: bytes, headers: Mapping[str, str], content: bytes, most: int
    ) -> Answer:
        """Ask a question that has a body, and costs nothing either: it may be sent again.

        Raises:
            httpx.HTTPError: no answer, or one that is not whole, or not HTTP.
            OSError: the connection failed.
        """
        fields = {**headers, "content-length": str(len(content))}
        head = written("POST", target, self._encode(fields))
        return await self._ask(head + content, most)

    async def _ask(self, request: bytes, most: int) -> Answer:
        while (line := self._take()) is not None:
            try:
                return await self._exchange(line, request, most)
            except (OSError, httpx.HTTPError):
                if line.has_answered:
                    raise
                # It was closed while it was kept, or just now: what is free is asked again.
        return await self._exchange(await self._open(), request, most)

    async def aclose(self) -> None:
        """Close what is kept."""
        while self._kept:
            self._kept.pop().close()

    def _request(self, target: bytes, headers: Mapping[str, str]) -> bytes:
        """Make a request; what is waited for is asked for again and again."""
        if self._headers[0] is not headers or len(self._requests) >= _MOST_REQUESTS:
            self._requests.clear()
        request = self._requests.get(target)
        if request is None:
            request = written("GET", target, self._encoded(headers))
            self._requests[target] = request
        return request

    def _encoded(self, headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
        """Encode headers, which are mostly the same object as before."""
        if self._headers[0] is not headers:
            self._headers = headers, self._encode(headers)
        return self._headers[1]

    def _encode(self, headers: Mapping[str, str]) -> list[tuple[bytes, bytes]]:
        default = 443 if self._origin.is_secure else 80
        address = self._origin.address
        host = address.rpartition(":")[0] if self._origin.port == default else address
        fields = {"host": host, **headers}.items()
        return [(name.encode("ascii"), value.encode("ascii")) for name, value in fields]

    def _take(self) -> "_Line | None":
        oldest = asyncio.get_running_loop().time() - self._idle
        while self._kept and self._kept[0].used < oldest:
            self._kept.pop(0).close()
        while self._kept:
            line = self._kept.pop()
            if line.is_open:
                return line
        return None

    async def _open(self) -> "_Line":
        origin = self._origin
        name = origin.host if self._tls is not None else None
        loop = asyncio.get_running_loop()
        try:
            raw = await connect(origin.host, origin.port)
            _, line = await loop.create_connection(
                _Line, sock=raw, ssl=self._tls, server_hostname=name
            )
        except OSError as error:
            raise httpx.ConnectError(str(error)) from error
        return line

    async def _exchange(self, line: "_Line", request: bytes, most: int) -> Answer:
        try:
            answer = await line.ask(request, most)
        except BaseException:
            line.close()
            raise
        if len(self._kept) < _MOST_KEPT and line.rest():
            self._kept.append(line)
        else:
            line.close()
        return answer


class _Line(asyncio.Protocol):
    """One connection, and the HTTP that goes over it."""

    def __init__(self) -> None:
        self._incoming = Incoming("GET")
        self._came = bytearray()
        self._error: Exception | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._resting = self._over = False
        self.has_answered = False
        self.used = 0.0

    # -- called by the loop -------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        if self._resting:  # nobody has asked: it cannot be trusted with another request
            self.close()
            return
        self.has_answered = True
        self._came += data
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        self._over, self._error = True, exc
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    # -- called by whoever asks ---------------------------------------------------------------

    @property
    def is_open(self) -> bool:
        return not self._over and not self._transport.is_closing()

    async def ask(self, request: bytes, most: int) -> Answer:
        """Send a request and read its answer, `most` bytes of its body."""
        self._resting, self.has_answered = False, False
        self._incoming, body = Incoming("GET"), bytearray()
        incoming = self._incoming
        self._transport.write(request)
        while incoming.head is None:
            incoming.feed(await self._more())
        while not incoming.is_whole and len(body) <= most:
            if part := incoming.part():
                body += part
            elif not incoming.is_whole:
                incoming.feed(await self._more())
        status, told = incoming.head.status, incoming.fields
        return Answer(status, told, bytes(body[:most]), len(body) <= most)

    async def _more(self) -> bytes:
        """Wait until something has come, or nothing will, which is an end."""
        if not self._came and not self._over:
            self._waiter = asyncio.get_running_loop().create_future()
            try:
                await self._waiter
            finally:
                self._waiter = None
        if self._came:
            data = bytes(self._came)
            self._came.clear()
            return data
        if self._error is not None:
            raise self._error
        if self.has_answered and self._incoming.head is None:
            raise httpx.RemoteProtocolError("peer closed")
        return b""

    def rest(self) -> bool:
        """Wait for another request; return whether it can."""
        self._resting = True
        self.used = asyncio.get_running_loop().time()
        return self.is_open and not self._came and self._incoming.leaves_connection_usable

    def close(self) -> None:
        self._transport.abort()
