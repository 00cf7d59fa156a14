"""Our transport beside httpx's own, over real sockets: the same verdict, bytes and evidence.

Each fate of a request happens to both. What "never sent" rests on is compared with what the server
has seen.
"""

import asyncio
import gzip
import os
import resource
import socket
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.exchange import CONTENT, SHORT, Told, oracle, ours, settled, tell, trust
from support.raw import CLIP, Act, Line, Raw, Serve, answer, chunk, full_backlog, head

LARGE = bytes(30_000_000)

# Where the kernel decides which of them is seen: the other side has left without an answer.
_LEFT = {"ReadError", "RemoteProtocolError", "WriteError"}


def same(one: Told, other: Told) -> bool:
    """Whether two say the same; how much of a body came before a reset is the kernel's affair."""
    if one.error in _LEFT and other.error in _LEFT and one.status == other.status:
        left = [(each.tried, each.wrote, each.sent, each.lasts) for each in (one, other)]
        return left[0] == left[1]
    return one == other


async def both(server: Raw, **options: object) -> tuple[Told, Told]:
    """Send one request over each transport; `tls` is what it trusts."""
    url = str(options.pop("url", f"{server.url}/v1/a%20model?x=%C3%A9"))
    tls = options.pop("tls", None)
    mine = await tell(ours(url, tls), url, **options)  # type: ignore[arg-type]
    theirs = await tell(oracle(url, tls), url, **options)  # type: ignore[arg-type]
    await settled(server)
    for told, line in zip((mine, theirs), server.lines, strict=False):
        assert not (line.request and told.never_sent), "the server has seen a byte"
    return mine, theirs


# -- fates, once there is a connection ------------------------------------------------------------


async def whole(line: Line) -> None:
    await line.read_request()
    await line.say(answer())


async def reset_at_once(line: Line) -> None:
    line.reset()


async def closed_at_once(line: Line) -> None:
    pass


async def reset_after_the_head(line: Line) -> None:
    await line.read_head()
    line.reset()


async def reset_after_the_body(line: Line) -> None:
    await line.read_request()
    line.reset()


async def closed_after_the_body(line: Line) -> None:
    await line.read_request()


async def stalls(line: Line) -> None:
    await line.read_request()
    await line.gone()


async def stalls_in_the_body(line: Line) -> None:
    await line.read_request()
    await line.say(answer()[:-10])
    await line.gone()


async def reset_in_the_body(line: Line) -> None:
    await line.read_request()
    await line.say(answer()[:-10])
    line.reset()


async def refuses_early(line: Line) -> None:
    await line.read_head()
    await line.say(answer(b"too much", "413 Content Too Large"))
    await line.gone()


async def takes_nothing(line: Line) -> None:
    line.reader._transport.pause_reading()  # type: ignore[attr-defined]
    try:
        await asyncio.sleep(60)  # until the test is over
    finally:
        line.reset()


def says(*said: bytes | str) -> Act:
    """Take a request, say something, and close."""

    async def act(line: Line) -> None:
        await line.read_request()
        await line.say(*said)

    return act


CHUNKED = head(content_type="video/mp4", transfer_encoding="chunked").encode()
IN_CHUNKS = CHUNKED + chunk(CLIP[:700]) + chunk(CLIP[700:]) + b"0\r\nx-check: 1\r\n\r\n"

FATES: dict[str, Act] = {
    "whole": whole,
    "reset at once": reset_at_once,
    "closed at once": closed_at_once,
    "reset after the head": reset_after_the_head,
    "reset after the body": reset_after_the_body,
    "closed after the body": closed_after_the_body,
    "stalls": stalls,
    "stalls in the body": stalls_in_the_body,
    "reset in the body": reset_in_the_body,
    "closed in the status line": says("HTTP/1.1 2"),
    "closed in the head": says("HTTP/1.1 200 OK\r\nContent-"),
    "closed in the body": says(answer()[:-10]),
    "garbage": says(b"\x00\xffSSH-2.0-OpenSSH_9.6\r\n\r\n"),
    "an interim answer": says("HTTP/1.1 103 Early Hints\r\nlink: </x>\r\n\r\n", answer()),
    "only an interim answer": says("HTTP/1.1 100 Continue\r\n\r\n"),
    "chunked": says(IN_CHUNKS),
    "cut in a chunk": says(IN_CHUNKS[:-40]),
    "until it is closed": says(head(content_type="video/mp4"), CLIP),
    "two lengths": says("HTTP/1.1 200 OK\r\nContent-Length: 4\r\nContent-Length: 5\r\n\r\nabcd"),
    "a length and chunks": says(
        "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n", chunk(b"")
    ),
    "more than was announced": says(answer(), b"and more"),
    "a large head": says("HTTP/1.1 200 OK\r\nX-Big: ", b"x" * 300_000, "\r\n\r\n"),
    "an upgrade": says("HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n"),
    "no content": says(head("204 No Content")),
    "http 1.0": says(b"HTTP/1.0 200 OK\r\n\r\n", CLIP),
    "lines that end without CR": says(b"HTTP/1.1 200 OK\nContent-Length: 4\n\nabcd"),
    "a folded header": says(b"HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 4\r\n\r\nabcd"),
    "a name with a space": says(b"HTTP/1.1 200 OK\r\nX : a\r\nContent-Length: 4\r\n\r\nabcd"),
    "a head of 90 kB": says(
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nX: ", b"x" * 90_000, "\r\n\r\n"
    ),
    "another coding": says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", CLIP),
    "an empty line first": says(b"\r\n" + answer()),
    "no content, with a length": says(head("204 No Content", content_length=4), b"abcd"),
    "not modified, with a length": says(head("304 Not Modified", content_length=4)),
    "a content encoding": says(answer(gzip.compress(CLIP), content_encoding="gzip")),
    "a length of nothing": says(answer(b"")),
    "a length beyond all bounds": says(head(content_length="9" * 20), CLIP),
    "another response behind it": says(answer() + answer(b"another", connection="close")),
}


@pytest.mark.parametrize("fate", FATES)
@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
async def test_whatever_happens_to_a_request_both_transports_say_the_same(
    serve: Serve, fate: str, tls: bool
) -> None:
    async with serve(FATES[fate], tls=tls) as server:
        mine, theirs = await both(server, tls=trust() if tls else None, read=SHORT)
        assert same(mine, theirs), (mine, theirs)
        assert mine.wrote
        seen = [line.request for line in server.lines]
        assert len(seen) == 2
        assert seen[0] == seen[1] or (mine.error in _LEFT and not mine.status)


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
async def test_a_refusal_in_the_middle_of_a_large_request_is_read(serve: Serve, tls: bool) -> None:
    async with serve(refuses_early, tls=tls) as server:
        mine, theirs = await both(server, tls=trust() if tls else None, content=LARGE)
        assert (mine.status, mine.body) == (413, b"too much")
        assert mine == theirs


async def test_a_refusal_counts_although_the_connection_is_reset_behind_it(serve: Serve) -> None:
    """It lies in the kernel, where Linux keeps it; httpx's own transport loses it."""

    async def act(line: Line) -> None:
        await line.read_head()
        await line.say(answer(b"too much", "413 Content Too Large"))

    async with serve(act) as server:
        told = await tell(ours(server.url), server.url, content=LARGE)
        assert told.wrote
        assert told.status == 413 or sys.platform != "linux"


async def test_a_reset_in_the_middle_of_a_large_request_is_a_connection_that_broke(
    serve: Serve,
) -> None:
    """The kernel tells of it once, to the write; the read behind it finds an end."""
    async with serve(reset_after_the_head) as server:
        mine, theirs = await both(server, content=LARGE)
        assert mine == theirs
        assert (mine.error, mine.sent) == ("ReadError", True)


async def test_a_request_that_is_not_taken_is_a_write_that_times_out(serve: Serve) -> None:
    async with serve(takes_nothing) as server:
        for make in (ours, oracle):
            told = await tell(make(server.url), server.url, content=LARGE, write=SHORT)
            assert told.error == "WriteTimeout"
            assert told.wrote


# -- fates before there is one --------------------------------------------------------------------


async def test_both_say_the_same_of_a_port_where_nobody_listens() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        for host in ("127.0.0.1", "localhost"):
            url = f"http://{host}:{taken.getsockname()[1]}/"
            mine, theirs = await tell(ours(url), url), await tell(oracle(url), url)
            assert mine == theirs
            assert mine.never_sent
            assert mine.lasts
            assert mine.error == "ConnectError"
            assert "refused" in mine.text


async def test_both_say_the_same_of_a_connect_that_is_not_taken() -> None:
    with full_backlog() as port:
        url = f"http://127.0.0.1:{port}/"
        mine, theirs = [await tell(make(url), url, connect=SHORT) for make in (ours, oracle)]
    assert mine == theirs
    assert mine.never_sent
    assert mine.error == "ConnectTimeout"


async def test_both_say_the_same_of_a_name_that_is_not_found(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", fail)
    url = "http://nowhere.example/"
    mine, theirs = [await tell(make(url), url) for make in (ours, oracle)]
    assert mine == theirs
    assert mine.never_sent
    assert mine.lasts


async def test_both_say_the_same_where_no_file_can_be_opened() -> None:
    url = "http://127.0.0.1:9/"
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    warm = await tell(ours(url), url)
    assert warm.never_sent
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, limits[1]))
    try:
        mine, theirs = [await tell(make(url), url) for make in (ours, oracle)]
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
    assert mine == theirs
    assert mine.never_sent
    assert os.strerror(24) in mine.text


async def _plain(line: Line) -> None:
    await line.reader.read(100)
    await line.say("HTTP/1.1 400 Bad Request\r\n\r\n")


async def _mute(line: Line) -> None:
    await line.gone()


async def _hangs_up(line: Line) -> None:
    await line.reader.read(100)


async def _resets(line: Line) -> None:
    await line.reader.read(100)
    line.reset()


@pytest.mark.parametrize("act", [_plain, _mute, _hangs_up, _resets, reset_at_once])
async def test_both_say_the_same_of_a_handshake_that_fails(serve: Serve, act: Act) -> None:
    async with serve(act) as server:
        url = server.url.replace("http:", "https:")
        mine, theirs = await both(server, url=url, tls=trust(), connect=SHORT)
        assert mine == theirs
        assert mine.never_sent
        assert mine.error == ("ConnectTimeout" if act is _mute else "ConnectError")


async def test_both_say_the_same_of_a_certificate_that_nobody_vouches_for(serve: Serve) -> None:
    async with serve(whole, tls=True) as server:
        mine, theirs = await both(server, tls=trust(anybody=True))
        assert mine == theirs
        assert mine.never_sent
        assert mine.lasts
        assert "not trusted" in mine.text


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
async def test_what_is_to_be_encrypted_is_never_sent_in_plain_text(serve: Serve, tls: bool) -> None:
    async with serve(whole, tls=tls) as server:
        other = server.url.replace("https:", "http:") if tls else server.url.replace(":", "s:", 1)
        told = await tell(ours(server.url, trust()), other)
        assert (told.error, told.tried) == ("UnsupportedProtocol", False)
        assert not server.lines


# -- every byte -----------------------------------------------------------------------------------

SMALL = {
    "a length": b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\nX: y\r\n\r\nabcdef",
    "chunks": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"4;x=y\r\nabcd\r\n2\r\nef\r\n0\r\nT: 1\r\n\r\n",
    "its end": b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nabcdef",
    "an interim": b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 500 X\r\nContent-Length: 2\r\n\r\nno",
}


@pytest.mark.parametrize("how", ["close", "reset"])
@pytest.mark.parametrize("said", SMALL.values(), ids=SMALL)
async def test_an_answer_that_is_cut_after_any_byte_is_the_same_to_both(
    serve: Serve, said: bytes, how: str
) -> None:
    length = 0

    async def act(line: Line) -> None:
        await line.read_request()
        await line.say(said[:length])
        if how == "reset":
            line.reset()

    async with serve(act) as server:
        for length in range(len(said) + 1):
            mine, theirs = await both(server)
            assert same(mine, theirs) if how == "reset" else mine == theirs, length
            assert mine.sent


async def test_an_answer_to_a_request_for_its_head_has_no_body(serve: Serve) -> None:
    async with serve(says(answer())) as server:
        mine, theirs = await both(server, method="HEAD", content=b"")
        assert mine == theirs
        assert (mine.status, mine.body, mine.error) == (200, b"", "")


def in_pieces_of(said: bytes, size: int) -> list[bytes]:
    return [said[at : at + size] for at in range(0, len(said), size)]


@pytest.mark.parametrize("said", SMALL.values(), ids=SMALL)
async def test_an_answer_is_the_same_however_it_is_broken_into_pieces(
    serve: Serve, said: bytes
) -> None:
    pieces: list[bytes] = []

    async def act(line: Line) -> None:
        await line.read_request()
        for piece in pieces:
            await line.say(piece)
            for _ in range(4):  # so that the client comes to read it
                await asyncio.sleep(0)

    async with serve(act) as server:
        pieces[:] = [said]
        usual = await tell(oracle(server.url), server.url)
        assert usual.status
        halves = [[said[:at], said[at:]] for at in range(len(said))]
        for pieces[:] in [in_pieces_of(said, 1), in_pieces_of(said, 3), *halves]:
            assert await tell(ours(server.url), server.url) == usual, pieces


_WORDS = [
    *(
        b"HTTP/1.1 200 OK\r\n",
        b"HTTP/1.1 204 X\r\n",
        b"HTTP/1.1 100 X\r\n\r\n",
        b"HTTP/1.0 500\r\n",
    ),
    *(b"Content-Length: 5\r\n", b"Content-Length: 9\r\n", b"Transfer-Encoding: chunked\r\n"),
    *(
        b"Connection: close\r\n",
        b"X: \xe9\r\n",
        b" folded\r\n",
        b"X\r\n",
        b": y\r\n",
        b"\r\n",
        b"\n",
    ),
    *(b"5\r\nhello\r\n", b"0\r\n\r\n", b"fffffffffffffffffff\r\n", b"-1\r\n", b"hello"),
]


@settings(max_examples=150, deadline=None)
@given(
    st.one_of(
        st.lists(st.one_of(st.sampled_from(_WORDS), st.binary(max_size=6)), max_size=10).map(
            b"".join
        ),
        st.lists(st.sampled_from(_WORDS[4:]), max_size=8).map(
            lambda words: b"HTTP/1.1 200 OK\r\n" + b"".join(words)
        ),
    )
)
def test_any_answer_is_the_same_to_both(said: bytes) -> None:
    async def run() -> None:
        server = Raw(says(said))
        await server.open()
        try:
            mine, theirs = await both(server)
            assert mine == theirs
            assert mine.sent
        finally:
            await server.close()

    asyncio.run(run())


@pytest.mark.parametrize("how", ["reset", "close"])
async def test_however_little_of_a_request_the_server_has_seen_it_was_sent(
    serve: Serve, how: str
) -> None:
    length = 0

    async def act(line: Line) -> None:
        line.request = await line.reader.readexactly(length)
        if how == "reset":
            line.reset()

    async with serve(act) as server:
        for length in range(0, 100, 7):  # of 108 or more
            mine, theirs = await both(server)
            assert same(mine, theirs), length
            assert mine.wrote
            assert mine.sent


# -- what is sent ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "options",
    [
        {},
        {"content": b""},
        {"content": b"x" * 200_000},
        {"method": "GET", "content": b"", "headers": {"accept": "*/*"}},
        {"headers": {"Host": "api.example", "X-Api-Key": "k"}},
        {"headers": {"connection": "close"}},
    ],
)
async def test_both_send_the_same_bytes(serve: Serve, options: dict[str, object]) -> None:
    async with serve(whole) as server:
        mine, theirs = await both(server, **options)
        assert mine == theirs
        assert mine.body == CLIP
        one, other = (line.request for line in server.lines)
        assert one == other
        content = options.get("content", CONTENT)
        assert isinstance(content, bytes)
        assert one.endswith(b"\r\n\r\n" + content)
