"""The life of a task: which stages follow which, and that nothing else is possible."""

import asyncio
import contextlib
import errno
import itertools
import os
import signal
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio
import pytest
from support.claims import open_claims
from support.night import CLIP, Answer, Call, Night

from pipeline import events as ev
from pipeline.api.outcome import Balance
from pipeline.errors import ExitCode
from pipeline.models import CreditPolicy, Gate, Rate, Task, fingerprint
from pipeline.runtime import lifecycle
from pipeline.runtime.lifecycle import (
    TRANSITIONS,
    Attempt,
    IllegalTransitionError,
    Stage,
    transitions,
)
from pipeline.runtime.options import Options


def attempt(stage: Stage) -> Attempt:
    params = {"prompt": "a"}
    task = Task(id="a", model="m", params=params, fingerprint=fingerprint("m", params), output="a")
    return Attempt(task, "m", stage=stage)


@pytest.mark.parametrize("before", Stage)
@pytest.mark.parametrize("after", Stage)
def test_only_what_the_table_has_is_possible(before: Stage, after: Stage) -> None:
    one = attempt(before)
    if after in TRANSITIONS[before]:
        one.to(after)
        assert one.stage is after
        return
    with pytest.raises(IllegalTransitionError, match=f"a: {before} → {after}"):
        one.to(after)
    assert one.stage is before


def test_every_stage_is_reached_and_every_end_is_one() -> None:
    reached = {after for _, after in transitions()}
    assert reached == set(Stage)
    assert [stage for stage in Stage if not TRANSITIONS[stage]] == [Stage.LEFT]


def test_the_diagram_has_an_arrow_a_transition() -> None:
    arrows = [line for line in lifecycle.diagram().splitlines() if " --> " in line]
    inner = [line for line in arrows if "[*]" not in line]
    assert len(inner) == len(list(transitions()))
    assert "    sent --> answered" in inner


def stages_of(night: Night, **changes: Any) -> tuple[ev.Summary, list[tuple[Stage, Stage]]]:
    """Run a night, and note each transition."""
    seen: list[tuple[Stage, Stage]] = []

    def observe(before: Stage, after: Stage) -> None:
        seen.append((before, after))

    lifecycle.observers.append(observe)
    try:
        return night.run(**changes), seen
    finally:
        lifecycle.observers.remove(observe)


def path(*stages: Stage) -> list[tuple[Stage, Stage]]:
    return list(itertools.pairwise(stages))


GOING_OUT = (Stage.QUEUED, Stage.RESERVED, Stage.CLAIMED, Stage.SENT, Stage.ANSWERED)


def test_a_clip_goes_straight_through(tmp_path: Path) -> None:
    _, seen = stages_of(Night(tmp_path, 1))
    assert seen == path(*GOING_OUT, Stage.RECORDED)


def learning(folder: Path, asked: Callable[[], None] = lambda: None) -> Night:
    """A night that has to learn the price: each request lowers a balance that can be asked for."""

    def balance() -> Balance:
        asked()
        return Balance(Decimal(100) - len(night.calls), simulated=True)

    night = Night(folder, 2, balance=balance)
    return night


LEARN = CreditPolicy(gate=Gate.AUTO)


def test_a_clip_is_safe_while_the_balance_is_asked_what_it_has_cost(tmp_path: Path) -> None:
    summary, seen = stages_of(learning(tmp_path), credits=LEARN)
    assert summary.exit_code == ExitCode.OK
    assert {(Stage.ANSWERED, Stage.SAVED), (Stage.SAVED, Stage.RECORDED)} <= set(seen)


@contextlib.contextmanager
def failing_disk() -> Iterator[Callable[[], None]]:
    """Give what lets the disk fail: nothing can be written of a claim from then on."""
    write = os.write

    def fail(file: int, data: bytes) -> int:
        if b'"claim":' in bytes(data):
            raise OSError(errno.EIO, "Input/output error")
        return write(file, data)

    with pytest.MonkeyPatch.context() as patch:
        yield lambda: patch.setattr(os, "write", fail)


def test_a_clip_that_was_safe_already_is_taken_in_by_the_next_run(tmp_path: Path) -> None:
    with failing_disk() as fail:

        def asked() -> None:
            if any(claim and claim.completion for claim in open_claims(tmp_path / "out").values()):
                fail()

        night = learning(tmp_path, asked)
        summary, seen = stages_of(night, credits=LEARN)
    assert summary.exit_code == ExitCode.STORAGE
    assert seen[-1] == (Stage.SAVED, Stage.LEFT)
    assert learning(tmp_path).run(credits=LEARN).exit_code == ExitCode.OK
    assert night.statuses() == {"succeeded": 2}
    assert len(night.calls) == 1, "what the first run had paid for is not sent again"


def test_an_answer_that_cannot_be_saved_is_left_to_the_next_run(tmp_path: Path) -> None:
    with failing_disk() as fail:

        def answer(_: Call) -> Answer:
            fail()
            return CLIP

        night = Night(tmp_path, 1, answer)
        summary, seen = stages_of(night)
    assert summary.exit_code == ExitCode.STORAGE
    assert seen[-1] == (Stage.ANSWERED, Stage.LEFT)
    night.api = lambda _: CLIP
    assert night.run(options=Options(keep_places=False)).exit_code == ExitCode.SOME_FAILED
    assert len(night.calls) == 1, "it may have been paid for, and is not sent again"


def test_a_signal_while_the_rate_holds_a_task_leaves_nothing_of_it(tmp_path: Path) -> None:
    def answer(_: Call) -> Answer:
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGTERM)
        return Answer(200, seconds=1000.0, body=b"clip")

    night = Night(tmp_path, 3, answer)
    options = Options(handle_signals=True)
    summary, seen = stages_of(night, options=options, rate=Rate(1, 60.0), concurrency=3)
    assert summary.exit_code == ExitCode.SIGTERM
    assert (Stage.SENT, Stage.LEFT) in seen
    assert (Stage.RESERVED, Stage.QUEUED) in seen
    assert len(open_claims(tmp_path / "out")) == 1


# -- while a cost is being corrected ----------------------------------------------------------

PRICE, OF_OTHERS = Decimal("0.95"), Decimal("0.50")


async def slowly(blocking: Callable[[], None]) -> None:
    """Reach the disk as where a manifest is long: it takes seconds to read."""
    await anyio.sleep(5)
    blocking()


def correcting(folder: Path, failed: Callable[[], object] = lambda: None) -> Night:
    """A night whose first estimate turns out to be wrong while the request beside it fails."""
    left = Decimal(100)

    def answer(call: Call) -> Answer:
        nonlocal left
        if call.task == "t003" and call.nth == 1:
            failed()
            return Answer(500, seconds=2.0)
        left -= PRICE + (OF_OTHERS if call.task == "t000" else 0)
        return Answer(200, seconds=30.0 if call.nth > 1 else 1.0, body=b"clip", remaining=left)

    return Night(folder, 6, answer, balance=lambda: Balance(left, simulated=True))


CORRECTED: dict[str, Any] = {
    "credits": LEARN,
    "model": "of unknown price",
    "concurrency": 2,
    "hop": slowly,
}


def test_a_task_goes_out_again_only_when_its_last_answer_is_settled(tmp_path: Path) -> None:
    night = correcting(tmp_path)
    summary = night.run(**CORRECTED)
    assert (summary.exit_code, summary.detail) == (ExitCode.OK, ExitCode.OK.meaning)
    assert summary.money.spent == 6 * PRICE
    assert night.seen["t003"] == 2


def test_a_run_that_is_cut_off_while_it_corrects_a_cost_is_not_a_bug(tmp_path: Path) -> None:
    def interrupt() -> None:
        for _ in range(2):
            os.kill(os.getpid(), signal.SIGTERM)

    night = correcting(tmp_path, lambda: asyncio.get_running_loop().call_later(3.0, interrupt))
    summary = night.run(options=Options(handle_signals=True), **CORRECTED)
    assert summary.exit_code == ExitCode.SIGTERM
    assert night.seen["t003"] == 1
    assert night.statuses() == {"succeeded": 5}, "the others have gone out meanwhile"
