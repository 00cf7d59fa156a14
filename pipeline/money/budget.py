"""The budget of a job: what the ledger counts, and what is set aside beside it. Pure."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from pipeline.amounts import ZERO
from pipeline.money.prices import LESSONS


class Ledger(Protocol):
    """What the records of this job say of money, of this run and of those before.

    `unpriced` counts those that were or may have been charged, nobody knows how much; `corrections`
    sums what records carry that did not come through a reservation: differences to earlier ones.
    """

    @property
    def spent(self) -> Decimal:
        """What was charged."""

    @property
    def at_risk(self) -> Decimal:
        """What may have been charged."""

    @property
    def unpriced(self) -> int:
        """How many have cost what nobody knows."""

    @property
    def corrections(self) -> Decimal:
        """The part of `spent` and `at_risk` that corrects other records."""

    def understated(self, written: Decimal | None) -> Decimal:
        """Add up by how much answers have reported less than the written price."""


@dataclass(slots=True)
class Budget:
    """What a job may spend; without a `limit`, anything. `written` is the price of the job file.

    An answer may report less than the written price: the budget must hold where that is wrong, so
    it counts at least the written price for each clip.
    """

    limit: Decimal | None
    written: Decimal | None
    ledger: Ledger

    @property
    def used(self) -> Decimal:
        """What the ledger counts against it."""
        ledger = self.ledger
        return ledger.spent + ledger.at_risk + ledger.understated(self.written)

    def covers(self, price: Decimal | None, reserved: Decimal, tried: int, unpriced: int) -> bool:
        """Say whether it covers another `price` beside what is reserved.

        Each of the `unpriced` counts as another. A price that nobody knows has to be learned from
        the first requests; `tried` is how many there are. Something must be left for them.
        """
        if self.limit is None:
            return True
        used = self.used + reserved
        if price is None:
            return tried < LESSONS and self.limit > used
        return self.limit >= used + price * (1 + unpriced)

    def why_not(self, price: Decimal | None, unpriced: int) -> str:
        """Say in words why it does not cover another `price`."""
        if price is None and unpriced:
            return (
                f"the budget of {self.limit:f} cannot be enforced, as the price of a request is"
                " unknown: set credits.cost"
            )
        risk = f" and {self.ledger.at_risk:f} at risk" if self.ledger.at_risk else ""
        less = self.ledger.understated(self.written)
        said = f", and answers reported {less:f} less than the written price" if less else ""
        unknown = f", and {unpriced} more of unknown price" if unpriced else ""
        return (
            f"the budget of {self.limit:f} does not cover another {price or ZERO:f}:"
            f" {self.ledger.spent:f} is spent{risk}{said}{unknown}"
        )
