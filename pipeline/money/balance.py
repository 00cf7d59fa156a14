"""What is left on the account, as an interval. Pure.

A *reading* is a balance as the API reported it: in the header of an answer, or by the balance call.
It surely contains the charges that were confirmed before it was asked for, and surely not those of
requests that were sent after it came. Nobody can say more: the header lags, and answers overtake
each other. So the balance has two bounds:

    least = reading - the charges that were confirmed after it was asked for
    most  = reading - the charges of requests that were sent after it came

and `known` is the reading itself, for people. Each has the one rule for its reading: a new one
replaces it if it may raise and was asked for after the old one had come, or if it lowers it. So an
older answer never raises the balance. Where the balance call works, it alone may raise the bounds.
"""

from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from pipeline.amounts import ZERO


class Moment(NamedTuple):
    """A point in the order of events.

    `charged` is what had been confirmed as charged by then, or may have been; `paid` is the part
    that is beyond doubt, in so many `charges`.
    """

    tick: int = 0
    charged: Decimal = ZERO
    paid: Decimal = ZERO
    charges: int = 0

    @property
    def at_risk(self) -> Decimal:
        """The part of `charged` that is in doubt."""
        return self.charged - self.paid


class Reading(NamedTuple):
    """A balance as the API reported it, and between which moments it is true."""

    value: Decimal
    asked: Moment
    came: Moment


class Question(NamedTuple):
    """A balance call on its way; `quiet` says that nothing was in flight when it was sent."""

    asked: Moment
    quiet: bool


@dataclass(slots=True)
class Bound:
    """A reading, and the charges to take off it."""

    reading: Reading | None = None
    charges: Decimal = ZERO

    @property
    def value(self) -> Decimal | None:
        """The bound in dollars; None while nothing was reported."""
        return None if self.reading is None else self.reading.value - self.charges

    def consider(self, new: Reading, charges: Decimal, *, may_raise: bool) -> None:
        """Take a reading that is later than the present one and may raise, or that lowers."""
        old = self.reading
        later = old is None or (may_raise and new.asked.tick > old.came.tick)
        if old is None or later or new.value - charges < old.value - self.charges:
            self.reading, self.charges = new, charges


@dataclass(slots=True)
class Balance:
    """The interval, and who reports it.

    `call_works` says that the balance call reported a figure when last asked.
    `is_fresh` says that it was asked for after everything that has changed the balance here;
    `silent`, that an answer has come, and neither header nor balance call has reported anything.
    """

    call_works: bool = False
    is_fresh: bool = False
    silent: bool = False
    now: Moment = field(default_factory=Moment)
    at_least: Bound = field(default_factory=Bound)
    at_most: Bound = field(default_factory=Bound)
    reported: Bound = field(default_factory=Bound)
    changed_at: int = 0

    @property
    def least(self) -> Decimal | None:
        """The least that can be left; None while nothing was reported.

        The bounds have readings of their own, and what may raise one may not raise the other: what
        is surely not left cannot be the least.
        """
        low, high = self.at_least, self.at_most  # each dispatch looks at it several times
        if low.reading is None or high.reading is None:
            return low.value
        return min(low.reading.value - low.charges, high.reading.value - high.charges)

    @property
    def most(self) -> Decimal | None:
        """The most that can be left, unless somebody has topped up."""
        return self.at_most.value

    @property
    def known(self) -> Decimal | None:
        """The balance as last reported, for people."""
        return self.reported.value

    @property
    def reading(self) -> Reading | None:
        """The reading behind the least."""
        return self.at_least.reading

    def tick(self) -> Moment:
        """Let a moment pass, and return it."""
        self.now = Moment(self.now.tick + 1, self.now.charged, self.now.paid, self.now.charges)
        return self.now

    def leave(self) -> Moment:
        """Note that a request leaves which was prepared before."""
        return self.tick()

    def change(self) -> None:
        """Note that an answer came, or will not come: what was asked before is out of date."""
        self.is_fresh = False
        self.changed_at = self.tick().tick

    def processed(self) -> None:
        """Note that the API has answered: what it has not reported by now stays unknown."""
        self.silent |= self.reading is None and not self.call_works

    def charge(self, amount: Decimal, sent: Moment) -> None:
        """Take a confirmed charge off, of a request that left at `sent`."""
        now = self.now
        self.now = Moment(now.tick, now.charged + amount, now.paid + amount, now.charges + 1)
        self.at_least.charges += amount
        if self.at_most.reading is not None and sent.tick > self.at_most.reading.came.tick:
            self.at_most.charges += amount

    def risk(self, amount: Decimal) -> None:
        """Take what may have been charged off the least that can be left."""
        now = self.now
        self.now = Moment(now.tick, now.charged + amount, now.paid, now.charges)
        self.at_least.charges += amount

    def ask(self, *, quiet: bool) -> Question:
        """Note that the balance call is being sent."""
        return Question(self.tick(), quiet)

    def answer(self, question: Question, value: Decimal | None) -> Reading | None:
        """Take the answer of the balance call; None where it reported no figure."""
        self.is_fresh = question.asked.tick > self.changed_at
        self.call_works = value is not None
        return None if value is None else self._read(value, question.asked, may_raise=True)

    def header(self, value: Decimal, sent: Moment) -> None:
        """Take what an answer reports, to the request that left at `sent`.

        It can be older than its own request, so it raises the bounds only where no call can.
        """
        self._read(value, sent, may_raise=not self.call_works)

    def show(self, value: Decimal, sent: Moment) -> None:
        """Take what an answer reports for people alone: the bounds stay as they are."""
        self._show(value, sent)

    def take(self, other: "Balance") -> None:
        """Become as another: what all runs of an account have seen, in their common order."""
        for name in Balance.__dataclass_fields__:
            value = getattr(other, name)
            own = Bound(value.reading, value.charges) if isinstance(value, Bound) else value
            setattr(self, name, own)

    def _show(self, value: Decimal, sent: Moment) -> Reading:
        new = Reading(value, sent, self.tick())
        self.reported.consider(new, ZERO, may_raise=True)
        return new

    def _read(self, value: Decimal, asked: Moment, *, may_raise: bool) -> Reading:
        new, self.silent = self._show(value, asked), False
        since = self.now.charged - asked.charged
        self.at_most.consider(new, ZERO, may_raise=may_raise)
        self.at_least.consider(new, since, may_raise=may_raise)
        return new
