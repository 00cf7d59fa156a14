"""Sockets for httpcore, straight on asyncio: its documented extension point for a network.

httpcore's own way to asyncio leads over anyio, whose connects, locks and checkpoints are a third of
the CPU of a small request. Here a read is one `recv` and a write one `send` on a socket that does
not block. Nothing is read ahead: what nobody has asked for waits in the kernel, which stops the
server. TLS is anyio's, as it is in httpcore. What HTTP is stays httpcore's business.
"""

import asyncio
import socket
import ssl
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

import anyio
import httpcore
from anyio.abc import ByteStream
from anyio.streams.tls import TLSAttribute, TLSStream

from pipeline.api.connecting import connect


class Network(httpcore.AsyncNetworkBackend):
    """Opens TCP connections for httpcore."""

    async def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,  # noqa: ASYNC109 - httpcore's interface
        local_address: str | None = None,
        socket_options: Iterable[httpcore.SOCKET_OPTION] | None = None,
    ) -> httpcore.AsyncNetworkStream:
        """Connect within `timeout` seconds; every socket has the same options, which are ours.

        Raises:
            httpcore.ConnectTimeout: it took too long.
            httpcore.ConnectError: there is no such name, or no address of it took the connection.
        """
        assert local_address is None
        assert socket_options is None
        with _bounded(timeout, httpcore.ConnectTimeout):
            try:
                return Stream(Socket(await connect(host, port)))
            except OSError as error:
                raise httpcore.ConnectError(str(error)) from error


class Stream(httpcore.AsyncNetworkStream):
    """A connection as httpcore uses it: with bounds in seconds, and httpcore's errors."""

    def __init__(self, tcp: "Socket", tls: TLSStream | None = None) -> None:
        self._tcp = tcp
        self._tls = tls
        self._bytes: ByteStream = tls or tcp

    async def read(
        self,
        max_bytes: int,
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> bytes:
        """Read what has come, or wait for it; nothing at the end.

        Raises:
            httpcore.ReadTimeout: nothing came in time.
            httpcore.ReadError: the connection broke.
        """
        with _bounded(timeout, httpcore.ReadTimeout):
            try:
                return await self._bytes.receive(max_bytes)
            except anyio.EndOfStream:
                return b""
            except (OSError, anyio.BrokenResourceError) as error:
                raise httpcore.ReadError(str(error)) from error

    async def write(
        self,
        buffer: bytes,
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> None:
        """Write all of it: the kernel has taken it when this returns.

        Raises:
            httpcore.WriteTimeout: it was not taken in time.
            httpcore.WriteError: the connection broke.
        """
        if not buffer:
            return
        with _bounded(timeout, httpcore.WriteTimeout):
            try:
                await self._bytes.send(buffer)
            except (OSError, anyio.BrokenResourceError) as error:
                raise httpcore.WriteError(str(error)) from error

    async def aclose(self) -> None:
        """Close it at once; a cancelled task can do so too, as nothing is waited for."""
        self._tcp.close()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> httpcore.AsyncNetworkStream:
        """Make a handshake within `timeout` seconds. What it fails with closes the connection.

        Raises:
            httpcore.ConnectTimeout: it took too long.
            httpcore.ConnectError: it failed.
        """
        try:
            with _bounded(timeout, httpcore.ConnectTimeout):
                return Stream(self._tcp, await self._handshake(ssl_context, server_hostname))
        except BaseException:
            self._tcp.close()
            raise

    async def _handshake(self, context: ssl.SSLContext, name: str | None) -> TLSStream:
        try:
            return await TLSStream.wrap(
                self._bytes,
                ssl_context=context,
                hostname=name,
                standard_compatible=False,  # HTTP says itself where an answer ends
                server_side=False,
            )
        except (OSError, anyio.BrokenResourceError, anyio.EndOfStream) as error:
            raise httpcore.ConnectError(str(error)) from error

    def get_extra_info(self, info: str) -> Any:
        """Tell what httpcore asks for: `ssl_object`, `is_readable`; and the `socket`."""
        if info == "ssl_object" and self._tls is not None:
            return self._tls.extra(TLSAttribute.ssl_object)  # noqa: S610 - no database
        if info == "is_readable":
            return self._tcp.is_readable
        return self._tcp.raw if info == "socket" else None


class Socket(ByteStream):
    """A connected socket, read and written by one task at a time."""

    def __init__(self, raw: socket.socket) -> None:
        self.raw = raw
        self._loop = asyncio.get_running_loop()
        self._broke: OSError | None = None

    async def receive(self, max_bytes: int = 65536) -> bytes:
        """Read what has come, or wait for it.

        Raises:
            anyio.EndOfStream: the other side has ended it.
            OSError: it broke.
        """
        # A body that comes, or goes, as fast as it can must not keep the loop from all others.
        await asyncio.sleep(0)
        data = await self._loop.sock_recv(self.raw, max_bytes)
        if data:
            return data
        if self._broke is not None:  # the kernel tells of a reset once, and then of an end
            raise self._broke
        raise anyio.EndOfStream

    async def send(self, item: bytes) -> None:
        """Write all of it.

        Raises:
            OSError: it broke.
        """
        await asyncio.sleep(0)
        try:
            await self._loop.sock_sendall(self.raw, item)
        except OSError as error:
            self._broke = error
            raise

    async def send_eof(self) -> None:
        """End what is sent."""
        self.raw.shutdown(socket.SHUT_WR)

    async def aclose(self) -> None:
        """Close it."""
        self.close()

    def close(self) -> None:
        """Close it at once."""
        self.raw.close()

    @property
    def is_readable(self) -> bool:
        """Whether something, or the end, lies in it."""
        try:
            self.raw.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return False
        except OSError:
            return True
        return True


@contextmanager
def _bounded(seconds: float | None, timed_out: type[httpcore.TimeoutException]) -> Iterator[None]:
    """Bound what happens within. An error of the kernel that is called so too is no timeout."""
    if seconds is None:
        yield
        return
    try:
        with anyio.fail_after(seconds):
            yield
    except TimeoutError as error:
        raise timed_out(str(error)) from error
