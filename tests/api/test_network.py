"""The connections: addresses, cancelled requests, back-pressure, tunnels that are kept."""

import asyncio
import gc
import os
import socket
import threading
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Self

import httpx
import pytest
from support.exchange import (
    CONTENT,
    SHORT,
    all_closed_but,
    open_sockets,
    oracle,
    ours,
    settled,
    tell,
    trust,
)
from support.proxy import Proxy
from support.raw import CLIP, Act, Line, Raw, Serve, answer, full_backlog, head

from pipeline.api.transport import through

Ask = Callable[..., Awaitable[bytes]]


async def whole(line: Line) -> None:
    await line.read_request()
    await line.say(answer())


async def keeps_answering(line: Line) -> None:
    while True:
        await line.read_request()
        await line.say(answer())


# -- the addresses of a name ----------------------------------------------------------------------


@contextmanager
def resolving(patch: pytest.MonkeyPatch, *hosts: str) -> Iterator[None]:
    """Let each name stand for these hosts, in this order."""

    def look_up(_: object, port: int, *__: object, **___: object) -> list[object]:
        kind = (socket.SOCK_STREAM, socket.IPPROTO_TCP, "")
        return [
            (socket.AF_INET6, *kind, (host, port, 0, 0))
            if ":" in host
            else (socket.AF_INET, *kind, (host, port))
            for host in hosts
        ]

    with patch.context() as patched:
        patched.setattr(socket, "getaddrinfo", look_up)
        yield


async def test_of_several_addresses_one_that_refuses_costs_nothing(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serve(whole) as server:
        for hosts in [("127.0.0.2", "127.0.0.1"), ("::1", "127.0.0.1"), ("127.0.0.1", "::1")]:
            with resolving(monkeypatch, *hosts):
                url = f"http://several.example:{server.port}/"
                mine, theirs = await tell(ours(url), url), await tell(oracle(url), url)
            assert mine == theirs
            assert mine.body == CLIP


async def test_an_address_that_hangs_costs_no_connect(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with serve(whole) as server:
        with (
            full_backlog("127.0.0.2", server.port),
            resolving(monkeypatch, "127.0.0.2", "127.0.0.1"),
        ):
            before = open_sockets()
            told = await tell(ours("http://x.example"), f"http://x.example:{server.port}/")
            assert told.body == CLIP
            await all_closed_but(before)


async def test_where_all_addresses_refuse_both_transports_say_why(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://x.example:{taken.getsockname()[1]}/"
        with resolving(monkeypatch, "::1", "127.0.0.1", "127.0.0.3"):
            mine, theirs = await tell(ours(url), url), await tell(oracle(url), url)
    assert (mine.error, mine.lasts, mine.never_sent) == ("ConnectError", True, True)
    assert (theirs.error, theirs.lasts, theirs.never_sent) == ("ConnectError", True, True)
    assert mine.text.startswith("no connection to there: ")


async def test_one_bound_holds_for_all_addresses(monkeypatch: pytest.MonkeyPatch) -> None:
    with full_backlog() as port, resolving(monkeypatch, "127.0.0.1", "127.0.0.1"):
        url = f"http://x.example:{port}/"
        told = await tell(ours(url), url, connect=0.4)
    assert (told.error, told.never_sent) == ("ConnectTimeout", True)


async def test_an_address_with_a_zone_is_looked_up(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What of its zone goes into a connect is known to the resolver alone."""
    async with serve(whole) as server:
        with resolving(monkeypatch, "127.0.0.1"):
            url = f"http://[fe80::1%25lo]:{server.port}/"
            assert (await tell(ours(url), url)).body == CLIP


# -- cancelled ------------------------------------------------------------------------------------


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
async def test_a_request_that_is_cancelled_at_any_step_leaves_nothing_open(
    serve: Serve, tls: bool
) -> None:
    """Nothing of the loop's goes unheard either: a warning or an error would fail this."""
    unheard: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, told: unheard.append(told))
    context, done, steps = trust() if tls else None, False, 0

    async with serve(whole, tls=tls) as server:
        url = server.url.replace("localhost", "127.0.0.1")  # no thread that looks a name up
        before = open_sockets()
        while not done:
            task = asyncio.create_task(tell(ours(url, context), url))
            for _ in range(steps):
                await asyncio.sleep(0)
            done = task.done()
            task.cancel()
            await asyncio.wait([task])
            await all_closed_but(before)
            steps += 1
        assert task.result().body == CLIP
        await settled(server)
    gc.collect()
    await asyncio.sleep(0)
    assert not unheard


async def test_a_request_that_is_cancelled_while_addresses_are_tried_leaves_nothing_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with full_backlog() as port, resolving(monkeypatch, "127.0.0.1", "127.0.0.1"):
        url = f"http://x.example:{port}/"
        before = open_sockets()
        task = asyncio.create_task(tell(ours(url), url))
        await asyncio.wait([task], timeout=SHORT * 2)
        task.cancel()
        await asyncio.wait([task])
        assert task.cancelled()
        assert open_sockets() == before


async def test_a_body_that_is_left_closes_its_connection(serve: Serve) -> None:
    left = asyncio.Event()

    async def act(line: Line) -> None:
        await line.read_request()
        await line.say(answer()[:-10])
        await line.gone()
        left.set()

    async with serve(act) as server:
        transport = ours(server.url)
        response = await transport.handle_async_request(_request(server.url))
        async for _ in response.aiter_raw():
            break
        await response.aclose()
        await asyncio.wait_for(left.wait(), 5)


# -- what comes fast ------------------------------------------------------------------------------


async def test_a_body_that_comes_as_fast_as_it_is_read_leaves_the_loop_to_others() -> None:
    """Its server is a thread: the socket is never empty."""
    chunks, turns = 0, 0

    async def count_turns() -> None:
        nonlocal turns
        while True:
            await asyncio.sleep(0)
            turns += 1

    with Pouring() as server:
        transport = ours(server.url)
        other = asyncio.create_task(count_turns())
        response = await transport.handle_async_request(_request(server.url))
        began = turns
        async for _ in response.aiter_raw():
            chunks += 1
            if chunks == 200:
                break
        other.cancel()
        assert turns - began >= chunks - 2  # what came with the head, and the first behind it
        await response.aclose()


async def test_what_nobody_reads_stays_in_the_kernel() -> None:
    with Pouring() as server:
        transport = ours(server.url)
        response = await transport.handle_async_request(_request(server.url))
        await asyncio.to_thread(server.stalls)
        sent = server.sent
        assert sent < 30_000_000
        for _ in range(20):
            await asyncio.sleep(0)
        assert server.sent == sent
        await response.aclose()


class Pouring:
    """Sends a body without end from a thread, as fast as it is taken."""

    def __enter__(self) -> Self:
        self.sent = 0
        self._server = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._server.getsockname()[1]}"
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self._full = threading.Event()
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.join(10)
        self._server.close()

    def stalls(self) -> None:
        """Wait until nothing more is taken."""
        assert self._full.wait(10)

    def _run(self) -> None:
        line, _ = self._server.accept()
        with line:
            line.recv(65536)
            line.sendall(head(content_length=10**12).encode())
            line.settimeout(0.5)
            while True:
                try:
                    self.sent += line.send(bytes(65536))
                except TimeoutError:
                    self._full.set()
                except OSError:
                    return


# -- tls ------------------------------------------------------------------------------------------


async def test_what_breaks_tls_in_a_body_is_a_body_that_broke(serve: Serve) -> None:
    """Not an OSError, which would read as a disk that takes nothing."""

    async def act(line: Line) -> None:
        await line.read_request()
        await line.say(answer()[:-10])
        os.write(line.writer.get_extra_info("socket").fileno(), b"\x17\x03\x03\x00\x20" + bytes(32))
        await line.gone()

    async with serve(act, tls=True) as server:
        told = await tell(ours(server.url, trust()), server.url)
        assert (told.status, told.error) == (200, "ReadError")


# -- options, and what is kept --------------------------------------------------------------------


async def test_each_connection_asks_whether_the_other_side_is_there(serve: Serve) -> None:
    async with serve(whole) as server:
        response = await ours(server.url).handle_async_request(_request(server.url))
        raw = response.extensions["network_stream"].get_extra_info("socket")
        assert raw.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert raw.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        await response.aclose()


async def test_each_request_that_is_paid_for_has_a_connection_of_its_own(serve: Serve) -> None:
    async with serve(keeps_answering) as server, asking(server.url, ours(server.url)) as ask:
        for count in (1, 2, 3):
            assert await ask() == CLIP
            assert len(server.lines) == count
            await settled(server)  # it is closed with its answer, not at the end


async def test_what_is_free_keeps_its_tunnel(serve: Serve) -> None:
    async with tunnelled(serve, keeps_answering) as (server, ask):
        for _ in range(3):
            assert await ask() == CLIP
        assert len(server.lines) == 1


async def closed_behind_it(line: Line) -> None:
    await whole(line)
    line.writer.transport.abort()  # a close of TLS would wait for the other side's


async def reset_behind_it(line: Line) -> None:
    await whole(line)
    line.reset()


@pytest.mark.parametrize("act", [closed_behind_it, reset_behind_it])
async def test_a_tunnel_that_was_closed_while_it_was_kept_is_not_used(
    serve: Serve, act: Act
) -> None:
    async with tunnelled(serve, act) as (server, ask):
        for count in (1, 2, 3):
            assert await ask() == CLIP
            assert len(server.lines) == count
            await settled(server)


async def test_a_tunnel_whose_answer_was_not_read_is_not_kept(serve: Serve) -> None:
    async with tunnelled(serve, keeps_answering) as (server, ask):
        await ask(all_of_it=False)
        assert await ask() == CLIP
        assert len(server.lines) == 2


@asynccontextmanager
async def tunnelled(serve: Serve, act: Act) -> AsyncIterator[tuple[Raw, Ask]]:
    """Serve `act` behind a proxy, and ask it over a transport that keeps its tunnels."""
    async with serve(act, tls=True) as server:
        proxy = Proxy(server)
        await proxy.open()
        transport = through(f"http://127.0.0.1:{proxy.port}", trust(), keep=True)
        async with asking(server.url, transport) as ask:
            yield server, ask
        proxy.close()


@asynccontextmanager
async def asking(url: str, transport: httpx.AsyncBaseTransport) -> AsyncIterator[Ask]:
    """Ask over one transport, again and again."""

    async def ask(*, all_of_it: bool = True) -> bytes:
        response = await transport.handle_async_request(_request(url))
        body = b""
        if all_of_it:
            async for part in response.aiter_raw():
                body += part
        await response.aclose()
        return body

    yield ask
    await transport.aclose()


def _request(url: str) -> httpx.Request:
    waits = httpx.Timeout(5).as_dict()
    length = {"content-length": str(len(CONTENT))}
    return httpx.Request(
        "POST", url, content=CONTENT, headers=length, extensions={"timeout": waits}
    )
