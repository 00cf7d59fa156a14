"""A server that speaks bytes, not HTTP: whatever can go wrong on a wire, to order."""

import asyncio
import socket
import ssl
import struct
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager
from pathlib import Path
from typing import Any

from pipeline.api.client import Client
from pipeline.api.endpoint import Endpoint
from pipeline.api.outcome import Judgement, Outcome
from pipeline.api.segmind import Segmind
from pipeline.api.segmind.wire import SegmindWire
from pipeline.models import Task, fingerprint

KEY = "sk-raw-0123456789abcdef"
CLIP = (Path(__file__).parents[2] / "sandbox" / "tiny.mp4").read_bytes()
CERTIFICATE = Path(__file__).with_name("loopback.pem")


class Line:
    """One connection, from the server's side."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.reader, self.writer = reader, writer
        self.request = b""

    async def read_head(self) -> bytes:
        self.request = await self.reader.readuntil(b"\r\n\r\n")
        return self.request

    async def read_request(self) -> bytes:
        head = (await self.read_head()).lower()
        size = int(head.partition(b"content-length:")[2].split(b"\r\n")[0] or 0)
        self.request += await self.reader.readexactly(size)
        return self.request

    async def say(self, *pieces: bytes | str) -> None:
        for piece in pieces:
            self.writer.write(piece.encode("latin-1") if isinstance(piece, str) else piece)
        await self.writer.drain()

    async def gone(self) -> None:
        """Wait until the client has left."""
        try:
            while await self.reader.read(65536):
                pass
        except ConnectionError:
            pass

    def reset(self) -> None:
        """Send RST: a close that lingers for no time."""
        sock = self.writer.get_extra_info("socket")
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.writer.transport.abort()


Act = Callable[[Line], Awaitable[None]]


class Raw:
    """Listens on loopback, and does with each connection what `act` says, then closes it."""

    def __init__(self, act: Act) -> None:
        self._act = act
        self._secure = False
        self.lines: list[Line] = []
        self.errors: list[BaseException] = []

    async def open(self, *, tls: bool = False, certificate: Path = CERTIFICATE) -> None:
        context = None
        if tls:
            context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
            context.load_cert_chain(certificate)
        self._secure = tls
        self._server = await asyncio.start_server(self._meet, "127.0.0.1", 0, ssl=context)
        self.port: int = self._server.sockets[0].getsockname()[1]

    @property
    def url(self) -> str:
        return f"{'https' if self._secure else 'http'}://localhost:{self.port}"

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = Line(reader, writer)
        self.lines.append(line)
        try:
            await self._act(line)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        except BaseException as error:  # noqa: BLE001 - the test wants to know
            self.errors.append(error)
        finally:
            writer.close()

    async def close(self) -> None:
        self._server.close()
        for line in self.lines:
            if not line.writer.is_closing():
                line.writer.transport.abort()
        # Let what was aborted be noticed before the loop closes.
        for _ in range(3):
            await asyncio.sleep(0)
        assert not self.errors, self.errors


@contextmanager
def full_backlog(host: str = "127.0.0.1", port: int = 0) -> Iterator[int]:
    """A port where connects are neither taken nor refused."""
    with socket.socket() as deaf:
        deaf.bind((host, port))
        deaf.listen(0)
        callers = []
        for _ in range(4):
            caller = socket.socket()
            caller.setblocking(False)
            caller.connect_ex(deaf.getsockname())
            callers.append(caller)
        yield deaf.getsockname()[1]
        for caller in callers:
            caller.close()


def head(status: str = "200 OK", **headers: Any) -> str:
    """Write a status line and headers; underscores in names are dashes."""
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
    return "\r\n".join([f"HTTP/1.1 {status}", *lines, "", ""])


def answer(body: bytes = CLIP, status: str = "200 OK", **headers: Any) -> bytes:
    """Write a whole answer."""
    told = {"content_type": "video/mp4", "content_length": len(body), **headers}
    return head(status, **told).encode("latin-1") + body


def chunk(data: bytes) -> bytes:
    return f"{len(data):x}\r\n".encode() + data + b"\r\n"


def make_task(prompt: str = "a lighthouse", **params: Any) -> Task:
    told = {"prompt": prompt, **params}
    return Task(
        id="one",
        model="luma-txt-2-video",
        params=told,
        fingerprint=fingerprint("luma-txt-2-video", told),
        output="one",
    )


def connect(url: str, key: str = KEY, **options: Any) -> Client:
    """Make a client that speaks as Segmind's."""
    endpoint = Endpoint(url, key)
    return Client(SegmindWire(endpoint), endpoint, **options)


def judge(outcome: Outcome, task: Task | None = None) -> Judgement:
    """Say what an outcome means at Segmind."""
    return Segmind().judge(task or make_task(), outcome)


Serve = Callable[..., AbstractAsyncContextManager[Raw]]


class Attempt:
    """Sends one request to a server that acts as told; keeps what both saw."""

    def __init__(self, serve: Serve, part: Path) -> None:
        self._serve, self.part = serve, part
        self.server: Raw

    async def __call__(self, act: Act, *, task: Task | None = None, **options: Any) -> Outcome:
        async with (
            self._serve(act) as self.server,
            connect(self.server.url, **options) as client,
            asyncio.timeout(20),
        ):
            return await client.attempt(task or make_task(), self.part)
