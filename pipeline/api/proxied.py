"""Requests through a proxy: over httpcore's tunnels, whose connections can be kept."""

import ssl
from collections.abc import AsyncIterable, AsyncIterator, Iterable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import ClassVar

import httpcore
import httpx

from pipeline.api.network import Stream

# Seconds for which a connection that is kept may be used again.
_KEPT_SECONDS = 5.0

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


class Proxied(httpx.AsyncBaseTransport):
    """A tunnel of httpcore's for each request; with `keep`, one that later requests use too.

    Without httpcore's pool, which scans every connection for each request.
    """

    def __init__(self, proxy: str, tls: ssl.SSLContext, *, keep: bool = False) -> None:
        self._kept: list[httpcore.AsyncConnectionInterface] | None = [] if keep else None
        way = httpx.Proxy(proxy)
        # What knows how to tunnel; it is a pool too, which stays empty.
        self._proxy = httpcore.AsyncHTTPProxy(
            _url(way.url),
            proxy_auth=way.raw_auth,
            ssl_context=tls,
            proxy_ssl_context=tls if way.url.scheme == "https" else None,
            keepalive_expiry=_KEPT_SECONDS,
            network_backend=_Network(),
        )

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Send one request through a tunnel."""
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
            stream=_Body(answer, connection, self._kept),
            extensions=answer.extensions,
        )

    async def _connection(self, origin: httpcore.Origin) -> httpcore.AsyncConnectionInterface:
        while self._kept:
            kept = self._kept.pop()
            if kept.can_handle_request(origin) and not kept.has_expired():
                return kept
            await kept.aclose()
        return self._proxy.create_connection(origin)

    async def aclose(self) -> None:
        """Close what is kept."""
        while self._kept:
            await self._kept.pop().aclose()


class _Network(httpcore.AsyncNetworkBackend):
    """Opens TCP connections for httpcore."""

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's interface
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect within `timeout` seconds; every socket has the same options, which are ours."""
        assert local_address is None
        assert socket_options is None
        return await _Stream.open(host, port, timeout)


class _Stream(Stream, httpcore.AsyncNetworkStream):
    """A connection that raises the errors of httpcore."""

    errors: ClassVar[ModuleType] = httpcore


class _Body(httpx.AsyncByteStream):
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
