"""What a request costs, as far as anybody says. Pure."""

from dataclasses import dataclass, field
from decimal import Decimal

from pipeline.amounts import ZERO
from pipeline.models import Task, canonical_json

# Lone requests that may fail to teach the price before the gate settles for what it has.
LESSONS = 2

# What a price does not depend on.
_FREE_PARAMS = frozenset({"prompt", "negative_prompt", "seed"})


def price_class(task: Task) -> str:
    """Name what the price of a task depends on: its model, and its parameters but the prompt."""
    told = {
        key: value
        for key, value in task.params.items()
        if key not in _FREE_PARAMS and not (isinstance(value, str) and "://" in value)
    }
    return canonical_json([task.model, told]).decode()


@dataclass(slots=True)
class PriceBook:
    """What a request costs: as told for its class, as written, as told for its model, as published.

    A written price is corrected only by `x-cost` or by lone requests between two figures, never
    by how fast the balance falls: another job may be spending, and a top-up may come. So a
    measurement is sure once another agrees with it.
    """

    written: Decimal | None
    published: Decimal | None
    told: dict[str, Decimal] = field(default_factory=dict)
    lessons: int = 0
    _measured: dict[str, Decimal] = field(default_factory=dict)
    _sure: set[Decimal] = field(default_factory=set)

    def estimate(self, name: str) -> Decimal | None:
        """Look up what a class costs, as far as anybody says; None where nobody does."""
        if (told := self.told.get(name)) is not None:
            return told
        if self.written is not None:
            return self.written
        return max(self.told.values(), default=self.published)

    def of(self, name: str) -> Decimal | None:
        """Look up the price to reserve; None while it has to be learned from a lone request."""
        if self.written is None and not self.told and self.lessons < LESSONS:
            return None
        return self.estimate(name) or ZERO

    def guessed(self, name: str) -> bool:
        """Say whether the price of a class is only inferred from those of other classes."""
        return self.written is None and name not in self.told and bool(self.told)

    def measure(self, name: str, price: Decimal, count: int) -> Decimal | None:
        """Take the price of each of `count` requests between two figures; a new price, or None."""
        if price in {self._measured.get(name), self.estimate(name)}:
            self.be_sure_of(price)
        self._measured[name] = price
        believed = price in self._sure if self.written is not None else True
        return price if believed and count == 1 and price > ZERO else None

    def be_sure_of(self, price: Decimal) -> None:
        """Note that what a request costs was told, or measured twice."""
        self._sure.add(price)

    def may_be_less(self, name: str) -> bool:
        """Say whether a class that nobody wrote a price for may be cheaper than it was measured."""
        measured = self.written is None and bool(self._measured)
        return measured and self.estimate(name) not in self._sure
