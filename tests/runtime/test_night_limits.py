"""Rate limits, pace, doubt and hours, through whole runs on virtual time."""

import itertools
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, time
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from support import virtual
from support.claims import open_claims
from support.night import CLIP, REFUSED_CONNECT, SILENCE, Answer, Call, Night

from pipeline import events as ev
from pipeline.api.outcome import Balance, Fault
from pipeline.errors import ExitCode
from pipeline.ledger.manifest import read
from pipeline.models import CreditPolicy, Gate, InDoubt, Rate, Schedule, Status
from pipeline.runtime.options import Options

WIDTHS = [1, 2, 6]
LONDON = ZoneInfo("Europe/London")


def answers(*firsts: Answer, then: Answer = CLIP) -> Callable[[Call], Answer]:
    """The first calls of the run get `firsts`, in order; all later ones `then`."""
    left = list(firsts)
    return lambda _: left.pop(0) if left else then


# -- 429 ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", WIDTHS)
def test_a_429_holds_the_whole_pool_until_its_time(tmp_path: Path, width: int) -> None:
    night = Night(
        tmp_path,
        30,
        lambda c: Answer(429, 0.1, retry_after=40) if c.nth == 1 and c.task == "t002" else CLIP,
    )
    assert night.run(concurrency=width).exit_code == ExitCode.OK
    refused = next(call.at for call in night.calls if call.task == "t002") + 0.1
    assert not night.between(refused, refused + 40 - 1e-6)
    held = night.told(ev.Held)
    assert [h.reason for h in held] == [ev.Reason.RATE_LIMIT]
    assert held[0].until == pytest.approx(virtual.NOON + refused + 40, abs=0.1)
    assert len(night.told(ev.Resumed)) == 1


def test_a_429_costs_the_task_no_attempt_of_its_budget(tmp_path: Path) -> None:
    night = Night(tmp_path, 3, lambda c: Answer(429, 0.1, retry_after=5) if c.at < 60 else CLIP)
    assert night.run(concurrency=1, retry={"attempts": 1}).exit_code == ExitCode.OK
    # The record says how often it was sent.
    assert {name: record.attempts for name, record in night.records.items()} == night.seen


def test_the_refused_task_is_not_resent_early_by_another_worker(tmp_path: Path) -> None:
    night = Night(tmp_path, 12, answers(*[Answer(429, 0.1, retry_after=30)] * 6))
    assert night.run(concurrency=6).exit_code == ExitCode.OK
    assert not night.between(0.1, 30)
    assert all(night.seen[f"t{n:03}"] == 2 for n in range(6))


def test_successes_of_what_was_sent_before_do_not_end_the_hold_of_a_429(tmp_path: Path) -> None:
    night = Night(
        tmp_path, 12, answers(Answer(429, 0.1, retry_after=100), *[replace(CLIP, seconds=20)] * 5)
    )
    assert night.run(concurrency=6).exit_code == ExitCode.OK
    assert not night.between(0.1, 100)


def test_failures_of_what_was_sent_before_do_not_shorten_the_hold_of_a_429(
    tmp_path: Path,
) -> None:
    night = Night(tmp_path, 12, answers(Answer(429, 0.1, retry_after=100), *[Answer(500, 0.2)] * 5))
    assert night.run(concurrency=6).exit_code == ExitCode.OK
    assert not night.between(0.2, 100)


def test_of_two_429s_the_later_time_holds(tmp_path: Path) -> None:
    night = Night(
        tmp_path, 4, answers(Answer(429, 0.1, retry_after=50), Answer(429, 0.2, retry_after=20))
    )
    night.run(concurrency=2)
    assert not night.between(0.1, 50)


def test_a_429_that_names_no_time_is_backed_off_from_once_a_burst(tmp_path: Path) -> None:
    night = Night(tmp_path, 6, lambda c: Answer(429, 0.1) if c.at < 100 else CLIP)
    assert night.run(concurrency=6).exit_code == ExitCode.OK
    refused = night.between(0.0, 100.0)
    assert len(night.between(0.0, 0.1)) == 6
    waits = [b.at - a.at - 0.1 for a, b in itertools.pairwise(refused[5:])]
    assert waits == pytest.approx([min(1.5**n, 10.0) for n in range(len(waits))], abs=0.01)
    assert night.seconds < 100 + 10.2 + 6


@pytest.mark.parametrize("named", [None, 1.0, 60.0])
def test_endless_429s_end_with_5_and_leave_everything_to_do(
    tmp_path: Path, named: float | None
) -> None:
    night = Night(tmp_path, 20, lambda _: Answer(429, 0.1, retry_after=named))
    summary = night.run(concurrency=3)
    assert summary.exit_code == ExitCode.OUTAGE
    assert "rate limit" in summary.detail
    assert summary.counts.pending == 20
    assert 599 <= night.seconds <= 670


def test_a_429_after_an_outage_shows_that_the_api_is_back(tmp_path: Path) -> None:
    night = Night(
        tmp_path,
        30,
        lambda c: (
            Answer(503, 0.1)
            if c.at < 100
            else Answer(429, 0.1, retry_after=7)
            if c.at < 140
            else CLIP
        ),
    )
    assert night.run(concurrency=6, retry={"attempts": 1}).exit_code == ExitCode.OK
    assert max(call.at for call in night.calls) < 160


def test_a_429_with_an_absurd_time_ends_the_run_at_once(tmp_path: Path) -> None:
    night = Night(tmp_path, 5, lambda _: Answer(429, 0.1, retry_after=30 * 86400))
    assert night.run(concurrency=2).exit_code == ExitCode.OUTAGE
    assert len(night.calls) == 2
    assert night.seconds < 1


# -- pace -----------------------------------------------------------------------------------------


@pytest.mark.parametrize("width", WIDTHS)
def test_the_rate_spaces_dispatches_evenly(tmp_path: Path, width: int) -> None:
    night = Night(tmp_path, 40, lambda _: replace(CLIP, seconds=0.5))
    night.run(concurrency=width, rate=Rate(30, 60.0))
    assert min(night.gaps()) >= 2 - 1e-6
    # A little more, so that requests do not arrive closer than they left.
    assert max(night.gaps()) <= 2 * 1.02


def test_time_that_was_not_used_is_not_caught_up_with_a_burst(tmp_path: Path) -> None:
    night = Night(
        tmp_path,
        30,
        lambda c: Answer(429, 0.1, retry_after=300) if c.task == "t005" and c.nth == 1 else CLIP,
    )
    night.run(concurrency=6, rate=Rate(60, 60.0))
    assert min(night.gaps()) >= 1 - 1e-6


def test_retries_and_probes_keep_to_the_rate_too(tmp_path: Path) -> None:
    night = Night(tmp_path, 30, lambda c: Answer(500, 0.1) if c.nth == 1 else CLIP)
    night.run(concurrency=6, rate=Rate(1, 3.0), retry={"wait": 0.1, "max_wait": 0.2})
    assert min(night.gaps()) >= 3 - 1e-6


def test_a_stop_does_not_wait_for_the_next_turn_of_the_rate(tmp_path: Path) -> None:
    night = Night(tmp_path, 5, answers(CLIP, Answer(401, 100.0)))
    summary = night.run(concurrency=3, rate=Rate(1, 3600.0))
    assert summary.exit_code == ExitCode.API_REFUSES
    assert night.seconds < 3740


@pytest.mark.parametrize("width", WIDTHS)
def test_no_more_than_the_concurrency_is_ever_in_flight(tmp_path: Path, width: int) -> None:
    night = Night(
        tmp_path, 60, lambda c: Answer(500) if int(c.task[1:]) % 7 == 0 and c.nth < 3 else CLIP
    )
    night.run(concurrency=width)
    assert night.peak == width


# -- in doubt -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "answer",
    [SILENCE, Answer(200, fault=Fault.CUT), Answer(504), Answer(520), Answer(524), Answer(599)],
)
def test_what_may_have_been_paid_for_is_held_and_sent_once(tmp_path: Path, answer: Answer) -> None:
    night = Night(tmp_path, 6, lambda c: answer if c.task == "t002" else CLIP)
    summary = night.run(concurrency=2)
    assert summary.exit_code == ExitCode.SOME_FAILED
    assert night.seen["t002"] == 1
    record = night.records["t002"]
    assert (record.status, record.at_risk) == (Status.IN_DOUBT, Decimal(1))
    assert "it may have been paid for" in (record.error or "")


def test_with_resend_it_is_sent_again_and_each_doubt_is_recorded(tmp_path: Path) -> None:
    night = Night(tmp_path, 6, lambda c: SILENCE if c.task == "t002" and c.nth < 3 else CLIP)
    summary = night.run(concurrency=2, retry={"in_doubt": InDoubt.RESEND})
    assert summary.exit_code == ExitCode.OK
    assert night.seen["t002"] == 3
    records = [r for r in read(tmp_path / "out" / "manifest.jsonl") if r.task == "t002"]
    assert [r.status for r in records] == [Status.IN_DOUBT, Status.IN_DOUBT, Status.SUCCEEDED]
    assert summary.money.at_risk == 2
    assert summary.money.spent == 6
    assert summary.counts.in_doubt == 0


def test_resending_ends_with_the_attempts(tmp_path: Path) -> None:
    night = Night(tmp_path, 6, lambda c: SILENCE if c.task == "t002" else CLIP)
    summary = night.run(concurrency=2, retry={"in_doubt": InDoubt.RESEND, "attempts": 3})
    assert summary.exit_code == ExitCode.SOME_FAILED
    assert night.seen["t002"] == 3
    assert summary.counts.in_doubt == 1


def test_resending_ends_with_the_attempts_in_an_outage_too(tmp_path: Path) -> None:
    night = Night(tmp_path, 2, lambda _: SILENCE)
    retry = {"in_doubt": InDoubt.RESEND, "attempts": 2, "outage": 3600.0}
    assert night.run(concurrency=2, retry=retry).exit_code == ExitCode.SOME_FAILED
    assert night.seen == {"t000": 2, "t001": 2}
    records = read(tmp_path / "out" / "manifest.jsonl")
    assert sorted(record.attempts for record in records) == [1, 1, 2, 2]


def test_a_server_that_asks_for_more_than_the_patience_is_not_waited_for(tmp_path: Path) -> None:
    night = Night(
        tmp_path, 3, lambda c: Answer(503, retry_after=86400) if c.task == "t001" else CLIP
    )
    summary = night.run(concurrency=1, retry={"outage": 60.0})
    assert summary.exit_code == ExitCode.SOME_FAILED
    assert night.statuses() == {"succeeded": 2, "failed": 1}
    assert night.seconds < 60


def test_a_short_patience_with_outages_takes_no_attempt_away(tmp_path: Path) -> None:
    night = Night(tmp_path, 3, lambda c: Answer(408) if c.task == "t001" and c.nth < 5 else CLIP)
    assert night.run(concurrency=1, retry={"outage": 1.0}).exit_code == ExitCode.OK
    assert night.records["t001"].attempts == 5


def test_a_request_that_was_never_sent_is_never_in_doubt(tmp_path: Path) -> None:
    night = Night(tmp_path, 6, answers(REFUSED_CONNECT, REFUSED_CONNECT))
    assert night.run(concurrency=2, retry={"attempts": 1}).exit_code == ExitCode.OK
    assert night.statuses() == {"succeeded": 6}
    assert {record.attempts for record in night.records.values()} == {1}


# -- refusals -------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [401, 403, 404, 405, 407, 410, 301, 302, 307, 308])
@pytest.mark.parametrize("width", WIDTHS)
def test_a_refused_run_stops_within_the_requests_in_flight(
    tmp_path: Path, status: int, width: int
) -> None:
    night = Night(tmp_path, 30, lambda _: Answer(status, 0.3))
    summary = night.run(concurrency=width)
    assert summary.exit_code == ExitCode.API_REFUSES
    assert len(night.calls) <= width
    assert summary.counts.pending == 30
    assert f"HTTP {status}" in summary.detail


def test_what_is_in_flight_when_a_run_is_refused_is_saved(tmp_path: Path) -> None:
    night = Night(tmp_path, 30, answers(Answer(401, 0.1), *[replace(CLIP, seconds=50)] * 5))
    summary = night.run(concurrency=6)
    assert summary.exit_code == ExitCode.API_REFUSES
    assert night.statuses() == {"succeeded": 5}
    assert list((tmp_path / "out" / ".inflight").iterdir()) == []


@pytest.mark.parametrize("status", [400, 409, 413, 418, 422, 451])
def test_a_request_at_fault_fails_at_once_and_alone(tmp_path: Path, status: int) -> None:
    night = Night(tmp_path, 6, lambda c: Answer(status, text="no") if c.task == "t001" else CLIP)
    assert night.run(concurrency=2).exit_code == ExitCode.SOME_FAILED
    assert night.seen["t001"] == 1
    record = night.records["t001"]
    assert (record.status, record.cost, record.at_risk) == (Status.FAILED, 0, 0)


@pytest.mark.parametrize("status", [200, 400, 403, 406, 422, 500, 503, 504])
def test_moderation_fails_its_task_at_once_whatever_its_code(tmp_path: Path, status: int) -> None:
    fault = Fault.NOT_MEDIA if status == 200 else None
    refusal = Answer(status, text='{"error": "Content moderation failed"}', fault=fault)
    night = Night(tmp_path, 6, lambda c: refusal if c.task == "t001" else CLIP)
    assert night.run(concurrency=2).exit_code == ExitCode.SOME_FAILED
    assert night.seen["t001"] == 1
    record = night.records["t001"]
    assert record.status is Status.FAILED
    assert (record.error or "").startswith(f"refused by moderation (HTTP {status})")
    assert record.at_risk == (1 if status in {200, 504} else 0)


@pytest.mark.parametrize("status", [408, 425])
def test_what_the_server_did_not_process_is_tried_again_and_is_no_outage(
    tmp_path: Path, status: int
) -> None:
    night = Night(tmp_path, 6, lambda c: Answer(status) if c.nth < 3 else CLIP)
    assert night.run(concurrency=6).exit_code == ExitCode.OK
    assert not night.told(ev.Held)


@pytest.mark.parametrize("fault", [Fault.NOT_MEDIA, Fault.BROKEN_MEDIA, Fault.TOO_LARGE])
def test_a_200_without_a_clip_is_counted_as_money_at_risk_and_its_body_is_kept(
    tmp_path: Path, fault: Fault
) -> None:
    night = Night(tmp_path, 4, answers(Answer(200, fault=fault, text="<html>oops</html>")))
    summary = night.run(concurrency=1)
    record = night.records["t000"]
    assert (record.status, record.at_risk, record.cost) == (Status.FAILED, 1, None)
    assert summary.money.at_risk == 1
    (kept,) = (tmp_path / "out" / "errors").iterdir()
    assert kept.read_text() == "<html>oops</html>"
    assert f"errors/{kept.name}" in (record.error or "")


def test_a_200_without_a_clip_that_tells_its_cost_is_counted_as_spent(tmp_path: Path) -> None:
    night = Night(tmp_path, 1, lambda _: Answer(200, fault=Fault.NOT_MEDIA, cost=Decimal("0.4")))
    summary = night.run()
    assert (summary.money.spent, summary.money.at_risk) == (Decimal("0.4"), 0)


def test_an_answer_that_cannot_be_saved_stops_dispatch_and_is_in_doubt(tmp_path: Path) -> None:
    night = Night(
        tmp_path,
        20,
        answers(CLIP, Answer(200, fault=Fault.UNSAVED), *[replace(CLIP, seconds=9)] * 2),
    )
    summary = night.run(concurrency=2)
    assert summary.exit_code == ExitCode.STORAGE
    assert "paid for and could not be saved" in summary.detail
    assert night.statuses()["in_doubt"] == 1
    assert len(night.calls) <= 4


def test_a_bug_met_by_one_task_lets_the_others_in_flight_end_well(tmp_path: Path) -> None:
    def api(call: Call) -> Answer:
        if call.task == "t004":
            raise RuntimeError("never thought of")
        return replace(CLIP, seconds=10 if call.task == "t000" else 30)

    night = Night(tmp_path, 20, api)
    with pytest.raises(RuntimeError, match="never thought of"):
        night.run(concurrency=4)
    assert night.statuses() == {"succeeded": 4}
    assert len(night.calls) == 5


# -- hours ----------------------------------------------------------------------------------------


def window(start: str, end: str, zone: str = "Europe/London") -> Schedule:
    return Schedule(time.fromisoformat(start), time.fromisoformat(end), zone)


def test_nothing_goes_out_before_the_window_opens(tmp_path: Path) -> None:
    night = Night(tmp_path, 4)
    began = datetime(2026, 11, 26, 20, 0, tzinfo=LONDON)
    summary = night.run(at=began, schedule=window("22:00", "07:00"))
    assert summary.exit_code == ExitCode.OK
    assert night.calls[0].at == pytest.approx(7200, abs=1)
    assert [held.reason for held in night.told(ev.Held)] == [ev.Reason.WINDOW]


def test_the_run_stops_with_6_before_a_task_would_end_after_the_window(tmp_path: Path) -> None:
    night = Night(tmp_path, 100, lambda _: replace(CLIP, seconds=62))
    began = datetime(2026, 11, 26, 6, 30, tzinfo=LONDON)
    summary = night.run(at=began, schedule=window("22:00", "07:00"), concurrency=2)
    assert summary.exit_code == ExitCode.WINDOW
    assert max(call.at for call in night.calls) + 62 <= 1800
    assert max(call.at for call in night.calls) > 1800 - 62 * 2.1
    assert summary.counts.pending == 100 - night.statuses()["succeeded"] > 0


def test_until_bounds_a_run_like_a_window(tmp_path: Path) -> None:
    night = Night(tmp_path, 100, lambda _: replace(CLIP, seconds=60))
    options = Options(until=time(12, 30))
    summary = night.run(
        at=datetime(2026, 11, 26, 12, 0, tzinfo=UTC),
        options=options,
        schedule=window("00:00", "00:00", "UTC"),
    )
    assert summary.exit_code == ExitCode.WINDOW
    assert len(night.calls) == 29


def test_a_slow_rate_dispatches_nothing_after_the_window(tmp_path: Path) -> None:
    night = Night(tmp_path, 10)
    summary = night.run(
        at=datetime(2026, 11, 26, 6, 30, tzinfo=LONDON),
        schedule=window("22:00", "07:00"),
        rate=Rate(1, 1200.0),
    )
    assert summary.exit_code == ExitCode.WINDOW
    assert all(call.at < 1800 for call in night.calls)


def test_an_outage_across_the_end_of_the_window_ends_with_6(tmp_path: Path) -> None:
    night = Night(tmp_path, 10, lambda c: Answer(503) if c.at > 60 else replace(CLIP, seconds=30))
    summary = night.run(
        at=datetime(2026, 11, 26, 6, 0, tzinfo=LONDON), schedule=window("22:00", "07:00")
    )
    assert summary.exit_code == ExitCode.WINDOW
    assert night.seconds == pytest.approx(3600, abs=60)


def test_a_laptop_that_slept_until_after_the_window_opened_goes_on_within_seconds(
    tmp_path: Path,
) -> None:
    night = Night(tmp_path, 2)
    summary = night.run(
        at=datetime(2026, 11, 26, 13, 0, tzinfo=LONDON),
        schedule=window("22:00", "07:00"),
        sleeps={100.0: 10 * 3600.0},
    )
    assert summary.exit_code == ExitCode.OK
    assert night.seconds < 130


def test_a_laptop_that_slept_in_an_outage_does_not_lose_its_patience(tmp_path: Path) -> None:
    night = Night(tmp_path, 10, lambda c: Answer(503) if c.at < 200 else CLIP)
    summary = night.run(concurrency=3, sleeps={100.0: 8 * 3600.0})
    assert summary.exit_code == ExitCode.OK


@pytest.mark.parametrize("taken", [18_000.0, 3500.0])
def test_durations_that_cannot_be_do_not_close_the_window_for_ever(
    tmp_path: Path, taken: float
) -> None:
    night = Night(tmp_path, 12, lambda _: replace(CLIP, seconds=taken))
    night.run(concurrency=6, options=Options(limit=6))
    night.api = lambda _: replace(CLIP, seconds=60)
    began = datetime(2026, 11, 26, 22, 0, tzinfo=LONDON)
    summary = night.run(at=began, concurrency=2, schedule=window("22:00", "23:00"))
    assert summary.exit_code == ExitCode.OK
    assert night.statuses() == {"succeeded": 12}


def test_a_task_is_never_expected_to_take_more_than_half_of_the_window(tmp_path: Path) -> None:
    night = Night(tmp_path, 12, lambda _: replace(CLIP, seconds=600))
    night.run(concurrency=6, options=Options(limit=6))
    night.api = lambda _: replace(CLIP, seconds=30)
    began = datetime(2026, 11, 26, 22, 0, tzinfo=LONDON)
    night.run(at=began, concurrency=2, schedule=window("22:00", "22:10"))
    assert night.statuses()["succeeded"] == 12


@pytest.mark.parametrize("jump", [-5 * 3600.0, 5 * 3600.0])
def test_a_jump_of_the_wall_clock_changes_no_duration(tmp_path: Path, jump: float) -> None:
    night = Night(tmp_path, 6, answers(Answer(429, 0.1, retry_after=40)))
    summary = night.run(concurrency=1, sleeps={20.0: jump, 42.0: jump})
    assert summary.exit_code == ExitCode.OK
    assert summary.seconds == pytest.approx(46, abs=1)
    assert night.told(ev.Resumed)[0].seconds == pytest.approx(40, abs=1)
    for record in night.records.values():
        assert record.duration_s == 1
        assert record.started_at <= record.finished_at


# -- money that two classes cost ------------------------------------------------------------------


def test_a_limit_that_leaves_only_what_cannot_be_paid_for_stops_and_does_not_hang(
    tmp_path: Path,
) -> None:
    def api(call: Call) -> Answer:
        price = Decimal(5) if call.task.startswith("dear") else Decimal(1)
        return replace(CLIP, cost=price, remaining=Decimal(7) if call.task == "cheap0" else None)

    tasks = ["cheap0", "dear0", "dear1", "cheap1"]
    night = Night(
        tmp_path, tasks, api, params=lambda name: {"resolution": "4k" if "dear" in name else "sd"}
    )
    summary = night.run(
        options=Options(limit=3), credits=CreditPolicy(cost=Decimal(1), gate=Gate.HEADER)
    )
    assert summary.exit_code == ExitCode.CREDITS
    assert [call.task for call in night.calls] == ["cheap0", "dear0"]


# -- what cannot be recorded ----------------------------------------------------------------------


def test_a_verdict_that_cannot_be_recorded_stops_with_7_and_leaves_its_task_to_do(
    tmp_path: Path,
) -> None:
    full: list[ev.Event] = []  # once there is a record

    async def hop(commit: Callable[[], None]) -> None:
        if full:
            raise OSError(28, "No space left on device")
        commit()

    def watch(event: ev.Event) -> None:
        if isinstance(event, ev.Finished):
            full.append(event)

    # The clip was asked for before the other task failed, so it tells nothing of that one.
    slow = replace(CLIP, seconds=30)
    night = Night(tmp_path, 2, lambda c: Answer(500) if c.task == "t000" else slow, watch=watch)
    summary = night.run(concurrency=2, retry={"attempts": 2, "wait": 0.1}, hop=hop)
    assert summary.exit_code == ExitCode.STORAGE
    assert (summary.counts.succeeded, summary.counts.pending, summary.left) == (1, 1, 1)
    assert summary.price_left == 1


def test_a_request_refused_for_credits_leaves_no_claim_while_the_balance_is_asked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed there, the next run must not take it for one that may have been paid for."""
    claims: list[int] = []

    class Asked(Night):
        @property
        def balance(self) -> Balance:
            claims.append(len(open_claims(tmp_path / "out")))
            return Balance(Decimal(0 if self.calls else 5), simulated=True)

        @balance.setter
        def balance(self, _: Balance) -> None: ...

    night = Asked(tmp_path, 1, lambda _: Answer(406))
    policy = CreditPolicy(cost=Decimal(1), gate=Gate.AUTO)
    assert night.run(credits=policy).exit_code == ExitCode.CREDITS
    assert len(night.calls) == 1
    assert len(claims) > 1
    assert not any(claims)


def unclear(call: Call) -> Answer:
    return Answer(406, text="Not Acceptable") if call.nth == 1 else CLIP


RICH = {"credits": CreditPolicy(cost=Decimal(1), gate=Gate.AUTO)}


@pytest.mark.parametrize("between", [CLIP, Answer(400), Answer(406, text="invalid parameter")])
def test_wordless_406s_that_others_part_are_each_their_own_fault(
    tmp_path: Path, between: Answer
) -> None:
    night = Night(
        tmp_path, 12, lambda c: unclear(c) if c.task in {"t000", "t004", "t008"} else between
    )
    night.balance = Balance(Decimal(100), simulated=True)
    assert night.run(**RICH).exit_code == ExitCode.SOME_FAILED
    assert len(night.records) == 12


def test_wordless_406s_in_a_row_are_no_reason_to_wait_for_a_top_up(tmp_path: Path) -> None:
    night = Night(tmp_path, 12, lambda _: Answer(406))
    night.balance = Balance(Decimal(100), simulated=True)
    options = Options(wait_for_credits=7200)
    assert night.run(options=options, **RICH).exit_code == ExitCode.CREDITS
    assert len(night.calls) == 3
    assert night.seconds < 60
