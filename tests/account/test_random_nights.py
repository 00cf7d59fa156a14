"""Two and three whole runs, with their gates, on one ledger in random worlds on virtual time."""

import tempfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from support.databases import ledger_sums
from support.night import Answer, Call, Night
from support.till import Till

from pipeline.errors import ExitCode
from pipeline.models import AccountPolicy, CreditPolicy

PRICES = [Decimal("0.95"), Decimal("0.4"), Decimal(3)]
REPORTS: list[dict[str, Any]] = [{}, {"told": False}, {"call": False}, {"cost": True}]
TROUBLES = {
    "500": Answer(500, seconds=2.0),
    "429": Answer(429, seconds=0.5, retry_after=3.0),
    "422": Answer(422, seconds=1.0, text="{}"),
}


def troubled(night: Night, troubles: list[str]) -> None:
    """Let the first requests of a run fail; nothing of them is charged."""
    works, left = night.api, list(troubles)

    def answer(call: Call) -> Answer:
        return TROUBLES[left.pop(0)] if left else works(call)

    night.api = answer


@pytest.mark.variant
@settings(max_examples=12, derandomize=True, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_runs_on_one_account_take_what_there_is_and_tell_what_they_took(
    data: st.DataObject,
) -> None:
    draw = data.draw
    price, reports = draw(st.sampled_from(PRICES)), draw(st.sampled_from(REPORTS))
    written = draw(st.booleans())
    tasks = draw(st.lists(st.integers(1, 9), min_size=2, max_size=3))
    money = price * draw(st.integers(0, sum(tasks) + 2)) + Decimal("0.1")
    bound = draw(st.none() | st.integers(1, 6))
    # With headers alone and no price, a cap is not held against anything that is sure.
    capped_too = written or "call" not in reports
    cap = draw(st.none() | st.integers(0, sum(tasks))) if capped_too else None
    account = AccountPolicy(concurrency=bound, day=None if cap is None else price * cap)
    with tempfile.TemporaryDirectory() as folder:
        till = Till(Path(folder), balance=money, price=price, **reports)
        nights = [till.night(name, count) for name, count in zip("abc", tasks, strict=False)]
        for night in nights:
            troubled(night, draw(st.lists(st.sampled_from(sorted(TROUBLES)), max_size=2)))
        own = {
            night: {"concurrency": draw(st.integers(1, 5)), "account": account} for night in nights
        }
        after = {number: draw(st.sampled_from([0.0, 0.5, 12.0])) for number in range(len(nights))}
        policy = CreditPolicy(cost=price if written else None)
        summaries = till.play(own, after=after, credits=policy)

        failed = sum(each.counts.failed for each in summaries)
        affordable = int(money // price)
        wanted = sum(tasks) - failed
        # A cap without a price to hold it against is learned by at most the first requests.
        capped = sum(tasks) if cap is None else cap
        taken = till.taken / price
        assert taken <= min(affordable, capped, wanted)
        if written:
            assert taken == min(affordable, capped, wanted), [each.detail for each in summaries]
            assert not till.refused or "call" in reports
        told = sum((each.money.spent for each in summaries), Decimal(0))
        # Headers alone do not show what the very first request has cost.
        learnable = written or "call" not in reports
        assert not learnable or told == till.taken
        assert not any(each.money.at_risk for each in summaries)
        assert bound is None or till.peak <= bound
        assert ledger_sums(till.folder) == (told, 0, 0)
        assert all(each.exit_code is not ExitCode.BUG for each in summaries)
