"""A reservation is a token that is spent once, in one of five ways."""

from collections.abc import Callable
from decimal import Decimal
from itertools import product

import pytest
from support.ledger_in_memory import MemoryLedger

from pipeline.models import CreditPolicy
from pipeline.money.errors import ReservationSpent
from pipeline.money.gate import CreditGate, Verdict
from pipeline.money.prices import Booked
from pipeline.money.reservation import Reservation

PRICE = Decimal("0.95")
ENDS: dict[str, Callable[[Reservation], object]] = {
    "charged": lambda token: token.charge(),
    "released": lambda token: token.release(),
    "retained": lambda token: token.retain(),
    "doubtful": lambda token: token.doubt(),
    "withdrawn": lambda token: token.withdraw(),
}


def a_gate(budget: Decimal | None = None) -> CreditGate:
    gate = CreditGate(CreditPolicy(cost=PRICE, budget=budget), MemoryLedger())
    gate.answer(gate.ask(), Decimal(100))
    return gate


@pytest.mark.parametrize(("first", "second"), list(product(ENDS, ENDS)))
def test_a_second_end_raises_and_changes_nothing(first: str, second: str) -> None:
    gate = a_gate()
    token = gate.reserve("a")
    assert not token.spent
    ENDS[first](token)
    assert token.spent
    before = gate.reserved, gate.in_flight, gate.balance.least
    with pytest.raises(ReservationSpent, match=f"is {first} cannot become {second}"):
        ENDS[second](token)
    assert (gate.reserved, gate.in_flight, gate.balance.least) == before


@pytest.mark.parametrize("end", ["charged", "doubtful"])
def test_what_is_charged_or_doubtful_stays_reserved_until_it_is_recorded(end: str) -> None:
    gate = a_gate(budget=2 * PRICE)
    token = gate.reserve("a")
    ENDS[end](token)
    assert (gate.reserved, gate.spent, gate.in_flight) == (PRICE, 0, 0)
    assert gate.consider("a") is Verdict.GO
    gate.reserve("a")
    assert gate.consider("a") is Verdict.WAIT
    gate.ledger.spent += PRICE
    token.recorded()
    assert (gate.reserved, gate.spent) == (PRICE, PRICE)
    gate.check()


@pytest.mark.parametrize("end", ["released", "retained", "withdrawn"])
def test_a_record_of_what_was_not_charged_counts_nothing(end: str) -> None:
    gate = a_gate()
    token = gate.reserve("a")
    ENDS[end](token)
    before = gate.reserved
    token.recorded()
    assert gate.reserved == before
    gate.check()


@pytest.mark.parametrize("end", ["", "recorded"])
def test_what_has_not_ended_or_is_recorded_already_cannot_be_recorded(end: str) -> None:
    token = a_gate().reserve("a")
    if end:
        token.charge()
        token.recorded()
    with pytest.raises(ReservationSpent):
        token.recorded()


def test_a_charge_can_be_booked_anew_until_it_is_recorded() -> None:
    gate = a_gate()
    token = gate.reserve("a")
    with pytest.raises(ReservationSpent):
        token.rebook(PRICE)
    assert token.charge(cost=PRICE).cost == PRICE
    assert token.rebook(Decimal("1.20")).cost == Decimal("1.20")
    assert gate.reserved == Decimal("1.20")
    gate.ledger.enter(Booked(Decimal("1.20"), None), PRICE)
    token.recorded()
    gate.check()
    with pytest.raises(ReservationSpent):
        token.rebook(PRICE)


@pytest.mark.parametrize("end", ["released", "retained", "doubtful", "withdrawn"])
def test_only_a_charge_can_be_booked_anew(end: str) -> None:
    token = a_gate().reserve("a")
    ENDS[end](token)
    with pytest.raises(ReservationSpent):
        token.rebook(PRICE)


def test_what_is_retained_is_used_up_by_one_reservation() -> None:
    gate = a_gate()
    retained = gate.reserve("a", rank=1).retain()
    assert (gate.reserved, gate.in_flight) == (PRICE, 0)
    gate.reserve("a", 1, retained)
    assert (gate.reserved, gate.in_flight) == (PRICE, 1)
    with pytest.raises(ReservationSpent):
        gate.reserve("a", 1, retained)
    gate.check()


def test_what_is_retained_can_be_let_go_and_then_not_be_used() -> None:
    gate = a_gate()
    retained = gate.reserve("a").retain()
    retained.forgo()
    retained.forgo()
    assert gate.reserved == 0
    with pytest.raises(ReservationSpent):
        gate.reserve("a", 0, retained)


def test_withdrawing_retains_again_what_was_retained_before() -> None:
    gate = a_gate()
    assert gate.reserve("a").withdraw() is None
    retained = gate.reserve("a", rank=3).retain()
    again = gate.reserve("a", 3, retained).withdraw()
    assert again is not None
    assert (again.price, again.rank, gate.reserved) == (PRICE, 3, PRICE)
    gate.check()


def test_what_less_important_tasks_retain_is_not_in_the_way_of_a_retry() -> None:
    gate = a_gate()
    first, second = gate.reserve("a", rank=1), gate.reserve("a", rank=5)
    important, other = first.retain(Decimal(1)), second.retain(Decimal(1))
    gate.answer(gate.ask(), Decimal(1))
    assert gate.consider("a", important) is Verdict.GO
    assert gate.consider("a", other) is Verdict.WAIT
    assert gate.consider("a") is Verdict.WAIT


def test_a_charge_of_unknown_price_counts_as_another_once_the_price_is_known() -> None:
    for budget, covered in (("1.89", False), ("1.90", True)):
        policy = CreditPolicy(cost=PRICE, budget=Decimal(budget))
        gate = CreditGate(policy, MemoryLedger(unpriced=1))
        assert gate.budget_allows(["a"]) is covered
