"""Requests that the provider answers with an id: waited for, and never sent again."""

import asyncio
import itertools
import signal
from collections import Counter
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from decimal import Decimal
from pathlib import Path

import pytest
from support import virtual
from support.claims import log_of, open_claims
from support.night import CLIP, Answer, Call, FakeProvider, Night, Poll

from pipeline import events as ev
from pipeline.account.shared import Apart, Member
from pipeline.api.outcome import Fault, Progress, RequestState
from pipeline.api.segmind import SegmindV2
from pipeline.errors import ExitCode
from pipeline.models import Cause, CreditPolicy, Handle, Status
from pipeline.money.account import Account
from pipeline.runtime.options import Options

DAY = 86400.0
RUNNING = Progress(state=RequestState.RUNNING)


class FakeV2(FakeProvider, SegmindV2):
    """The second provider of the vendor, but for its network."""

    name = SegmindV2.name


def accepting(call: Call) -> Answer:
    handle = Handle(id=f"{call.task}-{call.nth}")
    return Answer(200, seconds=0.5, accepted=handle)


def done(poll: Poll, cost: str = "0.95") -> Progress:
    address = f"https://media.example/{poll.id}.mp4"
    return Progress(state=RequestState.DONE, media=address, cost=Decimal(cost))


def night_of(folder: Path, tasks: int = 10, *, takes: float = 60.0) -> Night:
    """An API that is done so many seconds after it was asked first."""
    night = Night(folder, tasks=tasks, provider=FakeV2)
    night.api = accepting
    first: dict[str, float] = {}

    def progress(poll: Poll) -> Progress:
        began = first.setdefault(poll.id, poll.at)
        return done(poll) if poll.at - began >= takes else RUNNING

    night.progress = progress
    return night


def test_a_run_waits_for_what_was_accepted_and_records_it(tmp_path: Path) -> None:
    night = night_of(tmp_path)
    summary = night.run(concurrency=4)
    assert summary.exit_code is ExitCode.OK
    record = night.records["t000"]
    assert (record.status, record.cost, record.at_risk) == (Status.SUCCEEDED, Decimal("0.95"), 0)
    assert (record.request_id, record.provider) == ("t000-1", "segmind-v2")
    assert (tmp_path / "out" / "t000.mp4").read_bytes() == b"clip"
    assert record.settled is None
    assert not list((tmp_path / "out" / ".inflight").iterdir())


def test_a_place_is_held_until_the_request_is_over(tmp_path: Path) -> None:
    night = night_of(tmp_path, tasks=12)
    waiting, peak = set[str](), 0

    def watch(event: ev.Event) -> None:
        nonlocal peak
        if isinstance(event, ev.Dispatched):
            waiting.add(event.task)
            peak = max(peak, len(waiting))
        if isinstance(event, ev.Finished):
            waiting.discard(event.record.task)

    night.watch = watch
    night.run(concurrency=3)
    assert peak == 3


def test_it_is_asked_for_after_two_seconds_and_then_less_and_less_often(tmp_path: Path) -> None:
    night = night_of(tmp_path, tasks=1, takes=200)
    night.run()
    times = [poll.at for poll in night.polls]
    gaps = [after - before for before, after in itertools.pairwise(times)]
    assert times[0] == pytest.approx(2.5, abs=0.1)
    assert [round(gap, 3) for gap in gaps] == sorted(round(gap, 3) for gap in gaps)
    assert max(gaps) == pytest.approx(15.0, abs=0.1)


def test_the_job_sets_both_ends_of_the_interval(tmp_path: Path) -> None:
    night = night_of(tmp_path, tasks=1, takes=10)
    night.run(poll=1.0)
    times = [poll.at for poll in night.polls]
    gaps = [after - before for before, after in itertools.pairwise(times)]
    assert gaps == pytest.approx([1.0] * len(gaps), abs=0.1)


def test_the_end_of_the_patience_is_not_the_end_of_the_request(tmp_path: Path) -> None:
    night = night_of(tmp_path, tasks=5, takes=3 * 3600.0)
    summary = night.run(concurrency=2, patience=7200.0)
    assert summary.exit_code is ExitCode.SOME_FAILED
    assert summary.counts.accepted == 2
    assert summary.counts.pending == 3
    assert "2 waiting at the provider" in summary.detail
    assert (summary.money.spent, summary.money.at_risk, summary.money.reserved) == (0, 0, 0)
    night.progress = done
    again = night.run(concurrency=2)
    assert again.exit_code is ExitCode.OK
    assert night.seen == Counter({f"t{number:03}": 1 for number in range(5)})


@pytest.mark.variant
def test_nothing_is_sent_twice_through_three_days_without_a_connection(tmp_path: Path) -> None:
    night = Night(tmp_path, tasks=40, provider=FakeV2)
    accepted = Counter[str]()
    begin, runs = 0.0, 0  # of the present run, in seconds since the first

    def broken(at: float) -> bool:
        return 20.0 <= begin + at < 3 * DAY

    def api(call: Call) -> Answer:
        if broken(call.at):
            return Answer(fault=Fault.NOT_SENT, seconds=0.1)
        accepted[call.task] += 1
        return accepting(call)

    def progress(poll: Poll) -> Progress:
        if broken(poll.at):
            return Progress(state=RequestState.UNREACHED, detail="no connection")
        return done(poll) if begin + poll.at > 60 else RUNNING

    night.api, night.progress = api, progress
    # Seldom asked, as three days are long.
    job = {"concurrency": 10, "poll": 120.0}
    while night.run(at=virtual.NOON + begin, **job).exit_code is not ExitCode.OK:
        begin += night.seconds + 4 * 3600.0
        runs += 1
    assert runs > 3
    assert night.statuses() == {"succeeded": 40}
    assert accepted == dict.fromkeys(night.records, 1)


def test_a_failed_request_is_not_charged(tmp_path: Path) -> None:
    night = night_of(tmp_path, tasks=1)
    night.progress = lambda _: Progress(state=RequestState.FAILED, error="no GPU was free")
    summary = night.run()
    assert summary.exit_code is ExitCode.SOME_FAILED
    record = night.records["t000"]
    assert (record.status, record.cost, record.at_risk) == (Status.FAILED, 0, 0)
    assert "no GPU was free" in (record.error or "")


def test_an_unknown_state_waits(tmp_path: Path) -> None:
    night = night_of(tmp_path, tasks=1)
    night.progress = lambda poll: (
        Progress(state=RequestState.WAITING, detail="THROTTLED") if poll.at < 500 else done(poll)
    )
    assert night.run().exit_code is ExitCode.OK


def test_an_output_that_is_always_cut_is_left_to_the_next_run(tmp_path: Path) -> None:
    night = night_of(tmp_path, tasks=1)
    night.media = lambda _: Answer(200, fault=Fault.CUT, seconds=0.1)
    assert night.run().exit_code is ExitCode.SOME_FAILED
    assert len(night.fetched) == 10
    assert not night.records
    night.media = lambda _: CLIP
    assert night.run().exit_code is ExitCode.OK
    assert len(night.calls) == 1


def test_a_dead_address_is_asked_for_anew(tmp_path: Path) -> None:
    night = night_of(tmp_path, tasks=1)
    asked = 0

    def progress(_: Poll) -> Progress:
        nonlocal asked
        asked += 1
        return Progress(state=RequestState.DONE, media=f"https://media.example/{asked}")

    night.progress = progress
    night.media = lambda url: Answer(404, seconds=0.1) if url.endswith("1") else CLIP
    assert night.run().exit_code is ExitCode.OK
    assert night.fetched == ["https://media.example/1", "https://media.example/2"]


def test_an_output_that_is_dead_for_good_is_in_doubt_with_its_price_at_risk(tmp_path: Path) -> None:
    night = night_of(tmp_path, tasks=1)
    night.progress = lambda poll: done(poll, cost="1")
    night.media = lambda _: Answer(404, seconds=0.1)
    summary = night.run()
    assert summary.exit_code is ExitCode.SOME_FAILED
    record = night.records["t000"]
    assert (record.status, record.reason) == (Status.IN_DOUBT, Cause.GONE)
    assert (record.at_risk, record.request_id) == (1, "t000-1")
    assert night.seen["t000"] == 1


def test_a_request_that_nobody_knows_any_more_is_in_doubt(tmp_path: Path) -> None:
    night = night_of(tmp_path, tasks=1)
    night.progress = lambda _: Progress(state=RequestState.GONE)
    night.run()
    record = night.records["t000"]
    assert (record.status, record.reason) == (Status.IN_DOUBT, Cause.GONE)
    assert record.at_risk == 1


def test_a_list_that_lags_is_given_a_minute(tmp_path: Path) -> None:
    night = night_of(tmp_path, tasks=1)
    night.progress = lambda poll: Progress(state=RequestState.GONE) if poll.at < 30 else done(poll)
    assert night.run().exit_code is ExitCode.OK


def test_a_key_that_may_not_ask_stops_the_run_and_the_request_stays_accepted(
    tmp_path: Path,
) -> None:
    night = night_of(tmp_path, tasks=4)
    night.progress = lambda _: Progress(state=RequestState.REFUSED, detail="HTTP 401")
    summary = night.run(concurrency=2)
    assert summary.exit_code is ExitCode.API_REFUSES
    assert summary.counts.accepted == 2
    night.progress = done
    assert night.run(concurrency=2).exit_code is ExitCode.OK
    assert set(night.seen.values()) == {1}


def test_the_next_run_asks_for_it_whatever_the_job_says_now(tmp_path: Path) -> None:
    night = night_of(tmp_path, tasks=3, takes=1e6)
    night.run(concurrency=3, patience=60.0)
    night.tasks, night.progress = ["other"], done
    night.provider = FakeProvider
    night.api = lambda _: CLIP
    summary = night.run(concurrency=3)
    assert summary.exit_code is ExitCode.OK
    assert summary.counts.total == summary.counts.succeeded == 1
    assert {t: r.status for t, r in night.records.items()} == dict.fromkeys(
        ["t000", "t001", "t002", "other"], Status.SUCCEEDED
    )


def test_leftover_requests_take_their_places_first(tmp_path: Path) -> None:
    night = night_of(tmp_path, tasks=8, takes=1e6)
    night.run(concurrency=4, patience=60.0)
    night.calls.clear()
    night.progress = lambda poll: done(poll) if poll.at > 300 else RUNNING
    night.run(concurrency=4)
    assert min(call.at for call in night.calls) >= 300


def test_a_lower_concurrency_waits_for_more_leftovers_than_that(tmp_path: Path) -> None:
    night = night_of(tmp_path, tasks=8, takes=1e6)
    night.run(concurrency=6, patience=60.0)
    night.progress = done
    assert night.run(concurrency=2).exit_code is ExitCode.OK
    assert set(night.seen.values()) == {1}


def test_another_base_url_leaves_it_waiting_and_sends_no_key_there(tmp_path: Path) -> None:
    night = night_of(tmp_path, tasks=1, takes=1e6)
    night.run(patience=60.0)
    claim = log_of(tmp_path / "out")
    claim.write_text(claim.read_text().replace("http://127.0.0.1:1", "https://evil.example"))
    night.polls.clear()
    night.progress = done
    summary = night.run()
    assert not night.polls
    assert summary.exit_code is ExitCode.SOME_FAILED
    assert summary.counts.accepted == 1
    assert any("evil.example" in event.message for event in night.told(ev.Warned))
    assert night.seen["t000"] == 1


def test_another_account_leaves_it_waiting_and_its_own_fetches_it(tmp_path: Path) -> None:
    night = night_of(tmp_path, tasks=1, takes=1e6)
    night.run(patience=60.0, payer="acme")
    night.polls.clear()
    night.progress = done
    summary = night.run(payer="other")
    assert not night.polls
    assert summary.counts.accepted == 1
    assert any("acme" in event.message for event in night.told(ev.Warned))
    assert night.run(payer="acme").exit_code is ExitCode.OK
    assert night.seen["t000"] == 1
    assert night.records["t000"].account == "acme"


def test_an_account_that_has_got_a_name_since_is_the_same(tmp_path: Path) -> None:
    night = night_of(tmp_path, tasks=1, takes=1e6)
    night.run(patience=60.0)
    night.progress = done
    assert night.run(payer="acme").exit_code is ExitCode.OK


def test_what_is_not_accepted_yet_is_never_asked_for(tmp_path: Path) -> None:
    night = night_of(tmp_path, tasks=1)
    order: list[str] = []

    def watch(event: ev.Event) -> None:
        if isinstance(event, ev.Accepted):
            (claim,) = open_claims(tmp_path / "out").values()
            durable = claim and claim.handle and claim.handle.id == event.request_id
            order.append("durable" if durable else "too early")

    night.watch = watch
    night.run()
    assert order == ["durable"]


def test_an_accepted_probe_ends_an_outage_long_before_its_output_comes(tmp_path: Path) -> None:
    night = night_of(tmp_path, tasks=5, takes=3000.0)
    night.api = lambda call: Answer(503) if call.at < 60 else accepting(call)
    summary = night.run(concurrency=5)
    assert summary.exit_code is ExitCode.OK
    assert max(call.at for call in night.calls) < 300


def stopping_after(seconds: float) -> Callable[[ev.Event], None]:
    """Interrupt a run so many seconds after its begin."""

    def watch(event: ev.Event) -> None:
        if isinstance(event, ev.Started):
            loop = asyncio.get_running_loop()
            loop.call_later(seconds, signal.raise_signal, signal.SIGINT)

    return watch


@pytest.mark.parametrize(("asking", "fetching"), [(3600.0, 0.0), (0.0, 3600.0)])
def test_a_stop_waits_for_no_answer_and_no_output_that_does_not_come(
    tmp_path: Path, asking: float, fetching: float
) -> None:
    night = night_of(tmp_path, tasks=12, takes=0.0)
    night.ask_seconds, night.fetch_seconds = asking, fetching
    night.watch = stopping_after(60.0)
    summary = night.run(concurrency=10, options=Options(handle_signals=True))
    assert (summary.exit_code, summary.counts.accepted) == (ExitCode.SIGINT, 10)
    assert (summary.counts.in_doubt, summary.money.at_risk) == (0, 0)
    assert night.seconds < 65
    night.ask_seconds = night.fetch_seconds = 0.0
    night.watch = lambda _: None
    assert night.run(concurrency=10).exit_code is ExitCode.OK
    assert set(night.seen.values()) == {1}


def test_an_output_that_is_nearly_there_when_the_run_is_stopped_is_saved(tmp_path: Path) -> None:
    night = night_of(tmp_path, tasks=2, takes=0.0)
    night.fetch_seconds = 59.0
    night.watch = stopping_after(60.0)
    summary = night.run(concurrency=1, options=Options(handle_signals=True))
    assert (summary.counts.accepted, summary.counts.succeeded) == (0, 1)


class Hearing(Apart):
    """An account that notes what a run holds as it joins."""

    def join(self, member: Member) -> AbstractAsyncContextManager[Account]:
        self.told = member.entry().holdings
        return super().join(member)


@pytest.mark.parametrize("cost", [Decimal("0.95"), None])
def test_what_waits_at_the_provider_is_held_from_the_first_word_to_the_account(
    tmp_path: Path, cost: Decimal | None
) -> None:
    """Or other runs would spend it in the moment between the dead run's end and this one's."""
    night = night_of(tmp_path, tasks=10, takes=120.0)
    night.watch = stopping_after(60.0)
    policy = CreditPolicy(cost=cost)
    night.run(concurrency=10, credits=policy, options=Options(handle_signals=True))
    held, hearing = len(night.seen), Hearing()
    night.watch = lambda _: None
    summary = night.run(concurrency=10, credits=policy, accounts=hearing)
    assert summary.exit_code is ExitCode.OK
    assert (hearing.told.flying, hearing.told.held) == (held, held * Decimal("0.95"))
