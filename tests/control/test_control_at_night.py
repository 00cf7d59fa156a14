"""What a person changes of a run, on virtual time."""

import itertools
import sqlite3
from contextlib import closing
from datetime import UTC, datetime, time
from decimal import Decimal
from pathlib import Path

import anyio
import pytest
from support.controlled import Ask, Controlled
from support.night import CLIP, SILENCE, Answer
from support.till import Till

from pipeline import events as ev
from pipeline.account.schema import FILE
from pipeline.api.outcome import Balance
from pipeline.errors import ExitCode, UsageError
from pipeline.models import CreditPolicy, Gate, Rate, Schedule
from pipeline.runtime.options import Options


def slow(seconds: float) -> Answer:
    return Answer(200, body=b"clip", seconds=seconds)


def in_flight(night: Controlled, at: float, seconds: float) -> int:
    """How many requests were in flight at a moment, where each took so long."""
    return sum(call.at <= at < call.at + seconds for call in night.calls)


def test_a_pause_lets_what_is_in_flight_finish_and_sends_nothing_new(tmp_path: Path) -> None:
    night = Controlled(tmp_path, 12, lambda _: slow(10))

    async def script(ask: Ask) -> None:
        await anyio.sleep(5)
        now = await ask("pause")
        assert (now.state, now.in_flight, now.pending) == ("paused", 3, 12)
        await anyio.sleep(3600)
        now = await ask("status")
        assert (now.state, now.in_flight, now.succeeded) == ("paused", 0, 3)
        assert (await ask("resume")).state == "running"

    summary = night.go(script, concurrency=3)
    assert summary.exit_code is ExitCode.OK
    assert not night.between(5, 3605)
    assert len(night.between(3605, 3606)) == 3
    held, resumed = night.told(ev.Held), night.told(ev.Resumed)
    assert [(one.reason, one.until) for one in held] == [(ev.Reason.PAUSED, None)]
    assert [one.reason for one in resumed] == [ev.Reason.PAUSED]


def test_what_is_asked_twice_is_done_once(tmp_path: Path) -> None:
    night = Controlled(tmp_path, 6, lambda _: slow(10))

    async def script(ask: Ask) -> None:
        for action, value in (("pause", None), ("concurrency", "2"), ("rate", "60/minute")):
            first, second = await ask(action, value), await ask(action, value)
            assert first.state == second.state == "paused"
            assert second.changed
            assert "already" in second.changed or "as before" in second.changed
        await ask("resume")
        assert (await ask("resume")).changed == "it was not paused"

    assert night.go(script).exit_code is ExitCode.OK
    assert len(night.told(ev.Held)) <= 1


def test_a_retry_that_is_due_waits_while_the_run_is_paused(tmp_path: Path) -> None:
    night = Controlled(tmp_path, 2, lambda call: Answer(503) if call.nth == 1 else CLIP)

    async def script(ask: Ask) -> None:
        await anyio.sleep(0.5)
        await ask("pause")
        await anyio.sleep(300)
        await ask("resume")

    summary = night.go(script, concurrency=1, retry={"wait": 5.0})
    assert summary.exit_code is ExitCode.OK
    assert not night.between(1.5, 300.5)


@pytest.mark.parametrize("end", ["stop", "window"])
def test_a_paused_run_ends_by_stop_and_with_its_window(tmp_path: Path, end: str) -> None:
    night = Controlled(tmp_path, 5, lambda _: slow(1))

    async def script(ask: Ask) -> None:
        await anyio.sleep(0.5)
        await ask("pause")
        if end == "stop":
            await anyio.sleep(60)
            now = await ask("stop")
            assert now.state == "stopping"
            assert (await ask("stop")).changed == "it is stopping already"

    hours = Schedule(time(11), time(13), "UTC") if end == "window" else None
    summary = night.go(script, schedule=hours)
    assert summary.exit_code is (ExitCode.SIGTERM if end == "stop" else ExitCode.WINDOW)
    assert len(night.calls) == 1


def test_the_pause_of_a_person_is_not_the_patience_of_an_outage(tmp_path: Path) -> None:
    night = Controlled(tmp_path, 6, lambda call: SILENCE if call.at < 20_000 else CLIP)
    night.api = lambda call: Answer(503) if call.at < 20_000 else CLIP

    async def script(ask: Ask) -> None:
        await anyio.sleep(30)
        assert (await ask("status")).reason == "outage"
        await ask("pause")
        await anyio.sleep(20_000)
        now = await ask("resume")
        assert now.state in {"waiting", "running"}

    summary = night.go(script, concurrency=3, retry={"outage": 600.0})
    assert summary.exit_code is ExitCode.OK, summary.detail


def test_what_else_pauses_the_run_goes_on_after_resume(tmp_path: Path) -> None:
    night = Controlled(tmp_path, 3, lambda _: slow(1))

    async def script(ask: Ask) -> None:
        await anyio.sleep(5)
        assert (await ask("status")).reason == "window"
        await ask("pause")
        await anyio.sleep(5)
        await ask("resume")
        await anyio.sleep(5)
        now = await ask("status")
        assert (now.state, now.reason) == ("waiting", "window")
        assert now.until == datetime(2026, 11, 26, 13, tzinfo=UTC).timestamp()

    summary = night.go(script, schedule=Schedule(time(13), time(20), "UTC"))
    assert summary.exit_code is ExitCode.OK
    assert night.calls[0].at == pytest.approx(3600, abs=1)


def test_a_lower_concurrency_holds_as_soon_as_answers_come(tmp_path: Path) -> None:
    night = Controlled(tmp_path, 80, lambda call: slow(10 + (hash(call.task) % 100) / 100))

    async def script(ask: Ask) -> None:
        await anyio.sleep(5)
        now = await ask("concurrency", 3)
        assert (now.concurrency, now.in_flight) == (3, 20)
        await anyio.sleep(40)
        assert (await ask("status")).in_flight == 3
        await ask("concurrency", 20)
        await anyio.sleep(1)
        assert (await ask("status")).in_flight == 20

    summary = night.go(script, concurrency=20)
    assert summary.exit_code is ExitCode.OK
    assert len(night.between(5, 10)) == 0
    after = [call for call in night.between(5, 44) if call.at > 11]
    assert max(sum(c.at <= t.at < c.at + 9.9 for c in after) for t in after) <= 3


def test_more_slots_come_where_there_were_few_tasks_and_a_higher_bound(tmp_path: Path) -> None:
    night = Controlled(tmp_path, 30, lambda _: slow(10))

    async def script(ask: Ask) -> None:
        await anyio.sleep(1)
        await ask("concurrency", 10)

    assert night.go(script, concurrency=1).exit_code is ExitCode.OK
    assert night.peak == 10
    assert night.seconds < 45


def test_a_new_rate_keeps_its_distance_to_the_last_dispatch(tmp_path: Path) -> None:
    night = Controlled(tmp_path, 40, lambda _: slow(0.5))

    async def script(ask: Ask) -> None:
        await anyio.sleep(2.2)
        assert (await ask("rate", "6/minute")).rate == "6/minute"
        await anyio.sleep(60)
        assert (await ask("rate", "120/minute")).rate == "120/minute"
        await anyio.sleep(5)
        assert (await ask("rate", "none")).rate is None

    assert night.go(script).exit_code is ExitCode.OK
    slowly = [one.at for one in night.calls if 2.2 <= one.at < 62.2]
    assert 5 <= len(slowly) <= 6
    last = max(one.at for one in night.calls if one.at < 2.2)
    for before, after in itertools.pairwise([last, *slowly]):
        assert after - before >= 10
    faster = [one.at for one in night.calls if 62.2 <= one.at < 67.2]
    assert len(faster) >= 9  # the wait for the slow rate's turn is cut short
    assert all(b - a >= 0.5 for a, b in itertools.pairwise(faster))
    assert night.seconds < 90


def test_a_lower_budget_that_is_used_up_stops_the_run(tmp_path: Path) -> None:
    night = Controlled(tmp_path, 30, lambda _: slow(1))

    async def script(ask: Ask) -> None:
        await anyio.sleep(5.5)
        now = await ask("budget", "4")
        assert now.budget == 4
        assert now.spent == 10

    summary = night.go(script, concurrency=2)
    assert summary.exit_code is ExitCode.CREDITS
    assert summary.money.spent == 12  # what was in flight is saved, and paid for


def test_a_budget_between_two_checks_of_the_books_breaks_nothing(tmp_path: Path) -> None:
    night = Controlled(tmp_path, 30, lambda _: slow(10))

    async def script(ask: Ask) -> None:
        await anyio.sleep(1)
        await ask("budget", "3")  # eight are in flight, and none was checked since
        await ask("budget", "30")

    policy = CreditPolicy(cost=Decimal(1), budget=Decimal(30), gate=Gate.OFF)
    summary = night.go(script, concurrency=8, credits=policy)
    assert summary.exit_code is ExitCode.OK


def test_a_raised_budget_lets_a_run_go_on_that_waits_for_credits(tmp_path: Path) -> None:
    balance = [Decimal(3)]
    night = Controlled(tmp_path, 8, lambda _: slow(1))
    night.balance = lambda: Balance(credits=balance[0] - len(night.calls), simulated=True)
    night.options = Options(wait_for_credits=float("inf"))

    async def script(ask: Ask) -> None:
        await anyio.sleep(60)
        now = await ask("status")
        assert (now.state, now.reason) == ("waiting", "credits")
        balance[0] = Decimal(50)
        before = anyio.current_time()
        await ask("budget", "40")
        await anyio.sleep(0.5)
        assert night.calls[-1].at >= before  # at once, and not with the next look

    policy = CreditPolicy(cost=Decimal(1), budget=Decimal(20))
    assert night.go(script, credits=policy).exit_code is ExitCode.OK


@pytest.mark.parametrize(
    ("action", "value"),
    [
        ("concurrency", "0"),
        ("concurrency", "2001"),
        ("concurrency", "three"),
        ("concurrency", True),
        ("concurrency", None),
        ("concurrency", [3]),
        ("rate", "0/minute"),
        ("rate", "fast"),
        ("rate", None),
        ("budget", "-1"),
        ("budget", "1e400000"),
        ("budget", "NaN"),
        ("pause", "1"),
        ("dance", None),
        (None, None),
        ({"a": 1}, None),
    ],
)
def test_what_cannot_be_done_is_refused(tmp_path: Path, action: object, value: object) -> None:
    night = Controlled(tmp_path, 2)

    async def script(ask: Ask) -> None:
        before = await ask("status")
        with pytest.raises(UsageError):
            await ask(action, value)
        after = await ask("status")
        assert (after.concurrency, after.rate, after.budget) == (
            before.concurrency,
            before.rate,
            before.budget,
        )

    assert night.go(script).exit_code is ExitCode.OK


def test_a_budget_that_cannot_be_kept_is_refused(tmp_path: Path) -> None:
    night = Controlled(tmp_path, 2)

    async def script(ask: Ask) -> None:
        with pytest.raises(UsageError, match="cannot be enforced"):
            await ask("budget", "5")
        assert (await ask("status")).budget is None

    model = "of-unknown-price"
    night.params = lambda _: {}
    summary = night.go(script, credits=CreditPolicy(gate=Gate.OFF), model=model)
    assert summary.exit_code is ExitCode.OK


def test_a_concurrency_that_the_system_does_not_allow_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import resource  # noqa: PLC0415

    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    monkeypatch.setattr(resource, "getrlimit", lambda _: (128, 128))
    night = Controlled(tmp_path, 4)

    async def script(ask: Ask) -> None:
        with pytest.raises(UsageError, match="open files"):
            await ask("concurrency", 500)
        assert (await ask("status")).concurrency == 1

    assert night.go(script).exit_code is ExitCode.OK
    monkeypatch.undo()
    assert resource.getrlimit(resource.RLIMIT_NOFILE) == before


def test_nothing_is_changed_of_a_run_that_stops(tmp_path: Path) -> None:
    night = Controlled(tmp_path, 9, lambda _: slow(30))

    async def script(ask: Ask) -> None:
        await anyio.sleep(1)
        await ask("stop")
        for action, value in (("resume", None), ("concurrency", 3), ("reload", None)):
            with pytest.raises(UsageError, match="stopping"):
                await ask(action, value)
        assert (await ask("status")).state == "stopping"

    assert night.go(script).exit_code is ExitCode.SIGTERM


def test_a_pause_withdraws_what_waits_for_the_turn_of_its_rate(tmp_path: Path) -> None:
    night = Controlled(tmp_path, 4, lambda _: slow(0.1))

    async def script(ask: Ask) -> None:
        await anyio.sleep(1)
        await ask("pause")
        await anyio.sleep(600)
        assert (await ask("status")).in_flight == 0
        await ask("resume")

    assert night.go(script, rate=Rate(1, 60.0)).exit_code is ExitCode.OK
    assert not [call for call in night.calls if 1 <= call.at < 601]


def test_the_account_knows_of_all_that_go_out_when_the_concurrency_goes_up_and_down(
    tmp_path: Path,
) -> None:
    """What was prepared before it went down was asked for by more than it has been told since."""
    till, known, out = Till(tmp_path), set[bool](), set[str]()
    ledger = tmp_path / "pipeline" / "accounts" / "till" / FILE
    night = Controlled(tmp_path, 60, lambda _: slow(8))

    async def script(ask: Ask) -> None:
        for number, seconds in ((2, 9), (10, 9), (12, 4), (3, 13), (10, 5)):
            await anyio.sleep(seconds)
            await ask("concurrency", number)

    def watch(event: ev.Event) -> None:
        if isinstance(event, ev.Dispatched):
            out.add(event.task)
            with closing(sqlite3.connect(ledger)) as connection:
                (flying,) = connection.execute("SELECT flying FROM runs").fetchone()
            known.add(flying >= len(out))
        elif isinstance(event, ev.Landed):
            out.remove(event.task)

    night.watch = watch
    assert night.go(script, concurrency=10, accounts=till.accounts()).exit_code is ExitCode.OK
    assert known == {True}
