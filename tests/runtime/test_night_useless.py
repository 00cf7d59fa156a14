"""Answers that cost and bring no clip, and failures that tell nothing of now, on virtual time."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from support.night import CLIP, SILENCE, Answer, Call, Night

from pipeline import events as ev
from pipeline.api.outcome import Balance, Fault
from pipeline.errors import ExitCode
from pipeline.models import CreditPolicy, Gate
from pipeline.runtime.options import Options

JSON = Answer(200, text='{"url": "https://elsewhere.example/1.mp4"}', fault=Fault.NOT_MEDIA)
USELESS = {
    "json": JSON,
    "accepted": replace(JSON, status=202),
    "html": Answer(200, text="<html>oops</html>", fault=Fault.NOT_MEDIA),
    "broken": Answer(200, text="ftyp", fault=Fault.BROKEN_MEDIA),
    "too large": Answer(200, text="x", fault=Fault.TOO_LARGE),
    "told its cost": replace(JSON, cost=Decimal("0.95")),
    "moderated": Answer(200, text="blocked by moderation", fault=Fault.NOT_MEDIA),
}


@pytest.mark.parametrize("width", [1, 2, 3])
@pytest.mark.parametrize("kind", USELESS)
def test_answers_that_cost_and_bring_no_clip_stop_the_run_when_they_come_in_a_row(
    tmp_path: Path, kind: str, width: int
) -> None:
    night = Night(tmp_path, 60, lambda _: USELESS[kind])
    summary = night.run(concurrency=width)
    assert summary.exit_code == ExitCode.API_REFUSES
    assert len(night.calls) <= 3 + width - 1
    assert "cost and brought no clip" in summary.detail
    assert "t000" in summary.detail
    (first,) = (tmp_path / "out" / "errors").glob("t000*")
    assert f"errors/{first.name}" in summary.detail
    # The streak begins anew with the next run.
    before = len(night.calls)
    assert night.run(concurrency=width).exit_code == ExitCode.API_REFUSES
    assert len(night.calls) - before <= 3 + width - 1
    assert max(night.seen.values()) == 1


def test_of_forty_in_flight_none_is_replaced(tmp_path: Path) -> None:
    night = Night(tmp_path, 200, lambda c: replace(JSON, seconds=1 + int(c.task[1:]) % 40))
    summary = night.run(concurrency=40)
    assert summary.exit_code == ExitCode.API_REFUSES
    assert len(night.calls) == 42  # two were replaced before the third had come
    assert [w for w in night.told(ev.Warned) if "brought no clip" in w.message]


def test_after_such_an_end_the_next_run_begins_with_few(tmp_path: Path) -> None:
    night = Night(tmp_path, 200, lambda _: JSON)
    night.run(concurrency=40)
    before = len(night.calls)
    assert night.run(concurrency=40).exit_code == ExitCode.API_REFUSES
    assert len(night.calls) == before + 3
    assert [w for w in night.told(ev.Warned) if "3 requests at a time" in w.message]
    # Once a clip has come, the pool is open.
    night.api, night.peak = lambda _: CLIP, 0
    assert night.run(concurrency=40).exit_code == ExitCode.SOME_FAILED
    assert night.peak == 40
    assert night.seconds < 8


def test_one_useless_answer_in_five_stops_nothing_although_it_comes_much_sooner(
    tmp_path: Path,
) -> None:
    useless, clip = replace(JSON, seconds=0.5), replace(CLIP, seconds=60)
    night = Night(tmp_path, 100, lambda c: useless if int(c.task[1:]) % 5 == 0 else clip)
    summary = night.run(concurrency=40)
    assert summary.exit_code == ExitCode.SOME_FAILED
    assert (summary.counts.succeeded, summary.counts.failed) == (80, 20)


def test_one_useless_answer_in_five_stops_nothing_although_it_comes_a_little_later(
    tmp_path: Path,
) -> None:
    """All clips of a wave come before them, and nothing else is on its way."""
    useless = replace(JSON, seconds=1.001)
    night = Night(tmp_path, 40, lambda c: useless if int(c.task[1:]) % 5 == 0 else CLIP)
    summary = night.run(concurrency=40)
    assert (summary.exit_code, len(night.calls)) == (ExitCode.SOME_FAILED, 40)


def test_a_useless_answer_opens_no_pool(tmp_path: Path) -> None:
    """Neither header nor balance call tells anything, so the first goes alone."""
    night = Night(tmp_path, 60, lambda _: JSON)
    policy = CreditPolicy(gate=Gate.AUTO)
    assert night.run(concurrency=40, credits=policy).exit_code == ExitCode.API_REFUSES
    assert (len(night.calls), night.peak) == (3, 1)


def test_a_useless_answer_ends_no_outage(tmp_path: Path) -> None:
    night = Night(tmp_path, 60, lambda c: Answer(503, 0.1) if c.at < 30 else JSON)
    assert night.run(concurrency=6).exit_code == ExitCode.API_REFUSES
    assert len([call for call in night.calls if call.at >= 30]) == 3


def test_formats_of_one_prompt_that_is_refused_are_one_cause(tmp_path: Path) -> None:
    refused = replace(USELESS["moderated"], cost=Decimal("0.95"))
    names = [f"t{n:03}" for n in range(20)]
    night = Night(tmp_path, names, lambda c: refused if c.task in names[4:10] else CLIP)

    def params(name: str) -> dict[str, str]:
        return {"prompt": "a battle"} if name in names[4:10] else {}

    night.params = params
    assert night.run(concurrency=1).exit_code == ExitCode.SOME_FAILED


def test_fewer_than_three_tasks_are_each_their_own_fault(tmp_path: Path) -> None:
    night = Night(tmp_path, 2, lambda _: JSON)
    assert night.run(concurrency=2).exit_code == ExitCode.SOME_FAILED


def test_free_refusals_between_them_prove_nothing(tmp_path: Path) -> None:
    refusal = Answer(422, text="no")
    night = Night(tmp_path, 60, lambda c: JSON if int(c.task[1:]) % 2 else refusal)
    assert night.run(concurrency=1).exit_code == ExitCode.API_REFUSES
    assert len(night.calls) == 6


def test_a_line_that_breaks_cuts_many_bodies_and_is_an_outage(tmp_path: Path) -> None:
    cut = Answer(200, fault=Fault.CUT)
    night = Night(tmp_path, 200, lambda c: cut if 3 < c.at < 6 else CLIP)
    assert night.run(concurrency=20).exit_code == ExitCode.SOME_FAILED
    assert night.told(ev.Held)[0].reason is ev.Reason.OUTAGE


def test_bodies_that_are_always_cut_stop_the_run(tmp_path: Path) -> None:
    night = Night(tmp_path, 60, lambda _: Answer(200, fault=Fault.CUT))
    summary = night.run(concurrency=20)
    assert summary.exit_code == ExitCode.API_REFUSES
    assert len(night.calls) <= 23


# -- what was sent before the last success --------------------------------------------------------


@pytest.mark.parametrize("late", [False, True])
def test_two_hung_requests_and_one_poison_task_are_no_outage(tmp_path: Path, late: bool) -> None:
    hung = replace(SILENCE, seconds=600, fault=Fault.TIMEOUT)
    hanging = {"t001", "t002"} if late else {"t000", "t001"}

    def api(call: Call) -> Answer:
        if call.task in hanging:
            return hung
        return Answer(500, 1.0) if call.task == "t019" else CLIP

    night = Night(tmp_path, 20, api)
    summary = night.run(concurrency=3)
    assert summary.exit_code == ExitCode.SOME_FAILED
    assert (summary.counts.in_doubt, summary.counts.failed) == (2, 1)
    assert night.seconds < 700
    assert not night.told(ev.Held)


def test_when_all_in_flight_fail_the_next_ones_go_one_at_a_time(tmp_path: Path) -> None:
    """All were sent before the last success: they alone are no outage, and cost a probe each."""
    gone = Answer(504, 30.0)
    night = Night(tmp_path, 300, lambda c: gone if c.at >= 59 else replace(CLIP, seconds=20))
    summary = night.run(concurrency=40, retry={"outage": 600.0})
    assert summary.exit_code == ExitCode.OUTAGE
    failed = [call for call in night.calls if call.at >= 59]
    # Forty were in flight; after them one at a time, and soon ever more seldom.
    assert len(failed) <= 40 + 3 + 8


def test_an_outage_is_still_seen_by_what_is_sent_after_the_last_success(tmp_path: Path) -> None:
    night = Night(tmp_path, 60, lambda c: Answer(503, 0.1) if 20 < c.at < 300 else CLIP)
    assert night.run(concurrency=6).exit_code == ExitCode.OK
    assert len(night.between(20, 300)) < 30


# -- what waiting does not mend -------------------------------------------------------------------


@pytest.mark.parametrize("width", [1, 6])
def test_what_was_never_reached_and_cannot_be_ends_in_seconds(tmp_path: Path, width: int) -> None:
    nobody = Answer(fault=Fault.NOT_SENT, seconds=0.01, hopeless=True)
    night = Night(tmp_path, 60, lambda _: nobody)
    summary = night.run(concurrency=width, retry={"outage": 7200.0})
    assert summary.exit_code == ExitCode.OUTAGE
    assert "waiting would not fix it" in summary.detail
    assert night.seconds < 10
    assert (summary.counts.pending, summary.money.at_risk) == (60, 0)


def test_what_was_reached_once_is_waited_for(tmp_path: Path) -> None:
    nobody = Answer(fault=Fault.NOT_SENT, seconds=0.01, hopeless=True)
    night = Night(tmp_path, 20, lambda c: nobody if 5 < c.at < 1500 else CLIP)
    assert night.run(concurrency=2).exit_code == ExitCode.OK


@pytest.mark.parametrize("answer", [Answer(429, 0.1), Answer(503, 0.1)])
def test_a_wish_to_be_left_alone_beyond_the_patience_ends_the_run_at_once(
    tmp_path: Path, answer: Answer
) -> None:
    told = replace(answer, retry_after=30 * 86400.0)
    night = Night(tmp_path, 20, lambda _: told)
    summary = night.run(concurrency=3)
    assert summary.exit_code == ExitCode.OUTAGE
    assert "asks to be left alone until 2026-12-26" in summary.detail
    assert len(night.calls) == 3
    assert night.seconds < 2


def test_waiting_for_a_top_up_is_not_for_useless_answers(tmp_path: Path) -> None:
    night = Night(tmp_path, 60, lambda _: JSON)
    night.balance = Balance(Decimal(100), simulated=True)
    options = Options(wait_for_credits=7200.0)
    policy = CreditPolicy(cost=Decimal(1), gate=Gate.AUTO)
    assert night.run(options=options, credits=policy).exit_code == ExitCode.API_REFUSES
