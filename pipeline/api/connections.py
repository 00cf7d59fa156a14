"""GETs over HTTP/1.1 connections that are kept: for answers that are short, and cost nothing.

A thousand requests that are waited for are asked for some hundred times a second. Over httpx each
costs several times the CPU that is set for it (`bench/polls` measures both), most of it in layers
for what a short GET does not need. Decided: what is paid for, and outputs, go over httpx, which
many people test; what is free goes over these lines, straight from asyncio. Source: RFC 9112.
"""

import asyncio
import re
import ssl
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import httpx

from pipeline.api.origin import Origin

# What is kept longer may have been closed under way; more of them are not needed at once.
_IDLE_SECONDS = 30.0
_MOST_KEPT = 64
# Bytes of the headers of an answer, and of the line before a chunk.
_MOST_HEAD = 64 * 1024
_MOST_LINE = 1024
_MOST_INTERIM = 8
# Bytes that may lie unread.
_HIGH = 256 * 1024
_NO_BODY = {204, 304}

_END = re.compile(rb"\r?\n\r?\n")
_STATUS = re.compile(rb"HTTP/1\.([01]) ([0-9]{3})(?: .*)?", re.DOTALL)
_FIELD = re.compile(rb"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*(.*?)[ \t]*", re.DOTALL)
_SIZE = re.compile(rb"([0-9A-Fa-f]{1,15})[ \t]*(?:;.*)?", re.DOTALL)
_LENGTH = re.compile(r"[0-9]{1,18}")


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
        self._headers: tuple[Mapping[str, str], bytes] = ({}, b"")

    async def get(self, target: bytes, headers: Mapping[str, str], most: int) -> Answer:
        """Ask for a target (path and query), for an answer of `most` bytes.

        Raises:
            httpx.HTTPError: no answer, or one that is not whole, or not HTTP.
            OSError: the connection failed.
        """
        request = b"GET %b HTTP/1.1\r\n%b\r\n\r\n" % (target, self._written(headers))
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

    def _written(self, headers: Mapping[str, str]) -> bytes:
        """Write headers, which are mostly the same object as before."""
        if self._headers[0] is not headers:
            default = 443 if self._origin.is_secure else 80
            address = self._origin.address
            host = address.rpartition(":")[0] if self._origin.port == default else address
            fields = [f"{name}: {value}" for name, value in {"host": host, **headers}.items()]
            self._headers = (headers, "\r\n".join(fields).encode("ascii"))
        return self._headers[1]

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
            _, line = await loop.create_connection(
                _Line, origin.host, origin.port, ssl=self._tls, server_hostname=name
            )
        except OSError as error:
            raise httpx.ConnectError(str(error)) from error
        return line

    async def _exchange(self, line: "_Line", request: bytes, most: int) -> Answer:
        try:
            line.send(request)
            answer, again = await _read(line, most)
        except BaseException:
            line.close()
            raise
        if again and len(self._kept) < _MOST_KEPT and line.rest():
            self._kept.append(line)
        else:
            line.close()
        return answer


class _Line(asyncio.Protocol):
    """One connection: what has come over it and was not read yet."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._over = False
        self._error: Exception | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._resting = False
        self._paused = False
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
        self._buffer += data
        if len(self._buffer) > _HIGH and not self._paused:
            self._paused = True
            self._transport.pause_reading()
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

    def send(self, request: bytes) -> None:
        self._resting, self.has_answered = False, False
        self._transport.write(request)

    def rest(self) -> bool:
        """Wait for another request; return whether it can."""
        self._resting = True
        self.used = asyncio.get_running_loop().time()
        return self.is_open and not self._buffer

    def close(self) -> None:
        self._transport.abort()

    async def until(self, mark: "re.Pattern[bytes]", most: int) -> bytes:
        """Take what comes before a mark, and the mark."""
        while True:
            found = mark.search(self._buffer, 0, most)
            if found is not None:
                taken = bytes(self._buffer[: found.start()])
                del self._buffer[: found.end()]
                return taken
            if len(self._buffer) >= most:
                raise httpx.RemoteProtocolError("a head or a line is too long")
            if not await self.more():
                raise self._broken()

    async def exactly(self, size: int, known: int = 0) -> bytes:
        """Take so many bytes; `known` were taken of the same body before."""
        while len(self._buffer) < size:
            if not await self.more():
                got, whole = known + len(self._buffer), known + size
                said = f"peer closed (received {got} bytes, expected {whole})"
                raise self._error or httpx.RemoteProtocolError(said)
        return self.take(size)

    def take(self, most: int) -> bytes:
        taken = bytes(self._buffer[:most])
        del self._buffer[:most]
        return taken

    async def more(self) -> bool:
        """Wait until something has come; return whether something has."""
        if self._over:
            return False
        if self._paused:
            self._paused = False
            self._transport.resume_reading()
        before = len(self._buffer)
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None
        return len(self._buffer) > before

    def check(self) -> None:
        """Raise the error that has ended the connection, if one has."""
        if self._error is not None:
            raise self._error

    def _broken(self) -> Exception:
        if self._error is not None:
            return self._error
        if self.has_answered:
            return httpx.RemoteProtocolError("peer closed: incomplete")
        return httpx.RemoteProtocolError("closed without sending a response")


async def _read(line: _Line, most: int) -> tuple[Answer, bool]:
    """Read one answer; with whether another request may follow it."""
    for _ in range(_MOST_INTERIM):
        version, status, headers = _head(await line.until(_END, _MOST_HEAD))
        if not 100 <= status < 200:  # noqa: PLR2004 - an interim answer, RFC 9110, 15.2
            break
    else:
        raise httpx.RemoteProtocolError("too many interim answers")
    again = version == b"1" and "close" not in headers.get("connection", "").lower()
    length = headers.get("content-length")
    if status in _NO_BODY:
        return Answer(status, headers, b""), again
    if "transfer-encoding" in headers:
        if headers["transfer-encoding"].strip().lower() != "chunked":
            raise httpx.RemoteProtocolError("an unknown transfer encoding")
        body, complete = await _chunks(line, most)
        # With a length too, servers on the way may see another end: RFC 9112, 6.1.
        return Answer(status, headers, body, complete), again and complete and length is None
    if length is not None:
        if not _LENGTH.fullmatch(length):
            raise httpx.RemoteProtocolError("a Content-Length that is not a number")
        size = min(int(length), most + 1)
        body = await line.exactly(size)
        return Answer(status, headers, body[:most], size <= most), again and size <= most
    body = await _rest(line, most + 1)
    return Answer(status, headers, body[:most], len(body) <= most), False


def _head(text: bytes) -> tuple[bytes, int, dict[str, str]]:
    first, *lines = text.replace(b"\r\n", b"\n").lstrip(b"\n").split(b"\n")
    started = _STATUS.fullmatch(first)
    if started is None:
        raise httpx.RemoteProtocolError("no HTTP status line")
    headers: dict[str, str] = {}
    for line in lines:
        field = _FIELD.fullmatch(line)
        if field is None:
            raise httpx.RemoteProtocolError("a malformed header")
        name, value = field[1].decode("ascii").lower(), field[2].decode("latin-1")
        if name in headers and not (name == "content-length" and headers[name] == value):
            value = f"{headers[name]}, {value}"
        headers[name] = value
    return started[1], int(started[2]), headers


_NEWLINE = re.compile(rb"\r?\n")


async def _chunks(line: _Line, most: int) -> tuple[bytes, bool]:
    body = bytearray()
    while True:
        told = _SIZE.fullmatch(await line.until(_NEWLINE, _MOST_LINE))
        if told is None:
            raise httpx.RemoteProtocolError("a chunk without a size")
        size = int(told[1], 16)
        if len(body) + size > most:
            return bytes(body), False
        if not size:
            break
        body += await line.exactly(size, len(body))
        if await line.until(_NEWLINE, _MOST_LINE):
            raise httpx.RemoteProtocolError("a chunk that is longer than its size")
    for _ in range(100):  # trailers
        if not await line.until(_NEWLINE, _MOST_LINE):
            return bytes(body), True
    raise httpx.RemoteProtocolError("too many trailers")


async def _rest(line: _Line, most: int) -> bytes:
    """Read until the connection ends."""
    body = bytearray()
    while len(body) < most:
        body += line.take(most - len(body))
        if len(body) < most and not await line.more():
            line.check()
            break
    return bytes(body)
