"""Prices: what they cost to weigh, where each task is a price class of its own."""

import cProfile
from decimal import Decimal
from typing import Any

import pytest
from support.ledger_in_memory import MemoryLedger

from pipeline.models import CreditPolicy
from pipeline.money.gate import CreditGate
from pipeline.money.prices import PriceBook

PRICE = Decimal("0.95")


def calls(tasks: int, **reported: Any) -> int:
    """Count the calls of functions that so many tasks take, each of a price class of its own."""
    gate, balance = CreditGate(CreditPolicy(), MemoryLedger()), Decimal(10_000)
    gate.answer(gate.ask(), balance)
    with cProfile.Profile() as profile:
        for number in range(tasks):
            name = f"a text of its own {number}"
            gate.consider(name)
            balance -= PRICE
            gate.reserve(name).charge(balance, **reported)
    return sum(entry.callcount for entry in profile.getstats())


@pytest.mark.parametrize("reported", [{"cost": PRICE}, {}])
def test_ten_times_as_many_price_classes_are_ten_times_the_work(reported: dict[str, Any]) -> None:
    few, many = (calls(tasks, **reported) for tasks in (30, 300))
    assert many < 15 * few


def test_what_an_unknown_class_costs_follows_what_the_others_cost() -> None:
    book = PriceBook(None, None)
    book.report("a", Decimal("0.30"))
    assert book.estimate("c") == Decimal("0.30")
    book.report("b", Decimal("0.40"))
    assert book.estimate("c") == Decimal("0.40")
    for _ in range(2):
        book.report("b", Decimal("0.20"))
    assert book.estimate("c") == Decimal("0.30")


def test_what_failed_answers_have_cost_teaches_no_price_by_the_balance_either() -> None:
    gate, balance = CreditGate(CreditPolicy(), MemoryLedger()), Decimal(100)
    for _ in range(2):
        gate.answer(gate.ask(), balance)
        balance -= Decimal("0.10")
        gate.reserve("a").charge(balance, Decimal("0.10"), learn=False)
    gate.answer(gate.ask(), balance)
    assert gate.prices.estimate("a") is None
    assert gate.reserved == Decimal("0.20")
