"""The gate as it was before the interval, for the lock-step test."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import Enum, StrEnum

from pipeline.amounts import ZERO
from pipeline.models import CreditPolicy, Gate
from pipeline.money.prices import LESSONS, Booked, PriceBook, understated


class Verdict(Enum):
    """What the gate says of the next request."""

    GO = "go"
    WAIT = "wait"  # what is in flight may change it
    ASK = "ask"  # the balance first
    CLOSED = "closed"


class Source(StrEnum):
    """How a figure was told."""

    HEADER = "header"
    CALL = "call"


@dataclass(frozen=True, slots=True)
class Figure:
    """A balance as it was told. `settled` is what had been charged when its request was sent.

    `charges` is how many requests had been charged when it came, its own too, and `paid` how much.
    """

    value: Decimal
    settled: Decimal
    sent: int
    received: int
    source: Source
    charges: int
    paid: Decimal


@dataclass(slots=True, eq=False)
class Reservation:
    """The price of one request in flight, or of one that waits to be sent again.

    `rank` is the place of its task in the order of importance; the first is 0. `alone` says that
    none was in flight with it, and `before` is the figure known when it left, after so many
    `charges`: together they can teach a price.
    """

    price_class: str
    price: Decimal
    sent: int
    settled: Decimal
    alone: bool
    before: Figure | None
    charges: int
    rank: int = 0


def goes_before(waiting: Reservation, kept: Reservation | None) -> bool:
    """Say whether what waits goes before the task of `kept`; before one without, it always does."""
    return kept is None or waiting.rank < kept.rank


@dataclass(frozen=True, slots=True)
class Question:
    """A balance call on its way."""

    sent: int
    settled: Decimal
    quiet: bool  # nothing else was in flight when it was asked


@dataclass(slots=True)
class Measure:
    """What was charged since a balance call with nothing in flight: the next tells its price."""

    before: Figure
    charged: Counter[str] = field(default_factory=Counter)


class CreditGate:
    """Reserve, settle, release. One per run; not thread-safe, and never awaits."""

    def __init__(  # noqa: PLR0913 - what earlier runs have left
        self,
        policy: CreditPolicy,
        *,
        published: Decimal | None = None,
        past: Decimal | None = None,
        spent: Decimal = ZERO,
        at_risk: Decimal = ZERO,
        unpriced: int = 0,
        understated: Decimal = ZERO,
    ) -> None:
        self.prices = PriceBook(policy.cost, published, past)
        self.spent = spent
        self.at_risk = at_risk
        # Requests that were or may have been charged what nobody has told.
        self.unpriced = unpriced
        self.understated = understated
        self.doubted: tuple[Decimal, Decimal] | None = None  # told, and not believed; booked
        self.reserved = ZERO
        self.spent_here = ZERO
        self.figure: Figure | None = None
        # The balance as last told, for people; by the same rule, an older answer never raises it.
        self.remaining: Decimal | None = None
        self._heard_at = 0
        # The balance as it may be believed for one lone request.
        self._believed: Decimal | None = None
        self._told_at = 0
        self._since = ZERO  # charged for requests that were sent after it was told
        self._policy = policy
        self._clock = 0
        self._charged = ZERO
        self._charges = 0
        self._paid = ZERO  # of what is charged, what is no doubt
        self._last: Decimal | None = None  # the header of the last charge
        self._priced: dict[str, Decimal] = {}  # at what reservations of a class are held
        self._in_flight: set[Reservation] = set()
        self._kept: set[Reservation] = set()  # of tasks that wait for their retry
        self._lone: Reservation | None = None
        self._measure: Measure | None = None
        self._blind = False  # neither header nor balance call ever told
        self._asked = False  # the balance was asked since anything changed
        self._closed_at = 0
        self.call_works = False  # the balance call told a figure when last asked

    # -- what is known ------------------------------------------------------------------------

    @property
    def in_flight(self) -> int:
        """How many requests hold a reservation."""
        return len(self._in_flight)

    def _spendable(self, kept: Reservation | None = None) -> Decimal | None:
        """Say what the balance still covers, for the task of `kept`; None while it is unknown."""
        if self.figure is None:
            return None
        return self._bound(self.figure) - self._ahead(kept) - self._policy.reserve

    def _ahead(self, kept: Reservation | None) -> Decimal:
        """Add up what is reserved for others than the task of `kept`.

        Of those that wait, the more important ones go first: what is kept for the others is not in
        its way.
        """
        behind = (one.price for one in self._kept if not goes_before(one, kept))
        return self.reserved - sum(behind, ZERO)

    def _bound(self, figure: Figure) -> Decimal:
        return figure.value - (self._charged - figure.settled)

    # -- may the next one go? -----------------------------------------------------------------

    def consider(self, name: str, kept: Reservation | None = None) -> Verdict:
        """Say whether a request of price class `name` can be paid for now.

        `kept` is the reservation of a task that is sent again.
        """
        price = self.prices.estimate(name) or ZERO
        if not self._budget_covers(self.prices.estimate(name), kept):
            return self._wait_or_close(kept)
        if self._policy.gate is Gate.OFF:
            return Verdict.GO
        if self._must_be_alone(name):
            return self._consider_alone(name, kept)
        if self.figure is None or self._covers(price, kept):
            return Verdict.GO
        return self._at_the_end(name, price, kept)

    def _wait_or_close(self, kept: Reservation | None) -> Verdict:
        """Close, unless what is in flight or kept for another may yet come free."""
        others = any(goes_before(one, kept) for one in self._kept)
        return Verdict.WAIT if self._in_flight or others else Verdict.CLOSED

    def why_closed(self, name: str) -> str:
        """Say in words what the gate lacks for a request of price class `name`."""
        price = self.prices.estimate(name) or ZERO
        if not self._budget_covers(self.prices.estimate(name)):
            if self.prices.estimate(name) is None and self.unpriced:
                return (
                    f"the budget of {self._policy.budget:f} cannot be held, as nothing tells what a"
                    " request costs: write credits.cost"
                )
            risk = f" and {self.at_risk:f} at risk" if self.at_risk else ""
            blind = f", and {self.unpriced} more of unknown price" if self.unpriced else ""
            said = f", and answers told {self.understated:f} less" if self.understated else ""
            return (
                f"the budget of {self._policy.budget:f} does not cover another {price:f}:"
                f" {self.spent:f} is spent{risk}{said}{blind}"
            )
        kept = f", of which {self._policy.reserve:f} is kept" if self._policy.reserve else ""
        return f"{self.remaining or ZERO:f} credits are left{kept}; the next task costs {price:f}"

    def budget_allows(self, classes: Iterable[str]) -> bool:
        """Whether the budget covers a request of any of these price classes."""
        return any(self._budget_covers(self.prices.estimate(name)) for name in classes)

    def _budget_covers(self, price: Decimal | None, kept: Reservation | None = None) -> bool:
        if self._policy.budget is None:
            return True
        gone = self.spent + self.at_risk + self.understated + self._ahead(kept)
        if price is None:  # to be learned from the first ones: something must be left for them
            ahead = sum(goes_before(one, kept) for one in self._kept)
            tried = self.unpriced + len(self._in_flight) + ahead
            return tried < LESSONS and self._policy.budget > gone
        return self._policy.budget >= gone + price * (1 + self.unpriced)

    def _must_be_alone(self, name: str) -> bool:
        unknown = self.figure is None or self.prices.of(name) is None
        return self._lone is not None or (unknown and not self._blind)

    def _consider_alone(self, name: str, kept: Reservation | None) -> Verdict:
        if self._in_flight:
            return Verdict.WAIT
        if self._may_ask:
            return Verdict.ASK
        if self._believed is None:
            return Verdict.GO
        left, price = self._left(kept), self.prices.known(name) or ZERO
        enough = left >= price or self.prices.may_be_less(name)
        return Verdict.GO if left > ZERO and enough else self._wait_or_close(kept)

    def _left(self, kept: Reservation | None) -> Decimal:
        """Say what the last balance may leave for one request, with nothing in flight."""
        assert self._believed is not None
        return self._believed - self._since - self._ahead(kept) - self._policy.reserve

    @property
    def _may_ask(self) -> bool:
        return self._policy.gate is Gate.AUTO and not self._asked

    def _covers(self, price: Decimal, kept: Reservation | None = None) -> bool:
        spendable = self._spendable(kept)
        return spendable is not None and spendable >= price

    def may_be_short(self, name: str) -> bool:
        """Whether the balance may not cover a request that the API has refused.

        A header shows it as it was before the charges that were on their way.
        """
        if self.figure is None:
            return True
        flying = sum((held.price for held in self._in_flight), ZERO)
        return self._bound(self.figure) - flying <= (self.prices.estimate(name) or ZERO)

    def _at_the_end(self, name: str, price: Decimal, kept: Reservation | None) -> Verdict:
        """Decide where the balance seems too low: wait, ask, or believe the last header once."""
        if self._in_flight:
            return Verdict.WAIT
        if self._may_ask:
            return Verdict.ASK
        left = self._left(kept)
        if not self.call_works and left >= price:
            return Verdict.GO
        if self.call_works and left > ZERO and self.prices.may_be_less(name):
            return Verdict.GO
        # Nobody has told what this class costs: it may be cheaper than the others. One may try.
        if self.prices.guessed(name) and left > ZERO:
            return Verdict.GO
        return self._wait_or_close(kept)

    # -- a request's money --------------------------------------------------------------------

    def reserve(self, name: str, rank: int = 0, kept: Reservation | None = None) -> Reservation:
        """Set the price of one request aside, before it is dispatched; `kept` is used up."""
        self.forgo(kept)
        price = self.prices.estimate(name) or ZERO
        self._priced[name] = price
        alone = not self._in_flight
        lone = alone and self._policy.gate is not Gate.OFF and not self._sure_of(name, price)
        held = Reservation(
            name,
            price,
            self._tick(),
            self._charged,
            alone=alone,
            before=self.figure,
            charges=self._charges,
            rank=rank,
        )
        for other in self._in_flight if len(self._in_flight) == 1 else ():
            other.alone = False
        self._lone = held if lone else None
        self._in_flight.add(held)
        self.reserved += price
        return held

    def _sure_of(self, name: str, price: Decimal) -> bool:
        """Say whether others may go beside it: price and balance are known, and enough."""
        if self._blind:
            return True
        return self.prices.of(name) is not None and self._covers(price)

    def release(self, held: Reservation, header: Decimal | None = None) -> None:
        """Give a reservation back, once: the request was not charged."""
        if held in self._in_flight:
            self._close(held)
            self._hear(held, header)

    def keep(self, held: Reservation, header: Decimal | None = None) -> Reservation:
        """Settle a request that was not charged and is sent again: its price stays reserved."""
        self.release(held, header)
        return self.keep_on(held)

    def keep_another(self, held: Reservation) -> Reservation | None:
        """Reserve the price of sending again what may have been charged, where it is there."""
        if self.consider(held.price_class) is not Verdict.GO:
            return None
        price = self.prices.estimate(held.price_class) or ZERO
        return self.keep_on(replace(held, price=price))

    def keep_on(self, held: Reservation) -> Reservation:
        """Go on keeping what was given back just now."""
        self._kept.add(held)
        self.reserved += held.price
        return held

    def forgo(self, kept: Reservation | None) -> None:
        """Give back what was kept for a task that is not sent again, or goes out now."""
        if kept in self._kept:
            self._kept.remove(kept)
            self.reserved -= kept.price

    def forgo_all(self) -> None:
        """Give back what is kept for all that wait: nothing is sent any more."""
        for kept in list(self._kept):
            self.forgo(kept)

    def withdraw(self, held: Reservation) -> None:
        """Give a reservation back whose request was never dispatched, as if it had not been."""
        self._in_flight.discard(held)
        self._lone = None if self._lone is held else self._lone
        self.reserved -= held.price

    def charge(
        self,
        held: Reservation,
        header: Decimal | None = None,
        x_cost: Decimal | None = None,
        *,
        learn: bool = True,
    ) -> Booked:
        """Settle a request that was charged; what it is booked with.

        What a failed answer has cost is no price: it does not `learn`. Neither is nothing.
        """
        name = held.price_class
        self._close(held)
        told = self.credible(held, x_cost)
        if told and learn:
            self.prices.hear(name, told)
        paid = held.price if told is None else max(told, self.prices.written or ZERO)
        self._charged += paid
        self._charges += 1
        self._paid += paid
        self._since += paid if held.sent > self._told_at else ZERO
        if learn:
            self._attend(held, header, told)
        else:
            self._measure = None  # the next figure holds what is no price
            self._last = self._last if header is None else header
        self._hear(held, header)
        self._reprice(name)
        booked = self.prices.book(name, told)
        self._enter(booked)
        return booked

    def credible(self, held: Reservation, x_cost: Decimal | None) -> Decimal | None:
        """Take what an answer says of its cost, where it can be right."""
        most = held.before.value if held.before else None
        if x_cost is None or self.prices.believes(held.price_class, x_cost, most, held.sent):
            return x_cost
        self.doubted = x_cost, self.prices.estimate(held.price_class) or ZERO
        return None

    def _enter(self, booked: Booked, times: int = 1) -> None:
        """Count what a request is booked with, or take it back."""
        self.unpriced += times * (booked.cost is None)
        self._spend(times * (booked.cost or ZERO))
        self.understated += times * understated(booked, self.prices.written)

    def fell(self, held: Reservation, told: Decimal | None, header: Decimal | None) -> bool | None:
        """Say whether the balance fell by a request that was answered; None where nothing tells.

        `told` is what the balance call says after the answer. A header may be older than the
        charge, so that it shows a fall, and never that there was none. The figure before it is
        taken at its most: all that was charged when it came may have been in it.
        """
        if held.before is None:
            return None
        was = held.before.value - (self._paid - held.before.paid)
        if told is not None:
            return told < was
        return True if header is not None and header < was else None

    def rebook(self, held: Reservation, x_cost: Decimal | None, booked: Booked) -> Booked:
        """Book a request anew, now that a figure has told more of the price."""
        self.doubted = None  # by what was known before
        told = self.credible(held, x_cost)
        self._enter(booked, times=-1)
        booked = self.prices.book(held.price_class, told)
        self._enter(booked)
        return booked

    def correct(self, difference: Decimal) -> None:
        """Take a correction that is recorded."""
        self._spend(difference)

    def doubt(
        self, held: Reservation, header: Decimal | None = None, x_cost: Decimal | None = None
    ) -> Decimal | None:
        """Settle a request that may have been charged; what is at risk, as far as it is known."""
        self._close(held)
        self._measure = None
        told = self.credible(held, x_cost)
        estimate = self.prices.estimate(held.price_class)
        # The price may have been told while this one was on its way.
        at_risk = max(held.price, estimate or ZERO)
        if told is not None:
            at_risk = max(told, self.prices.written or ZERO)
        known = told is not None or estimate is not None
        self.unpriced += not known
        self._charged += at_risk
        self.at_risk += at_risk
        self._hear(held, header)
        return at_risk if known else None

    def _spend(self, cost: Decimal) -> None:
        self.spent += cost
        self.spent_here += cost

    def _close(self, held: Reservation) -> None:
        self.withdraw(held)
        self._asked = False
        self._closed_at = self._tick()

    def _attend(self, held: Reservation, header: Decimal | None, told: Decimal | None) -> None:
        """Learn from a charge: by the next quiet balance call, or by a lone request's header."""
        name = held.price_class
        if header is not None and self._last is not None:
            self.prices.stepped(name, self._last - header)
        self._last = self._last if header is None else header
        if self._measure is not None:
            self._measure.charged[name] += 1
            return
        before = held.before
        if before and header is not None and held.alone and before.charges == held.charges:
            self.prices.fell(name, before.value - header)
        nobody_tells = told is not None and before is None and header is None
        self._note_lesson(name, LESSONS if nobody_tells else 1)

    def _note_lesson(self, name: str, lessons: int = 1) -> None:
        """Note that a lone request has not settled a price."""
        if self.prices.of(name) is None:
            self.prices.lessons += lessons

    # -- figures ------------------------------------------------------------------------------

    def processed(self) -> None:
        """Note that the API has answered for a request: what it has not told stays unknown."""
        self._blind = self._blind or (self.figure is None and not self.call_works)

    def ask(self) -> Question:
        """Note that the balance call is being sent."""
        return Question(self._tick(), self._charged, quiet=not self._in_flight)

    def told(self, question: Question, value: Decimal | None) -> None:
        """Take the answer of the balance call; None where it gave no figure."""
        # An answer that comes after other charges does not tell what is left now.
        self._asked = question.sent > self._closed_at
        self.call_works = value is not None
        measure, self._measure = self._measure, None
        if value is None:
            self.prices.lessons += bool(measure and measure.charged)
            return
        figure = self._figure(value, question.settled, question.sent, Source.CALL)
        if question.quiet and not self._in_flight and figure.settled == self._charged:
            if measure is not None:
                self._take(measure, figure)
            self._measure = Measure(figure)
        self._adopt(figure)

    @property
    def wants_a_figure(self) -> bool:
        """Whether a balance call now, with nothing in flight, would teach an unknown price."""
        if self._measure is None or self._in_flight or not self._may_ask:
            return False
        return any(self.prices.of(name) is None for name in self._measure.charged)

    def recheck(self) -> None:
        """Let the balance be asked once more, although nothing has changed here."""
        self._asked = False

    def _take(self, measure: Measure, after: Figure) -> None:
        if len(measure.charged) != 1:
            return
        ((name, count),) = measure.charged.items()
        self.prices.fell(name, measure.before.value - after.value, count)
        self._note_lesson(name)
        self._reprice(name)

    def _hear(self, held: Reservation, header: Decimal | None) -> None:
        if header is None or self._policy.gate is Gate.OFF:
            return
        told = self._figure(header, held.settled, held.sent, Source.HEADER)
        self._adopt(told)

    def _figure(self, value: Decimal, settled: Decimal, sent: int, source: Source) -> Figure:
        return Figure(value, settled, sent, self._tick(), source, self._charges, self._paid)

    def _adopt(self, new: Figure) -> None:
        """Take a figure: one sent after the present came may raise, any other may only lower.

        A header can be older than its own request, so it raises only where no call can.
        """
        if self.remaining is None or new.sent > self._heard_at or new.value < self.remaining:
            self.remaining, self._heard_at = new.value, new.received
        raises = new.source is Source.CALL or not self.call_works
        newer = raises and new.sent > self._told_at
        if self._believed is None or newer or new.value < self._believed - self._since:
            self._believed, self._told_at, self._since = new.value, new.received, ZERO
        old = self.figure
        newer = raises and old is not None and new.sent > old.received
        if old is None or newer or self._bound(new) < self._bound(old):
            self.figure = new

    def _reprice(self, name: str) -> None:
        """Hold the present price for what is reserved of a class."""
        price = self.prices.estimate(name) or ZERO
        if self._priced.get(name) == price:
            return
        self._priced[name] = price
        for held in (*self._in_flight, *self._kept):
            if held.price_class == name:
                self.reserved += price - held.price
                held.price = price

    def _tick(self) -> int:
        self._clock += 1
        return self._clock
