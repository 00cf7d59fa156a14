"""A ledger that is fed by hand."""

from dataclasses import dataclass
from decimal import Decimal

from pipeline.money.prices import Booked, understated

ZERO = Decimal(0)


@dataclass(slots=True)
class MemoryLedger:
    """A ledger that is fed by hand."""

    spent: Decimal = ZERO
    at_risk: Decimal = ZERO
    unpriced: int = 0
    less: Decimal = ZERO
    corrections: Decimal = ZERO

    def understated(self, _written: Decimal | None) -> Decimal:
        """Return what was counted."""
        return self.less

    def enter(self, booked: Booked, written: Decimal | None, times: int = 1) -> None:
        """Count what a request is booked with, or take it back."""
        self.unpriced += times * (booked.cost is None)
        self.spent += times * (booked.cost or ZERO)
        self.less += times * understated(booked, written)

    def doubt(self, at_risk: Decimal | None) -> None:
        """Count what may have been charged."""
        self.unpriced += at_risk is None
        self.at_risk += at_risk or ZERO
