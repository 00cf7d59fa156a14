"""Headers that lie, flood or run on: none does harm, and none reaches a record as it came."""

from decimal import Decimal

import pytest
from support.command import CommandWorkspace, raw_server
from support.raw import CLIP, Act, Attempt, Line, answer, head, judge

from pipeline.api import headers
from pipeline.api.deadlines import retry_after
from pipeline.api.outcome import Decision, Fault


def act(said: bytes) -> Act:
    async def acting(line: Line) -> None:
        await line.read_request()
        await line.say(said)

    return acting


@pytest.mark.parametrize(
    ("told", "seed"),
    [("42", 42), ("-7", -7), ("0x2a", "0x2a"), ("9" * 400, "9" * 199 + "…"), ("", None)],
)
async def test_the_seed_that_an_answer_tells_is_known(
    attempt: Attempt, told: str, seed: int | str | None
) -> None:
    outcome = await attempt(act(answer(x_seed_value=told)))
    assert outcome.seed == seed


def test_a_record_has_the_seed_as_reported_else_as_sent(workspace: CommandWorkspace) -> None:
    workspace.write(
        [
            {"id": "reported", "prompt": "a reported seed", "params": {"seed": 3}},
            {"id": "sent", "prompt": "a lighthouse", "params": {"seed": 5}},
            {"id": "none", "prompt": "a pier"},
        ],
        model="a-model-of-images",
    )

    async def acting(line: Line) -> None:
        reported = b"reported" in await line.read_request()
        await line.say(answer(**({"x_seed_value": 4711} if reported else {})))

    with raw_server(acting) as server:
        run = workspace.run(url=server.url)
    assert run.code == 0, run.err
    seeds = {task: record["seed"] for task, record in workspace.records.items()}
    assert seeds == {"reported": 4711, "sent": 5, "none": None}


def test_headers_reach_a_record_short_and_printable(workspace: CommandWorkspace) -> None:
    workspace.write(["a lighthouse"])
    long = "i" * 60_000
    said = answer(x_request_id=long, content_type="video/" + "x" * 500 + "\x1b[2J", x_cost="0.95")
    with raw_server(act(said)) as server:
        workspace.run(url=server.url)
    (record,) = workspace.manifest
    assert record["request_id"] == "i" * 199 + "…"
    assert record["content_type"] == "video/mp4"


@pytest.mark.parametrize(
    "text",
    ["nan", "-NaN", "sNaN", "1e999", "-1e999", "Infinity", "9" * 30, "1_0e15", "--1"],
)
def test_no_amount_that_cannot_be_is_believed(text: str) -> None:
    assert headers.decimal(text) is None
    assert headers.cost(text) is None


def test_a_cost_below_nothing_is_none_and_a_balance_below_nothing_is_one() -> None:
    assert headers.cost("-0.95") is None
    assert headers.decimal("-0.95") == Decimal("-0.95")


@pytest.mark.parametrize(
    "said",
    [
        head(content_length="-5").encode() + CLIP,
        b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\ncontent-length: 1504\r\n\r\n" + CLIP,
        head(content_length="1504, 4").encode() + CLIP,
        head(content_length="0x5e0").encode() + CLIP,
        head(content_length="1" * 50).encode() + CLIP,
        b"HTTP/1.1 200 OK\r\n" + b"".join(b"x-%d: y\r\n" % n for n in range(20_000)) + b"\r\n",
        b"HTTP/1.1 200 OK\r\n" + b"x: " + b"y" * 200_000 + b"\r\n\r\n" + CLIP,
        head("200 OK", transfer_encoding="gzip").encode() + CLIP,
    ],
)
async def test_an_answer_that_lies_about_its_form_is_in_doubt(
    attempt: Attempt, said: bytes
) -> None:
    outcome = await attempt(act(said))
    assert outcome.body is None
    assert judge(outcome).decision is Decision.IN_DOUBT
    assert "Error" not in outcome.detail
    assert f"localhost:{attempt.server.port}" in outcome.detail


async def test_a_length_that_is_too_short_makes_a_broken_clip_and_not_a_success(
    attempt: Attempt,
) -> None:
    outcome = await attempt(act(head(content_length=len(CLIP) - 300).encode() + CLIP))
    assert outcome.fault is Fault.BROKEN_MEDIA
    assert attempt.part.read_bytes() == CLIP[:-300]


@pytest.mark.parametrize(
    ("told", "seconds"),
    [
        ("Tue, 06 May 2031 09:08:39 +0200", 30),
        ("Tue, 06 May 2031 02:08:39 EST", 30),
        ("Tue, 06 May 2031 07:08:39 -0000", 30),
        ("2031-05-06T09:08:39+02:00", 30),
        ("-30", 0),
        ("1e999", None),
        ("NaN", None),
        ("Tue, 99 May 2031 07:08:39 GMT", None),
        ("Tue, 06 May 99999 07:08:39 GMT", None),
    ],
)
def test_a_time_is_read_in_whatever_zone_it_is_told(told: str, seconds: float | None) -> None:
    date = {"date": "Tue, 06 May 2031 07:08:09 GMT"}
    assert retry_after({**date, "retry-after": told}) == seconds


def test_a_long_wait_is_told_as_it_is_up_to_a_month() -> None:
    assert retry_after({"retry-after": str(30 * 86400)}) == 30 * 86400
    assert retry_after({"retry-after": str(10**8)}) == 30 * 86400
