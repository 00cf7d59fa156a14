"""Answers that mean something else than their code says, through whole runs on virtual time."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from support.night import CLIP, Answer, Call, Night

from pipeline import events as ev
from pipeline.api.outcome import Balance, Fault
from pipeline.errors import ExitCode
from pipeline.models import CreditPolicy, Gate, Status

ASKING = CreditPolicy(cost=Decimal(1), gate=Gate.AUTO)


class Account:
    """A balance that falls with each answer that is charged."""

    def __init__(self, night: Night, left: int) -> None:
        self._night, self.left = night, Decimal(left)
        self.take(0)

    def take(self, price: int) -> None:
        self.left -= price
        self._night.balance = Balance(credits=self.left, simulated=True)


# -- no credits, said otherwise -------------------------------------------------------------------


@pytest.mark.parametrize("width", [1, 6])
@pytest.mark.parametrize("status", [200, 400, 403, 429])
def test_an_empty_account_stops_the_run_whatever_code_says_it(
    tmp_path: Path, status: int, width: int
) -> None:
    empty = Answer(
        status,
        0.1,
        text='{"error": "Insufficient credits"}',
        fault=Fault.NOT_MEDIA if status == 200 else None,
    )
    night = Night(tmp_path, 30, lambda c: CLIP if c.task == "t000" else empty)
    Account(night, 50)  # another's reserve, say: the API will not spend it
    summary = night.run(concurrency=width, credits=ASKING)
    assert summary.exit_code == ExitCode.CREDITS
    assert "Insufficient credits" in summary.detail
    assert len(night.calls) <= width + 1
    assert (summary.counts.failed, summary.counts.pending) == (0, 29)
    assert summary.money.at_risk == 0
    assert list((tmp_path / "out" / ".inflight").iterdir()) == []


def test_a_200_that_speaks_of_credits_and_was_charged_is_money_at_risk(tmp_path: Path) -> None:
    night = Night(tmp_path, 3)
    account = Account(night, 50)

    def api(call: Call) -> Answer:
        account.take(1)
        if call.task == "t001":
            return Answer(200, text="out of credits", fault=Fault.NOT_MEDIA)
        return CLIP

    night.api = api
    summary = night.run(credits=ASKING)
    assert summary.exit_code == ExitCode.SOME_FAILED
    assert night.records["t001"].at_risk == 1
    assert night.statuses() == {"succeeded": 2, "failed": 1}


@pytest.mark.parametrize(
    ("answer", "status"),
    [
        (Answer(400, text="Invalid request: insufficient credits"), Status.FAILED),
        (Answer(406, text="Prompt length limit exceeded"), Status.FAILED),
    ],
)
def test_a_balance_that_is_enough_fails_what_only_seems_to_speak_of_credits(
    tmp_path: Path, answer: Answer, status: Status
) -> None:
    night = Night(tmp_path, 12, lambda c: answer if int(c.task[1:]) % 4 else CLIP)
    Account(night, 1000)
    summary = night.run(concurrency=2, credits=ASKING)
    assert summary.exit_code == ExitCode.SOME_FAILED
    assert night.records["t001"].status is status
    assert night.statuses() == {"succeeded": 3, "failed": 9}


def test_a_quota_of_requests_is_waited_for(tmp_path: Path) -> None:
    refusal = Answer(429, 0.1, text="rate quota exceeded, retry in 3 s", retry_after=3)
    night = Night(tmp_path, 5, lambda c: refusal if c.nth == 1 else CLIP)
    Account(night, 50)
    assert night.run(credits=ASKING).exit_code == ExitCode.OK


# -- redirects ------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", [1, 6])
def test_a_result_that_lies_elsewhere_stops_the_run_and_is_in_doubt(
    tmp_path: Path, width: int
) -> None:
    elsewhere = Answer(303, 0.3, location="https://results.example/42")
    night = Night(tmp_path, 30, lambda _: elsewhere)
    summary = night.run(concurrency=width)
    assert summary.exit_code == ExitCode.API_REFUSES
    assert "https://results.example/42" in summary.detail
    assert summary.counts.in_doubt == len(night.calls) <= width
    record = night.records["t000"]
    assert (record.reason, record.at_risk) == ("elsewhere", 1)
    assert "https://results.example/42" in (record.error or "")
    # The next run does not send it again.
    assert night.run(concurrency=width).exit_code == ExitCode.API_REFUSES
    assert max(night.seen.values()) == 1


@pytest.mark.parametrize("status", [301, 302, 300])
def test_a_redirect_after_which_the_balance_has_fallen_is_in_doubt(
    tmp_path: Path, status: int
) -> None:
    night = Night(tmp_path, 4)
    account = Account(night, 50)

    def api(_: Call) -> Answer:
        account.take(1)
        return Answer(status, 0.3, location="/done")

    night.api = api
    summary = night.run(credits=ASKING)
    assert summary.exit_code == ExitCode.API_REFUSES
    assert (len(night.calls), summary.counts.in_doubt, summary.money.at_risk) == (1, 1, 1)


@pytest.mark.parametrize("asks", [True, False])
@pytest.mark.parametrize("written", ["1", "1.05"])
def test_clips_before_it_hide_no_fall_of_a_redirect(
    tmp_path: Path, written: str, asks: bool
) -> None:
    """Each answer shows the balance after its own charge, which the written price overstates."""
    night = Night(tmp_path, 12)
    account = Account(night, 50)

    def api(call: Call) -> Answer:
        account.take(1)
        if not asks:
            night.balance = Balance(simulated=True)
        if call.task < "t008":
            return replace(CLIP, remaining=account.left)
        return Answer(302, 0.3, location="/done", remaining=account.left)

    night.api = api
    policy = CreditPolicy(cost=Decimal(written), gate=Gate.AUTO)
    assert night.run(credits=policy).exit_code == ExitCode.API_REFUSES
    assert night.statuses() == {"succeeded": 8, "in_doubt": 1}
    night.run(credits=policy)
    assert night.seen["t008"] == 1


@pytest.mark.parametrize(("told", "booked"), [("0.4", "1"), ("1.4", "1.4")])
def test_a_redirect_that_tells_a_cost_is_in_doubt(tmp_path: Path, told: str, booked: str) -> None:
    """A written price is never undercut."""
    night = Night(tmp_path, 4, lambda _: Answer(302, 0.3, cost=Decimal(told)))
    summary = night.run()
    assert (summary.counts.in_doubt, summary.money.at_risk) == (1, Decimal(booked))


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_that_took_nothing_costs_nothing(tmp_path: Path, status: int) -> None:
    night = Night(tmp_path, 4, lambda _: Answer(status, 0.3, location="https://www.example"))
    Account(night, 50)
    summary = night.run(credits=ASKING)
    assert summary.exit_code == ExitCode.API_REFUSES
    assert "https://www.example" in summary.detail
    assert (summary.counts.pending, summary.money.at_risk) == (4, 0)
    assert list((tmp_path / "out" / ".inflight").iterdir()) == []


# -- gateways -------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [521, 523, 525, 526, 530])
def test_a_gateway_that_never_reached_the_api_is_an_outage_that_costs_nothing(
    tmp_path: Path, status: int
) -> None:
    night = Night(tmp_path, 20, lambda c: Answer(status, 0.2) if c.at < 200 else CLIP)
    summary = night.run(concurrency=4)
    assert summary.exit_code == ExitCode.OK
    assert summary.money.at_risk == 0
    assert next(held.reason for held in night.told(ev.Held)) is ev.Reason.OUTAGE
    assert set(night.statuses()) == {"succeeded"}


def test_a_checker_that_is_out_of_memory_is_tried_again(tmp_path: Path) -> None:
    broken = Answer(500, 0.2, text="safety_checker: CUDA out of memory")
    night = Night(tmp_path, 6, lambda c: broken if c.nth == 1 else CLIP)
    assert night.run(concurrency=2).exit_code == ExitCode.OK


def test_a_slow_moderation_service_holds_the_pool_and_fails_nobody(tmp_path: Path) -> None:
    busy = Answer(429, 0.2, text="Our safety service is busy", retry_after=20)
    night = Night(tmp_path, 60, lambda c: busy if c.at < 50 else replace(CLIP, seconds=5))
    assert night.run(concurrency=6).exit_code == ExitCode.OK
