"""What the gate reckons with: figures of a balance, reservations, questions. Plain data."""

from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum, StrEnum
from typing import Any


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
    gate: Any = None
    booked: Any = None

    def charge(self, header: Decimal | None, cost: Decimal | None, *, learn: bool = True) -> Any:
        """End it: the request was charged."""
        self.booked = self.gate.charge(self, header, cost, learn=learn)
        return self.booked

    def release(self, header: Decimal | None = None) -> None:
        """End it: the request was not charged."""
        self.gate.release(self, header)

    def retain(self, header: Decimal | None = None) -> "Reservation":
        """End it: not charged, and to be sent again."""
        kept: Reservation = self.gate.keep(self, header)
        return kept

    def doubt(self, header: Decimal | None, cost: Decimal | None = None) -> Decimal | None:
        """End it: the request may have been charged."""
        at_risk: Decimal | None = self.gate.doubt(self, header, cost)
        return at_risk

    def withdraw(self) -> None:
        """End it: the request never went out."""
        self.gate.withdraw(self)

    def rebook(self, cost: Decimal | None) -> Any:
        """Book it anew."""
        self.booked = self.gate.rebook(self, cost, self.booked)
        return self.booked

    def recorded(self) -> None:
        """Note that the ledger has it."""


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
