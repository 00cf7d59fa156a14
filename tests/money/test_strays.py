"""Requests that nobody waits for are charged in the midst of others, and show no price."""

from decimal import Decimal
from pathlib import Path

import pytest
from support.helpers import Workspace, until
from support.ledger_in_memory import MemoryLedger
from support.several import settled_books

from pipeline.models import CostSource, CreditPolicy
from pipeline.money.gate import CreditGate
from pipeline.money.prices import Booked
from sandbox.testing import Sandbox

PRICE, DEARER = Decimal("0.95"), Decimal("1.90")


def a_gate(balance: Decimal, *, asks: bool = True) -> CreditGate:
    """A gate that knows the balance by the balance call, or by the header of an answer."""
    gate = CreditGate(CreditPolicy(), MemoryLedger())
    if asks:
        gate.answer(gate.ask(), balance)
    else:
        gate.reserve("other").release(balance)
    return gate


@pytest.mark.parametrize("over", [False, True], ids=["at work", "just over"])
def test_what_a_stray_costs_is_not_in_the_price_of_the_request_that_went_meanwhile(
    over: bool,
) -> None:
    gate, left = a_gate(Decimal(100), asks=False), Decimal(100) - PRICE - DEARER
    gate.strays(at_work=True)
    if over:
        gate.strays(at_work=False)  # it was charged after the last reading
    booked = gate.reserve("a").charge(left, PRICE)
    assert booked == Booked(PRICE, CostSource.REPORTED)
    assert gate.prices.estimate("a") == PRICE


@pytest.mark.parametrize("over", [False, True], ids=["at work", "just over"])
def test_nor_is_it_where_it_is_charged_between_two_calls_for_the_balance(over: bool) -> None:
    gate = a_gate(Decimal(100))
    gate.strays(at_work=True)
    if over:
        gate.strays(at_work=False)
    gate.reserve("a").charge()
    gate.answer(gate.ask(), Decimal(100) - PRICE - DEARER)
    assert gate.prices.estimate("a") is None


@pytest.mark.parametrize("asks", [False, True])
def test_what_is_read_after_its_end_shows_prices_again(asks: bool) -> None:
    gate = a_gate(Decimal(100))
    gate.strays(at_work=True)
    gate.strays(at_work=False)
    if asks:
        gate.answer(gate.ask(), Decimal(90))
        gate.reserve("a").charge()
        gate.answer(gate.ask(), Decimal(90) - PRICE)
    else:
        gate.reserve("other").release(Decimal(90))
        gate.reserve("a").charge(Decimal(90) - PRICE)
    assert gate.prices.estimate("a") == PRICE


@pytest.mark.variant
@pytest.mark.parametrize("wire", ["segmind", "segmind-v2"])
@pytest.mark.parametrize("flags", [(), ("--no-wait",)], ids=["waits", "waits not"])
def test_a_late_charge_of_a_killed_run_is_not_booked_for_the_next_request(
    tmp_path: Path, wire: str, flags: tuple[str, ...]
) -> None:
    """The dear one is charged while the run that came after is learning what the other costs."""
    job = Workspace(tmp_path)
    prompts = [
        {"id": "p0", "prompt": "dear", "params": {"loop": True}},
        {"id": "p1", "prompt": "cheap", "params": {"loop": False}},
    ]
    job.write(provider=wire, prompts=prompts, concurrency=2, timeout=15, poll=0.1)
    with Sandbox(
        clips="tiny", latency=2.0, charge="completion", cost_header=True,
        history="json", history_lag=4,
        price_of=f"loop=true:{DEARER}", credits=100,
    ) as api:  # fmt: skip
        process = job.start("--no-report", "--limit", "1", url=api.url)
        until(lambda: api.books()["requests"])
        process.kill()
        process.communicate()
        run = job.run("--no-report", *flags, url=api.url)
        assert run.code == 0, run.err
        seen = settled_books(api)
        assert seen.taken == PRICE + DEARER
        assert job.spent() == seen.taken, run.err
        assert not seen.twice
