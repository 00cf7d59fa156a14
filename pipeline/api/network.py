"""A connection: bytes over a socket of asyncio, with bounds in seconds, and TLS.

anyio's sockets, with their connects, locks and checkpoints, are a third of the CPU of a small
request. Here a read is one `recv` and a write one `send` on a socket that does not block. Nothing
is read ahead: what nobody has asked for waits in the kernel, which stops the server.
"""

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from types import ModuleType
from typing import Any, ClassVar, Self

import anyio
import httpx
from anyio.abc import ByteStream
from anyio.streams.tls import TLSAttribute, TLSStream

from pipeline.api.connecting import connect, ready


class Stream:
    """A connection. Its methods take bounds in seconds, and raise the errors of `errors`."""

    errors: ClassVar[ModuleType] = httpx
    """What has `ConnectError`, `ReadTimeout` and so on; a subclass may have those of httpcore."""

    def __init__(self, tcp: "Socket", tls: TLSStream | None = None) -> None:
        self._tcp = tcp
        self._tls = tls
        self._bytes: ByteStream = tls or tcp

    @classmethod
    async def open(cls, host: str, port: int, timeout: float | None) -> Self:  # noqa: ASYNC109
        """Connect within `timeout` seconds.

        Raises:
            ConnectTimeout: it took too long.
            ConnectError: there is no such name, or no address of it took the connection.
        """
        try:
            async with asyncio.timeout(timeout):
                return cls(Socket(await connect(host, port)))
        except TimeoutError as error:  # the kernel's is the cause of another, and none itself
            raise cls.errors.ConnectTimeout(str(error)) from error
        except OSError as error:
            raise cls.errors.ConnectError(str(error)) from error

    async def read(
        self,
        max_bytes: int,
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> bytes:
        """Read what has come, or wait for it; nothing at the end.

        Raises:
            ReadTimeout: nothing came in time.
            ReadError: the connection broke.
        """
        async with _bounded(timeout, self.errors.ReadTimeout):
            try:
                return await self._bytes.receive(max_bytes)
            except anyio.EndOfStream:
                return b""
            except (OSError, anyio.BrokenResourceError) as error:
                raise self.errors.ReadError(str(error)) from error

    async def write(
        self,
        buffer: bytes,
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> None:
        """Write all of it: the kernel has taken it when this returns.

        Raises:
            WriteTimeout: it was not taken in time.
            WriteError: the connection broke.
        """
        if not buffer:
            return
        async with _bounded(timeout, self.errors.WriteTimeout):
            try:
                await self._bytes.send(buffer)
            except (OSError, anyio.BrokenResourceError) as error:
                raise self.errors.WriteError(str(error)) from error

    async def aclose(self) -> None:
        """Close it at once; a cancelled task can do so too, as nothing is waited for."""
        self._tcp.close()

    async def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,  # noqa: ASYNC109
    ) -> Self:
        """Make a handshake within `timeout` seconds. What it fails with closes the connection.

        Raises:
            ConnectTimeout: it took too long.
            ConnectError: it failed.
        """
        try:
            async with _bounded(timeout, self.errors.ConnectTimeout):
                tls = await self._handshake(ssl_context, server_hostname)
                return type(self)(self._tcp, tls)
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
            raise self.errors.ConnectError(str(error)) from error

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
        self._has_sent = self._may_hold_more = False

    async def receive(self, max_bytes: int = 65536) -> bytes:
        """Read what has come, or wait for it.

        Raises:
            anyio.EndOfStream: the other side has ended it.
            OSError: it broke.
        """
        if self._may_hold_more:
            # A body that comes as fast as it can must not keep the loop from all others.
            await asyncio.sleep(0)
        else:
            await self._something()
        # Read by the task, not by the loop: of all that wake together one at a time has a piece.
        while (data := self._what_has_come(max_bytes)) is None:
            await self._something()
        self._may_hold_more = len(data) == max_bytes
        if data:
            return data
        if self._broke is not None:  # the kernel tells of a reset once, and then of an end
            raise self._broke
        raise anyio.EndOfStream

    async def _something(self) -> None:
        """Wait until there is something to read."""
        await ready(self.raw, self._loop.add_reader, self._loop.remove_reader)

    def _what_has_come(self, max_bytes: int) -> bytes | None:
        try:
            return self.raw.recv(max_bytes)
        except (BlockingIOError, InterruptedError):
            return None

    async def send(self, item: bytes) -> None:
        """Write all of it.

        Raises:
            OSError: it broke.
        """
        if self._has_sent:
            await asyncio.sleep(0)
        self._has_sent = True
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


_UNBOUNDED = nullcontext()


def _bounded(
    seconds: float | None, timed_out: type[Exception]
) -> AbstractAsyncContextManager[None]:
    """Bound what happens within. An error of the kernel that is called so too is no timeout."""
    return _UNBOUNDED if seconds is None else _within(seconds, timed_out)


@asynccontextmanager
async def _within(seconds: float, timed_out: type[Exception]) -> AsyncIterator[None]:
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError as error:
        raise timed_out(str(error)) from error
