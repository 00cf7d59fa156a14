"""A place that comes free is filled at once: what is recorded meanwhile, and what is prepared."""

import asyncio
import itertools
import os
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio
import pytest
from support.claims import open_claims
from support.night import CLIP, Answer, Call, Night
from support.till import Till

from pipeline import events as ev
from pipeline.errors import ExitCode
from pipeline.models import AccountPolicy, CreditPolicy, Gate, Rate
from pipeline.runtime.corrections import Corrections
from pipeline.runtime.options import Options
from pipeline.runtime.standing import standing
from pipeline.runtime.state import RunState

PRICE = Decimal("0.95")


async def slowly(blocking: Callable[[], None]) -> None:
    """Reach a disk of which each commit takes a fifth of a second."""
    await anyio.sleep(0.2)
    blocking()


def unsent(night: Night) -> int:
    """Count the claims of what has not gone out."""
    claims = open_claims(night.folder / "out").values()
    return sum(claim is not None and not claim.sent for claim in claims)


def prepared(night: Night) -> list[int]:
    """Count what is prepared half a second after each request."""
    counts: list[int] = []

    def watch(event: ev.Event) -> None:
        if isinstance(event, ev.Dispatched):
            loop = asyncio.get_running_loop()
            loop.call_later(0.5, lambda: counts.append(unsent(night)))

    night.watch = watch
    return counts


@pytest.mark.parametrize("width", [1, 4, 50])
def test_a_slow_disk_costs_no_place_once_it_is_known_how_fast_answers_come(
    tmp_path: Path, width: int
) -> None:
    waves = 10
    night = Night(tmp_path, waves * width)
    summary = night.run(concurrency=width, hop=slowly)
    assert summary.exit_code is ExitCode.OK
    assert night.peak == width
    # One wave meets the disk: of its answers nothing is known before the first has come.
    first, last = night.calls[0].at, night.calls[-1].at
    assert last - first <= (waves - 1) * 1.0 + 1.5 * 0.2


def test_where_answers_take_longer_nothing_is_prepared_ahead_once_that_is_known(
    tmp_path: Path,
) -> None:
    night = Night(tmp_path, 40, lambda _: replace(CLIP, seconds=60.0))
    counts = prepared(night)
    night.run(concurrency=4)
    assert counts == [4] * 4 + [0] * 36
    night.tasks = 60
    again = prepared(night)
    night.run(concurrency=4)
    assert again == [0] * 20, "the history says it"


def burst(night: Night, width: int, odd: Answer | None = None) -> Callable[[Call], Answer]:
    """Answer within 50 ms of each second, with something `odd` in the middle of the first."""
    turns = itertools.count()

    def api(_: Call) -> Answer:
        turn = next(turns)
        answer = odd if odd and turn in {width // 2, width // 2 + 2, width // 2 + 4} else night_clip
        return replace(answer, seconds=1 + turn % width * 0.05 / width)

    night_clip = night.api(Call("", 1, 0.0))
    return api


def order(night: Night, width: int) -> str:
    """Run it; say in which order requests went out (D) and outputs were saved (F)."""
    seen: list[str] = []

    def watch(event: ev.Event) -> None:
        if isinstance(event, ev.Dispatched | ev.Finished):
            seen.append(type(event).__name__[0])

    night.watch = watch
    assert night.run(concurrency=width).exit_code is ExitCode.OK
    return "".join(seen)


def test_of_answers_that_come_together_the_first_is_saved_once_the_others_have_made_way(
    tmp_path: Path,
) -> None:
    width = 50
    night = Night(tmp_path, 4 * width)
    night.api = burst(night, width)
    wave = "D" * width + "F" * width
    assert order(night, width) == "D" * width + 3 * wave + "F" * width


def test_what_a_kill_would_cost_is_saved_at_once(tmp_path: Path) -> None:
    width = 50
    night = Night(tmp_path, 4 * width, lambda _: replace(CLIP, is_counted=False))
    night.api = burst(night, width)
    assert "DFDF" in order(night, width)


@pytest.mark.parametrize("odd", [Answer(500), Answer(200, text="{}")], ids=["500", "no clip"])
def test_failures_within_a_burst_are_no_outage_though_none_of_its_outputs_is_saved_yet(
    tmp_path: Path, odd: Answer
) -> None:
    night = Night(tmp_path, 200)
    night.api = burst(night, 50, odd)
    seen: list[ev.Event] = []
    night.watch = seen.append
    night.run(concurrency=50, hop=slowly)
    assert not [event for event in seen if isinstance(event, ev.Held)]
    said = [event.message for event in seen if isinstance(event, ev.Warned)]
    assert not [message for message in said if "in a row" in message]


def test_where_answers_are_fast_as_many_are_prepared_as_there_are_places(tmp_path: Path) -> None:
    night = Night(tmp_path, 40)
    counts = prepared(night)
    night.run(concurrency=4)
    assert max(counts) == 4


@pytest.mark.parametrize(
    "changes",
    [{"rate": Rate(10, 1.0)}, {"account": AccountPolicy(concurrency=3)}],
    ids=["rate", "account"],
)
def test_where_others_or_a_clock_decide_nothing_is_prepared_ahead(
    tmp_path: Path, changes: dict[str, Any]
) -> None:
    night = Night(tmp_path, 30)
    counts = prepared(night)
    assert night.run(concurrency=4, **changes).exit_code is ExitCode.OK
    assert max(counts) == 0


def test_a_bound_of_the_account_that_cannot_bind_is_no_reason_to_wait(tmp_path: Path) -> None:
    till = Till(tmp_path, balance=Decimal(1000), seconds=1.0)
    night = till.night("a", 40)
    counts = prepared(night)
    policy = CreditPolicy(cost=PRICE)
    till.play([night], concurrency=4, account=AccountPolicy(concurrency=4), credits=policy)
    assert max(counts) == 4
    assert till.peak == 4


def test_beside_other_runs_of_the_account_nothing_is_prepared_ahead(tmp_path: Path) -> None:
    till = Till(tmp_path, balance=Decimal(1000), seconds=1.0)
    nights = [till.night(name, 20) for name in "ab"]
    counts = [prepared(night) for night in nights]
    till.play(nights, concurrency=4, credits=CreditPolicy(cost=PRICE))
    both = min(len(each) for each in counts)
    # The first requests go out before a run has heard of the other.
    assert max(itertools.chain(*(each[4:both] for each in counts))) == 0


def test_what_was_prepared_asks_anew_once_a_run_has_come_that_keeps_a_bound(
    tmp_path: Path,
) -> None:
    till = Till(tmp_path, balance=Decimal(1000), seconds=8.0)
    alone, bounded = till.night("a", 40), till.night("b", 6)
    terms = {"account": AccountPolicy(concurrency=2), "concurrency": 2}
    policy = CreditPolicy(cost=PRICE)
    till.play({alone: {}, bounded: terms}, concurrency=4, credits=policy, after={1: 9.0})
    # What goes out as long as it is there keeps its bound, once the other has heard of it.
    ruled = [at for at in till.times() if 14.0 < at <= till.starts["b"][-1]]
    assert len(till.starts["b"]) == 6
    assert max(sum(at - 8.0 < other <= at for other in ruled) for at in ruled) <= 2


def test_what_was_prepared_does_not_go_out_once_the_run_stops(tmp_path: Path) -> None:
    def api(call: Call) -> Answer:
        return Answer(406, text="no credits") if call.task == "t009" else CLIP

    night = Night(tmp_path, 60, api)
    summary = night.run(concurrency=4)
    assert summary.exit_code is ExitCode.CREDITS
    refused = next(call.at for call in night.calls if call.task == "t009") + 1.0
    assert not [call for call in night.calls if call.at > refused + 1e-6]
    assert list((tmp_path / "out" / ".inflight").iterdir()) == []
    assert summary.counts.in_doubt == 0


def test_what_was_prepared_does_not_go_out_while_corrections_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def write(_: Corrections, *, last: bool = False) -> None:
        await anyio.sleep(0.0 if last else 0.5)  # a long manifest, on a slow disk

    def api(call: Call) -> Answer:
        if call.task == "t009":
            return Answer(406, text="no credits")
        return replace(CLIP, cost=Decimal(1), seconds=1 + int(call.task[1:]) / 100)

    monkeypatch.setattr(Corrections, "write", write)  # so that what is to be written stays so
    night = Night(tmp_path, 60, api)
    summary = night.run(concurrency=4, credits=CreditPolicy(gate=Gate.OFF))
    assert summary.exit_code is ExitCode.CREDITS
    refused = next(call.at for call in night.calls if call.task == "t009") + 1.0
    assert not [call for call in night.calls if call.at > refused + 1e-6]


def test_what_was_prepared_is_judged_again_by_what_an_answer_says_of_the_balance(
    tmp_path: Path,
) -> None:
    def api(_: Call) -> Answer:
        # The first goes alone; then somebody else spends what there was.
        sent = len(night.calls)
        left = 100 - sent if sent <= 12 else max(15 - sent, 0)
        return replace(CLIP, remaining=Decimal(left), cost=Decimal(1))

    night, sent_when_said = Night(tmp_path, 60, api), list[int]()

    def watch(event: ev.Event) -> None:
        if isinstance(event, ev.Landed) and event.task == "t012":
            sent_when_said.append(len(night.calls))

    night.watch = watch
    summary = night.run(concurrency=4, credits=CreditPolicy(cost=Decimal(1), gate=Gate.HEADER))
    assert summary.exit_code is ExitCode.CREDITS
    assert len(night.calls) == max(15, *sent_when_said), "the 13th says that 2 are left"


def test_what_was_prepared_is_judged_again_by_a_price_that_has_risen(tmp_path: Path) -> None:
    def api(call: Call) -> Answer:
        dear = len(night.calls) > 8
        return replace(CLIP, cost=Decimal(3) if dear else Decimal(1))

    night = Night(tmp_path, 60, api)
    policy = CreditPolicy(cost=Decimal(1), budget=Decimal(30), gate=Gate.OFF)
    summary = night.run(concurrency=4, credits=policy)
    assert summary.exit_code is ExitCode.CREDITS
    assert summary.money.spent <= 30


def test_what_was_prepared_keeps_the_cap_of_a_day_by_a_price_that_has_risen(tmp_path: Path) -> None:
    till = Till(tmp_path, Decimal(1000), Decimal(1), 1.0, told=False, call=False, cost=True)
    night = till.night("a", 60)
    generate = night.api

    def api(call: Call) -> Answer:
        till.price = Decimal(5) if len(night.calls) > 8 else Decimal(1)
        return generate(call)

    night.api = api
    policy = CreditPolicy(cost=Decimal(1), gate=Gate.OFF)
    cap = AccountPolicy(day=Decimal(36))
    (summary,) = till.play([night], concurrency=4, account=cap, credits=policy)
    assert summary.exit_code is ExitCode.CREDITS
    assert 30 < till.taken <= 36


def test_what_is_shown_in_flight_is_what_is_at_the_provider(tmp_path: Path) -> None:
    """Neither what is prepared, nor what waits for the disk."""

    async def slower(blocking: Callable[[], None]) -> None:
        await anyio.sleep(2.5)
        blocking()

    night, shown, counted = Night(tmp_path, 60), list[int](), list[int]()
    flying: set[str] = set()

    def watch(event: ev.Event) -> None:
        if isinstance(event, ev.Dispatched):
            flying.add(event.task)
        elif isinstance(event, ev.Landed):
            flying.remove(event.task)
        shown.append(len(flying))
        if states:
            counted.append(standing(states[0]).in_flight)

    states: list[RunState] = []

    @asynccontextmanager
    async def listening(state: RunState, _: object) -> AsyncIterator[None]:
        states.append(state)
        yield

    night.watch, night.control = watch, listening
    night.run(concurrency=4, hop=slower)
    assert max(shown) == max(counted) == night.peak == 4
    assert not flying


@pytest.mark.parametrize("first", [1, 5, 9, 17])
def test_a_bug_while_others_are_prepared_ends_the_run(tmp_path: Path, first: int) -> None:
    """Whoever is being claimed then must not wait for a place that never comes free."""

    async def slower(blocking: Callable[[], None]) -> None:
        await anyio.sleep(2.5)
        blocking()

    def watch(event: ev.Event) -> None:
        if isinstance(event, ev.Finished) and len(night.told(ev.Finished)) >= first:
            raise RuntimeError("a display that fails")

    night = Night(tmp_path, 60)
    night.watch = watch
    with pytest.raises(RuntimeError, match="a display that fails"):
        night.run(concurrency=4, hop=slower)
    assert len(night.calls) < 60


def test_a_run_that_is_cut_off_leaves_no_claim_of_what_was_only_prepared(tmp_path: Path) -> None:
    night = Night(tmp_path, 60)

    def watch(event: ev.Event) -> None:
        if isinstance(event, ev.Dispatched) and len(night.calls) == 20:
            for _ in range(2):
                os.kill(os.getpid(), signal.SIGTERM)

    night.watch = watch
    summary = night.run(concurrency=4, options=Options(handle_signals=True))
    assert summary.exit_code is ExitCode.SIGTERM
    assert len(night.calls) < 60
    assert unsent(night) == 0
