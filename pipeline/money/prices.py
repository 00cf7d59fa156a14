"""What a request costs, as far as anything shows it, and what shows it. Pure.

Four sources speak of a price class, which is a model with its parameters but the prompt: the job
file, an answer (`x-cost`), the balance by its fall, and the vendor's list. Each may be wrong:

- **Written** is never undercut: what is reserved is the larger of written and reported.
- **Reported** counts for its own answer. For those that follow, the middle one of the last three
  does, so that one odd answer moves nothing. What is far off all others is not believed.
- **A fall** over one request that was alone bounds the price from above: others may have spent
  meanwhile. The lowest is believed; it is sure when it was seen twice, or agrees with the list.
"""

from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from pipeline.amounts import ZERO, rounded
from pipeline.models import CostSource
from pipeline.money.evidence import Evidence, near

# Lone requests that may fail to teach the price before the gate settles for what it has.
LESSONS = 2

# A fall of up to so many whole prices may be one of ours and some of others.
_OTHERS = 4

# So many different falls in a row of answers are counted: what is not seen twice is noise.
_MOST_STEPS = 64

_NOTHING = Evidence()


class Booked(NamedTuple):
    """What a request is booked with: None where nothing shows it."""

    cost: Decimal | None
    source: CostSource | None


def understated(booked: Booked, written: Decimal | None) -> Decimal:
    """Return how far a reported cost is below the written price."""
    if written is None or booked.cost is None or booked.source is not CostSource.REPORTED:
        return ZERO
    return max(written - booked.cost, ZERO)


@dataclass(slots=True)
class PriceBook:
    """What requests cost.

    `written` is the price of the job file; where that is a template, `pricing` tells it by class.
    `past` is what the last one of an earlier run has cost: where nothing else shows a price, a
    budget counts by it. `lessons` counts the lone requests that have not settled a price. `taught`
    names the classes of which something was observed, until whoever corrects by it has taken them.
    `blind` is set while other runs may spend what this one does not see. Their requests may be
    answered in the same moments as its own, each time: falls teach only what nothing else shows.
    """

    written: Decimal | None
    published: Decimal | None
    past: Decimal | None = None
    lessons: int = 0
    taught: set[str] = field(default_factory=set)
    blind: bool = False
    pricing: Callable[[str], Decimal | None] | None = None
    _evidence: dict[str, Evidence] = field(default_factory=dict)
    _steps: Counter[Decimal] = field(default_factory=Counter)
    # What each class costs itself, and where two agree, but for the stale, which were observed
    # since: a scan a task of all classes is quadratic where each task is a class of its own.
    _costs: dict[str, Decimal] = field(default_factory=dict)
    _settled: set[str] = field(default_factory=set)
    _stale: set[str] = field(default_factory=set)
    _estimates: dict[str, Decimal | None] = field(
        default_factory=dict
    )  # until anything is observed

    # -- what is asked of it ------------------------------------------------------------------

    def written_for(self, name: str) -> Decimal | None:
        """Return what the job file says that a class costs; None where it says nothing."""
        return self.written if self.pricing is None else self.pricing(name)

    def estimate(self, name: str) -> Decimal | None:
        """Return what a class costs, as far as anything shows it; None where nothing does."""
        if name not in self._estimates:
            self._estimates[name] = self._estimate(name)
        return self._estimates[name]

    def _estimate(self, name: str) -> Decimal | None:
        own, written = self._own(name), self.written_for(name)
        if written is not None:
            return max(written, own or ZERO)
        if own is not None:
            return own
        listed = self.published if self.published is not None else self.past
        inferred = max(self._others().values(), default=listed)
        return self._look(name).most if inferred is None else inferred

    def of(self, name: str) -> Decimal | None:
        """Return the price to reserve; None while it has to be learned from a lone request."""
        return None if self._to_learn(name) else self.estimate(name) or ZERO

    def known(self, name: str) -> Decimal | None:
        """Return the price where it is at first hand: not by other classes or the list alone."""
        inferred = self.written_for(name) is None and self._own(name) is None
        return None if inferred else self.estimate(name)

    def guessed(self, name: str) -> bool:
        """Say whether a price is only inferred from other classes, or is what it costs at most."""
        inferred = self.written_for(name) is None and self._own(name) is None
        most = self._look(name).most
        return inferred and (bool(self._others()) or most == self.estimate(name) is not None)

    def may_be_less(self, name: str) -> bool:
        """Say whether a class without a written price may be cheaper than it was measured."""
        measured = self.written_for(name) is None and self._fall(name) is not None
        return measured and not self._is_settled(name)

    def book(self, name: str, cost: Decimal | None) -> Booked:
        """Say what to book; `cost` is what the answer reported, if it is believed."""
        if cost is None:
            return self._book_unreported(name)
        fall = self._fall(name)
        larger = self.written_for(name) is None and fall is not None and fall > cost
        if fall is None or not larger or self._explains(cost, fall):
            return Booked(cost, CostSource.REPORTED)
        return _estimated(fall)

    def _book_unreported(self, name: str) -> Booked:
        price = self.estimate(name)
        if price is None:
            return Booked(None, None)
        if price == self.written_for(name) and not self._is_in_question(name):
            return Booked(price, CostSource.WRITTEN)
        if self._is_settled(name):
            return Booked(price, CostSource.MEASURED)
        listed = price == self.published and self._own(name) is None
        return Booked(price, CostSource.PUBLISHED) if listed else _estimated(price)

    def final(self, name: str, *, last: bool = False) -> Booked | None:
        """Say what those of a class should have been booked with; None while that is unknown.

        Where answers and balance disagree, it is known when the `last` reading has come.
        """
        cost, fall = self._look(name).cost, self._fall(name)
        disagree = cost is not None and fall is not None and not self._explains(cost, fall)
        written = self.written_for(name)
        if self._is_in_question(name) or (disagree and written is None and not last):
            return None
        known = written is not None or self._is_settled(name)
        return self._book_unreported(name) if known else None

    # -- what is observed ---------------------------------------------------------------------

    def believes(self, name: str, cost: Decimal, most: Decimal | None, answer: int) -> bool:
        """Say whether an `answer` may be right about its cost; the balance before it was `most`.

        What is far off all that is known is not. But a higher one is when it is reported again and
        the balance does not show otherwise: nobody asks for too much twice, and a budget must hold.
        """
        known, evidence = self._references(name), self._look(name)
        still = cost == ZERO and evidence.still and not evidence.falls
        if (still and self.written_for(name) is None) or any(near(cost, price) for price in known):
            return True
        possible = most is None or cost <= most
        if not known:
            return possible
        evidence = self._observe(name)
        again, only = evidence.is_odd_again(cost, answer), known == [evidence.cost]
        return again and possible and (cost > max(known) or only) and not evidence.falls

    def report(self, name: str, cost: Decimal) -> None:
        """Take the cost that an answer has reported, and that is believed."""
        if self._look(name).is_news(cost):
            self._observe(name).report(cost)

    def fell(self, name: str, amount: Decimal, count: int = 1) -> None:
        """Take by how much the balance fell over `count` requests of a class and no others."""
        if self.blind:
            self._observe(name).fell_for_several(amount, count)
        else:
            self._observe(name).fell(amount, count)

    def stepped(self, name: str, amount: Decimal) -> None:
        """Take by how much the balance fell from one answer to the next, which is of `name`."""
        known = self._steps[amount] > 1  # once seen twice
        if self.blind or known or amount <= ZERO:
            return
        if amount in self._steps or len(self._steps) < _MOST_STEPS:
            self._observe(name)
            self._steps[amount] += 1

    def missed(self, lessons: int = 1) -> None:
        """Note lone requests that have not settled a price."""
        self.lessons += lessons

    def _observe(self, name: str) -> Evidence:
        """Return the evidence of a class, for more to be added."""
        if name not in self._evidence:
            self._evidence[name] = Evidence()
            if len(self._evidence) <= 2:  # noqa: PLR2004 - falls of one class are read otherwise
                self._stale |= self._evidence.keys()
        self._stale.add(name)
        self.taught.add(name)
        self._estimates.clear()
        return self._evidence[name]

    def _look(self, name: str) -> Evidence:
        return self._evidence.get(name, _NOTHING)

    # -- how it weighs them -------------------------------------------------------------------

    def _weigh(self) -> None:
        """Weigh anew what was observed since."""
        for name in self._stale:
            if (own := self._own(name)) is not None:
                self._costs[name] = own
            (self._settled.add if self._is_settled(name) else self._settled.discard)(name)
        self._stale.clear()

    def _others(self) -> dict[str, Decimal]:
        """Return what the classes cost of which anything was observed."""
        self._weigh()
        return self._costs

    def _own(self, name: str) -> Decimal | None:
        """Weigh the evidence of a class itself."""
        cost, fall = self._look(name).cost, self._fall(name)
        if self.written_for(name) is not None and not self._is_sure(name):
            fall = None  # another job may be spending
        if cost is None or fall is None:
            return cost if fall is None else fall
        return cost if self._explains(cost, fall) else max(cost, fall)

    def _fall(self, name: str) -> Decimal | None:
        """Return the fall over one request, or the part of it that is a price."""
        lowest = self._look(name).fall
        return None if lowest is None else self._part_of(lowest) or lowest

    def _part_of(self, fall: Decimal) -> Decimal | None:
        """Find the price of which a fall was several: ours, and those of another run like this."""
        if fall == self.published or len(self._evidence) > 1:
            return None
        parts = (rounded(fall / count) for count in range(_OTHERS, 1, -1))
        return next((p for p in parts if self._steps[p] > (p != self.published)), None)

    def _is_sure(self, name: str) -> bool:
        """Say whether two agree about the fall of a class."""
        fall = self._fall(name)
        if fall is None:
            return False
        stepped = len(self._evidence) == 1 and self._steps[fall] > 1
        return fall == self.published or self._look(name).falls[fall] > 1 or stepped

    def _is_settled(self, name: str) -> bool:
        """Say whether two agree about the price of a class."""
        cost, fall = self._look(name).cost, self._fall(name)
        agree = cost is not None and fall is not None and self._explains(cost, fall)
        return agree or self._is_sure(name)

    def _is_in_question(self, name: str) -> bool:
        """Say whether a written price may be far too low, and no balance has shown it yet."""
        evidence, written = self._look(name), self.written_for(name)
        if written is None or evidence.odd is None or self.lessons >= LESSONS:
            return False
        return evidence.odd > written and not evidence.falls

    def _to_learn(self, name: str) -> bool:
        if self.written_for(name) is not None:
            return self._is_in_question(name)
        self._weigh()
        return self.lessons < LESSONS and not self._settled

    def _explains(self, price: Decimal, fall: Decimal) -> bool:
        """Say whether a fall may be one request at this price, and what others have spent."""
        return price == fall or price in self._steps

    def _references(self, name: str) -> list[Decimal]:
        written = self.written_for(name)
        listed = written if written is not None else self.published
        evidence = self._look(name)
        return [price for price in (listed, evidence.cost, *evidence.falls) if price]


def _estimated(price: Decimal) -> Booked:
    return Booked(price, CostSource.ESTIMATED)
