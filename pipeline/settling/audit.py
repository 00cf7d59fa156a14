"""Hold the records of jobs against the provider's own list of charges. Pure.

A charge that is in one of the two only, or in both with other amounts, is a difference. What the
list shows at no cost agrees with anything. A list that cannot be read agrees with nothing.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

from msgspec.structs import replace

from pipeline.amounts import ZERO, rounded
from pipeline.api.outcome import RequestState, Row
from pipeline.models import rfc3339
from pipeline.settling.books import Entry, EntryState
from pipeline.settling.matching import Span, merged, pair

# Pages of the list that an audit reads of each model, of a hundred rows.
_MOST_PAGES = 2000
# The year 2001: no provider is older.
_FIRST = 978_307_200.0
_DAY = 86_400.0
# Seconds for one page; and how often it is asked for.
_PATIENCE, _TRIES = 60.0, 3
_BETWEEN = 2.0


class DifferenceKind(StrEnum):
    """How the two books differ."""

    UNKNOWN_HERE = "unknown_here"  # charged there, and no record has it
    UNKNOWN_THERE = "unknown_there"  # recorded here, and the list does not have it
    AMOUNT = "amount"  # in both, with other amounts
    IN_DOUBT = "in_doubt"  # in doubt here, and charged there: `settle` takes it in
    ACCEPTED = "accepted"  # charged there, and here still to be asked for: the next run does


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """One difference. Amounts in US dollars; None where that book has none, or no amount."""

    kind: DifferenceKind
    job: str | None = None
    task: str | None = None
    model: str = ""
    request_id: str | None = None
    at: float | None = None
    here: Decimal | None = None
    there: Decimal | None = None

    def as_json(self) -> dict[str, Any]:
        """Write it as `audit --json` does."""
        fields = {name: getattr(self, name) for name in self.__dataclass_fields__}
        return {**fields, "at": None if self.at is None else rfc3339(self.at)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Charges:
    """What the provider lists; `detail` says in one line why not all of it, if not."""

    rows: tuple[Row, ...] = ()
    readable: bool = True
    detail: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Audit:
    """What an audit has found. Money in US dollars, times in Unix seconds.

    `here` is what the records say was spent, `at_risk` what may have been, `there` what the list
    says was charged: of the time from `since` to `until`, each request once.
    """

    since: float
    until: float
    here: Decimal
    at_risk: Decimal
    there: Decimal
    differences: tuple[Difference, ...]
    attempts: int = 0
    requests: int = 0
    readable: bool = True
    detail: str = ""

    @property
    def agrees(self) -> bool:
        """Whether the books agree."""
        return self.readable and not self.differences

    def as_json(self) -> dict[str, Any]:
        """Write it as `audit --json` does."""
        return {
            "agree": self.agrees,
            "readable": self.readable,
            "detail": self.detail or None,
            "since": None if math.isinf(self.since) else rfc3339(self.since),
            "until": None if math.isinf(self.until) else rfc3339(self.until),
            "attempts": self.attempts,
            "requests": self.requests,
            "here": self.here,
            "at_risk": self.at_risk,
            "there": self.there,
            "differences": [difference.as_json() for difference in self.differences],
        }


def window(books: Sequence[Entry], *, since: float | None = None, now: float) -> Span | None:
    """Say which time an audit is about; None where the jobs have no attempt.

    It is from the first attempt's begin to the last one's end, or from `since` until `now`. What is
    in flight or waits at the provider ends now.
    """
    if since is not None:
        return since, max(now, since)
    began = [entry.began for entry in books if entry.began is not None]
    if not began:
        return None
    ends = [now if entry.ended is None else entry.ended for entry in books]
    first, last = max(min(began), _FIRST), min(max(*ends, *began), now)
    return first, max(first, last)


def audit(books: Iterable[Entry], charges: Charges, span: Span) -> Audit:
    """Compare what is recorded with what is listed, for the time of `span`.

    A request is found by its id, else by its time, model and parameters, as doubts are. What is
    listed outside of `span`, and is not of these attempts, is none of theirs.
    """
    listed = merged(charges.rows)
    # Numbered: two jobs may have tasks of one name, sent at one moment.
    numbered = [
        (entry, replace(entry.attempt, task=str(number)))
        for number, entry in enumerate(_around(books, span))
    ]
    paired = pair((attempt for _, attempt in numbered), listed.values())
    mine = [(entry, paired.get(attempt.key)) for entry, attempt in numbered if _is_of(entry, span)]
    compared = [_compare(entry, row) for entry, row in mine]
    differences = [difference for difference in compared if difference is not None]
    known = {row.id for row in paired.values()}
    others = [row for row in listed.values() if row.id not in known and _is_in(row, span)]
    differences += [_unknown_here(row) for row in others if _cost(row)]
    counted = [*(row for _, row in mine if row is not None), *others]
    return Audit(
        since=span[0],
        until=span[1],
        here=sum((entry.cost for entry, _ in mine), ZERO),
        at_risk=sum((entry.at_risk for entry, _ in mine), ZERO),
        there=sum((_cost(row) or ZERO for row in counted), ZERO),
        differences=tuple(sorted(differences, key=_order)) if charges.readable else (),
        attempts=len(mine),
        requests=len(counted),
        readable=charges.readable,
        detail=charges.detail,
    )


def _around(books: Iterable[Entry], span: Span) -> list[Entry]:
    """Choose the attempts that may have a row of that time; some of them began before."""
    since, until = span
    near = since - _DAY
    return [
        entry
        for entry in books
        if entry.began is not None and entry.began <= until and _end(entry) >= near
    ]


def _end(entry: Entry) -> float:
    return math.inf if entry.ended is None else entry.ended


def _is_of(entry: Entry, span: Span) -> bool:
    return entry.began is not None and span[0] <= entry.began <= span[1]


def _is_in(row: Row, span: Span) -> bool:
    return row.created is None or span[0] <= row.created <= span[1]


def _cost(row: Row) -> Decimal | None:
    cost = row.progress.cost
    return None if cost is None else rounded(cost)


def _compare(entry: Entry, row: Row | None) -> Difference | None:
    """Compare an attempt with its row, if there is one."""
    if row is None:
        is_missing = entry.cost > 0 and entry.state is not EntryState.RUNNING
        return _difference(DifferenceKind.UNKNOWN_THERE, entry, None) if is_missing else None
    cost = _cost(row)
    if cost is None:
        # Without an amount nothing is confirmed; what waits or has failed need not have one.
        is_charged = entry.cost > 0 and row.progress.state is RequestState.DONE
        return _difference(DifferenceKind.AMOUNT, entry, row) if is_charged else None
    if not cost or cost == entry.cost or entry.state is EntryState.RUNNING:
        return None
    kinds = {
        EntryState.IN_DOUBT: DifferenceKind.IN_DOUBT,
        EntryState.ACCEPTED: DifferenceKind.ACCEPTED,
    }
    return _difference(kinds.get(entry.state, DifferenceKind.AMOUNT), entry, row)


def _difference(kind: DifferenceKind, entry: Entry, row: Row | None) -> Difference:
    return Difference(
        kind=kind,
        job=entry.job,
        task=entry.attempt.task,
        model=entry.attempt.model,
        request_id=row.id if row else entry.attempt.request_id,
        at=entry.began,
        here=entry.cost,
        there=_cost(row) if row else None,
    )


def _unknown_here(row: Row) -> Difference:
    return Difference(
        kind=DifferenceKind.UNKNOWN_HERE,
        model=row.model,
        request_id=row.id,
        at=row.created,
        there=_cost(row),
    )


def _order(difference: Difference) -> tuple[str, float, str, str]:
    return (
        difference.kind,
        difference.at or 0.0,
        difference.task or "",
        difference.request_id or "",
    )
