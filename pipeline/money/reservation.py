"""Money that is set aside: a token for each request, which is spent once. Pure.

    reserved ──┬─ charge ───┬─ recorded
               ├─ doubt ────┘
               ├─ release
               ├─ retain ───── Retained ──┬─ reserved again
               └─ withdraw                └─ forgo

What was charged, or may have been, stays counted in `reserved` until its record is in the ledger.
"""

from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING

from pipeline.amounts import ZERO
from pipeline.money.balance import Moment, Reading
from pipeline.money.errors import ReservationSpent
from pipeline.money.prices import Booked

if TYPE_CHECKING:
    from pipeline.money.reservations import Reservations
    from pipeline.money.settlement import Settlement


class Stage(StrEnum):
    """What has become of a reservation."""

    IN_FLIGHT = "in flight"
    CHARGED = "charged"
    DOUBTFUL = "doubtful"
    RELEASED = "released"
    RETAINED = "retained"
    WITHDRAWN = "withdrawn"
    RECORDED = "recorded"


_POSTED = frozenset({Stage.CHARGED, Stage.DOUBTFUL})


@dataclass(slots=True, eq=False)
class Retained:
    """The price of a task that waits for its retry, so that no less important one takes it.

    `rank` is the place of its task in the order of importance; the first is 0.
    """

    price_class: str
    price: Decimal
    rank: int
    _reservations: "Reservations"

    def forgo(self) -> None:
        """Let the money go, as its task is not sent again; once it is gone this does nothing."""
        self._reservations.forgo(self)


@dataclass(slots=True, eq=False)
class Reservation:
    """The price of one request. It is ended once, by one of the five methods that say so.

    `alone` says that none was in flight with it, and `before` is the reading known when it was
    made: together they can teach a price. `replaces` was retained for its task before.
    """

    price_class: str
    price: Decimal
    rank: int
    sent: Moment
    before: Reading | None
    alone: bool
    replaces: Retained | None
    _settlement: "Settlement"
    stage: Stage = Stage.IN_FLIGHT
    # Once it is charged or doubtful: what its record adds to the ledger; None: nobody knows.
    amount: Decimal | None = field(default=ZERO, init=False)

    @property
    def spent(self) -> bool:
        """Whether it was ended."""
        return self.stage is not Stage.IN_FLIGHT

    @property
    def is_posted(self) -> bool:
        """Whether it is charged or doubtful, and not yet recorded."""
        return self.stage in _POSTED

    # -- its ends, one of which it has --------------------------------------------------------

    def charge(
        self, header: Decimal | None = None, cost: Decimal | None = None, *, learn: bool = True
    ) -> Booked:
        """End it with a request that was charged; returns what to record.

        `header` is the balance, and `cost` the cost, that the answer reports. What a failed answer
        has cost is not a price: then it does not `learn`.
        """
        self._end(Stage.CHARGED)
        return self._settlement.charge(self, header, cost, learn=learn)

    def doubt(self, header: Decimal | None = None, cost: Decimal | None = None) -> Decimal | None:
        """End it with a request that may have been charged; returns what is at risk, if known."""
        self._end(Stage.DOUBTFUL)
        return self._settlement.doubt(self, header, cost)

    def release(self, header: Decimal | None = None) -> None:
        """End it with a request that was answered and not charged."""
        self._end(Stage.RELEASED)
        self._settlement.release(self, header)

    def retain(self, header: Decimal | None = None) -> Retained:
        """End it with a request that was not charged and is sent again: its price stays aside."""
        self._end(Stage.RETAINED)
        return self._settlement.retain(self, header)

    def withdraw(self) -> Retained | None:
        """End it without a request; returns what was retained for its task before, anew."""
        self._end(Stage.WITHDRAWN)
        return self._settlement.withdraw(self)

    def _end(self, stage: Stage) -> None:
        if self.spent:
            raise ReservationSpent(
                f"a reservation of {self.price:f} that is {self.stage} cannot become {stage}"
            )
        self.stage = stage

    # -- after a charge or a doubt ------------------------------------------------------------

    def rebook(self, cost: Decimal | None) -> Booked:
        """Book a charge anew, as a reading has said more of the price; returns what to record."""
        if self.stage is not Stage.CHARGED:
            raise ReservationSpent(f"a reservation that is {self.stage} cannot be booked anew")
        return self._settlement.rebook(self, cost)

    def recorded(self) -> None:
        """Note that its record is in the ledger, in the same step: it is counted there now.

        Where nothing was charged there is nothing to count.
        """
        if self.stage in {Stage.IN_FLIGHT, Stage.RECORDED}:
            raise ReservationSpent(f"a reservation that is {self.stage} cannot be recorded")
        if self.is_posted:
            self._settlement.recorded(self)
            self.stage = Stage.RECORDED

    # -- what its request shows ---------------------------------------------------------------

    def credible(self, cost: Decimal | None) -> Decimal | None:
        """Return the cost that the answer reports, where it can be right."""
        return self._settlement.credible(self, cost)

    def balance_fell(self, answer: Decimal | None, header: Decimal | None) -> bool | None:
        """Say whether the balance fell by its request; None where nothing shows it.

        `answer` is what the balance call says afterwards. A header may be older than the charge, so
        that it shows a fall, and never that there was none.
        """
        return self._settlement.balance_fell(self, answer, header)
