"""Connections: a fresh one for each request, and a trace of what went over it."""

import time
from collections.abc import AsyncIterable, AsyncIterator, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.request import getproxies_environment, proxy_bypass

import httpcore
import httpx

from pipeline.api.endpoint import Endpoint
from pipeline.api.network import Network
from pipeline.api.origin import Origin
from pipeline.api.patience import Patience
from pipeline.api.provider import Witness
from pipeline.errors import UsageError

if TYPE_CHECKING:
    import ssl

# Bytes of a request that are sent at once.
PIECE = 64 * 1024
# Seconds for which a connection that is kept may be used again.
_KEPT_SECONDS = 5.0

Place = Endpoint | Origin
"""Where connections go."""

_HTTPX: dict[type[Exception], type[httpx.TransportError]] = {
    httpcore.ConnectTimeout: httpx.ConnectTimeout,
    httpcore.ReadTimeout: httpx.ReadTimeout,
    httpcore.WriteTimeout: httpx.WriteTimeout,
    httpcore.ConnectError: httpx.ConnectError,
    httpcore.ReadError: httpx.ReadError,
    httpcore.WriteError: httpx.WriteError,
    httpcore.ProxyError: httpx.ProxyError,
    httpcore.LocalProtocolError: httpx.LocalProtocolError,
    httpcore.RemoteProtocolError: httpx.RemoteProtocolError,
}


class FreshConnections(httpx.AsyncBaseTransport):
    """A connection of httpcore's for each request; `keep` is for what is not paid for.

    Without httpcore's pool: one for all requests scans every connection for each of them, and one
    for each of them costs as much as what it does. The sockets below are `pipeline.api.network`'s.
    HTTP itself (httpcore, h11) and TLS (anyio) are code that many people test, and so is the trace
    from which it is known what was sent.
    """

    def __init__(
        self, place: Place, *, keep: bool = False, tls: "ssl.SSLContext | None" = None
    ) -> None:
        self._kept: list[httpcore.AsyncConnectionInterface] | None = [] if keep else None
        self._network = Network()
        self._tls = (tls or trust()) if place.is_secure else None
        proxy = proxy_for(place)
        self._proxy = self._through(httpx.Proxy(proxy)) if proxy is not None else None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request over a connection of its own."""
        asked = httpcore.Request(
            method=request.method,
            url=_url(request.url),
            headers=request.headers.raw,
            content=request.stream,
            extensions=request.extensions,
        )
        connection = await self._connection(asked.url.origin)
        try:
            with _errors_of_httpx():
                answer = await connection.handle_async_request(asked)
        except BaseException:
            # It cannot be trusted with another request.
            await connection.aclose()
            raise
        return httpx.Response(
            answer.status,
            headers=answer.headers,
            stream=Body(answer, connection, self._kept),
            extensions=answer.extensions,
        )

    async def _connection(self, origin: httpcore.Origin) -> httpcore.AsyncConnectionInterface:
        while self._kept:
            kept = self._kept.pop()
            if kept.can_handle_request(origin) and not kept.has_expired():
                return kept
            await kept.aclose()
        if self._proxy is not None:
            return self._proxy.create_connection(origin)
        return httpcore.AsyncHTTPConnection(
            origin,
            ssl_context=self._tls,
            keepalive_expiry=_KEPT_SECONDS,
            network_backend=self._network,
        )

    def _through(self, proxy: httpx.Proxy) -> httpcore.AsyncHTTPProxy:
        """Make what knows how to tunnel; it is a pool too, which stays empty."""
        return httpcore.AsyncHTTPProxy(
            _url(proxy.url),
            proxy_auth=proxy.raw_auth,
            ssl_context=self._tls,
            proxy_ssl_context=self._tls if proxy.url.scheme == "https" else None,
            keepalive_expiry=_KEPT_SECONDS,
            network_backend=self._network,
        )

    async def aclose(self) -> None:
        """Close what is kept."""
        while self._kept:
            await self._kept.pop().aclose()


def _url(url: httpx.URL) -> httpcore.URL:
    return httpcore.URL(
        scheme=url.raw_scheme, host=url.raw_host, port=url.port, target=url.raw_path
    )


@contextmanager
def _errors_of_httpx() -> Iterator[None]:
    """Raise the error of httpx that has the name of httpcore's."""
    try:
        yield
    except tuple(_HTTPX) as error:
        raise _HTTPX[type(error)](str(error)) from error


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


class Body(httpx.AsyncByteStream):
    """The body of an answer, whose connection is closed with it, or kept in `free`."""

    def __init__(
        self,
        answer: httpcore.Response,
        connection: httpcore.AsyncConnectionInterface,
        free: list[httpcore.AsyncConnectionInterface] | None,
    ) -> None:
        self._answer = answer
        self._connection = connection
        self._free = free

    async def __aiter__(self) -> AsyncIterator[bytes]:
        """Yield it as it comes."""
        assert isinstance(self._answer.stream, AsyncIterable)
        with _errors_of_httpx():
            async for part in self._answer.stream:
                yield part

    async def aclose(self) -> None:
        """Close the connection, or keep it where all of the answer was read."""
        try:
            if self._free is not None:
                await self._answer.aclose()  # httpcore's, which tells whether all was read
        finally:
            if self._free is not None and self._connection.is_idle():
                self._free.append(self._connection)
            else:
                await self._connection.aclose()


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
