"""Several runs on one account, on virtual time: whole runs, one ledger file."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from support.night import Answer
from support.till import Till

from pipeline import events as ev
from pipeline.api.outcome import Balance
from pipeline.errors import ExitCode
from pipeline.models import AccountPolicy, CreditPolicy, Rate
from pipeline.runtime.options import Options

PRICE = Decimal("0.95")
WRITTEN, LEARNED = CreditPolicy(cost=PRICE), CreditPolicy()
REPORTS = {
    "call and header": {},
    "call": {"told": False},
    "header": {"call": False},
    "cost": {"cost": True, "told": False},
    "nothing but the cost": {"cost": True, "told": False, "call": False},
}


@pytest.mark.few(3)
@pytest.mark.parametrize("reports", REPORTS)
@pytest.mark.parametrize("policy", [WRITTEN, LEARNED])
def test_three_runs_render_exactly_what_the_account_can_pay(
    tmp_path: Path, policy: CreditPolicy, reports: str
) -> None:
    options: dict[str, Any] = REPORTS[reports]
    till = Till(tmp_path, balance=Decimal("38.4"), **options)
    nights = [till.night(name, 20) for name in "abc"]
    summaries = till.play(nights, concurrency=6, credits=policy)
    assert {each.exit_code for each in summaries} == {ExitCode.CREDITS}
    assert till.taken == 40 * PRICE
    assert sum((each.money.spent for each in summaries), Decimal(0)) == till.taken
    assert not any(each.money.at_risk for each in summaries)
    if reports != "nothing but the cost":
        assert till.refused == 0
    joined = max(starts[0] for starts in till.starts.values())
    shares = [sum(at >= joined for at in starts) for starts in till.starts.values()]
    assert min(shares) / max(shares) >= 0.8


@pytest.mark.variant
def test_no_more_is_in_flight_than_the_account_allows_and_starts_are_shared(
    tmp_path: Path,
) -> None:
    till = Till(tmp_path, balance=Decimal(1000))
    nights = [till.night(name, 60) for name in "abc"]
    account = AccountPolicy(concurrency=7)
    summaries = till.play(nights, concurrency=6, credits=WRITTEN, account=account)
    assert {each.exit_code for each in summaries} == {ExitCode.OK}
    assert till.peak == 7
    shares = till.shares()
    assert min(shares.values()) / max(shares.values()) >= 0.8


@pytest.mark.variant
def test_the_least_rate_of_all_runs_holds_for_all(tmp_path: Path) -> None:
    till = Till(tmp_path, balance=Decimal(1000))
    nights = [till.night(name, 15) for name in "abc"]
    slow = {"account": AccountPolicy(rate=Rate(1, 2.0))}
    till.play({nights[0]: slow, nights[1]: {}, nights[2]: {}}, concurrency=6, credits=WRITTEN)
    # Those of before the slow one came, and of after it had left, are not bound by it.
    begin, end = till.starts["a"][0], till.starts["a"][-1]
    gaps = [gap for gap, at in zip(till.gaps(), till.times()[1:], strict=True) if begin < at <= end]
    assert min(gaps) >= 2.0 * 0.95
    shares = till.shares()
    assert min(shares.values()) / max(shares.values()) >= 0.8


def test_a_day_s_cap_is_never_passed_and_the_next_day_goes_on(tmp_path: Path) -> None:
    till = Till(tmp_path, balance=Decimal(1000))
    nights = [till.night(name, 4) for name in "abc"]
    account, noon = AccountPolicy(day=Decimal(5)), datetime(2026, 11, 26, 12, tzinfo=UTC)
    for day in range(3):
        at = (noon + timedelta(days=day)).timestamp()
        summaries = till.play(nights, at=at, concurrency=3, credits=WRITTEN, account=account)
        taken = sum((price for when, price in till.charges if when >= at), Decimal(0))
        assert taken == (5 * PRICE if day < 2 else 2 * PRICE)
        capped = [each for each in summaries if each.exit_code is ExitCode.CREDITS]
        assert all("the day's cap of $5.00" in each.detail for each in capped)
        assert bool(capped) == (day < 2)


@pytest.mark.variant
def test_a_run_that_has_to_learn_the_price_is_not_starved_by_one_that_knows_it(
    tmp_path: Path,
) -> None:
    till = Till(tmp_path, balance=Decimal(1000), call=True, told=True)
    rich, poor = till.night("rich", 200), till.night("poor", 5)
    till.play(
        {rich: {"credits": WRITTEN, "concurrency": 10}, poor: {"credits": LEARNED}},
        after={1: 55.0},
    )
    assert till.starts["poor"][0] < 55 + 3 * till.seconds
    assert till.taken == 205 * PRICE


@pytest.mark.variant
def test_a_429_that_one_run_meets_makes_all_wait(tmp_path: Path) -> None:
    till = Till(tmp_path, balance=Decimal(1000))
    a, b = till.night("a", 10), till.night("b", 10)
    at_work = a.api

    def busy(call: Any) -> Answer:
        if 20 <= call.at < 25:
            return Answer(429, retry_after=120.0, seconds=0.1)
        return at_work(call)

    a.api = busy
    till.play([a, b], concurrency=1, credits=WRITTEN)
    quiet = [at for at in till.starts["b"] if 31 <= at < 140]
    assert not quiet


def test_a_job_whose_own_budget_is_spent_does_not_wait_for_other_runs(tmp_path: Path) -> None:
    till = Till(tmp_path, balance=Decimal(1000))
    small, long = till.night("a", 4), till.night("b", 40)
    budget = CreditPolicy(cost=PRICE, budget=2 * PRICE)
    ended, _ = till.play({small: {"credits": budget}, long: {"credits": WRITTEN}}, concurrency=2)
    assert ended.exit_code is ExitCode.CREDITS
    assert ended.counts.succeeded == 2
    assert small.seconds < 2 * till.seconds < long.seconds


@pytest.mark.variant
def test_two_runs_that_wait_for_a_top_up_both_find_it(tmp_path: Path) -> None:
    till = Till(tmp_path, balance=2 * PRICE)
    nights = [till.night(name, 4) for name in "ab"]

    def balance() -> Balance:
        if nights[0].clock() > 600 and till.taken == 2 * PRICE:
            till.balance = Decimal(100)
        return Balance(till.balance, simulated=True)

    for night in nights:
        night.balance = balance
    options = Options(wait_for_credits=3600.0)
    summaries = till.play(nights, concurrency=2, credits=WRITTEN, options=options)
    assert {each.exit_code for each in summaries} == {ExitCode.OK}


@pytest.mark.variant
def test_a_rate_that_comes_with_another_run_holds_from_the_next_request_on(tmp_path: Path) -> None:
    till = Till(tmp_path, balance=Decimal(1000))
    fast, slow = till.night("a", 30), till.night("b", 5)
    kept = {"account": AccountPolicy(rate=Rate(1, 2.0)), "concurrency": 1}
    till.play({fast: {}, slow: kept}, concurrency=6, credits=WRITTEN, after={1: 5.0})
    begin, end = till.starts["b"][0], till.starts["b"][-1]
    gaps = [gap for gap, at in zip(till.gaps(), till.times()[1:], strict=True) if begin < at <= end]
    assert min(gaps) >= 2.0 * 0.95


@pytest.mark.variant
def test_a_wait_for_other_runs_is_said_once(tmp_path: Path) -> None:
    till = Till(tmp_path, balance=Decimal(1000), seconds=300.0)
    nights = [till.night("a", 1), till.night("b", 1)]
    till.play(nights, concurrency=1, credits=WRITTEN, account=AccountPolicy(concurrency=1))
    held, resumed = (nights[1].told(kind) for kind in (ev.Held, ev.Resumed))
    assert len(held) == len(resumed) == 1
