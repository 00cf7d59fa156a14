"""The gate as callers knew it before reservations were tokens, for the lock-step test."""

from decimal import Decimal
from typing import Any

from pipeline.models import CreditPolicy
from pipeline.money.balance import Question
from pipeline.money.gate import CreditGate
from pipeline.money.prices import Booked
from pipeline.money.reservation import Reservation, Retained
from support.ledger_in_memory import MemoryLedger

ZERO = Decimal(0)


class Former(CreditGate):
    """The gate, with the methods it had before; what is charged is recorded at once."""

    ledger: MemoryLedger

    def __init__(
        self,
        policy: CreditPolicy,
        *,
        spent: Decimal = ZERO,
        at_risk: Decimal = ZERO,
        unpriced: int = 0,
        understated: Decimal = ZERO,
        **past: Any,
    ) -> None:
        super().__init__(policy, MemoryLedger(spent, at_risk, unpriced, understated), **past)

    def charge(
        self,
        held: Reservation,
        header: Decimal | None = None,
        x_cost: Decimal | None = None,
        *,
        learn: bool = True,
    ) -> Booked:
        """Charge and record."""
        booked = held.charge(header, x_cost, learn=learn)
        self.ledger.enter(booked, self.budget.written)
        held.recorded()
        return booked

    def rebook(self, held: Reservation, x_cost: Decimal | None, booked: Booked) -> Booked:
        """Book anew what was recorded."""
        self.ledger.enter(booked, self.budget.written, times=-1)
        self._settlement.handed_over -= held.amount or ZERO
        booked = self._settlement.rebook(held, x_cost)
        self.ledger.enter(booked, self.budget.written)
        self._settlement.recorded(held)
        return booked

    def doubt(
        self, held: Reservation, header: Decimal | None = None, x_cost: Decimal | None = None
    ) -> Decimal | None:
        """Doubt and record."""
        at_risk = held.doubt(header, x_cost)
        self.ledger.doubt(at_risk)
        held.recorded()
        return at_risk

    def release(self, held: Reservation, header: Decimal | None = None) -> None:
        """Release, once."""
        if not held.spent:
            held.release(header)

    def keep(self, held: Reservation, header: Decimal | None = None) -> Retained:
        """Retain, although it was released before."""
        self.release(held, header)
        return self.keep_on(held)

    def keep_on(self, held: Reservation) -> Retained:
        """Retain what was given back just now."""
        return self._reservations.retain(held.price_class, held.price, held.rank)

    def withdraw(self, held: Reservation) -> None:
        """Withdraw, and retain nothing."""
        retained = held.withdraw()
        if retained is not None:
            retained.forgo()

    def forgo(self, kept: Retained | None) -> None:
        """Forgo, where there is any."""
        if kept is not None:
            kept.forgo()

    def credible(self, held: Reservation, x_cost: Decimal | None) -> Decimal | None:
        """Say what can be right."""
        return held.credible(x_cost)

    def fell(self, held: Reservation, told: Decimal | None, header: Decimal | None) -> bool | None:
        """Say whether the balance fell."""
        return held.balance_fell(told, header)

    def correct(self, difference: Decimal) -> None:
        """Count a correction."""
        self.ledger.spent += difference
        self.ledger.corrections += difference

    def told(self, question: Question, value: Decimal | None) -> None:
        """Take the answer of the balance call."""
        self.answer(question, value)

    def keep_another(self, held: Reservation) -> Retained | None:
        """Retain the price of a resend."""
        return self.retain_another(held)

    @property
    def wants_a_figure(self) -> bool:
        """Whether a balance call would teach."""
        return self.wants_a_reading

    @property
    def unpriced(self) -> int:
        """What the ledger counts."""
        return int(self.ledger.unpriced)

    @property
    def understated(self) -> Decimal:
        """What the ledger counts."""
        return Decimal(self.ledger.less)
