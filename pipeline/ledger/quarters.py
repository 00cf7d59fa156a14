"""In which quarter of an hour the money of a record was spent: days begin at one, in every zone.

The limits of an account count by day and month. What is given back must never make room on a later
day than the one it was taken from, and what has no credible time counts as spent now.
"""

import time
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache
from itertools import chain
from typing import TYPE_CHECKING

from pipeline.amounts import ZERO, rounded
from pipeline.models import Cause, Record

if TYPE_CHECKING:  # it imports this
    from pipeline.ledger.history import Summary

MINUTES = 15
"""The length of a quarter."""

DAYS = 62
"""How far back money is counted. The present calendar month lies within it, in every zone."""

# Within so many minutes a request that a killed run has left behind was charged, if it was.
_LONGEST = 20
# The reasons of such a record, which is written whenever the next run begins.
_LEFT_BEHIND = frozenset({Cause.KILLED, Cause.UNSAVED})
_MINUTE = len("2026-11-26T09:51")


def posting(record: "Record | Summary", now: float | None = None) -> tuple[int, Decimal, Decimal]:
    """Return the quarter (Unix time ÷ 900) that a record's money belongs to, its cost and risk.

    Money is in US dollars; an unknown amount counts as 0. `now` is in Unix seconds. What was spent
    belongs to the end of its attempt, and to now if that is later or is not a time. What is given
    back belongs to the begin of its attempt; where that is not credible, to quarter 0.
    """
    cost, at_risk = rounded(record.cost or ZERO), rounded(record.at_risk or ZERO)
    return _quarter(record, cost + at_risk, time.time() if now is None else now), cost, at_risk


def _quarter(record: "Record | Summary", net: Decimal, now: float) -> int:
    return _quarter_of(
        to_minute(record.started_at),
        to_minute(record.finished_at),
        int(now // 60),
        net > 0,
        record.reason in _LEFT_BEHIND,
    )


@lru_cache(maxsize=4096)  # of one minute there are many records
def _quarter_of(
    began: str,
    ended: str,
    present: int,
    is_spent: bool,
    is_left_behind: bool,
) -> int:
    started = minute_of(began)
    if not is_spent:
        return started // MINUTES if started is not None and started <= present else 0
    finished = minute_of(ended)
    if finished is None:
        finished = present if started is None else started
    elif started is not None:  # a clock that was set back
        finished = max(started, finished)
    if started is not None and is_left_behind:
        finished = min(finished, started + _LONGEST)
    return min(finished, present) // MINUTES


def to_minute(text: str) -> str:
    """Cut an RFC 3339 time, as this program writes it, to its minute."""
    return text[:_MINUTE] + "Z" if text[-1:] == "Z" else text


def minute_of(text: str) -> int | None:
    """Return the minute (Unix time ÷ 60) of an RFC 3339 time; None if it is not one."""
    return _parsed(to_minute(text))


@lru_cache(maxsize=4096)
def _parsed(text: str) -> int | None:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    in_utc = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return int(in_utc.timestamp() // 60)


@dataclass(slots=True)
class Quarters:
    """What the records of a manifest say of money, by quarter, in the last `DAYS` days.

    And by account, for a job can have been paid by several. `now` is in Unix seconds.
    """

    now: float = field(default_factory=time.time, compare=False)
    _sums: dict[str | None, dict[int, tuple[Decimal, Decimal]]] = field(default_factory=dict)
    _first: float = field(init=False, compare=False)

    def __post_init__(self) -> None:
        self._first = (self.now - DAYS * 86_400) / (MINUTES * 60)

    def add(self, record: "Record | Summary", cost: Decimal, at_risk: Decimal) -> None:
        """Count one record. `cost` and `at_risk` are its amounts, rounded."""
        if not cost and not at_risk:
            return
        quarter = _quarter(record, cost + at_risk, self.now)
        if quarter >= self._first:
            sums = self._sums.setdefault(record.account, {})
            before = sums.get(quarter, (ZERO, ZERO))
            sums[quarter] = before[0] + cost, before[1] + at_risk

    @property
    def accounts(self) -> set[str | None]:
        """The accounts that have paid, as records name them; None is one without a name."""
        return set(self._sums)

    def postings(self, without: Collection[str | None] = ()) -> list[tuple[int, Decimal, Decimal]]:
        """Return each quarter that has money, with its cost and its risk in US dollars.

        What the accounts of `without` have paid is left out.
        """
        paid = [self._sums[account] for account in self._sums if account not in without]
        together: dict[int, tuple[Decimal, Decimal]] = {}
        for quarter, (cost, at_risk) in chain.from_iterable(sums.items() for sums in paid):
            before = together.get(quarter, (ZERO, ZERO))
            together[quarter] = before[0] + cost, before[1] + at_risk
        return [(quarter, *amounts) for quarter, amounts in sorted(together.items())]
