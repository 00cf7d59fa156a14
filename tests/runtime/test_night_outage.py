"""Poison or outage, through whole runs on virtual time."""

import itertools
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from support.night import CLIP, REFUSED_CONNECT, SILENCE, Answer, Call, FakeProvider, Night

from pipeline import events as ev
from pipeline.errors import ExitCode
from pipeline.models import Status

pytestmark = pytest.mark.few(2)

FIVES = [500, 502, 503]
WIDTHS = [1, 2, 6]


def poison(*victims: str, status: int = 500) -> Callable[[Call], Answer]:
    return lambda call: Answer(status) if call.task in victims else CLIP


class Unlisted(FakeProvider):
    """A provider that has no list of requests."""

    lists_requests = False


def outage(start: float, end: float, answer: Answer = Answer(503)) -> Callable[[Call], Answer]:  # noqa: B008
    return lambda call: answer if start <= call.at < end else CLIP


def holds(night: Night) -> list[ev.Held]:
    return night.told(ev.Held)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("status", FIVES)
def test_a_poison_task_fails_after_its_attempts_and_harms_nobody(
    tmp_path: Path, width: int, status: int
) -> None:
    night = Night(tmp_path, 20, poison("t007", status=status))
    summary = night.run(concurrency=width, retry={"attempts": 4})
    assert summary.exit_code == ExitCode.SOME_FAILED
    assert night.statuses() == {"succeeded": 19, "failed": 1}
    assert night.seen["t007"] == 4
    assert night.records["t007"].attempts == 4
    assert night.records["t007"].error == f"HTTP {status} (tried 4 times)"
    assert not holds(night)


@pytest.mark.parametrize("width", WIDTHS)
def test_three_poison_tasks_in_a_row_fail_and_the_good_ones_around_them_do_not(
    tmp_path: Path, width: int
) -> None:
    victims = {"t004", "t005", "t006"}
    night = Night(tmp_path, 30, poison(*victims))
    summary = night.run(concurrency=width, retry={"attempts": 3})
    assert summary.exit_code == ExitCode.SOME_FAILED
    assert {t for t, r in night.records.items() if r.status is Status.FAILED} == victims
    # A probe that meets one of them costs it nothing.
    assert all(3 <= night.seen[victim] <= 6 for victim in victims)
    assert night.seconds < 200


@pytest.mark.parametrize("width", WIDTHS)
def test_a_poison_task_that_is_the_last_one_left_fails_after_its_attempts(
    tmp_path: Path, width: int
) -> None:
    night = Night(tmp_path, 8, poison("t007"))
    summary = night.run(concurrency=width, retry={"attempts": 3})
    assert summary.exit_code == ExitCode.SOME_FAILED
    assert night.seen["t007"] == 3
    assert night.statuses() == {"succeeded": 7, "failed": 1}
    assert night.seconds < 60


@pytest.mark.parametrize("width", WIDTHS)
def test_a_job_of_one_poison_task_fails_and_does_not_wait_for_an_outage(
    tmp_path: Path, width: int
) -> None:
    night = Night(tmp_path, 1, poison("t000"))
    assert night.run(concurrency=width, retry={"attempts": 2}).exit_code == ExitCode.SOME_FAILED
    assert night.seen["t000"] == 2


def test_every_fifth_task_being_poison_is_no_outage(tmp_path: Path) -> None:
    night = Night(tmp_path, 50, lambda c: Answer(500) if int(c.task[1:]) % 5 == 0 else CLIP)
    night.run(concurrency=6, retry={"attempts": 2})
    assert night.statuses() == {"succeeded": 40, "failed": 10}


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("attempts", [1, 2, 3])
@pytest.mark.parametrize("answer", [Answer(500, 0.1), Answer(503, 0.05), REFUSED_CONNECT])
def test_an_outage_in_the_middle_costs_no_task_whatever_the_attempts(
    tmp_path: Path, width: int, attempts: int, answer: Answer
) -> None:
    night = Night(tmp_path, 40, outage(4, 64, answer))
    summary = night.run(concurrency=width, retry={"attempts": attempts})
    assert summary.exit_code == ExitCode.OK, night.records
    assert night.statuses() == {"succeeded": 40}
    assert len(night.between(4, 64)) <= width + 8


@pytest.mark.parametrize("width", [2, 3, 6])
def test_an_outage_that_meets_the_very_last_tasks_costs_none_of_them(
    tmp_path: Path, width: int
) -> None:
    night = Night(tmp_path, min(width, 3), outage(0, 120))
    summary = night.run(concurrency=width, retry={"attempts": 1})
    assert summary.exit_code == ExitCode.OK, night.records


def test_an_outage_from_the_start_costs_no_task(tmp_path: Path) -> None:
    night = Night(tmp_path, 20, outage(0, 500))
    assert night.run(concurrency=6, retry={"attempts": 1}).exit_code == ExitCode.OK


def test_an_outage_that_comes_again_and_again_costs_no_task(tmp_path: Path) -> None:
    night = Night(tmp_path, 60, lambda c: Answer(503, 0.1) if c.at % 37 >= 12 else CLIP)
    assert night.run(concurrency=4, retry={"attempts": 2}).exit_code == ExitCode.OK


def test_a_single_connect_that_fails_is_an_outage_at_once(tmp_path: Path) -> None:
    night = Night(tmp_path, 10, outage(2, 5, REFUSED_CONNECT))
    assert night.run(concurrency=1, retry={"attempts": 1}).exit_code == ExitCode.OK
    assert next(held.reason for held in holds(night)) is ev.Reason.OUTAGE


def test_probes_go_one_at_a_time_with_waits_that_double_up_to_minutes(tmp_path: Path) -> None:
    night = Night(tmp_path, 50, outage(3, 7000, Answer(503, 2.0)))
    night.run(concurrency=6)
    probes = night.between(5.1, 7000)
    gaps = [b.at - a.at - 2.0 for a, b in itertools.pairwise(probes)]
    assert all(gap > 0 for gap in gaps), "one at a time"
    assert gaps[:8] == pytest.approx([2, 4, 8, 16, 32, 64, 128, 256], abs=0.01)
    assert max(gaps) == pytest.approx(300, abs=0.01)
    assert len(probes) < 40


def test_the_pool_opens_fully_at_the_first_success(tmp_path: Path) -> None:
    night = Night(tmp_path, 60, outage(3, 40))
    night.run(concurrency=6)
    first = min(call.at for call in night.calls if call.at >= 40)
    reopened = night.between(first + 1.0, first + 1.2)
    assert len(night.between(first, first + 0.9)) == 1
    assert len(reopened) == 6


def test_a_probe_prefers_a_task_that_has_not_failed(tmp_path: Path) -> None:
    night = Night(tmp_path, 40, outage(0, 5))
    night.run(concurrency=3)
    probes = night.between(1.5, 30)[:2]
    assert all(probe.nth == 1 for probe in probes)


@pytest.mark.parametrize(
    ("succeeded", "patience", "expected"),
    [(False, None, 600), (True, None, 7200), (False, 60, 60), (True, 60, 60), (True, 0, 0)],
)
@pytest.mark.parametrize("answer", [Answer(503), REFUSED_CONNECT])
def test_an_outage_that_outlasts_its_patience_stops_with_5_and_leaves_everything_to_do(
    tmp_path: Path, succeeded: bool, patience: float | None, expected: float, answer: Answer
) -> None:
    start = 3.5 if succeeded else 0
    night = Night(tmp_path, 40, outage(start, float("inf"), answer))
    summary = night.run(concurrency=2, retry={"attempts": 2, "outage": patience})
    assert summary.exit_code == ExitCode.OUTAGE
    assert set(night.statuses()) <= {"succeeded"}, "nothing failed"
    assert summary.counts.pending == summary.left == 40 - night.statuses()["succeeded"]
    assert expected - 1 <= night.seconds - start <= expected + 10


def test_after_an_outage_stopped_the_run_the_same_command_goes_on(tmp_path: Path) -> None:
    night = Night(tmp_path, 10, outage(2, float("inf")))
    assert night.run(concurrency=3).exit_code == ExitCode.OUTAGE
    done = set(night.records)
    night.calls.clear()
    night.api = lambda _: CLIP
    assert night.run(concurrency=3).exit_code == ExitCode.OK
    assert not done & {call.task for call in night.calls}


def test_an_outage_of_hours_costs_hardly_a_request_and_says_its_begin_and_its_end_once(
    tmp_path: Path,
) -> None:
    hours = 6 * 3600.0
    night = Night(tmp_path, 40, outage(3, 3 + hours))
    summary = night.run(concurrency=6, retry={"outage": 12 * 3600.0})
    assert summary.exit_code == ExitCode.OK
    assert len(night.between(3, 3 + hours)) < 100
    resumed = night.told(ev.Resumed)
    assert len(resumed) == 1
    assert hours - 60 < resumed[0].seconds < hours + 700
    # One line for each probe at most, and no pair of lines for each.
    assert len(holds(night)) < 100


def test_requests_in_doubt_make_an_outage_too_and_only_those_sent_are_in_doubt(
    tmp_path: Path,
) -> None:
    night = Night(tmp_path, 40, outage(4, 60, SILENCE))
    summary = night.run(concurrency=6)
    assert summary.exit_code == ExitCode.SOME_FAILED
    sent = len(night.between(4, 60))
    assert night.statuses() == {"succeeded": 40 - sent, "in_doubt": sent}
    assert sent <= 6 + 6


def test_a_refused_task_during_an_outage_shows_that_the_api_is_back(tmp_path: Path) -> None:
    def api(call: Call) -> Answer:
        if call.at < 10:
            return Answer(503)
        return Answer(400, text="bad prompt") if call.task == "t003" else CLIP

    night = Night(tmp_path, 12, api)
    night.run(concurrency=3)
    assert night.statuses() == {"succeeded": 11, "failed": 1}


def test_what_is_in_flight_when_an_outage_begins_costs_nothing_when_it_fails(
    tmp_path: Path,
) -> None:
    def api(call: Call) -> Answer:
        # The first three fail at once, the other three after a while.
        slow = 5.0 if call.task in {"t003", "t004", "t005"} else 0.1
        return Answer(500, slow) if call.at < 30 else CLIP

    night = Night(tmp_path, 30, api)
    assert night.run(concurrency=6, retry={"attempts": 1}).exit_code == ExitCode.OK


def test_late_successes_of_what_was_sent_before_let_nothing_more_out_to_fail(
    tmp_path: Path,
) -> None:
    """A hundred long renderings go on while the gateway takes nothing new."""

    def api(call: Call) -> Answer:
        if call.at < 3:
            return Answer(200, 10.0 + int(call.task[1:]) % 60, body=b"late")
        return Answer(503, 0.05) if call.at < 120 else CLIP

    night = Night(tmp_path, 400, api)
    assert night.run(concurrency=100, retry={"attempts": 2}).exit_code == ExitCode.OK
    assert len(night.between(3, 120)) < 60


def test_poison_that_looked_like_an_outage_holds_the_pool_for_one_probe(tmp_path: Path) -> None:
    def api(call: Call) -> Answer:
        if call.task in {"t001", "t002", "t003"}:
            return Answer(500, 0.1)
        return Answer(200, 60.0, body=b"clip")

    night = Night(tmp_path, 30, api)
    night.run(concurrency=4, retry={"attempts": 1})
    assert night.statuses() == {"succeeded": 27, "failed": 3}
    assert len(night.between(0.2, 60.5)) == 1
    assert len(night.between(60.5, 62)) == 4


def test_a_failing_task_waits_for_its_retry_without_holding_a_place(tmp_path: Path) -> None:
    night = Night(tmp_path, 11, poison("t000"))
    night.run(concurrency=1, retry={"attempts": 2, "wait": 60, "max_wait": 60})
    first, *others = night.calls
    assert first.task == "t000"
    assert [c.task for c in others[:10]] == [f"t{n:03}" for n in range(1, 11)]
    assert others[9].at == pytest.approx(10, abs=0.1)
    assert others[10].task == "t000"
    assert others[10].at >= 30


def test_retry_waits_grow_and_are_jittered_and_bounded(tmp_path: Path) -> None:
    night = Night(tmp_path, 1, poison("t000"))
    night.run(retry={"attempts": 12, "wait": 1, "max_wait": 60})
    waits = [gap - 1.0 for gap in night.gaps()]
    for number, wait in enumerate(waits):
        ideal = min(2.0**number, 60)
        assert ideal / 2 - 0.01 <= wait <= ideal + 0.01
    assert waits != [float(round(wait)) for wait in waits], "no jitter"


def test_a_retry_after_on_a_server_error_is_honoured(tmp_path: Path) -> None:
    night = Night(tmp_path, 1, lambda c: Answer(503, retry_after=90) if c.nth == 1 else CLIP)
    assert night.run(retry={"attempts": 2, "max_wait": 10}).exit_code == ExitCode.OK
    assert night.gaps()[0] >= 90


def test_a_probe_is_not_sent_before_the_server_wants_to_be_asked(tmp_path: Path) -> None:
    night = Night(tmp_path, 20, lambda c: Answer(503, 0.1, retry_after=120) if c.at < 30 else CLIP)
    assert night.run(concurrency=3).exit_code == ExitCode.OK
    assert not night.between(0.2, 119)


def test_tasks_that_only_seem_to_fly_are_not_shown_in_flight(tmp_path: Path) -> None:
    """What the display counts as in flight is what is on the wire."""
    from pipeline.display.progress import Progress  # noqa: PLC0415 - only here

    night = Night(tmp_path, 20, outage(2, 100, Answer(503, 0.5)))
    progress, seen = Progress(), Counter[int]()

    def look(event: ev.Event) -> None:
        progress.take(event)
        if isinstance(event, ev.Held) and event.until is not None:
            seen[len(progress.flying) - night.in_flight] += 1

    night.watch, night.provider = look, Unlisted  # one that is looked up is not on the wire
    night.run(concurrency=4)
    assert set(seen) == {0}


@pytest.mark.parametrize("width", [1, 6])
def test_300_short_tasks_lose_none_to_a_15_s_outage(tmp_path: Path, width: int) -> None:
    night = Night(
        tmp_path,
        300,
        lambda c: Answer(503, 0.02) if 4 <= c.at < 19 else Answer(200, 0.2, body=b"clip"),
    )
    assert night.run(concurrency=width, retry={"attempts": 3}).exit_code == ExitCode.OK
    assert len(night.between(4, 19)) <= 60
    assert len(night.calls) <= 360
