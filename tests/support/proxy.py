"""A proxy that makes tunnels, whatever name it is asked for."""

import asyncio
import ssl

from support.raw import Raw


class Proxy:
    """A proxy that makes tunnels to `target`, whatever name it is asked for."""

    def __init__(self, target: Raw, does: str = "") -> None:
        self.target, self.does = target, does
        self.asked: list[bytes] = []
        self.seen = b""
        self._tasks: set[asyncio.Task[None]] = set()

    async def open(self, tls: ssl.SSLContext | None = None) -> None:
        self._server = await asyncio.start_server(self._meet, "127.0.0.1", 0, ssl=tls)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        self.asked.append(head)
        self.seen += head
        if self.does:
            writer.write(self.does.encode() + b"\r\n\r\n")
        else:
            there, back = await asyncio.open_connection("127.0.0.1", self.target.port)
            writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
            await asyncio.gather(self._pass(reader, back, keep=True), self._pass(there, writer))
        writer.close()

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, keep: bool = False
    ) -> None:
        try:
            while data := await reader.read(65536):
                self.seen += data if keep else b""
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    def close(self) -> None:
        self._server.close()
