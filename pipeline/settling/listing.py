"""One reading of the provider's list: which times, how many pages, and when to stop."""

import math
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field

from pipeline.api.outcome import Page, Query, Row
from pipeline.settling.attempts import Attempt, KnownAttempt
from pipeline.settling.matching import SKEW, Span

MOST_PAGES = 50
"""Pages that one reading asks for, at most."""

_DAY = 86400.0
# The vendor's windows have at most 31 days, both counted; dates of other zones may add one.
_LONGEST_WINDOW = 29 * _DAY
# Reading through a gap costs less than another request.
_GAP = 7 * _DAY
_MOST_ROWS = 1000
# A request takes less, in seconds.
_LONGEST = 3600.0

Ask = Callable[[Query, int], Awaitable[Page | None]]
"""Asks for a page; None where none can be had."""


def windows(doubts: Iterable[Attempt], known: Iterable[KnownAttempt], now: float) -> list[Span]:
    """Say from when to when the rows of these doubts can be, the newest first.

    A row is looked for up to a day after its doubt was claimed. `known` are the attempts that can
    have the same rows: those of about that time are to be listed too. `now` is in Unix seconds.
    What seems to be of the future, because a clock was set, counts as of now.
    """
    began = sorted(min(a.began, now) for a in doubts if a.began is not None)
    others = [(a.began, a.ended) for a in known if a.began is not None]
    spans: list[Span] = []
    for at in began:
        since, until = _from(at, others), min(at + _DAY, now + SKEW)
        if spans and since - spans[-1][1] <= _GAP:
            before = spans.pop()
            since, until = min(since, before[0]), max(until, before[1])
        spans.append((since, until))
    return [part for span in reversed(spans) for part in windows_between(*span)]


def _from(at: float, others: Iterable[tuple[float, float | None]]) -> float:
    """Say from when on the rows matter for a doubt that was claimed `at` this time."""
    earliest = at
    for began, ended in others:
        is_near = at - _LONGEST < began and (ended is None or ended > at - 2 * SKEW)
        earliest = min(earliest, began) if is_near else earliest
    return earliest - SKEW


def windows_between(since: float, until: float) -> list[Span]:
    """Split a time into windows that a list takes, the newest first."""
    count = max(math.ceil((until - since) / _LONGEST_WINDOW), 1)
    ends = [until - number * _LONGEST_WINDOW for number in range(count)]
    return [(max(end - _LONGEST_WINDOW, since), end) for end in ends]


@dataclass(slots=True)
class Listing:
    """The rows that one reading has found, of those wanted, and for which times it has all."""

    wanted: Callable[[Row], bool]
    most_pages: int = MOST_PAGES
    rows: list[Row] = field(default_factory=list)
    whole: list[Span] = field(default_factory=list)
    pages: int = 0

    async def read(
        self,
        model: str,
        spans: Iterable[Span],
        ask: Ask,
        enough: Callable[[], bool] = lambda: False,
    ) -> bool:
        """Read the list of one model in these windows, until `enough`, a failure or the bound.

        Returns whether all of it was read.
        """
        for since, until in spans:
            window = _Window(self, Query(model=model, since=since, until=until))
            if not await window.read(ask, enough):
                return False
        return True


@dataclass(slots=True)
class _Window:
    """One window of a listing. Its pages should be the newest first, which is not relied on."""

    listing: Listing
    query: Query
    _seen: set[str] = field(default_factory=set)
    _oldest: float = math.inf
    _is_sorted: bool = True

    async def read(self, ask: Ask, enough: Callable[[], bool]) -> bool:
        """Read page after page; returns whether the next window is to be read too."""
        listing, number = self.listing, 0
        while listing.pages < listing.most_pages:
            number += 1
            listing.pages += 1
            page = await ask(self.query, number)
            if page is None:
                break
            is_last = not self._take(page) or not page.more or self._is_past()
            self._note(is_last=is_last)
            if enough():
                return False
            if is_last:
                return True
        return False

    def _take(self, page: Page) -> bool:
        """Take the rows of a page; returns whether one of them was new."""
        rows = page.rows[:_MOST_ROWS]
        self.listing.rows.extend(filter(self.listing.wanted, rows))
        for row in rows:
            if row.created is not None:
                self._is_sorted = self._is_sorted and row.created <= self._oldest
                self._oldest = min(self._oldest, row.created)
        before = len(self._seen)
        self._seen.update(row.id for row in rows)
        return len(self._seen) > before

    def _is_past(self) -> bool:
        return self._is_sorted and self._oldest < self.query.since

    def _note(self, *, is_last: bool) -> None:
        """Note from when to when all of the rows were seen; windows may follow each other."""
        until = self.query.until
        reached = self._oldest if self._is_sorted else until
        since = self.query.since if is_last else min(max(reached, self.query.since), until)
        *before, last = self.listing.whole or [(until, until)]
        is_next = last[0] <= until <= last[1]
        self.listing.whole = (
            [*before, (since, last[1])] if is_next else [*before, last, (since, until)]
        )
