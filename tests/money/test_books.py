"""The equations of the books: whatever breaks one raises, and every surprise has a name."""

from collections.abc import Callable
from decimal import Decimal

import pytest
from support.ledger_in_memory import MemoryLedger

from pipeline.models import CostSource, CreditPolicy
from pipeline.money.errors import BooksError
from pipeline.money.gate import CreditGate
from pipeline.money.prices import Booked
from pipeline.money.reservation import Reservation

PRICE = Decimal("0.95")


def a_gate(budget: str = "1.90", cost: Decimal | None = PRICE, spent: str = "0") -> CreditGate:
    policy = CreditPolicy(cost=cost, budget=Decimal(budget))
    gate = CreditGate(policy, MemoryLedger(spent=Decimal(spent)))
    gate.answer(gate.ask(), Decimal(100))
    gate.check()
    return gate


def enter(gate: CreditGate, booked: Booked) -> None:
    assert isinstance(gate.ledger, MemoryLedger)
    gate.ledger.enter(booked, PRICE)


# -- what is broken on purpose ----------------------------------------------------------------


def record_without_reservation(gate: CreditGate, token: Reservation) -> None:
    enter(gate, Booked(PRICE, CostSource.WRITTEN))


def record_twice(gate: CreditGate, token: Reservation) -> None:
    booked = token.charge()
    enter(gate, booked)
    token.recorded()
    enter(gate, booked)


def record_another_amount(gate: CreditGate, token: Reservation) -> None:
    token.charge()
    enter(gate, Booked(Decimal("0.94"), CostSource.WRITTEN))
    token.recorded()


def forget_to_tell_the_token(gate: CreditGate, token: Reservation) -> None:
    enter(gate, token.charge())


def forget_to_record(gate: CreditGate, token: Reservation) -> None:
    token.charge()
    token.recorded()


def dispatch_without_asking(gate: CreditGate, token: Reservation) -> None:
    gate.reserve("a")
    gate.reserve("a")


def lose_a_reservation(gate: CreditGate, token: Reservation) -> None:
    gate._reservations.flying.remove(token)


def lose_its_price(gate: CreditGate, token: Reservation) -> None:
    gate._reservations.in_flight -= PRICE


def change_its_price(gate: CreditGate, token: Reservation) -> None:
    token.price -= PRICE / 2


def take_more_than_there_is(gate: CreditGate, token: Reservation) -> None:
    gate._reservations.waiting -= PRICE


@pytest.mark.parametrize(
    "fault",
    [
        record_without_reservation, record_twice, record_another_amount, forget_to_tell_the_token,
        forget_to_record, dispatch_without_asking, lose_a_reservation, lose_its_price,
        change_its_price, take_more_than_there_is,
    ],
)  # fmt: skip
def test_a_fault_in_the_books_is_found_by_the_next_check(
    fault: Callable[[CreditGate, Reservation], None],
) -> None:
    gate = a_gate()
    token = gate.reserve("a")
    gate.check()
    fault(gate, token)
    with pytest.raises(BooksError):
        gate.check()


def test_a_fault_among_many_reservations_is_found_within_as_many_checks() -> None:
    gate = a_gate(budget="1000")
    tokens = [gate.reserve("a") for _ in range(50)]
    tokens[7].price += PRICE

    def check_often() -> None:
        for _ in range(51):
            gate.check()

    with pytest.raises(BooksError):
        check_often()


# -- what is above the budget, and has a name ---------------------------------------------------


def test_an_answer_that_costs_more_than_was_reserved_breaks_no_equation() -> None:
    gate = a_gate(budget="1")
    token = gate.reserve("a")
    gate.check()
    booked = token.charge(cost=Decimal(4))
    gate.check()
    enter(gate, booked)
    token.recorded()
    gate.check()
    assert gate.spent == Decimal(4)
    # But what goes out above the budget does, although it is above already.
    gate.reserve("a")
    with pytest.raises(BooksError):
        gate.check()


def test_a_price_that_rises_in_flight_breaks_no_equation() -> None:
    gate = a_gate(budget="2")
    first, second = gate.reserve("a"), gate.reserve("a")
    gate.check()
    booked = first.charge(cost=Decimal("1.50"))
    assert second.price == Decimal("1.50")
    gate.check()
    enter(gate, booked)
    first.recorded()
    gate.check()
    second.release()
    gate.check()


def test_a_budget_that_was_lowered_below_what_is_spent_breaks_no_equation() -> None:
    gate = a_gate(budget="1", spent="7")
    gate.check()
    gate.reserve("a")  # but nothing may go out
    with pytest.raises(BooksError):
        gate.check()


def test_a_correction_needs_no_word_to_the_gate() -> None:
    gate = a_gate(budget="1")
    token = gate.reserve("a")
    enter(gate, token.charge())
    token.recorded()
    gate.check()
    for difference in (Decimal("0.30"), Decimal("-0.50")):
        gate.ledger.spent += difference
        gate.ledger.corrections += difference
        gate.check()
    assert gate.spent == gate.spent_here == Decimal("0.75")


def test_a_surprise_allows_its_own_amount_and_no_more() -> None:
    gate = a_gate(budget="1")
    token = gate.reserve("a")
    gate.check()
    token.charge(cost=Decimal("1.20"))
    gate.reserve("a")
    with pytest.raises(BooksError, match="the budget is 1"):
        gate.check()


def test_a_charge_of_an_unknown_price_is_counted_until_it_is_recorded() -> None:
    gate = a_gate(cost=None)
    for _ in range(2):
        token = gate.reserve("a")
        assert token.charge().cost is None
        gate.check()
    assert not gate.budget_allows(["a"])
