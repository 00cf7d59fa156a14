"""Connections: a fresh one for each request, and a trace of what went over it."""

import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any
from urllib.request import getproxies_environment, proxy_bypass

import httpx

from pipeline.api.endpoint import Endpoint
from pipeline.api.http1 import Incoming, written
from pipeline.api.network import Stream
from pipeline.api.origin import Origin
from pipeline.api.patience import Patience
from pipeline.api.provider import Witness
from pipeline.errors import UsageError

if TYPE_CHECKING:
    import ssl

# Bytes that are sent, or read, at once; of a body more are, as each turn costs the same.
PIECE = 64 * 1024
_LARGE_PIECE = 256 * 1024

# Requests of one session differ in their lengths, if at all.
_head = lru_cache(maxsize=512)(written)

Place = Endpoint | Origin
"""Where connections go."""


class FreshConnections(httpx.AsyncBaseTransport):
    """A connection for each request, closed with its response; through a proxy, a tunnel for each.

    `extensions["trace"]` is called just before something is sent, with the names of httpcore's
    events: it is the evidence for "never sent". `pipeline.api.http1` reads the responses.
    """

    def __init__(self, place: Place, *, tls: "ssl.SSLContext | None" = None) -> None:
        self._tls = (tls or trust()) if place.is_secure else None
        proxy = proxy_for(place)
        self._proxied: httpx.AsyncBaseTransport | None = None
        if proxy is not None and self._tls is not None:
            self._proxied = through(proxy, self._tls)
        elif self._tls is not None:
            self._tls.set_alpn_protocols(["http/1.1"])

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request over a connection of its own.

        Raises:
            httpx.TransportError: there is no connection, or no response.
        """
        if (request.url.scheme == "https") is not (self._tls is not None):
            raise httpx.UnsupportedProtocol("a request with TLS, or one without, is not for here")
        if self._proxied is not None:
            return await self._proxied.handle_async_request(request)
        exchange = Exchange(request, await self._connect(request))
        try:
            await exchange.send()
            return await exchange.receive()
        except BaseException:
            await exchange.aclose()
            raise

    async def _connect(self, request: httpx.Request) -> Stream:
        await _tell(request, "connection.connect_tcp.started")
        url, host = request.url, request.url.raw_host.decode("ascii")
        bound = request.extensions.get("timeout", {}).get("connect")
        stream = await Stream.open(host, url.port or (80 if self._tls is None else 443), bound)
        if self._tls is None:
            return stream
        name = request.extensions.get("sni_hostname") or host
        return await stream.start_tls(self._tls, name, bound)


def through(proxy: str, tls: "ssl.SSLContext", *, keep: bool = False) -> httpx.AsyncBaseTransport:
    """Make the transport through a proxy; `keep` is for what is not paid for."""
    from pipeline.api.proxied import Proxied  # noqa: PLC0415 - httpcore is only needed there

    return Proxied(proxy, tls, keep=keep)


class Exchange(httpx.AsyncByteStream):
    """One request over a connection, and its response; as a stream, the body of the response."""

    def __init__(self, request: httpx.Request, stream: Stream) -> None:
        self._request = request
        self._stream = stream
        self._waits = request.extensions.get("timeout", {})
        self._incoming = Incoming(request.method)

    async def send(self) -> None:
        """Send the request, or as much of it as is taken: a response may say why not all was.

        Raises:
            httpx.TransportError: it could not be sent in time, or is not one.
        """
        request, bound = self._request, self._waits.get("write")
        await _tell(request, "http11.send_request_headers.started")
        due = _head(request.method, request.url.raw_path, tuple(request.headers.raw))
        assert isinstance(request.stream, httpx.AsyncByteStream)
        try:
            async for piece in request.stream:
                await self._stream.write(due + piece, bound)
                due = b""
            await self._stream.write(due, bound)
        except httpx.WriteError:
            return

    async def receive(self) -> httpx.Response:
        """Receive the head of the response.

        Raises:
            httpx.TransportError: there is none.
        """
        await _tell(self._request, "http11.receive_response_headers.started")
        incoming = self._incoming
        while (head := incoming.head) is None:
            incoming.feed(await self._read(PIECE))
        about = {
            "http_version": b"HTTP/" + head.version,
            "reason_phrase": head.reason,
            "network_stream": self._stream,
        }
        return httpx.Response(head.status, headers=head.headers, stream=self, extensions=about)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield the body as it comes."""
        incoming = self._incoming
        while not incoming.is_whole:
            if part := incoming.part():
                yield part
            elif not incoming.is_whole:
                incoming.feed(await self._read(_LARGE_PIECE))

    async def _read(self, most: int) -> bytes:
        return await self._stream.read(most, self._waits.get("read"))

    async def aclose(self) -> None:
        """Close the connection."""
        await self._stream.aclose()


async def _tell(request: httpx.Request, event: str) -> None:
    trace = request.extensions.get("trace")
    if trace is not None:
        await trace(event, {})


def proxy_for(place: Place) -> str | None:
    """Find the URL of the proxy for a place in the environment: HTTPS_PROXY, NO_PROXY.

    The key passes it only within TLS, in a tunnel to the place itself.

    Raises:
        UsageError: it is not a proxy of a known kind.
    """
    named = getproxies_environment()
    value = named.get("https") or named.get("all")
    if not value or not place.is_secure or place.on_loopback:
        return None
    if proxy_bypass(place.address):
        return None
    url = value if "://" in value else f"http://{value}"
    try:
        is_known = httpx.URL(url).scheme in {"http", "https"} and bool(httpx.URL(url).host)
    except httpx.InvalidURL:
        is_known = False
    if not is_known:  # it may hold a password, and is not shown
        host = place.address.rpartition(":")[0].strip("[]")
        raise UsageError(
            "HTTPS_PROXY (or ALL_PROXY) is not the URL of an http:// or https:// proxy",
            hint=f"correct it, or set NO_PROXY={host}",
        )
    return url


def way_to(place: Place) -> str:
    """Say in words where requests go: host and port, and the proxy on the way."""
    proxy = proxy_for(place)
    through = f" through the proxy {httpx.URL(proxy).netloc.decode('ascii')}" if proxy else ""
    return place.address + through


def trust() -> "ssl.SSLContext":
    """Make a TLS context that knows the certificate authorities.

    Raises:
        UsageError: their list cannot be read.
    """
    try:
        return httpx.create_ssl_context()
    except OSError as error:
        raise UsageError(
            f"the list of certificate authorities cannot be read: {error}",
            hint="correct SSL_CERT_FILE or SSL_CERT_DIR",
        ) from error


@dataclass(slots=True)
class Trace:
    """What the transport did for one request: the evidence for "never sent".

    It sets how long `patience` waits: `write` seconds for each piece of the request to be
    taken, then `answer` seconds for an answer to begin.
    """

    patience: Patience
    write: float
    answer: float
    witness: Witness | None = None
    tried: bool = False
    wrote: bool = False
    sent: bool = False
    began: float = 0.0

    async def __call__(self, event: str, info: Mapping[str, Any]) -> None:
        """Take an event of httpcore's."""
        if event.startswith("connection."):
            self.tried = True
        elif getattr(info.get("request"), "method", b"") == b"CONNECT":
            return  # to a proxy, for a tunnel: the request itself is not on its way
        elif event.endswith("send_request_headers.started"):
            if self.witness is not None:
                self.witness.sending()
            self.wrote = True
            self.patience.allow(self.write)
        elif event.endswith("receive_response_headers.started"):
            self.sent = True
            self.began = time.monotonic()
            self.patience.allow(self.answer)

    @property
    def waited(self) -> float:
        """For how many seconds an answer has been waited for."""
        return time.monotonic() - self.began

    @property
    def never_sent(self) -> bool:
        """Whether a connection was tried, and no byte of the request written."""
        return self.tried and not self.wrote


async def patiently(stream: AsyncIterator[bytes], trace: Trace) -> AsyncIterator[bytes]:
    """Yield a body that is written as it is sent, each piece of which has its own time."""
    async for piece in stream:
        trace.patience.allow(trace.write)
        yield piece


async def in_pieces(content: bytes, trace: Trace) -> AsyncIterator[bytes]:
    """Yield a large body piece by piece: a slow connection is not a stalled one."""
    for at in range(0, len(content), PIECE):
        trace.patience.allow(trace.write)
        yield content[at : at + PIECE]
