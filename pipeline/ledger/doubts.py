"""Attempts that may have been paid for, until a record says how each of them has ended. Pure.

A doubt is named by its task and by when it was sent. The record that ends it has the same two and
`settled`, and carries differences: it takes back what the doubt has put at risk.
"""

import hashlib
from decimal import Decimal
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from pipeline.amounts import ZERO, rounded
from pipeline.models import CORRECTION, Record, Settled, Status

if TYPE_CHECKING:  # it imports this
    from pipeline.ledger.history import Summary


def digest(text: str) -> bytes:
    """Name a text in 12 bytes: a million of them stay affordable."""
    return hashlib.blake2b(text.encode(), digest_size=12).digest()


def attempt_digest(task: str, started_at: str) -> bytes:
    """Name one attempt, so that a claim finds the record it may already have."""
    return digest(f"{started_at} {task}")


class Counted(NamedTuple):
    """What the record of a doubt counts, in US dollars, and where in the manifest it begins."""

    cost: Decimal | None
    offset: int


class Ended(NamedTuple):
    """What a record ends: money that does not come through its reservation, in US dollars.

    `cost` is what that doubt has counted as cost. `unpriced` says that nobody knew how much it had
    put at risk.
    """

    corrections: Decimal
    cost: Decimal
    unpriced: bool


class Doubts(msgspec.Struct):
    """The doubts of a manifest that no record has ended, by `attempt_digest`.

    `open` has what each has put at risk in US dollars, None where nobody knows how much.
    """

    open: dict[bytes, Decimal | None] = msgspec.field(default_factory=dict)
    _counted: dict[bytes, Counted] = msgspec.field(default_factory=dict)
    _ended: set[bytes] = msgspec.field(default_factory=set)

    def counted(self, attempt: bytes) -> Counted | None:
        """Return what the record of an open doubt counts; None where there is none."""
        return self._counted.get(attempt)

    def places(self) -> list[tuple[int, Decimal | None, Decimal | None]]:
        """Return where the record of each open doubt begins, what it has cost and put at risk."""
        found = ((one.offset, one.cost, self.open[name]) for name, one in self._counted.items())
        return sorted(found, key=lambda place: place[0])

    def fault(self, record: "Summary | Record") -> str | None:
        """Say why no run of this program has written that a doubt has ended so; else None.

        What it takes back must be exactly what the doubt counts, once: sums are never negative.
        """
        if record.settled is None:
            return None
        attempt = attempt_digest(record.task, record.started_at)
        if record.status is Status.IN_DOUBT:
            return "it is settled, and in doubt"
        if attempt in self._ended:
            return "it settles what an earlier record has settled"
        cost, at_risk = record.cost or ZERO, record.at_risk or ZERO
        counted = self._counted.get(attempt)
        if counted is None:
            unknown = min(cost, at_risk) < 0 or record.reason == CORRECTION
            return "it settles a doubt that no record has" if unknown else None
        if rounded(at_risk) != -(self.open[attempt] or ZERO):
            return "it takes back another amount than was at risk"
        return "it takes back more than was spent" if cost < -(counted.cost or ZERO) else None

    def take(self, record: "Summary | Record", offset: int) -> Ended | None:
        """Take a record that begins or ends a doubt, or corrects one; return what it ends."""
        if record.settled is not None:
            return self._end(record)
        if record.status is Status.IN_DOUBT:
            self._begin(record, offset)
        return None

    def _begin(self, record: "Summary | Record", offset: int) -> None:
        attempt = attempt_digest(record.task, record.started_at)
        before = self._counted.get(attempt)
        if record.reason == CORRECTION and before is None:
            return
        at_risk = None if record.at_risk is None else rounded(record.at_risk)
        cost = None if record.cost is None else rounded(record.cost)
        if before is not None:  # a correction, or a line that somebody has copied
            known = [one for one in (before.cost, cost) if one is not None]
            cost = sum(known, ZERO) if known else None
            risks = [one for one in (self.open[attempt], at_risk) if one is not None]
            at_risk = sum(risks, ZERO) if risks else None
        self.open[attempt] = at_risk
        self._counted[attempt] = Counted(cost, offset)

    def _end(self, record: "Summary | Record") -> Ended:
        """End a doubt, or note how an attempt ended that was none yet.

        The books hold what enters the ledger against what reservations hand over to it. What is
        found in the provider's list is followed under a reservation, or was not charged: its
        cost comes through one, and what the doubt has counted goes without. A person's word and
        what corrects an older attempt have no reservation: all of their money is a correction.
        """
        attempt = attempt_digest(record.task, record.started_at)
        self._ended.add(attempt)
        counted, at_risk = self._counted.pop(attempt, None), self.open.pop(attempt, None)
        cost = (counted.cost or ZERO) if counted else ZERO
        if record.settled is Settled.FOUND and record.reason != CORRECTION:
            corrections = -(at_risk or ZERO) - (cost if record.cost is not None else ZERO)
        else:
            corrections = rounded(record.cost or ZERO) + rounded(record.at_risk or ZERO)
        unpriced = counted is not None and counted.cost is None and not at_risk
        return Ended(corrections, cost, unpriced)
