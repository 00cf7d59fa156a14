"""Submitting a task to a provider that answers with an id, over real sockets."""

# ruff: noqa: ASYNC240 - a look at a file in a test may block

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from support.raw import CLIP, KEY, Line, answer, chunk, head, make_task
from support.web import Web, as_json, web

from pipeline.api import providers
from pipeline.api.endpoint import Endpoint
from pipeline.api.outcome import Decision, Fault, Judgement, Outcome
from pipeline.api.segmind import SegmindV2
from pipeline.api.timeouts import Timeouts
from pipeline.errors import ExitCode
from pipeline.models import Cause, Handle

PATH = "/v2/luma-txt-2-video"
TASK = make_task(loop=False)
V2 = providers.get("segmind-v2")


@pytest.fixture
async def api() -> AsyncIterator[Web]:
    async with web() as served:
        yield served


class Witness:
    """Notes what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def sending(self) -> None:
        self.told.append("sending")

    def answered(self, _: Outcome, __: int | None) -> None:
        self.told.append("answered")


async def submit(
    api: Web, part: Path, *, within: float = 5, witness: Witness | None = None, **bounds: float
) -> Outcome:
    provider = SegmindV2(Timeouts(**bounds))
    async with (
        provider.connect(Endpoint(api.url, KEY), timeout=within, max_size=10**9) as session,
        asyncio.timeout(30),
    ):
        return await session.attempt(TASK, part, witness)


async def judged(api: Web, part: Path, said: Any, **options: Any) -> tuple[Outcome, Judgement]:
    api.says[PATH] = said
    outcome = await submit(api, part, **options)
    return outcome, V2.judge(TASK, outcome)


def accepted(url: str, **changes: Any) -> dict[str, Any]:
    return {
        "request_id": "r-1",
        "status": "QUEUED",
        "status_url": f"{url}/v2/requests/r-1/status",
        "response_url": f"{url}/v2/requests/r-1",
        "poll_url": f"{url}/v1/x",
        **changes,
    }


async def test_a_submit_is_answered_with_the_handle_of_the_request(api: Web, part: Path) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    witness = Witness()
    api.says[PATH] = as_json(accepted(api.url), x_remaining_credits="4.05", x_cost="0.95")
    outcome = await submit(api, part, witness=witness)
    handle = outcome.accepted
    assert handle is not None
    assert (handle.id, handle.listed) == ("r-1", False)
    assert handle.status == f"{api.url}/v2/requests/r-1/status"
    assert handle.result == f"{api.url}/v2/requests/r-1"
    assert datetime.fromisoformat(handle.at) >= before
    assert (outcome.request_id, outcome.remaining) == ("r-1", Decimal("4.05"))
    assert (outcome.body, outcome.fault, outcome.cost, outcome.status) == (None, None, None, 200)
    assert V2.judge(TASK, outcome).decision is Decision.ACCEPT
    assert not part.exists()
    assert witness.told == ["sending"]


async def test_it_sends_the_parameters_as_they_are_once_with_the_key(api: Web, part: Path) -> None:
    api.says[PATH] = as_json(accepted(api.url))
    await submit(api, part)
    (seen,) = api.seen
    assert (seen.method, json.loads(seen.body)) == ("POST", TASK.params)
    assert api.keyed == [PATH]


@pytest.mark.parametrize("status", ["200 OK", "201 Created", "202 Accepted"])
async def test_an_id_alone_is_enough_with_any_2xx(api: Web, part: Path, status: str) -> None:
    outcome, _ = await judged(api, part, as_json({"request_id": 12}, status))
    assert outcome.accepted is not None
    assert outcome.accepted.id == "12"


@pytest.mark.parametrize("url", [7, "", "x" * 5000, "a\nb", ["x"], None])
async def test_an_address_that_is_none_is_left_out(api: Web, part: Path, url: Any) -> None:
    outcome, _ = await judged(api, part, as_json(accepted(api.url, status_url=url)))
    assert outcome.accepted == Handle(
        id="r-1",
        result=f"{api.url}/v2/requests/r-1",
        at=outcome.accepted.at,  # type: ignore[union-attr]
    )


@pytest.mark.parametrize(
    "said",
    [
        answer(b""),
        answer(b"", "204 No Content"),
        answer(b"{}"),
        answer(b"[]"),
        answer(b'"r-1"'),
        answer(b"<html>welcome</html>", content_type="text/html"),
        answer(CLIP),
        answer(b"\xff\xfe"),
        answer(b"[" * 50_000),
        as_json({"request_id": None}),
        as_json({"request_id": ""}),
        as_json({"request_id": ".."}),
        as_json({"request_id": "a\nb"}),
        as_json({"request_id": "x" * 1000}),
        as_json({"request_id": {"a": 1}}),
        as_json({"error": "try again"}),
    ],
)
async def test_a_2xx_without_an_id_is_in_doubt(api: Web, part: Path, said: bytes) -> None:
    outcome, meaning = await judged(api, part, said)
    assert (outcome.accepted, outcome.fault) == (None, Fault.NO_ID)
    assert (meaning.decision, meaning.reason) == (Decision.IN_DOUBT, Cause.UNKNOWN)
    assert meaning.charged
    assert not part.exists()


BODY = json.dumps(accepted("http://127.0.0.1:1")).encode()
CUT = head(content_length=len(BODY)).encode() + BODY[:-20]


@pytest.mark.parametrize(
    "said", [CUT, head(transfer_encoding="chunked").encode() + chunk(BODY[:40])]
)
async def test_an_answer_that_is_cut_is_in_doubt(api: Web, part: Path, said: bytes) -> None:
    async def cut(line: Line) -> None:
        await line.say(said)

    outcome, meaning = await judged(api, part, cut)
    assert (outcome.accepted, outcome.fault) == (None, Fault.CUT)
    assert (meaning.decision, meaning.reason, meaning.charged) == (
        Decision.IN_DOUBT, Cause.CUT, True,
    )  # fmt: skip


async def test_an_id_that_came_whole_counts_although_the_connection_broke_behind_it(
    api: Web, part: Path
) -> None:
    async def cut(line: Line) -> None:
        await line.say(head(transfer_encoding="chunked"), chunk(BODY))

    outcome, meaning = await judged(api, part, cut)
    assert outcome.accepted is not None
    assert meaning.decision is Decision.ACCEPT


@pytest.mark.parametrize("sent", [b"", BODY[:10]])
async def test_the_timeout_of_the_job_bounds_the_answer_to_its_end(
    api: Web, part: Path, sent: bytes
) -> None:
    async def silence(line: Line) -> None:
        if sent:
            await line.say(head(content_length=len(BODY)), sent)
        await line.gone()

    outcome, meaning = await judged(api, part, silence, within=0.4, last_look=0.05)
    assert outcome.fault is (Fault.CUT if sent else Fault.TIMEOUT)
    assert meaning.decision is Decision.IN_DOUBT
    assert outcome.took < 10


async def test_an_answer_that_drips_does_not_extend_the_timeout(api: Web, part: Path) -> None:
    async def drip(line: Line) -> None:
        await line.say(head(content_length=100_000))
        while not line.writer.is_closing():
            await line.say(b" ")
            await asyncio.sleep(0.01)

    outcome, _ = await judged(api, part, drip, within=0.4, last_look=0.05)
    assert (outcome.fault, outcome.accepted) == (Fault.CUT, None)


async def test_an_endless_answer_is_not_read_to_its_end(api: Web, part: Path) -> None:
    async def endless(line: Line) -> None:
        await line.say(head())
        while True:
            await line.say(b"x" * 1_000_000)

    outcome, meaning = await judged(api, part, endless)
    assert outcome.fault is Fault.NO_ID
    assert meaning.decision is Decision.IN_DOUBT
    assert len(outcome.text) <= 64 * 1024


async def test_a_connection_that_is_lost_is_in_doubt_and_is_not_sent_again(
    api: Web, part: Path
) -> None:
    async def lost(line: Line) -> None:
        line.reset()

    outcome, meaning = await judged(api, part, lost)
    assert outcome.fault is Fault.NO_ANSWER
    assert meaning.decision is Decision.IN_DOUBT
    assert len(api.seen) == 1


STOPS = ["410 Gone", "404 No", "401 No", "403 No", "405 No", "307 There", "303 There"]
REFUSALS = [
    ("500 Oops", "", Decision.RETRY),
    ("502 Bad Gateway", "<html>502</html>", Decision.RETRY),
    ("503 Busy", "", Decision.RETRY),
    ("504 Gateway Timeout", "", Decision.IN_DOUBT),
    ("520 Unknown", "", Decision.IN_DOUBT),
    ("406 Not Acceptable", '{"error": "not enough credits"}', Decision.CREDITS),
    ("402 Payment", "", Decision.CREDITS),
    ("403 Forbidden", "blocked by moderation", Decision.FAIL),
    ("400 Bad", '{"error": "prompt is too long"}', Decision.FAIL),
    ("429 Slow", "", Decision.THROTTLE),
    *((status, "", Decision.STOP) for status in STOPS),
]


@pytest.mark.parametrize(("status", "text", "decision"), REFUSALS)
async def test_a_submit_that_is_refused_is_judged_as_an_answer_of_v1(
    api: Web, part: Path, status: str, text: str, decision: Decision
) -> None:
    outcome, meaning = await judged(api, part, answer(text.encode(), status))
    assert meaning.decision is decision
    assert meaning.exit_code is ExitCode.API_REFUSES
    assert outcome.accepted is None
    assert len(api.seen) == 1
    assert not part.exists()


async def test_a_refusal_that_names_a_request_is_still_a_refusal(api: Web, part: Path) -> None:
    outcome, meaning = await judged(api, part, as_json(accepted(api.url), "422 No"))
    assert (outcome.accepted, meaning.decision) == (None, Decision.FAIL)


async def test_the_key_is_in_no_text_of_an_answer(api: Web, part: Path) -> None:
    outcome, meaning = await judged(api, part, as_json({"error": f"bad {KEY}"}, "400 Bad"))
    assert KEY not in outcome.text + meaning.error
