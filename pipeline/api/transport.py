"""Connections: a fresh one for each request, and a trace of what went over it."""

import socket
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.request import getproxies_environment, proxy_bypass

import httpx

from pipeline.api.endpoint import Endpoint
from pipeline.api.origin import Origin
from pipeline.api.patience import Patience
from pipeline.api.provider import Witness
from pipeline.errors import UsageError

if TYPE_CHECKING:
    import ssl

# Bytes of a request that are sent at once.
PIECE = 64 * 1024
_KEEPALIVE_SECONDS = 30

Place = Endpoint | Origin
"""Where connections go."""


class FreshConnections(httpx.AsyncBaseTransport):
    """A free list of httpx's own single-connection transports; `keep` is for what is not paid for.

    One pool for all would scan every connection for each request, which is quadratic in the
    number in flight. Decided: no network code of our own below httpx, however much faster it
    measures: paid requests go through a library that many people test.
    """

    def __init__(
        self, place: Place, *, keep: bool = False, tls: "ssl.SSLContext | None" = None
    ) -> None:
        self._free: list[httpx.AsyncHTTPTransport] = []
        self._keep = int(keep)
        self._tls = (tls or trust()) if place.is_secure else None
        self._proxy = proxy_for(place)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request over a connection of its own."""
        transport = self._free.pop() if self._free else self._new()
        try:
            response = await transport.handle_async_request(request)
        except BaseException:
            # Its connection cannot be trusted with another request.
            await transport.aclose()
            raise
        response.stream = Returning(response.stream, transport, self._free)
        return response

    def _new(self) -> httpx.AsyncHTTPTransport:
        return httpx.AsyncHTTPTransport(
            verify=self._tls if self._tls is not None else False,
            trust_env=False,
            proxy=self._way(),
            limits=httpx.Limits(max_connections=1, max_keepalive_connections=self._keep),
            socket_options=_socket_options(),
        )

    def _way(self) -> httpx.Proxy | None:
        if self._proxy is None:
            return None
        tls = self._tls if self._proxy.startswith("https") else None
        return httpx.Proxy(self._proxy, ssl_context=tls)

    async def aclose(self) -> None:
        """Close what is free."""
        for transport in self._free:
            await transport.aclose()


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


class Returning(httpx.AsyncByteStream):
    """The body of an answer; its transport goes back to the free list when it is closed."""

    def __init__(
        self,
        stream: httpx.SyncByteStream | httpx.AsyncByteStream,
        transport: httpx.AsyncHTTPTransport,
        free: list[httpx.AsyncHTTPTransport],
    ) -> None:
        assert isinstance(stream, httpx.AsyncByteStream)
        self._stream = stream
        self._transport = transport
        self._free = free

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._stream.__aiter__()

    async def aclose(self) -> None:
        """Return the transport to the free list."""
        try:
            await self._stream.aclose()
        except BaseException:
            await self._transport.aclose()
            raise
        self._free.append(self._transport)


def _socket_options() -> list[tuple[int, int, int]]:
    """TCP keepalive: gateways drop connections that are silent for minutes."""
    options = [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)]
    idle = getattr(socket, "TCP_KEEPIDLE", getattr(socket, "TCP_KEEPALIVE", None))
    if idle is not None:
        options.append((socket.IPPROTO_TCP, idle, _KEEPALIVE_SECONDS))
    if hasattr(socket, "TCP_KEEPINTVL"):
        options.append((socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, _KEEPALIVE_SECONDS))
    return options


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


async def in_pieces(content: bytes, trace: Trace) -> AsyncIterator[bytes]:
    """Yield a large body piece by piece: a slow connection is not a stalled one."""
    for at in range(0, len(content), PIECE):
        trace.patience.allow(trace.write)
        yield content[at : at + PIECE]
