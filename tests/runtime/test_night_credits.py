"""Whole runs on virtual time: who gets the money where some of what is sent fails in passing."""

import tempfile
from collections import Counter
from dataclasses import dataclass, field, replace
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.night import CLIP, SILENCE, Answer, Api, Call, Night

from pipeline import events as ev
from pipeline.api.outcome import Balance
from pipeline.errors import ExitCode
from pipeline.models import CreditPolicy, Gate, InDoubt

BROKEN = Answer(500)
SLOW_DOWN = Answer(429, retry_after=20)
NO_CREDITS = Answer(406, text='{"error": "insufficient credits"}')


@dataclass
class Account(Night):
    """An API that sells clips at 1.00 each, and tells the balance when it is asked."""

    money: Decimal = Decimal(0)
    faults: dict[str, list[Answer]] = field(default_factory=dict)  # of each task, in order
    sold: int = 0
    refused: int = 0

    def __post_init__(self) -> None:
        self.api: Api = self._sell

    def _sell(self, call: Call) -> Answer:
        faults = self.faults.get(call.task, [])
        if call.nth <= len(faults):
            answer = faults[call.nth - 1]
            self.money -= answer is SILENCE
        elif self.money < 1:
            answer = NO_CREDITS
            self.refused += 1
        else:
            self.money -= 1
            self.sold += 1
            answer = CLIP
        self.balance = Balance(self.money, simulated=True)
        return replace(answer, remaining=self.money)

    def earn(self, money: int) -> "Account":
        self.money = Decimal(money)
        self.balance = Balance(self.money, simulated=True)
        return self

    def done(self) -> list[str]:
        return sorted(task for task, one in self.records.items() if one.status == "succeeded")


def policy(gate: Gate = Gate.AUTO, budget: int | None = None) -> CreditPolicy:
    return CreditPolicy(
        cost=Decimal(1), gate=gate, budget=None if budget is None else Decimal(budget)
    )


@pytest.mark.parametrize("fault", [BROKEN, SLOW_DOWN, Answer(408)], ids=lambda a: str(a.status))
@pytest.mark.parametrize("by", ["balance", "budget"])
@pytest.mark.parametrize("width", [1, 3])
def test_a_passing_failure_does_not_cost_the_most_important_clip_the_last_credit(
    tmp_path: Path, fault: Answer, by: str, width: int
) -> None:
    faults = {"t000": [fault, fault]}
    night = Account(tmp_path, 4, faults=faults).earn(2 if by == "balance" else 100)
    summary = night.run(concurrency=width, credits=policy(budget=2 if by == "budget" else None))
    assert summary.exit_code is ExitCode.CREDITS
    assert night.done() == ["t000", "t001"]
    assert summary.money.reserved == 0


def test_money_of_a_task_that_fails_for_good_goes_to_the_next(tmp_path: Path) -> None:
    night = Account(tmp_path, 4, faults={"t000": [BROKEN] * 3}).earn(2)
    summary = night.run(retry={"attempts": 3}, credits=policy())
    assert summary.exit_code is ExitCode.CREDITS
    assert night.done() == ["t001", "t002"]
    assert night.records["t000"].status == "failed"


def test_poison_that_holds_the_last_money_is_given_up_and_stops_nobody(tmp_path: Path) -> None:
    """Nobody else can go, so nobody else can show whether it is at fault."""
    night = Account(tmp_path, 3, faults={"t000": [BROKEN] * 99}).earn(1)
    summary = night.run(concurrency=3, retry={"attempts": 4}, credits=policy())
    assert summary.exit_code is ExitCode.CREDITS
    assert night.done() == ["t001"]
    assert night.seen["t000"] == 4


def test_in_an_outage_those_that_hold_the_last_money_are_the_probes(tmp_path: Path) -> None:
    night = Account(tmp_path, 8).earn(3)
    sell = night.api
    night.api = lambda call: BROKEN if call.at < 300 else sell(call)
    summary = night.run(concurrency=3, credits=policy())
    assert summary.exit_code is ExitCode.CREDITS
    assert night.done() == ["t000", "t001", "t002"]
    assert night.sold == 3


def test_what_is_sent_again_in_doubt_has_its_money_before_others(tmp_path: Path) -> None:
    night = Account(tmp_path, 4, faults={"t000": [SILENCE]}).earn(3)
    retry = {"in_doubt": InDoubt.RESEND, "wait": 5.0}
    summary = night.run(retry=retry, credits=policy())
    assert summary.exit_code is ExitCode.CREDITS
    assert night.done() == ["t000", "t001"]


def test_a_retry_whose_money_somebody_else_has_spent_stands_back_and_the_run_ends(
    tmp_path: Path,
) -> None:
    night = Account(tmp_path, 3, faults={"t000": [BROKEN]}).earn(1)

    def spend(event: ev.Event) -> None:
        if isinstance(event, ev.Retrying):
            night.earn(0)

    night.watch = spend
    summary = night.run(credits=policy())
    assert summary.exit_code is ExitCode.CREDITS
    assert night.done() == []
    assert len(night.calls) == 1
    assert summary.money.reserved == 0


troubles = st.lists(st.sampled_from([BROKEN, SLOW_DOWN, Answer(408), SILENCE, CLIP]), max_size=6)


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    st.integers(1, 9),
    st.integers(0, 9),
    st.none() | st.integers(0, 9),
    st.integers(1, 5),
    st.integers(1, 4),
    st.dictionaries(st.integers(0, 8).map("t{:03}".format), troubles),
    st.sampled_from([Gate.AUTO, Gate.HEADER]),
    st.sampled_from(list(InDoubt)),
)
def test_a_run_ends_whatever_fails_and_never_asks_for_more_than_there_is(  # noqa: PLR0913, PLR0917
    tasks: int,
    money: int,
    budget: int | None,
    width: int,
    attempts: int,
    faults: dict[str, list[Answer]],
    gate: Gate,
    in_doubt: InDoubt,
) -> None:
    cut = {task: [one for one in these if one is not CLIP] for task, these in faults.items()}
    with tempfile.TemporaryDirectory() as folder:
        night = Account(Path(folder), tasks, faults=cut).earn(money)
        summary = night.run(
            concurrency=width,
            retry={"attempts": attempts, "in_doubt": in_doubt},
            credits=policy(gate, budget),
        )
        assert summary.money.reserved == 0
        assert budget is None or summary.money.spent + summary.money.at_risk <= budget
        statuses = Counter(str(one.status) for one in night.records.values())
        assert statuses["succeeded"] + statuses["failed"] + statuses["in_doubt"] <= tasks
        if gate is Gate.AUTO and not any(SILENCE in these for these in cut.values()):
            assert night.refused == 0
