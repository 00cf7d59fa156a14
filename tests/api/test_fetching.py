"""Fetching an output from the address that a provider has told, over real sockets."""

# ruff: noqa: ASYNC240 - a look at a file in a test may block

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from support.raw import CLIP, KEY, Line, Serve, answer, chunk, head
from support.web import Web, as_json, web

from pipeline.api.abroad import RefusedError
from pipeline.api.endpoint import Endpoint
from pipeline.api.fetching import Fetcher
from pipeline.api.origin import Origin
from pipeline.api.outcome import Fault, Outcome
from pipeline.api.segmind import SegmindV2
from pipeline.api.timeouts import Timeouts

VENDOR = "https://api.segmind.com"
ALIEN = Path(__file__).parents[1] / "support" / "example.pem"
SECRET = "X-Amz-Signature=abcdef0123456789"


@pytest.fixture
async def files() -> AsyncIterator[Web]:
    async with web() as served:
        served.says["/clip.mp4"] = answer()
        yield served


LOCAL = "http://127.0.0.1:1"


async def fetch(
    media: str, part: Path, *, base: str = LOCAL, max_size: int = 10**9, **bounds: float
) -> Outcome:
    provider = SegmindV2(Timeouts(**bounds))
    async with (
        provider.connect(Endpoint(base, KEY), timeout=5, max_size=max_size) as session,
        asyncio.timeout(30),
    ):
        return await session.fetch(media, part)


def texts(outcome: Outcome) -> str:
    return repr(outcome)


# -- what is brought ------------------------------------------------------------------------------


async def test_an_output_is_brought_without_the_key_or_anything_of_ours(
    files: Web, part: Path
) -> None:
    outcome = await fetch(f"{files.url}/clip.mp4?{SECRET}", part)
    assert part.read_bytes() == CLIP
    assert outcome.body is not None
    assert outcome.body.extension == ".mp4"
    (seen,) = files.seen
    assert seen.target == f"/clip.mp4?{SECRET}"
    lines = seen.head.splitlines()[1:]
    assert {line.partition(":")[0] for line in lines} == {
        "host", "user-agent", "accept", "accept-encoding"
    }  # fmt: skip
    assert files.keyed == []


async def test_at_the_providers_own_host_it_gets_no_key_either(files: Web, part: Path) -> None:
    outcome = await fetch(f"{files.url}/clip.mp4", part, base=files.url)
    assert outcome.body is not None
    assert files.keyed == []


async def test_what_a_file_server_says_of_money_is_not_read(files: Web, part: Path) -> None:
    files.says["/clip.mp4"] = answer(
        x_cost="99", x_remaining_credits="0", x_request_id="theirs", x_seed_value="1",
        retry_after="9", x_sandbox="1", set_cookie="a=b",
    )  # fmt: skip
    outcome = await fetch(f"{files.url}/clip.mp4", part)
    assert outcome.body is not None
    said = (outcome.cost, outcome.remaining, outcome.request_id, outcome.seed, outcome.retry_after)
    assert said == (None,) * 5
    assert not outcome.simulated


async def test_a_file_of_the_sandbox_itself_is_known_as_simulated(files: Web, part: Path) -> None:
    files.says["/clip.mp4"] = answer(x_sandbox="1")
    assert (await fetch(f"{files.url}/clip.mp4", part, base=files.url)).simulated


# -- what is not media ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("said", "status", "fault"),
    [
        (answer(b"<Error>ExpiredToken</Error>", "403 Forbidden"), 403, None),
        (answer(b"", "404 Not Found"), 404, None),
        (answer(b"", "410 Gone"), 410, None),
        (as_json({"error": "x"}, "500 Oops"), 500, None),
        (answer(b"<html>gone</html>", content_type="text/html"), 200, Fault.NOT_MEDIA),
        (as_json({"url": "x"}), 200, Fault.NOT_MEDIA),
        (answer(b""), 200, Fault.NOT_MEDIA),
        (answer(CLIP, "206 Partial"), 206, Fault.CUT),
        (answer(CLIP[:-100]), 200, Fault.BROKEN_MEDIA),
    ],
)
async def test_what_is_no_output_is_told_by_its_status_or_its_fault(
    files: Web, part: Path, said: bytes, status: int, fault: Fault | None
) -> None:
    files.says["/clip.mp4"] = said
    outcome = await fetch(f"{files.url}/clip.mp4?{SECRET}", part)
    assert (outcome.body, outcome.status, outcome.fault) == (None, status, fault)
    assert SECRET not in texts(outcome)
    assert f"{files.url.removeprefix('http://')}/clip.mp4" in outcome.detail


async def test_an_error_that_repeats_the_signature_is_not_kept(files: Web, part: Path) -> None:
    said = f"<Error><StringToSign>{SECRET}</StringToSign></Error>".encode()
    for status in ("403 Forbidden", "200 OK"):
        files.says["/clip.mp4"] = answer(said, status)
        assert SECRET not in texts(await fetch(f"{files.url}/clip.mp4?{SECRET}", part))


async def test_an_output_that_is_cut_is_cut(files: Web, part: Path) -> None:
    async def cut(line: Line) -> None:
        await line.say(head(content_length=len(CLIP) + 1000), CLIP[:-200])

    files.says["/clip.mp4"] = cut
    assert (await fetch(f"{files.url}/clip.mp4", part)).fault is Fault.CUT


async def test_an_output_that_stalls_is_cut(files: Web, part: Path) -> None:
    async def stall(line: Line) -> None:
        await line.say(head(content_length=len(CLIP)), CLIP[:100])
        await line.gone()

    files.says["/clip.mp4"] = stall
    outcome = await fetch(f"{files.url}/clip.mp4", part, stall=0.3, last_look=0.05)
    assert outcome.fault is Fault.CUT


async def test_an_output_that_is_larger_than_allowed_is_refused(files: Web, part: Path) -> None:
    async def endless(line: Line) -> None:
        await line.say(head(transfer_encoding="chunked"))
        while True:
            await line.say(chunk(b"x" * 100_000))

    files.says["/clip.mp4"] = endless
    outcome = await fetch(f"{files.url}/clip.mp4", part, max_size=1_000_000)
    assert outcome.fault is Fault.TOO_LARGE
    assert part.stat().st_size <= 1_000_000


async def test_a_server_that_never_answers_is_given_up(files: Web, part: Path) -> None:
    async def silence(line: Line) -> None:
        await line.gone()

    files.says["/clip.mp4"] = silence
    outcome = await fetch(f"{files.url}/clip.mp4", part, stall=0.3, last_look=0.05)
    assert outcome.fault is Fault.TIMEOUT


async def test_a_server_that_is_not_there_was_not_asked(part: Path) -> None:
    async with web() as gone:
        url = gone.url
    outcome = await fetch(f"{url}/clip.mp4?{SECRET}", part)
    assert outcome.fault is Fault.NOT_SENT
    assert SECRET not in texts(outcome)


# -- which addresses ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "media",
    [
        "",
        "clip.mp4",
        "//host/clip.mp4",
        "ftp://host/clip.mp4",
        "file:///etc/passwd",
        "data:video/mp4;base64,A*",
        "https://",
        "https://user@host/clip.mp4",
        "https://user:pass@host/clip.mp4",
        "https://host\\@other/clip.mp4",
        "https://ho st/clip.mp4",
        "https://host/a\nb",
        "https://[::1",
        "https://" + "a" * 64 + ".example/clip.mp4",
        "https://a..example/clip.mp4",
        "https://.example/clip.mp4",
        "https://host:99999/x",
        "http://127.0.0.1:65536/x",
        "http://127.0.0.1:0/x",
        "https://host/" + "x" * 10_000,
        f"https://host/clip.mp4?key={KEY}",
        f"https://host/clip.mp4?key={KEY.replace('-', '%2D')}",
    ],
)
async def test_what_is_no_plain_address_is_not_asked(part: Path, media: str) -> None:
    outcome = await fetch(media, part)
    assert outcome.fault is Fault.GONE
    assert KEY not in texts(outcome)
    assert not part.exists()


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "127.1", "2130706433", "0x7f.0.0.1", "localhost", "[::1]", "0.0.0.0", "[::]",
        "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "[fe80::1]",
        "[fc00::1]", "[::ffff:127.0.0.1]", "[::ffff:10.0.0.1]", "[2002:7f00:1::]", "224.0.0.1",
        "[64:ff9b::10.0.0.1]",
    ],
)  # fmt: skip
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_an_address_within_the_network_of_this_machine_is_refused(
    part: Path, scheme: str, host: str
) -> None:
    outcome = await fetch(f"{scheme}://{host}/latest/meta-data", part, base=VENDOR)
    assert outcome.fault is Fault.GONE
    assert "private network" in outcome.detail


async def test_nothing_of_this_machine_is_asked_where_the_provider_is_elsewhere(
    files: Web, part: Path
) -> None:
    port = files.url.rpartition(":")[2]
    for host in ("127.0.0.1", "localhost", "127.1"):
        outcome = await fetch(f"http://{host}:{port}/clip.mp4", part, base=VENDOR)
        assert outcome.fault is Fault.GONE
    assert files.seen == []


class Names:
    """A look-up of names that a test answers."""

    def __init__(self, *answers: list[str]) -> None:
        self._answers = list(answers)
        self.asked: list[str] = []

    async def __call__(self, origin: Origin) -> list[str]:
        self.asked.append(origin.host)
        return self._answers.pop(0)


def fetcher_by(names: Names, *, guarded: bool = False) -> Fetcher:
    """Make a fetcher of a provider that is elsewhere; unless guarded, it may ask this machine."""
    endpoint = Endpoint(VENDOR, KEY)
    if guarded:
        return Fetcher(endpoint, 10**9, Timeouts(), look_up=names)
    return Fetcher(endpoint, 10**9, Timeouts(), look_up=names, is_private=lambda _: False)


@pytest.mark.parametrize("addresses", [["127.0.0.1"], ["93.184.216.34", "10.0.0.1"], ["::1"]])
async def test_a_name_that_leads_into_the_network_of_this_machine_is_refused(
    part: Path, addresses: list[str]
) -> None:
    names = Names(addresses)
    outcome = await fetcher_by(names, guarded=True).fetch("https://rebinding.example/clip", part)
    assert outcome.fault is Fault.GONE
    assert names.asked == ["rebinding.example"]


async def test_what_was_looked_up_is_connected_to_and_not_looked_up_again(
    files: Web, part: Path
) -> None:
    port = files.url.rpartition(":")[2]
    names = Names(["::1", "127.0.0.2", "127.0.0.1"])
    outcome = await fetcher_by(names).fetch(f"http://no-such.invalid:{port}/clip.mp4", part)
    assert outcome.body is not None
    assert names.asked == ["no-such.invalid"]
    assert f"host: no-such.invalid:{port}" in files.seen[0].head


@pytest.mark.parametrize("host", ["api.example.test", "localhost"])
async def test_the_certificate_must_be_of_the_name_although_an_address_is_connected_to(
    serve: Serve, part: Path, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(ALIEN))

    async def act(line: Line) -> None:
        await line.read_head()
        await line.say(answer())

    async with serve(act, tls=True, certificate=ALIEN) as server:
        media = f"https://{host}:{server.port}/clip.mp4"
        outcome = await fetcher_by(Names(["127.0.0.1"])).fetch(media, part)
    assert (outcome.body is not None) is (host == "api.example.test")
    assert host == "api.example.test" or "certificate" in outcome.detail


@pytest.mark.variant
async def test_through_a_proxy_an_address_of_the_own_network_is_refused_too(
    part: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    for host in ("10.0.0.1", "127.1", "[::ffff:10.0.0.1]", "169.254.169.254"):
        outcome = await fetch(f"https://{host}/latest", part, base=VENDOR)
        assert outcome.fault is Fault.GONE, host


async def test_a_proxy_that_cannot_be_used_is_told(
    part: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", "socks4://:1")
    outcome = await fetch("https://cdn.example/clip.mp4", part)
    assert outcome.fault is Fault.NOT_SENT
    assert "HTTPS_PROXY" in outcome.detail


# -- redirects ------------------------------------------------------------------------------------


def to(location: str, status: str = "302 Found") -> bytes:
    return answer(b"", status, location=location, set_cookie="session=1")


@pytest.mark.parametrize(
    "status", ["301 Moved", "302 Found", "303 See", "307 Temporary", "308 Permanent"]
)
async def test_a_redirect_is_followed_without_the_key_or_cookies(
    files: Web, part: Path, status: str
) -> None:
    async with web() as other:
        other.says["/real"] = answer()
        files.says["/clip.mp4"] = to(f"{other.url}/real?{SECRET}", status)
        outcome = await fetch(f"{files.url}/clip.mp4?{SECRET}", part, base=files.url)
        assert outcome.body is not None
        assert other.keyed == files.keyed == []
        assert "cookie" not in other.seen[0].head
        assert "referer" not in other.seen[0].head
    assert SECRET not in texts(outcome)


async def test_a_relative_redirect_is_followed(files: Web, part: Path) -> None:
    files.says["/a"] = to("clip.mp4")
    assert (await fetch(f"{files.url}/a", part)).body is not None


async def test_five_redirects_are_followed_and_no_more(files: Web, part: Path) -> None:
    for number in range(6):
        files.says[f"/{number}"] = to(f"/{number + 1}")
    files.says["/6"] = answer()
    assert (await fetch(f"{files.url}/1", part)).body is not None
    outcome = await fetch(f"{files.url}/0", part)
    assert (outcome.body, outcome.fault) == (None, Fault.GONE)
    assert "redirects" in outcome.detail


async def test_a_redirect_to_itself_ends(files: Web, part: Path) -> None:
    files.says["/loop"] = to("/loop")
    assert (await fetch(f"{files.url}/loop", part)).body is None
    assert len(files.seen) == 6


@pytest.mark.parametrize(
    "location",
    ["file:///etc/passwd", "ftp://host/x", "https://user:pass@host/", "https://", "http://[",
     "javascript:alert(1)", "https://host:99999/", "\\\\host\\x"],
)  # fmt: skip
async def test_a_redirect_to_what_is_no_address_is_not_followed(
    files: Web, part: Path, location: str
) -> None:
    files.says["/clip.mp4"] = to(location)
    outcome = await fetch(f"{files.url}/clip.mp4", part)
    assert outcome.body is None
    assert len(files.seen) == 1


async def test_a_redirect_without_a_goal_is_no_output(files: Web, part: Path) -> None:
    files.says["/clip.mp4"] = answer(b"", "302 Found")
    outcome = await fetch(f"{files.url}/clip.mp4", part)
    assert (outcome.body, outcome.status) == (None, 302)


def test_a_redirect_never_leads_from_https_to_http() -> None:
    fetcher = Fetcher(Endpoint(VENDOR, KEY), 1, Timeouts())
    secure = httpx.URL("https://a.example/x")
    assert str(fetcher.redirected(secure, "https://b.example/")) == "https://b.example/"
    assert str(fetcher.redirected(secure, "/y")) == "https://a.example/y"
    with pytest.raises(RefusedError, match="from https to http"):
        fetcher.redirected(secure, "http://b.example/")
    plain = httpx.URL("http://a.example/x")
    assert str(fetcher.redirected(plain, "https://b.example/")) == "https://b.example/"
