"""Free requests over connections that are kept: whatever lies on the wire, they end."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest
from support.raw import CERTIFICATE, KEY, Line, Raw, Serve, answer, chunk, head

from pipeline.api.connections import Connections
from pipeline.api.endpoint import Endpoint
from pipeline.api.origin import Origin
from pipeline.api.outcome import RequestState
from pipeline.api.reading import MOST, Reader
from pipeline.api.segmind import SegmindV2
from pipeline.api.timeouts import Timeouts
from pipeline.api.wire import Reply, Request
from pipeline.models import Handle

OK = answer(b"hello", content_type="text/plain")
Get = Callable[..., Awaitable[Reply]]


@asynccontextmanager
async def reading(server: Raw, **bounds: float) -> AsyncIterator[Get]:
    origin = Origin.of(server.url)
    assert origin is not None
    reader = Reader(frozenset({origin}), Timeouts(**bounds))

    async def get(path: str = "/x", most: int = MOST) -> Reply:
        async with asyncio.timeout(8):
            return await reader.get(Request("GET", f"{server.url}{path}", {"k": "v"}), most)

    try:
        yield get
    finally:
        await reader.aclose()


async def once(serve: Serve, *said: bytes | str, most: int = MOST, **bounds: float) -> Reply:
    async def act(line: Line) -> None:
        await line.read_head()
        await line.say(*said)

    async with serve(act) as server, reading(server, **bounds) as get:
        return await get(most=most)


# -- answers --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "said",
    [
        OK,
        head(transfer_encoding="chunked").encode() + chunk(b"hel") + chunk(b"lo") + b"0\r\n\r\n",
        head(transfer_encoding="Chunked").encode() + b"5;x=y\r\nhello\r\n0\r\nA: b\r\n\r\n",
        b"HTTP/1.1 200 OK\r\n\r\nhello",
        b"HTTP/1.0 200 OK\r\n\r\nhello",
        b"HTTP/1.1 200\r\ncontent-length: 5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\ncontent-length:5\n\nhello",
        b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Hints\r\nlink: x\r\n\r\n" + OK,
        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\nContent-Length: 5\r\n\r\nhello",
    ],
)
async def test_an_answer_is_read_to_its_end(serve: Serve, said: bytes) -> None:
    reply = await once(serve, said)
    assert (reply.status, reply.text, reply.detail) == (200, b"hello", "")


@pytest.mark.parametrize("status", ["204 No Content", "304 Not Modified"])
async def test_an_answer_without_a_body_has_none(serve: Serve, status: str) -> None:
    assert (await once(serve, head(status))).text == b""


@pytest.mark.parametrize(
    "said",
    [
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 xxx\r\n\r\n",
        b"\x16\x03\x01\x00\xa5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nno header\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\nhello!",
        b"HTTP/1.1 200 OK\r\ncontent-length: -1\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\ncontent-length: 0x5\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: gzip\r\n\r\nhello",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\nxyz\r\nhello\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nhello\r\n0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n" + b"1" * 5000,
        b"HTTP/1.1 200 OK\r\n" + b"a: b\r\n" * 100_000,
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n0\r\n" + b"a: b\r\n" * 1000,
        b"x" * 1_000_000,
    ],
)
async def test_what_is_not_http_is_no_answer(serve: Serve, said: bytes) -> None:
    reply = await once(serve, said)
    assert reply.status is None
    assert "not HTTP" in reply.detail


@pytest.mark.parametrize(
    ("said", "detail"),
    [
        (b"", "closed the connection without an answer"),
        (b"HTTP/1.1 200 OK\r\nconte", "before the end of the answer"),
        (head(content_length=10) + "hello", "after 5 of 10 bytes"),
        (head(transfer_encoding="chunked").encode() + b"a\r\nhello", "before the end"),
        (head(transfer_encoding="chunked").encode() + b"5\r\nhello\r\n", "before the end"),
    ],
)
async def test_an_answer_that_is_cut_is_none(serve: Serve, said: bytes, detail: str) -> None:
    reply = await once(serve, said)
    assert reply.status is None
    assert detail in reply.detail


async def test_a_reset_is_told(serve: Serve) -> None:
    async def act(line: Line) -> None:
        await line.read_head()
        line.reset()

    async with serve(act) as server, reading(server) as get:
        assert "reset" in (await get()).detail.lower()


@pytest.mark.parametrize(
    "said",
    [
        answer(b"x" * 2000),
        head(transfer_encoding="chunked").encode() + chunk(b"x" * 2000),
        head().encode() + b"x" * 2000,
        head(content_length=10**17).encode() + b"x" * 2000,
    ],
)
async def test_an_answer_that_is_too_long_is_cut_off_and_told(serve: Serve, said: bytes) -> None:
    reply = await once(serve, said, most=1024)
    assert (reply.status, reply.ok) == (200, False)
    assert len(reply.text) <= 1024
    assert "more than 1 kB" in reply.detail


async def test_a_large_answer_is_read_whole(serve: Serve) -> None:
    body = bytes(range(256)) * 20_000
    assert (await once(serve, answer(body))).text == body
    pieces = b"".join(chunk(body[at : at + 70_000]) for at in range(0, len(body), 70_000))
    said = head(transfer_encoding="chunked").encode() + pieces + chunk(b"")
    assert (await once(serve, said)).text == body


async def test_a_silence_and_a_drip_end_in_time(serve: Serve) -> None:
    async def act(line: Line) -> None:
        await line.read_head()
        for byte in OK[:30]:
            await line.say(bytes([byte]))
            await asyncio.sleep(0.02)
        await line.gone()

    async with serve(act) as server, reading(server, asking=0.3, last_look=0.05) as get:
        assert "within 0.3 s" in (await get()).detail
        await asyncio.sleep(0)
        assert (await get()).status is None


# -- connections ----------------------------------------------------------------------------------


async def serves(line: Line, said: bytes = OK, times: int = 1000) -> None:
    for _ in range(times):
        await line.read_head()
        await line.say(said)


async def test_a_connection_is_kept(serve: Serve) -> None:
    async with serve(serves) as server, reading(server) as get:
        for _ in range(20):
            assert (await get()).text == b"hello"
        assert len(server.lines) == 1


async def test_requests_at_once_have_a_connection_each_and_keep_them(serve: Serve) -> None:
    async with serve(serves) as server, reading(server) as get:
        for _ in range(3):
            replies = await asyncio.gather(*(get() for _ in range(10)))
            assert {reply.text for reply in replies} == {b"hello"}
        assert len(server.lines) == 10


@pytest.mark.parametrize(
    "said",
    [
        answer(b"hello", connection="close"),
        b"HTTP/1.0 200 OK\r\ncontent-length: 5\r\n\r\nhello",
        head(transfer_encoding="chunked", content_length=5).encode() + chunk(b"hello") + chunk(b""),
    ],
)
async def test_a_connection_that_is_not_to_be_kept_is_closed(serve: Serve, said: bytes) -> None:
    async def act(line: Line) -> None:
        await serves(line, said)

    async with serve(act) as server, reading(server) as get:
        for _ in range(3):
            assert (await get()).text == b"hello"
        assert len(server.lines) == 3


async def test_a_connection_that_was_closed_while_it_was_kept_is_no_failure(serve: Serve) -> None:
    async def act(line: Line) -> None:
        await serves(line, times=1)

    async with serve(act) as server, reading(server) as get:
        for _ in range(5):
            assert (await get()).text == b"hello"
        assert len(server.lines) == 5


async def test_a_connection_that_is_reset_under_a_request_is_no_failure(serve: Serve) -> None:
    async def act(line: Line) -> None:
        await serves(line, times=1)
        await line.read_head()
        line.reset()

    async with serve(act) as server, reading(server) as get:
        for _ in range(4):
            assert (await get()).text == b"hello"


async def test_bytes_that_nobody_asked_for_are_no_answer_to_the_next_request(serve: Serve) -> None:
    forged = answer(b"forged", content_type="text/plain")

    async def act(line: Line) -> None:
        await line.read_head()
        await line.say(OK + forged)
        await line.read_head()
        await line.say(OK)

    async with serve(act) as server, reading(server) as get:
        for _ in range(4):
            assert (await get()).text == b"hello"


async def test_bytes_that_come_while_nothing_is_asked_end_the_connection(serve: Serve) -> None:
    answered, closed = asyncio.Event(), asyncio.Event()

    async def act(line: Line) -> None:
        await line.read_head()
        await line.say(OK)
        if not answered.is_set():
            await answered.wait()
            await line.say(answer(b"forged", content_type="text/plain"))
            await line.gone()
            closed.set()

    async with serve(act) as server, reading(server) as get, asyncio.timeout(5):
        assert (await get()).text == b"hello"
        answered.set()
        await closed.wait()
        assert (await get()).text == b"hello"


async def test_what_was_given_up_answers_no_later_request(serve: Serve) -> None:
    async def act(line: Line) -> None:
        first = await line.read_head()
        if b"/slow" in first:
            await asyncio.sleep(0.5)
            await line.say(answer(b"late"))
        await line.say(OK)

    async with serve(act) as server, reading(server, asking=0.2, last_look=0.05) as get:
        assert (await get("/slow")).status is None
        assert (await get()).text == b"hello"


async def test_the_key_goes_to_no_other_origin(serve: Serve) -> None:
    async with serve(serves) as server, serve(serves) as other, reading(server):
        own = Origin.of(server.url)
        assert own is not None
        reader = Reader(frozenset({own}), Timeouts())
        for url in (other.url, "https://localhost/x", "ftp://x/", f"http://u:p@{own.address}/"):
            reply = await reader.get(Request("GET", f"{url}/x", {"x-api-key": KEY}))
            assert (reply.status, "not asked" in reply.detail) == (None, True)
        await reader.aclose()
        assert other.lines == server.lines == []


async def test_an_answer_in_gzip_that_nobody_asked_for_is_read(serve: Serve) -> None:
    import gzip  # noqa: PLC0415

    packed = gzip.compress(b"hello")
    assert (await once(serve, answer(packed, content_encoding="gzip"))).text == b"hello"
    strange = await once(serve, answer(b"hello", content_encoding="br"))
    assert not strange.ok


async def test_tls_is_verified(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    async with serve(serves, tls=True) as server:
        async with reading(server) as get:
            assert "certificate" in (await get()).detail
        monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
        async with reading(server) as get:
            assert (await get()).text == b"hello"
            assert (await get()).text == b"hello"
        assert len([line for line in server.lines if line.request]) == 1


async def test_connections_are_closed_with_the_session(serve: Serve) -> None:
    closed = asyncio.Event()

    async def act(line: Line) -> None:
        try:
            await serves(line, answer(b'{"status": "QUEUED"}'))
        finally:
            closed.set()

    async with serve(act) as server:
        endpoint = Endpoint(server.url, KEY)
        async with SegmindV2().connect(endpoint) as session:
            told = await session.ask(Handle(id="r-1"))
            assert told.state is RequestState.WAITING
            assert not closed.is_set()
        async with asyncio.timeout(10):
            await closed.wait()


async def test_what_was_kept_for_long_is_not_used_again(serve: Serve) -> None:
    origin: Origin | None
    async with serve(serves) as server:
        origin = Origin.of(server.url)
        assert origin is not None
        connections = Connections(origin, lambda: None, idle=0.0)  # type: ignore[arg-type,return-value]
        for _ in range(3):
            assert (await connections.get(b"/", {}, 1000)).body == b"hello"
        assert len(server.lines) == 3
        await connections.aclose()
