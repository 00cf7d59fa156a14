"""A bug in the books stops the run with 70, and a late answer changes nothing."""

from contextlib import AbstractAsyncContextManager, nullcontext
from decimal import Decimal
from pathlib import Path

import anyio
import pytest
from support import virtual
from support.claims import open_claims
from support.night import FakeProvider, Night
from support.parts import Meddle, opened, work

from pipeline import events as ev
from pipeline.account.shared import Apart, Member
from pipeline.api.provider import Model
from pipeline.engines.crew import Assignment
from pipeline.errors import ExitCode, UsageError
from pipeline.models import CreditPolicy, Gate
from pipeline.money.account import Account, Alone
from pipeline.money.errors import BooksError, ReservationSpent
from pipeline.money.gate import CreditGate
from pipeline.runtime.state import RunState


def spend_at_once(state: RunState, assignment: Assignment) -> None:
    """End the reservation before its outcome does."""
    state.flying[assignment.task.id].money.release()


def forget(state: RunState, assignment: Assignment) -> None:
    """Hand the attempt another reservation: the one it had is never ended."""
    attempt = state.flying[assignment.task.id]
    attempt.reservation = state.gate.reserve(attempt.price_class, attempt.rank)


def lose(state: RunState, assignment: Assignment) -> None:
    """Take an attempt out of those in flight, with its reservation open."""
    state.flying.pop(assignment.task.id)


@pytest.mark.parametrize(
    ("meddle", "bug"),
    [(spend_at_once, ReservationSpent), (forget, BooksError), (lose, BooksError)],
)
def test_a_broken_book_stops_the_run_and_nothing_new_goes_out(
    tmp_path: Path, meddle: Meddle, bug: type[Exception]
) -> None:
    night = Night(tmp_path, 20)

    async def main() -> None:
        with opened(night, concurrency=2) as engine:
            await work(engine, lambda state, one: len(night.calls) < 6 or meddle(state, one))
            stopped = engine.state.stopped
            assert stopped is not None
            assert stopped.exit_code == ExitCode.BUG
            assert isinstance(engine.bugs[0], bug)

    virtual.run(main())
    # One has the place of the clip with which it breaks.
    assert len(night.calls) <= 6 + 2, "what was in flight ends, and nothing new goes out"
    assert night.statuses().keys() == {"succeeded"}


def test_a_reservation_that_is_not_ended_stops_the_run(tmp_path: Path) -> None:
    async def main() -> None:
        with opened(Night(tmp_path, 1)) as engine:
            attempt = engine.state.queue.head(0.0)
            assert attempt is not None
            engine.state.queue.take(attempt)
            attempt.reservation = engine.state.gate.reserve(attempt.price_class)
            engine.state.depart(attempt)
            with pytest.raises(BooksError, match="was not ended"):
                engine.state.land(attempt)

    virtual.run(main())


def test_the_whole_run_ends_with_70_where_the_books_break(tmp_path: Path) -> None:
    class Broken(Alone):
        """An account that hears of each end, and finds its books broken."""

        def changed(self) -> None:
            raise BooksError("the account's books are broken")

    class Accounts(Apart):
        def join(self, member: Member) -> AbstractAsyncContextManager[Account]:
            return nullcontext(Broken())

    night, stops, calls = Night(tmp_path, 5), list[ExitCode](), list[int]()

    def watch(event: ev.Event) -> None:
        if isinstance(event, ev.Stopping):
            stops.append(event.exit_code)
            calls.append(len(night.calls))

    night.watch = watch
    with pytest.raises(BooksError):
        night.run(accounts=Accounts())
    assert stops == [ExitCode.BUG]
    assert calls == [len(night.calls)]


def test_what_was_prepared_does_not_go_out_where_an_answer_breaks_the_books(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    night = Night(tmp_path, 5)

    def broken(_: CreditGate) -> None:
        if night.calls and night.calls[0].at < anyio.current_time() - 0.5:
            raise BooksError("the books are broken")

    monkeypatch.setattr(CreditGate, "check", broken)
    with pytest.raises(BooksError):
        night.run()
    assert len(night.calls) == 1
    assert night.records["t000"].status == "succeeded"
    assert not open_claims(tmp_path / "out")


def test_an_answer_that_comes_late_or_twice_changes_nothing(tmp_path: Path) -> None:
    night = Night(tmp_path, 1)
    seen: list[Assignment] = []

    async def main() -> None:
        with opened(night) as engine:
            await work(engine, lambda _, one: seen.append(one))
            state = engine.state
            events = len(night.events)
            outcome = await state.session.attempt(
                seen[0].task, state.store.layout.inflight / "orphan.part"
            )
            await engine.settle.settle(seen[0], outcome)
            assert len(night.events) == events
            assert state.store.history.records == 1

    virtual.run(main())
    assert night.statuses() == {"succeeded": 1}


def test_an_injected_provider_says_what_the_plan_costs(tmp_path: Path) -> None:
    class Dear(FakeProvider):
        def model(self, name: str) -> Model:
            return Model(price=Decimal(7), seconds=1.0)

    night = Night(tmp_path, 3)
    night.provider = Dear
    night.run(credits=CreditPolicy(gate=Gate.OFF))
    started = next(event for event in night.events if isinstance(event, ev.Started))
    assert started.expected_cost == 21


def test_a_bucket_that_cannot_be_spoken_to_is_refused_before_anything_is_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://192.0.2.1")
    night = Night(tmp_path, 1)
    with pytest.raises(UsageError, match="plain http"):
        night.run(bucket="s3://clips")
    assert not night.calls
