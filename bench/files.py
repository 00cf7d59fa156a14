"""A server that takes files and keeps none: what is rendered is a clip after two seconds.

It prints its port, and at its end, when its input is closed, how many requests it had at once.
"""

import asyncio
import json
import re
import sys
from contextlib import suppress

from bench.server import clip

_LENGTH = re.compile(rb"(?i)\r\ncontent-length: *(\d+)")
SECONDS = 2.0


class Files:
    """What all connections share: the counts."""

    def __init__(self) -> None:
        self.now = self.peak = self.bytes = 0

    async def meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Answer one request, and close."""
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            head = await reader.readuntil(b"\r\n\r\n")
            self.now += 1
            self.peak = max(self.peak, self.now)
            try:
                writer.write(await self._answer(head, reader))
                await writer.drain()
            finally:
                self.now -= 1
        writer.close()

    async def _answer(self, head: bytes, reader: asyncio.StreamReader) -> bytes:
        found = _LENGTH.search(head)
        left = int(found[1]) if found else 0
        while left:
            piece = await reader.read(min(left, 1 << 20))
            if not piece:
                raise ConnectionResetError
            self.bytes += len(piece)
            left -= len(piece)
        if head.split(b" ")[1] == b"/up":
            kind, body = "application/json", json.dumps({"at": "https://x.test/1"}).encode()
        else:
            await asyncio.sleep(SECONDS)
            kind, body = "video/mp4", clip(20_000)
        answer = f"HTTP/1.1 200 OK\r\ncontent-type: {kind}\r\ncontent-length: {len(body)}\r\n\r\n"
        return answer.encode() + body


async def serve() -> None:
    """Serve until the input is closed."""
    files = Files()
    server = await asyncio.start_server(files.meet, "127.0.0.1", 0, limit=1 << 20)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    server.close()
    print(f"at once at most: {files.peak}, {files.bytes / 1e6:.0f} MB taken", flush=True)


if __name__ == "__main__":
    asyncio.run(serve())
