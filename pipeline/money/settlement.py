"""What the end of a request does to the books. Pure.

One end, in one order: the reservation, the balance, what it teaches, what is posted.
"""

from dataclasses import dataclass
from decimal import Decimal

from pipeline.amounts import ZERO, rounded
from pipeline.money.balance import Balance
from pipeline.money.learning import Learning
from pipeline.money.prices import Booked, PriceBook, understated
from pipeline.money.reservation import Reservation, Retained
from pipeline.money.reservations import Reservations


@dataclass(slots=True)
class Settlement:
    """Ends reservations, as their own methods ask it to.

    `doubted` is the last cost that an answer reported and that is not believed, with what is known
    instead. `handed_over` is what has left the reservations for the ledger.
    """

    prices: PriceBook
    balance: Balance
    reservations: Reservations
    learning: Learning
    reads_headers: bool
    doubted: tuple[Decimal, Decimal] | None = None
    handed_over: Decimal = ZERO

    def charge(
        self, token: Reservation, header: Decimal | None, cost: Decimal | None, *, learn: bool
    ) -> Booked:
        """Settle a request that was charged."""
        name = token.price_class
        self._close(token)
        believed = self.credible(token, cost)
        if believed and learn:  # nothing is not a price
            self.prices.report(name, believed)
        now = self.balance.now
        self.balance.charge(self._charged(token, believed, token.price), token.sent)
        if learn:
            self.learning.charged(token, header, believed, now)
        else:
            self.learning.disturbed(header, now)
        self._read(header, token)
        self.reprice(name)
        return self._book(token, believed)

    def doubt(
        self, token: Reservation, header: Decimal | None, cost: Decimal | None
    ) -> Decimal | None:
        """Settle a request that may have been charged."""
        self._close(token)
        self.learning.doubted(self.balance.now)
        believed, estimate = self.credible(token, cost), self.prices.estimate(token.price_class)
        # A price may have become known while it was on its way.
        at_risk = self._charged(token, believed, max(token.price, estimate or ZERO))
        self.balance.risk(at_risk)
        known = believed is not None or estimate is not None
        self.reservations.post(token, rounded(at_risk) if known else None)
        self._read(header, token)
        return at_risk if known else None

    def release(self, token: Reservation, header: Decimal | None) -> None:
        """Settle a request that was not charged."""
        self._close(token)
        self._read(header, token)

    def retain(self, token: Reservation, header: Decimal | None) -> Retained:
        """Settle a request that was not charged and is sent again."""
        self.release(token, header)
        return self.reservations.retain(token.price_class, token.price, token.rank)

    def withdraw(self, token: Reservation) -> Retained | None:
        """Take a reservation back whose request was never sent."""
        self.reservations.remove(token)
        if token.replaces is None:
            return None
        return self.reservations.retain(token.price_class, token.price, token.rank)

    def rebook(self, token: Reservation, cost: Decimal | None) -> Booked:
        """Book a charge by what is known now."""
        self.doubted = None  # by what was known before
        return self._book(token, self.credible(token, cost))

    def recorded(self, token: Reservation) -> None:
        """Hand what was posted over to the ledger."""
        self.reservations.unpost(token)
        self.handed_over += token.amount or ZERO

    def credible(self, token: Reservation, cost: Decimal | None) -> Decimal | None:
        """Return the cost that an answer reports, where it can be right."""
        name, most = token.price_class, token.before.value if token.before else None
        if cost is None or self.prices.believes(name, cost, most, token.sent.tick):
            return cost
        self.doubted = cost, self.prices.estimate(name) or ZERO
        return None

    def balance_fell(
        self, token: Reservation, answer: Decimal | None, header: Decimal | None
    ) -> bool | None:
        """Compare with the reading before, at its most.

        All that was charged when it came may be in it; what is in doubt since is not taken off.
        """
        if token.before is None:
            return None
        was = token.before.value - (self.balance.now.paid - token.before.came.paid)
        if answer is not None:
            return answer < was
        return True if header is not None and header < was else None

    def reprice(self, name: str) -> None:
        """Set aside the present price for what is reserved of a class."""
        self.reservations.reprice(name, self.prices.estimate(name) or ZERO)

    def _charged(self, token: Reservation, reported: Decimal | None, reserved: Decimal) -> Decimal:
        """Say what to take off the balance: at least the written price."""
        written = self.prices.written_for(token.price_class)
        return reserved if reported is None else max(reported, written or ZERO)

    def _book(self, token: Reservation, believed: Decimal | None) -> Booked:
        booked = self.prices.book(token.price_class, believed)
        cost = None if booked.cost is None else rounded(booked.cost)
        less = understated(booked, self.prices.written)
        self.reservations.post(token, None if cost is None else cost + less)
        return booked

    def _close(self, token: Reservation) -> None:
        self.reservations.remove(token)
        self.balance.change()

    def _read(self, header: Decimal | None, token: Reservation) -> None:
        if header is not None:
            (self.balance.header if self.reads_headers else self.balance.show)(header, token.sent)
