"""What an attempt makes of statuses and headers, with the network replaced."""

# ruff: noqa: ASYNC240 - a look at a file in a test may block

import itertools
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import pytest
import respx
from msgspec.structs import replace
from support.raw import CLIP, KEY, connect, judge, make_task

from pipeline.api.endpoint import Endpoint
from pipeline.api.outcome import Decision, Fault, Outcome
from pipeline.api.segmind.wire import SegmindWire
from pipeline.errors import UsageError

BASE = "https://api.segmind.com"
URL = f"{BASE}/v1/luma-txt-2-video"

# Amounts that no money has.
HUGE = ["9" * 400, "1e400", "-1e99", "1e-400"]


class Api:
    """The router that stands for the network, and a client on it."""

    def __init__(self, part: Path) -> None:
        self.router = respx.Router(assert_all_called=False)
        self._part = part

    async def attempt(self, **task: Any) -> Outcome:
        transport = httpx.MockTransport(self.router.async_handler)
        async with connect(BASE, transport=transport) as client:
            return await client.attempt(make_task(**task), self._part)

    async def answers(self, status: int = 200, **response: Any) -> Outcome:
        self.router.post(URL).respond(status, **response)
        return await self.attempt()


@pytest.fixture
def api(part: Path) -> Api:
    return Api(part)


async def test_a_clip_is_saved_with_all_that_its_headers_say(api: Api, part: Path) -> None:
    outcome = await api.answers(
        content=CLIP,
        headers={
            "content-type": "video/mp4",
            "x-remaining-credits": "615.9801263243",
            "x-cost": "0.95",
            "x-request-id": "req-1",
            "x-generation-time": "62.1",
            "x-output-metadata": "{'seed': None}",
        },
    )
    assert part.read_bytes() == CLIP
    assert outcome.remaining == Decimal("615.980126")
    assert outcome.cost == Decimal("0.95")
    assert outcome.request_id == "req-1"
    assert outcome.content_type == "video/mp4"
    assert not outcome.simulated
    assert outcome.text == ""


async def test_the_sandbox_is_known_by_its_mark(api: Api) -> None:
    assert (await api.answers(content=CLIP, headers={"x-sandbox": "1"})).simulated


@pytest.mark.parametrize("status", [400, 401, 404, 406, 429, 500, 503, 504])
async def test_errors_tell_the_balance_too(api: Api, status: int) -> None:
    outcome = await api.answers(
        status, json={"error": "no"}, headers={"x-remaining-credits": "0.5", "x-request-id": "r"}
    )
    assert (outcome.status, outcome.remaining, outcome.request_id) == (status, Decimal("0.5"), "r")
    assert outcome.text == '{"error":"no"}'


async def test_every_status_reaches_its_row(api: Api) -> None:
    for status in range(300, 600):
        outcome = await api.answers(status)
        assert outcome.status == status
        assert judge(outcome).decision is judge(Outcome(took=0, status=status)).decision, status


async def test_a_wall_clock_that_jumps_changes_no_duration(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    jumps = itertools.count(1_795_694_400, -5 * 3600)
    monkeypatch.setattr("time.time", lambda: float(next(jumps)))
    outcome = await api.answers(content=CLIP)
    assert 0 <= outcome.seconds < 60


async def test_a_redirect_tells_where_it_leads_without_the_key(api: Api) -> None:
    outcome = await api.answers(303, headers={"location": f"https://elsewhere.example/?key={KEY}"})
    assert outcome.location == "https://elsewhere.example/?key=[key]"


@pytest.mark.parametrize(
    "figure",
    ["", "many", "nan", "inf", "-Infinity", "0x10", "1,5", "None", *HUGE],
)
async def test_a_figure_that_is_none_counts_as_missing(api: Api, figure: str) -> None:
    outcome = await api.answers(
        content=CLIP, headers={"x-remaining-credits": figure, "x-cost": figure}
    )
    assert (outcome.remaining, outcome.cost) == (None, None)


async def test_a_cost_below_nothing_is_no_cost(api: Api) -> None:
    outcome = await api.answers(
        content=CLIP, headers={"x-remaining-credits": "-3.5", "x-cost": "-1"}
    )
    assert (outcome.remaining, outcome.cost) == (Decimal("-3.5"), None)


async def test_retry_after_is_read_against_the_server_s_date(api: Api) -> None:
    outcome = await api.answers(
        429,
        headers={
            "date": "Tue, 06 May 2031 07:08:09 GMT",
            "retry-after": "Tue, 06 May 2031 07:08:39 GMT",
        },
    )
    assert outcome.retry_after == 30


async def test_the_vendor_s_reset_header_is_read(api: Api) -> None:
    outcome = await api.answers(
        429,
        headers={
            "date": "Tue, 06 May 2031 07:08:09 GMT",
            "x-rate-limit-reset-at-utc": "2031-05-06 07:09:09",
        },
    )
    assert outcome.retry_after == 60


@pytest.mark.parametrize("value", ["soon", "", "1e999", "Mon, 1 Jan 2024 00:00:00 +99999999999"])
async def test_a_retry_after_that_is_none_does_no_harm(api: Api, value: str) -> None:
    assert (await api.answers(429, headers={"retry-after": value})).retry_after is None


# Every error that httpx knows for a request, and what is left when a transport tells no more.
ERRORS = [
    httpx.ConnectError,
    httpx.ConnectTimeout,
    httpx.PoolTimeout,
    httpx.ReadError,
    httpx.ReadTimeout,
    httpx.WriteError,
    httpx.WriteTimeout,
    httpx.CloseError,
    httpx.ProxyError,
    httpx.UnsupportedProtocol,
    httpx.LocalProtocolError,
    httpx.RemoteProtocolError,
    httpx.DecodingError,
    httpx.TooManyRedirects,
]


@pytest.mark.parametrize("error", ERRORS)
async def test_without_evidence_every_error_is_in_doubt_whatever_its_class(
    api: Api, error: Callable[[str], Exception]
) -> None:
    api.router.post(URL).mock(side_effect=error("it broke"))
    outcome = await api.attempt()
    silence = error is httpx.ReadTimeout
    assert outcome.status is None
    assert outcome.fault is (Fault.TIMEOUT if silence else Fault.NO_ANSWER)
    assert judge(outcome).decision is Decision.IN_DOUBT
    # In words: whom it was with, and why; never the name of a class.
    assert "it broke" in outcome.detail
    assert error is httpx.RemoteProtocolError or "api.segmind.com:443" in outcome.detail
    assert error.__name__ not in outcome.detail  # type: ignore[attr-defined]


def test_no_error_of_httpx_is_forgotten() -> None:
    def leaves(kind: type) -> set[type]:
        below = kind.__subclasses__()
        return {kind} if not below else set().union(*map(leaves, below))

    known = {kind for kind in leaves(httpx.RequestError) if kind.__module__.startswith("httpx")}
    assert known == set(ERRORS)


async def test_the_request_holds_exactly_the_params(api: Api) -> None:
    route = api.router.post(URL).respond(content=CLIP)
    await api.attempt(prompt="é 🎬", loop=False, seed=0, cost=Decimal("0.10"))
    request = route.calls.last.request
    assert request.content == '{"prompt":"é 🎬","loop":false,"seed":0,"cost":"0.10"}'.encode()
    assert request.headers["x-api-key"] == KEY
    assert request.headers["accept-encoding"] == "identity"
    assert request.headers["user-agent"].startswith("pipeline/")


@pytest.mark.parametrize(
    "url",
    [
        "ftp://x",
        "api.segmind.com",
        "https://",
        "http://api.segmind.com",
        "http://10.0.0.1",
        "https://user:secret@x",
        "https://x?key=1",
        "https://x#a",
        "https://x:99999",
        "https://x:port",
    ],
)
def test_a_url_that_cannot_be_used_is_refused(url: str) -> None:
    with pytest.raises(UsageError):
        Endpoint(url, KEY)


@pytest.mark.parametrize(
    "url", ["https://x", "http://127.0.0.1:1", "http://[::1]:5", "http://localhost", "https://ü.de"]
)
def test_plain_http_is_for_this_machine_only(url: str) -> None:
    assert Endpoint(url, KEY).base_url == url


@pytest.mark.parametrize("key", ["with space", "é", "line\nend", "tab\t", "\x00"])
def test_a_key_that_is_none_is_refused_without_being_shown(key: str) -> None:
    with pytest.raises(UsageError) as caught:
        Endpoint(BASE, key)
    assert key not in str(caught.value)


def test_the_key_is_not_shown_with_the_endpoint() -> None:
    assert KEY not in repr(Endpoint(BASE, KEY))


def test_a_model_cannot_lead_out_of_its_path() -> None:
    task = replace(make_task(), model="a/../b?c")
    assert SegmindWire(Endpoint(BASE + "/", KEY)).submit(task).url == f"{BASE}/v1/a%2F..%2Fb%3Fc"
