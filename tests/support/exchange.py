"""One request over a transport, and what is known of it: to hold ours against httpx's own."""

import asyncio
import os
import ssl
import stat
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from pipeline.api.explaining import explain, lasts
from pipeline.api.origin import Origin
from pipeline.api.patience import Patience
from pipeline.api.timeouts import Timeouts
from pipeline.api.transport import FreshConnections, Trace, in_pieces
from support.raw import CERTIFICATE, Raw

CONTENT = b'{"prompt": "a lighthouse"}'
# Seconds: as long as a test waits for what never comes.
SHORT = 0.25


@dataclass
class Told:
    """What came of a request, as the client sees it; texts are the ones that people read."""

    error: str = ""
    text: str = ""
    lasts: bool = False
    status: int | None = None
    headers: list[tuple[bytes, bytes]] = field(default_factory=list)
    body: bytes = b""
    tried: bool = False
    wrote: bool = False
    sent: bool = False

    @property
    def never_sent(self) -> bool:
        return self.tried and not self.wrote


def trust(*, anybody: bool = False) -> ssl.SSLContext:
    """Make a context that trusts the certificate of the tests, or one that does not."""
    return ssl.create_default_context(cafile=None if anybody else str(CERTIFICATE))


def ours(url: str, tls: ssl.SSLContext | None = None) -> httpx.AsyncBaseTransport:
    place = Origin.of(url)
    assert place is not None
    return FreshConnections(place, tls=tls)


def oracle(url: str, tls: ssl.SSLContext | None = None) -> httpx.AsyncBaseTransport:
    return httpx.AsyncHTTPTransport(
        verify=tls or False,
        trust_env=False,
        limits=httpx.Limits(max_connections=1, max_keepalive_connections=0),
    )


async def tell(  # noqa: PLR0913 - each is another wait
    transport: httpx.AsyncBaseTransport,
    url: str,
    *,
    content: bytes = CONTENT,
    method: str = "POST",
    headers: Mapping[str, str] | None = None,
    connect: float = 5.0,
    read: float = 5.0,
    write: float = 5.0,
) -> Told:
    """Send one request, read all of its answer, and close everything."""
    told = Told()
    waits = httpx.Timeout(connect=connect, read=read, write=write, pool=None).as_dict()
    with Patience(30, Timeouts()) as patience:
        trace = Trace(patience, 30, 30)
        request = httpx.Request(
            method,
            url,
            content=content if len(content) < 1000 else in_pieces(content, trace),
            headers={"content-length": str(len(content)), **(headers or {})},
            extensions={"trace": trace, "timeout": waits},
        )
        try:
            response = await transport.handle_async_request(request)
            told.status, told.headers = response.status_code, response.headers.raw
            assert isinstance(response.stream, httpx.AsyncByteStream)
            try:
                async for part in response.stream:
                    told.body += part
            finally:
                await response.aclose()
        except (httpx.HTTPError, OSError) as error:
            told.error = type(error).__name__
            told.text = explain(error, "there")
            told.lasts = lasts(error, loopback=True)
        finally:
            await transport.aclose()
        told.tried, told.wrote, told.sent = trace.tried, trace.wrote, trace.sent
    return told


async def settled(server: Raw) -> None:
    """Wait until the server has done with every connection."""
    async with asyncio.timeout(10):
        for line in server.lines:
            with suppress(OSError):  # the other side may have reset it
                await line.writer.wait_closed()


def open_sockets() -> int:
    """Count the sockets that this process has open."""
    count = 0
    for descriptor in Path("/dev/fd").iterdir():
        with suppress(OSError):  # the one that lists them is closed by now
            count += stat.S_ISSOCK(os.fstat(int(descriptor.name)).st_mode)
    return count


async def all_closed_but(before: int) -> None:
    """Wait until no more sockets are open than before: of the client, and of a server here."""
    async with asyncio.timeout(5):
        while open_sockets() > before:  # noqa: ASYNC110 - nothing tells of it
            await asyncio.sleep(0.001)
