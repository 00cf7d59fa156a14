"""Doubts that the provider's list of requests settles: before a run, in it, and at its end."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs
from support import virtual
from support.night import CLIP, MODEL, Answer, Call, Night

from pipeline import events as ev
from pipeline.api.outcome import Balance, Fault, Page, Progress, Query, RequestState, Row
from pipeline.errors import ExitCode
from pipeline.ledger.manifest import read
from pipeline.models import CreditPolicy, InDoubt, Settled, Status
from pipeline.runtime.options import Options

LOST = Answer(fault=Fault.NO_ANSWER)
DONE, FAILED, RUNNING = RequestState.DONE, RequestState.FAILED, RequestState.RUNNING


@dataclass
class Provider:
    """A list of requests, in which each appears `lag` seconds after it was sent."""

    night: Night
    lag: float = 0.0
    rows: dict[str, tuple[float, Row]] = field(default_factory=dict)
    begin: float = 0.0  # of the present run, in seconds since noon
    asked: int = 0

    def __post_init__(self) -> None:
        self.night.listing, self.night.progress = self.listing, self.progress

    def add(self, call: Call, state: RequestState, **more: Any) -> None:
        """Let a request be listed, by its task's number of calls."""
        media = f"https://media.example/{call.task}" if state is DONE else None
        cost = Decimal("0.95") if state is DONE else Decimal(0)
        at = self.begin + call.at
        row = Row(
            id=f"id-{call.task}-{call.nth}",
            model=MODEL,
            sent={"prompt": call.task},
            created=virtual.NOON + at,
            progress=Progress(state=state, media=media, cost=cost, **more),
        )
        self.rows[row.id] = at + self.lag, row

    def ends(self, row_id: str, state: RequestState) -> None:
        """Let a request end."""
        appears, row = self.rows[row_id]
        media = f"https://media.example/{row_id}" if state is DONE else None
        self.rows[row_id] = (
            appears,
            structs.replace(row, progress=Progress(state=state, media=media, cost=Decimal("0.95"))),
        )

    def listing(self, query: Query) -> Page:
        self.asked += 1
        now = virtual.NOON + self.begin + self.night.clock()
        shown = [row for appears, row in self.rows.values() if virtual.NOON + appears <= now]
        return Page(rows=tuple(row for row in shown if row.model == query.model))

    def progress(self, poll: Any) -> Progress:
        return (
            self.rows[poll.id][1].progress
            if poll.id in self.rows
            else Progress(state=RequestState.GONE)
        )

    def run(self, **more: Any) -> ev.Summary:
        at = virtual.NOON + self.begin
        summary = self.night.run(at=at, **more)
        self.begin += self.night.seconds
        return summary


def provider_of(folder: Path, tasks: int, api: Callable[[Provider, Call], Answer]) -> Provider:
    night = Night(folder, tasks=tasks)
    provider = Provider(night)
    night.api = lambda call: api(provider, call)
    return provider


def losing(
    state: RequestState, answer: Answer = LOST, **more: Any
) -> Callable[[Provider, Call], Answer]:
    """Lose the first answer for each task, whose request is listed so; then answer with clips."""

    def api(provider: Provider, call: Call) -> Answer:
        if call.nth > 1:
            provider.add(call, DONE)
            return CLIP
        provider.add(call, state, **more)
        return answer

    return api


@pytest.mark.parametrize(
    "answer",
    [LOST, Answer(504), Answer(500), Answer(200, fault=Fault.CUT), Answer(fault=Fault.TIMEOUT)],
)
def test_what_the_list_has_as_completed_is_taken_in_and_counted_once(
    tmp_path: Path, answer: Answer
) -> None:
    provider = provider_of(tmp_path, 3, losing(DONE, answer))
    summary = provider.run(concurrency=3)
    assert summary.exit_code is ExitCode.OK
    assert set(provider.night.seen.values()) == {1}
    record = provider.night.records["t000"]
    assert (record.status, record.settled) == (Status.SUCCEEDED, Settled.FOUND)
    assert (record.request_id, record.at_risk) == ("id-t000-1", 0)
    assert summary.money.at_risk == 0
    assert (tmp_path / "out" / "t000.mp4").exists()


@pytest.mark.parametrize("answer", [LOST, Answer(504), Answer(500)])
def test_what_the_list_has_as_failed_was_not_charged_and_is_tried_again(
    tmp_path: Path, answer: Answer
) -> None:
    provider = provider_of(tmp_path, 2, losing(FAILED, answer, error="worker died"))
    summary = provider.run()
    assert summary.exit_code is ExitCode.OK
    assert set(provider.night.seen.values()) == {2}
    assert summary.money.at_risk == 0
    assert {r.status for r in read(tmp_path / "out" / "manifest.jsonl")} == {Status.SUCCEEDED}


def test_what_the_list_has_as_pending_is_waited_for(tmp_path: Path) -> None:
    provider = provider_of(tmp_path, 1, losing(RUNNING))
    row = "id-t000-1"
    night, progress = provider.night, provider.progress

    def later(poll: Any) -> Progress:
        if poll.at > 100:
            provider.ends(row, DONE)
        return progress(poll)

    night.progress = later
    assert provider.run().exit_code is ExitCode.OK
    assert all(poll.listed for poll in night.polls)
    assert night.seen["t000"] == 1


def test_a_row_that_appears_late_is_found_by_the_same_run(tmp_path: Path) -> None:
    provider = provider_of(tmp_path, 3, losing(DONE))
    provider.lag = 5.0
    summary = provider.run(concurrency=3)
    assert summary.exit_code is ExitCode.OK
    assert (summary.counts.succeeded, summary.counts.in_doubt, summary.money.at_risk) == (3, 0, 0)
    records = list(read(tmp_path / "out" / "manifest.jsonl"))
    assert [r.status for r in records] == [Status.IN_DOUBT] * 3 + [Status.SUCCEEDED] * 3
    assert sum(r.at_risk or 0 for r in records) == 0
    assert {r.settled for r in records[3:]} == {Settled.FOUND}
    assert set(provider.night.seen.values()) == {1}


def test_a_doubt_of_the_run_before_is_asked_for_again_at_the_end_while_its_row_may_come(
    tmp_path: Path,
) -> None:
    provider = provider_of(tmp_path, 1, losing(DONE))
    provider.lag = 14.0
    assert provider.run().counts.in_doubt == 1
    assert provider.begin < provider.lag
    summary = provider.run()
    assert (summary.exit_code, summary.counts.in_doubt) == (ExitCode.OK, 0)
    assert provider.night.seen["t000"] == 1


def test_an_older_doubt_is_settled_before_anything_is_sent(tmp_path: Path) -> None:
    provider = provider_of(tmp_path, 3, losing(DONE))
    provider.lag = 3600.0
    summary = provider.run(concurrency=3)
    assert (summary.exit_code, summary.counts.in_doubt) == (ExitCode.SOME_FAILED, 3)
    assert summary.money.at_risk == 3
    provider.begin += 3600.0
    summary = provider.run(concurrency=3)
    assert summary.exit_code is ExitCode.OK
    assert set(provider.night.seen.values()) == {1}
    assert (summary.money.at_risk, summary.counts.succeeded) == (0, 3)
    ends = [r for r in read(tmp_path / "out" / "manifest.jsonl") if r.settled]
    assert [r.at_risk for r in ends] == [-1] * 3
    assert provider.asked <= 10


def test_a_doubt_that_the_list_has_as_failed_was_not_charged(tmp_path: Path) -> None:
    provider = provider_of(tmp_path, 1, losing(FAILED, error="out of memory"))
    provider.lag = 3600.0
    provider.run()
    provider.begin += 3600.0
    summary = provider.run()
    record = provider.night.records["t000"]
    assert (record.status, record.settled, record.at_risk) == (Status.FAILED, Settled.FOUND, -1)
    assert (summary.money.at_risk, summary.money.spent) == (0, 0)
    assert provider.night.seen["t000"] == 1
    assert provider.run(options=Options(retry=["failed"])).exit_code is ExitCode.OK


def test_what_the_list_does_not_have_stays_in_doubt(tmp_path: Path) -> None:
    provider = provider_of(tmp_path, 1, lambda *_: LOST)
    summary = provider.run()
    assert (summary.exit_code, summary.counts.in_doubt) == (ExitCode.SOME_FAILED, 1)
    again = provider.run()
    assert (again.counts.in_doubt, again.money.at_risk) == (1, 1)
    assert len(list(read(tmp_path / "out" / "manifest.jsonl"))) == 1


def test_a_list_that_cannot_be_read_is_said_once_and_changes_nothing(tmp_path: Path) -> None:
    provider = provider_of(tmp_path, 4, lambda *_: LOST)
    provider.night.listing = lambda _: Page(readable=False, detail="HTTP 404")
    summary = provider.run(concurrency=4)
    assert summary.counts.in_doubt == 4
    said = [
        event for event in provider.night.told(ev.Warned) if "list of requests" in event.message
    ]
    assert len(said) == 1


def test_of_two_doubts_and_one_row_one_is_explained(tmp_path: Path) -> None:
    def api(provider: Provider, call: Call) -> Answer:
        if call.task == "t000":
            provider.add(call, DONE)
        return LOST

    provider = provider_of(tmp_path, 2, api)
    provider.night.params = lambda _: {"prompt": "the same"}
    summary = provider.run(concurrency=2)
    row = provider.rows["id-t000-1"]
    provider.rows["id-t000-1"] = (
        row[0],
        structs.replace(row[1], sent={"prompt": "the same"}),
    )
    summary = provider.run(concurrency=2)
    assert (summary.counts.succeeded, summary.counts.in_doubt) == (1, 1)
    assert summary.money.at_risk == 1


def test_a_row_of_a_take_that_succeeded_explains_no_other(tmp_path: Path) -> None:
    def api(provider: Provider, call: Call) -> Answer:
        if call.task == "t000":
            provider.add(call, DONE)
            row = provider.rows["id-t000-1"]
            provider.rows["id-t000-1"] = (
                row[0],
                structs.replace(row[1], sent={"prompt": "the same"}),
            )
            return CLIP
        return LOST

    provider = provider_of(tmp_path, 2, api)
    provider.night.params = lambda _: {"prompt": "the same"}
    first = provider.run(concurrency=1)
    again = provider.run(concurrency=1)
    for summary in (first, again):
        assert (summary.counts.succeeded, summary.counts.in_doubt) == (1, 1)


def test_a_row_is_not_taken_from_a_take_whose_answer_is_still_to_come(tmp_path: Path) -> None:
    """Of two equal requests the one that is lost runs on, and the other is listed as completed."""

    def api(provider: Provider, call: Call) -> Answer:
        provider.add(call, RUNNING if call.task == "t000" else DONE)
        appears, row = provider.rows[f"id-{call.task}-1"]
        provider.rows[row.id] = appears, structs.replace(row, sent={"prompt": "the same"})
        return LOST if call.task == "t000" else replace(CLIP, seconds=60.0)

    provider = provider_of(tmp_path, 2, api)
    provider.night.params = lambda _: {"prompt": "the same"}

    def progress(poll: Any) -> Progress:
        if poll.at > 100:
            provider.ends("id-t000-1", DONE)
        return provider.progress(poll)

    provider.night.progress = progress
    assert provider.run(concurrency=2).exit_code is ExitCode.OK
    assert provider.night.records["t000"].request_id == "id-t000-1"
    assert provider.night.fetched == ["https://media.example/id-t000-1"]


def test_equal_takes_that_are_all_lost_do_not_wait_for_each_other(tmp_path: Path) -> None:
    provider = provider_of(tmp_path, 3, losing(DONE))
    add = provider.add

    def add_equal(call: Call, state: RequestState, **more: Any) -> None:
        add(call, state, **more)
        appears, row = provider.rows[f"id-{call.task}-1"]
        provider.rows[row.id] = appears, structs.replace(row, sent={"prompt": "the same"})

    provider.add = add_equal  # type: ignore[method-assign]
    provider.night.params = lambda _: {"prompt": "the same"}
    assert provider.run(concurrency=3).exit_code is ExitCode.OK
    assert provider.night.seconds < 30
    assert len({record.request_id for record in provider.night.records.values()}) == 3


def test_settling_alone_sends_nothing(tmp_path: Path) -> None:
    provider = provider_of(tmp_path, 3, losing(DONE))
    provider.lag = 3600.0
    provider.run(concurrency=1, options=Options(limit=1))
    provider.begin += 3600.0
    summary = provider.run(options=Options(settle_only=True))
    assert provider.night.seen == {"t000": 1}
    assert summary.counts.succeeded == 1
    assert summary.counts.pending == 2


def test_settling_that_finds_nothing_writes_no_record(tmp_path: Path) -> None:
    provider = provider_of(tmp_path, 1, lambda *_: LOST)
    provider.run()
    before = (tmp_path / "out" / "manifest.jsonl").read_bytes()
    provider.run(options=Options(settle_only=True))
    assert (tmp_path / "out" / "manifest.jsonl").read_bytes() == before


def test_an_older_doubt_of_a_task_that_was_rendered_since_is_only_counted(tmp_path: Path) -> None:
    provider = provider_of(tmp_path, 1, losing(DONE))
    provider.lag = 3600.0
    first = provider.run(retry={"in_doubt": InDoubt.RESEND})
    assert first.exit_code is ExitCode.OK
    assert first.money.at_risk == 1
    provider.begin += 3600.0
    summary = provider.run()
    assert (summary.exit_code, summary.money.at_risk) == (ExitCode.OK, 0)
    assert summary.money.spent == first.money.spent + Decimal("0.95")
    assert provider.night.records["t000"].reason == "correction"


def test_a_doubt_whose_output_cannot_be_had_stays_a_doubt(tmp_path: Path) -> None:
    provider = provider_of(tmp_path, 1, losing(DONE))
    provider.lag = 3600.0
    provider.run()
    provider.begin += 3600.0
    provider.night.media = lambda _: Answer(404, seconds=0.1)
    summary = provider.run()
    assert (summary.counts.in_doubt, summary.money.at_risk) == (1, 1)
    assert len(list(read(tmp_path / "out" / "manifest.jsonl"))) == 1
    provider.night.media = lambda _: CLIP
    assert provider.run().exit_code is ExitCode.OK


def test_the_first_answer_of_all_may_be_one_that_is_found(tmp_path: Path) -> None:
    """Whether clips are simulated is known by then only from the file itself."""
    found = losing(DONE)
    api = lambda provider, call: found(provider, call) if call.task == "t000" else CLIP  # noqa: E731
    summary = provider_of(tmp_path, 3, api).run(concurrency=1)
    assert (summary.exit_code, summary.counts.succeeded) == (ExitCode.OK, 3)


def test_a_request_that_appears_late_as_failed_is_counted_as_failed(tmp_path: Path) -> None:
    provider = provider_of(tmp_path, 2, losing(FAILED, error="out of memory"))
    provider.lag = 5.0
    summary = provider.run(concurrency=2)
    assert (summary.counts.failed, summary.counts.in_doubt, summary.counts.total) == (2, 0, 2)
    assert (summary.here.failed, summary.money.at_risk) == (2, 0)
    assert "the provider lists it as failed" in (provider.night.records["t000"].error or "")


@pytest.mark.parametrize("lost", [LOST, Answer(fault=Fault.TIMEOUT), Answer(504)])
def test_what_was_lost_and_is_listed_as_failed_is_sent_again_at_once(
    tmp_path: Path, lost: Answer
) -> None:
    provider = provider_of(tmp_path, 3, losing(FAILED, lost, error="out of memory"))
    summary = provider.run(concurrency=1, retry={"attempts": 2})
    assert summary.exit_code is ExitCode.OK
    assert set(provider.night.seen.values()) == {2}
    assert {r.simulated for r in provider.night.records.values()} == {True}


def test_an_output_that_is_dead_is_asked_for_once_in_a_run(tmp_path: Path) -> None:
    provider = provider_of(tmp_path, 1, losing(DONE))
    provider.night.media = lambda _: Answer(404, seconds=0.1)
    summary = provider.run()
    assert (summary.counts.in_doubt, summary.money.at_risk) == (1, 1)
    assert len(provider.night.fetched) == 3


def test_a_list_that_begins_to_refuse_is_no_error_of_the_run(tmp_path: Path) -> None:
    def api(provider: Provider, call: Call) -> Answer:
        return losing(RUNNING)(provider, call) if call.task == "t000" else CLIP

    provider = provider_of(tmp_path, 4, api)
    provider.night.progress = lambda _: Progress(state=RequestState.REFUSED, detail="HTTP 401")
    summary = provider.run(concurrency=2)
    assert summary.exit_code is ExitCode.SOME_FAILED
    assert (summary.counts.succeeded, summary.counts.accepted) == (3, 1)


def test_a_charge_that_only_the_list_shows_is_in_the_balance_at_the_end(tmp_path: Path) -> None:
    provider = provider_of(tmp_path, 1, losing(DONE))
    night, before, after = provider.night, Decimal(100), Decimal("99.05")
    night.balance = lambda: Balance(credits=after if night.fetched else before, simulated=True)
    summary = provider.run(credits=CreditPolicy(cost=Decimal("0.95")))
    assert (summary.exit_code, summary.money.remaining) == (ExitCode.OK, Decimal("99.05"))
