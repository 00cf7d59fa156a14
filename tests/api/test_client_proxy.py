"""The proxy that the environment names: a tunnel to the API, and the key within it only."""

# ruff: noqa: ASYNC240 - a look at a file in a test may block

import asyncio
import socket
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from support.proxy import Proxy
from support.raw import CLIP, KEY, Line, Serve, answer, connect, judge, make_task

from pipeline.api.endpoint import Endpoint
from pipeline.api.outcome import Decision, Fault, Outcome
from pipeline.api.timeouts import Timeouts
from pipeline.api.transport import FreshConnections
from pipeline.errors import UsageError

pytestmark = pytest.mark.few(3)

CERTIFICATE = Path(__file__).parents[1] / "support" / "example.pem"
LOOPBACK = CERTIFICATE.with_name("loopback.pem")
HOST = "api.example.test"


@asynccontextmanager
async def tunnel(
    serve: Serve, monkeypatch: pytest.MonkeyPatch, act: object, does: str = ""
) -> AsyncIterator[Proxy]:
    """Serve `act` as the API, behind a proxy that the environment names."""
    for name in ("HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "HTTP_PROXY"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    monkeypatch.setenv("SSL_CERT_FILE", str(CERTIFICATE))
    async with serve(act, tls=True, certificate=CERTIFICATE) as server:
        proxy = Proxy(server, does)
        await proxy.open()
        monkeypatch.setenv("HTTPS_PROXY", f"http://me:secret@127.0.0.1:{proxy.port}")
        yield proxy
        proxy.close()


async def send(part: Path, url: str = f"https://{HOST}", **options: Any) -> Outcome:
    async with connect(url, **options) as client, asyncio.timeout(20):
        return await client.attempt(make_task(), part)


async def clip(line: Line) -> None:
    await line.read_request()
    await line.say(answer())


async def test_a_clip_comes_through_the_proxy_that_the_environment_names(
    serve: Serve, part: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with tunnel(serve, monkeypatch, clip) as proxy:
        outcome = await send(part)
        assert outcome.body is not None, outcome
        assert part.read_bytes() == CLIP
        assert proxy.asked[0].startswith(f"CONNECT {HOST}:443 HTTP/1.1".encode())
        assert KEY.encode() not in proxy.seen, "the proxy never sees the key"
        assert KEY.encode() in proxy.target.lines[0].request


async def test_a_proxy_that_speaks_tls_itself_is_reached(
    serve: Serve, part: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with tunnel(serve, monkeypatch, clip) as behind:
        both = tmp_path / "both.pem"
        both.write_bytes(CERTIFICATE.read_bytes() + LOOPBACK.read_bytes())
        monkeypatch.setenv("SSL_CERT_FILE", str(both))
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(LOOPBACK)
        proxy = Proxy(behind.target)
        await proxy.open(context)
        monkeypatch.setenv("HTTPS_PROXY", f"https://localhost:{proxy.port}")
        outcome = await send(part)
        assert outcome.body is not None, outcome
        assert part.read_bytes() == CLIP
        assert KEY.encode() not in proxy.seen
        proxy.close()


async def test_a_proxy_is_asked_as_httpx_asks_it_and_the_connection_is_watched(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Gateways drop a connection that is silent for minutes, behind a proxy too."""
    async with tunnel(serve, monkeypatch, clip) as proxy:
        url = f"http://me:secret@127.0.0.1:{proxy.port}"
        for transport in (
            FreshConnections(Endpoint(f"https://{HOST}", KEY)),
            httpx.AsyncHTTPTransport(proxy=httpx.Proxy(url)),
        ):
            request = httpx.Request("GET", f"https://{HOST}/v1")
            response = await transport.handle_async_request(request)
            if isinstance(transport, FreshConnections):
                raw = response.extensions["network_stream"].get_extra_info("socket")
                assert raw.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
            assert await response.aread() == CLIP
            await transport.aclose()
        one, other = proxy.asked
        assert one == other
        assert b"proxy-authorization: basic" in one.lower()


@pytest.mark.parametrize(
    "said", ["407 Proxy Authentication Required", "403 Forbidden", "502 Bad Gateway"]
)
async def test_what_a_proxy_refuses_was_never_sent(
    serve: Serve, part: Path, monkeypatch: pytest.MonkeyPatch, said: str
) -> None:
    async with tunnel(serve, monkeypatch, clip, f"HTTP/1.1 {said}") as proxy:
        outcome = await send(part)
        assert outcome.fault is Fault.NOT_SENT
        assert outcome.hopeless is said.startswith("407")
        assert said in outcome.detail
        assert f"{HOST}:443 through the proxy 127.0.0.1:{proxy.port}" in outcome.detail
        assert "secret" not in outcome.detail
        assert not proxy.target.lines


async def test_a_proxy_that_does_not_answer_was_sent_nothing(
    serve: Serve, part: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with tunnel(serve, monkeypatch, clip) as proxy:
        proxy.does = "HTTP/1.1 100 Continue"
        outcome = await send(part, timeouts=Timeouts(connect=0.2))
    assert outcome.fault is Fault.NOT_SENT
    assert judge(outcome).decision is Decision.RETRY


async def test_a_proxy_that_is_not_there_is_named(
    part: Path, serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with tunnel(serve, monkeypatch, clip):
        monkeypatch.setenv("HTTPS_PROXY", "127.0.0.1:9")
        outcome = await send(part)
    assert outcome.fault is Fault.NOT_SENT
    assert "through the proxy 127.0.0.1:9" in outcome.detail


async def test_behind_a_tunnel_what_was_sent_and_not_answered_is_in_doubt(
    serve: Serve, part: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def act(line: Line) -> None:
        await line.read_request()

    async with tunnel(serve, monkeypatch, act):
        outcome = await send(part)
    assert outcome.fault is Fault.NO_ANSWER
    assert judge(outcome).decision is Decision.IN_DOUBT


async def test_a_certificate_that_does_not_fit_is_found_behind_a_tunnel(
    serve: Serve, part: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with tunnel(serve, monkeypatch, clip) as proxy:
        outcome = await send(part, "https://other.example.test")
        assert outcome.fault is Fault.NOT_SENT
        assert outcome.hopeless
        assert "certificate" in outcome.detail
        assert not any(line.request for line in proxy.target.lines)


@pytest.mark.parametrize("no_proxy", [HOST, "example.test", f"{HOST}:443", "*"])
async def test_no_proxy_is_heeded(
    serve: Serve, part: Path, monkeypatch: pytest.MonkeyPatch, no_proxy: str
) -> None:
    async with tunnel(serve, monkeypatch, clip) as proxy:
        monkeypatch.setenv("NO_PROXY", no_proxy)
        outcome = await send(part)
        assert outcome.fault is Fault.NOT_SENT
        assert not proxy.asked
        assert f"name of {HOST}:443 was not found" in outcome.detail


async def test_this_machine_is_reached_without_a_proxy(
    serve: Serve, part: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with tunnel(serve, monkeypatch, clip) as proxy, serve(clip) as here:
        monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("ALL_PROXY", f"http://127.0.0.1:{proxy.port}")
        assert (await send(part, here.url)).body is not None
        assert not proxy.asked


@pytest.mark.parametrize("told", ["socks5://me:secret@127.0.0.1:9", "http://", "http://[::1"])
async def test_a_proxy_that_cannot_be_used_is_refused_before_anything_is_sent(
    part: Path, monkeypatch: pytest.MonkeyPatch, told: str
) -> None:
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("https_proxy", raising=False)
    monkeypatch.setenv("HTTPS_PROXY", told)
    with pytest.raises(UsageError) as caught:
        await send(part)
    assert "HTTPS_PROXY" in caught.value.message
    assert "secret" not in caught.value.message
