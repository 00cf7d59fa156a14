"""What a request costs, as far as anybody says, and who says it. Pure.

Four may speak of a price class, which is a model with its parameters but the prompt: the job file,
an answer (`x-cost`), the balance by its fall, and the vendor's list. Each may be wrong:

- **Written** is never undercut: what is reserved is the larger of written and told.
- **Told** counts for its own answer. For those that follow, the middle one of the last three does,
  so that one odd answer moves nothing. What is far off all others is not believed.
- **A fall** over one request that was alone bounds the price from above: others may have spent
  meanwhile. The lowest is believed; it is sure when it was seen twice, or agrees with the list.
"""

from collections import Counter, deque
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple

from pipeline.amounts import ZERO, rounded
from pipeline.models import CostSource, Task, canonical_json

# Lone requests that may fail to teach the price before the gate settles for what it has.
LESSONS = 2

# Amounts that differ by this factor or more cannot be the same price.
_FAR = 10

# A fall of up to so many whole prices may be one of ours and some of others.
_OTHERS = 4

# So many different falls in a row of answers are kept: what is not seen twice among them is noise.
_MOST_STEPS = 64

# What a price does not depend on.
_FREE_PARAMS = frozenset({"prompt", "negative_prompt", "seed"})

# What is longer, in characters, is no choice among a few.
_LONGEST_CHOICE = 256


def price_class(task: Task) -> str:
    """Name what the price of a task depends on: its model, and its parameters but the prompt."""
    return class_of(task.model, task.params)


def class_of(model: str, params: dict[str, Any]) -> str:
    """Name the price class of a request."""
    told = {
        key: value
        for key, value in params.items()
        if key not in _FREE_PARAMS and not _is_content(value)
    }
    return canonical_json([model, told]).decode()


def _is_content(value: Any) -> bool:
    """Say whether a parameter is a text, an address or a file: what costs the same whatever it is.

    Records have the digest of a long one.
    """
    if isinstance(value, str):
        return len(value) > _LONGEST_CHOICE or "://" in value
    return isinstance(value, dict) and value.keys() == {"sha256", "bytes"}


class Booked(NamedTuple):
    """What a request is booked with: None where nobody tells."""

    cost: Decimal | None
    source: CostSource | None


def understated(booked: Booked, written: Decimal | None) -> Decimal:
    """Say by how much an answer has told less than the written price."""
    if written is None or booked.cost is None or booked.source is not CostSource.REPORTED:
        return ZERO
    return max(written - booked.cost, ZERO)


@dataclass(slots=True)
class _Heard:
    """What was heard of one price class. `odd` is far off all others; `odd_by` names its answer.

    `still` says that the balance did not fall by a request.
    """

    told: deque[Decimal] = field(default_factory=lambda: deque(maxlen=3))
    falls: Counter[Decimal] = field(default_factory=Counter)
    odd: Decimal | None = None
    odd_by: int = 0
    still: bool = False


@dataclass(slots=True)
class PriceBook:
    """What requests cost.

    `past` is what the last one of an earlier run has cost: where nobody tells, a budget is held by
    it. `lessons` counts the lone requests that have not settled a price. `taught` names the classes
    of which something was heard, until whoever corrects by it has taken them.
    """

    written: Decimal | None
    published: Decimal | None
    past: Decimal | None = None
    lessons: int = 0
    taught: set[str] = field(default_factory=set)
    _heard: dict[str, _Heard] = field(default_factory=dict)
    _steps: Counter[Decimal] = field(default_factory=Counter)
    # What each class costs itself, and where two agree, but for the stale, which were heard of
    # since: a scan a task of all classes is quadratic where each task is a class of its own.
    _costs: dict[str, Decimal] = field(default_factory=dict)
    _settled: set[str] = field(default_factory=set)
    _stale: set[str] = field(default_factory=set)

    # -- what is asked of it ------------------------------------------------------------------

    def estimate(self, name: str) -> Decimal | None:
        """Look up what a class costs, as far as anybody says; None where nobody does."""
        own = self._own(name)
        if self.written is not None:
            return max(self.written, own or ZERO)
        if own is not None:
            return own
        listed = self.published if self.published is not None else self.past
        return max(self._others().values(), default=listed)

    def of(self, name: str) -> Decimal | None:
        """Look up the price to reserve; None while it has to be learned from a lone request."""
        return None if self._to_learn(name) else self.estimate(name) or ZERO

    def known(self, name: str) -> Decimal | None:
        """Look up what is surely asked for: None where only other classes or the list tell."""
        nobody = self.written is None and self._own(name) is None
        return None if nobody else self.estimate(name)

    def guessed(self, name: str) -> bool:
        """Say whether the price of a class is only inferred from those of other classes."""
        return self.written is None and self._own(name) is None and bool(self._others())

    def may_be_less(self, name: str) -> bool:
        """Say whether a class that nobody wrote a price for may be cheaper than it was measured."""
        measured = self.written is None and self._fall(name) is not None
        return measured and not self._is_settled(name)

    def told(self) -> set[str]:
        """Name the classes whose price an answer has told."""
        return {name for name in self._heard if self._told(name) is not None}

    def book(self, name: str, told: Decimal | None) -> Booked:
        """Say what a request is booked with; `told` is what its answer said, if it is believed."""
        if told is None:
            return self._book_unsaid(name)
        fall = self._fall(name)
        larger = self.written is None and fall is not None and fall > told
        if fall is None or not larger or self._explains(told, fall):
            return Booked(told, CostSource.REPORTED)
        return _estimated(fall)

    def _book_unsaid(self, name: str) -> Booked:
        price = self.estimate(name)
        if price is None:
            return Booked(None, None)
        if price == self.written and not self._is_in_question(name):
            return Booked(price, CostSource.WRITTEN)
        if self._is_settled(name):
            return Booked(price, CostSource.MEASURED)
        listed = price == self.published and self._own(name) is None
        return Booked(price, CostSource.PUBLISHED) if listed else _estimated(price)

    def final(self, name: str, *, last: bool = False) -> Booked | None:
        """Say what those of a class should have been booked with; None while that is unknown.

        Where answers and balance disagree, it is known when the `last` figure has come.
        """
        told, fall = self._told(name), self._fall(name)
        disagree = told is not None and fall is not None and not self._explains(told, fall)
        if self._is_in_question(name) or (disagree and self.written is None and not last):
            return None
        known = self.written is not None or self._is_settled(name)
        return self._book_unsaid(name) if known else None

    # -- what it is told ----------------------------------------------------------------------

    def believes(self, name: str, told: Decimal, most: Decimal | None, answer: int) -> bool:
        """Say whether an `answer` may be right about its cost; the balance before it was `most`.

        What is far off all that is known is not; but a higher one is when it is told again, and
        the balance does not tell otherwise: nobody asks for too much twice, and a budget must hold.
        """
        known, heard = self._references(name), self._listen(name)
        free = told == ZERO and heard.still and not heard.falls and self.written is None
        if free or any(_near(told, price) for price in known):
            return True
        possible = most is None or told <= most
        if not known:
            return possible
        again = heard.odd == told and heard.odd_by != answer
        heard.odd, heard.odd_by = told, answer
        only_told = known == [self._told(name)]
        return again and possible and (told > max(known) or only_told) and not heard.falls

    def hear(self, name: str, told: Decimal) -> None:
        """Take what an answer has told of its cost, and is believed."""
        heard = self._listen(name)
        if not any(_near(told, before) for before in heard.told):
            heard.told.clear()
        heard.told.append(told)
        heard.odd = None

    def fell(self, name: str, amount: Decimal, count: int = 1) -> None:
        """Take by how much the balance fell over `count` requests of a class and no others."""
        each = rounded(amount / count)
        heard = self._listen(name)
        heard.still |= amount == ZERO
        # The mean of several confirms a price, and is none itself.
        if each > ZERO and (count == 1 or each in heard.falls):
            heard.falls[each] += 1

    def stepped(self, name: str, amount: Decimal) -> None:
        """Take by how much the balance fell from one answer to the next, which is of `name`."""
        self._listen(name)
        if amount > ZERO and (amount in self._steps or len(self._steps) < _MOST_STEPS):
            self._steps[amount] += 1

    def _listen(self, name: str) -> _Heard:
        """Give what was heard of a class, for more to be added."""
        if name not in self._heard:
            self._heard[name] = _Heard()
            if len(self._heard) <= 2:  # noqa: PLR2004 - falls of a single class are read otherwise
                self._stale |= self._heard.keys()
        self._stale.add(name)
        self.taught.add(name)
        return self._heard[name]

    # -- how it weighs them -------------------------------------------------------------------

    def _weigh(self) -> None:
        """Weigh anew what was heard of since."""
        for name in self._stale:
            if (own := self._own(name)) is not None:
                self._costs[name] = own
            (self._settled.add if self._is_settled(name) else self._settled.discard)(name)
        self._stale.clear()

    def _others(self) -> dict[str, Decimal]:
        """Give what the classes cost of which anything was heard."""
        self._weigh()
        return self._costs

    def _own(self, name: str) -> Decimal | None:
        """Weigh what was heard of a class itself."""
        told, fall = self._told(name), self._fall(name)
        if self.written is not None and not self._is_sure(name):
            fall = None  # another job may be spending
        if told is None or fall is None:
            return told if fall is None else fall
        return told if self._explains(told, fall) else max(told, fall)

    def _told(self, name: str) -> Decimal | None:
        """Choose among the last three costs that were told: the middle one, of two the larger."""
        if (heard := self._heard.get(name)) is None:
            return None
        told = sorted(
            cost
            for cost in heard.told
            if not heard.falls or any(_near(cost, fall) for fall in heard.falls)
        )
        return told[len(told) // 2] if told else None

    def _fall(self, name: str) -> Decimal | None:
        """Choose among the falls: the lowest that was seen twice, else the lowest."""
        heard = self._heard.get(name)
        if heard is None or not heard.falls:
            return None
        twice = [fall for fall, times in heard.falls.items() if times > 1]
        lowest = min(twice or heard.falls)
        return self._part_of(lowest) or lowest

    def _part_of(self, fall: Decimal) -> Decimal | None:
        """Find the price of which a fall was several: ours, and those of another run like this."""
        if fall == self.published or len(self._heard) > 1:
            return None
        parts = (rounded(fall / count) for count in range(_OTHERS, 1, -1))
        return next((p for p in parts if self._steps[p] > (p != self.published)), None)

    def _is_sure(self, name: str) -> bool:
        """Say whether two agree about the fall of a class."""
        fall = self._fall(name)
        if fall is None:
            return False
        falls = self._heard[name].falls
        stepped = len(self._heard) == 1 and self._steps[fall] > 1
        return fall == self.published or falls[fall] > 1 or stepped

    def _is_settled(self, name: str) -> bool:
        """Say whether two agree about the price of a class."""
        told, fall = self._told(name), self._fall(name)
        agree = told is not None and fall is not None and self._explains(told, fall)
        return agree or self._is_sure(name)

    def _is_in_question(self, name: str) -> bool:
        """Say whether a written price may be far too low, and no balance has told yet."""
        heard = self._heard.get(name)
        if heard is None or heard.odd is None or self.lessons >= LESSONS:
            return False
        return self.written is not None and heard.odd > self.written and not heard.falls

    def _to_learn(self, name: str) -> bool:
        if self.written is not None:
            return self._is_in_question(name)
        self._weigh()
        return self.lessons < LESSONS and not self._settled

    def _explains(self, price: Decimal, fall: Decimal) -> bool:
        """Say whether a fall may be one request at this price, and what others have spent."""
        return price == fall or price in self._steps

    def _references(self, name: str) -> list[Decimal]:
        listed = self.written if self.written is not None else self.published
        heard = self._heard.get(name)
        told = (listed, self._told(name), *(heard.falls if heard else ()))
        return [price for price in told if price]


def _estimated(price: Decimal) -> Booked:
    return Booked(price, CostSource.ESTIMATED)


def _near(told: Decimal, price: Decimal) -> bool:
    return price / _FAR < told < price * _FAR
