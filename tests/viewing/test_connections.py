"""Connections that bring no request: they take no room from the person's own page."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from support.viewed import Viewed, viewed

from pipeline.viewing import connections


@pytest.fixture
async def served(write: Any) -> AsyncIterator[Viewed]:
    async with viewed(write("one")) as found:
        yield found


async def opened(served: Viewed, text: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection("127.0.0.1", served.port)
    writer.write(text.encode())
    await writer.drain()
    return reader, writer


async def ended(reader: asyncio.StreamReader) -> bytes:
    try:
        async with asyncio.timeout(20):
            return await reader.read()
    except ConnectionResetError:
        return b""


async def test_of_many_that_ask_nothing_the_oldest_are_given_up(
    served: Viewed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "_MOST", 3)
    async with served.page() as page:
        idle = [await opened(served, "GET / HTTP/1.1\r\nHost: x") for _ in range(6)]
        assert [await ended(reader) for reader, _ in idle[:3]] == [b""] * 3
        await served.post("/job/verdicts", {"tasks": ["one"], "verdict": "kept"})
        await page.until("said")  # it listens, and does not count
        for _, writer in idle:
            writer.close()


async def test_one_that_brings_no_request_in_time_is_closed(
    served: Viewed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connections, "_PATIENCE", 0.05)
    reader, writer = await opened(served, "GET / HTTP/1.1\r\n")
    assert await ended(reader) == b""
    writer.close()
    assert (await served.get("/job/data")).status_code == 200


async def test_the_end_waits_for_no_body_and_says_no_fault_of_it(served: Viewed) -> None:
    head = (
        f"POST /job/verdicts HTTP/1.1\r\nHost: 127.0.0.1:{served.port}\r\n"
        f"Cookie: pipeline-view-{served.port}={served.token}\r\n"
        "Content-Type: application/json\r\nContent-Length: 9\r\n\r\n{"
    )
    reader, writer = await opened(served, head)
    assert (await served.get("/job/data")).status_code == 200  # by now it has come
    served.stop.set()
    await ended(reader)
    writer.close()
    assert not any("ASGI" in line for line in served.said)


UPGRADE = "GET / HTTP/1.1\r\nHost: x\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\n"


@pytest.mark.parametrize("text", ["nothing of HTTP\r\n\r\n", UPGRADE])
async def test_what_strangers_send_does_not_fill_the_screen(served: Viewed, text: str) -> None:
    reader, writer = await opened(served, text)
    assert (await reader.readline()).split()[1] in {b"400", b"421"}
    writer.close()
    await writer.wait_closed()
    assert served.said == []
