"""What the records of an account's jobs say of money, by quarters of an hour.

What is counted from some quarter on is asked at each request, and must not be summed up each time:
`total` counts everything, and what came before that quarter is remembered. `past` counts what has
changed before the `horizon`, which is the latest quarter from which anybody counts.
"""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass, field

from pipeline.account.schema import nearest
from pipeline.account.telling import Posting

_ADD = (
    "INSERT INTO postings VALUES (?, ?, ?, ?) ON CONFLICT (quarter, job) DO UPDATE"
    " SET cost = cost + excluded.cost, at_risk = at_risk + excluded.at_risk"
)
_SINCE = "SELECT coalesce(sum(cost + at_risk), 0) FROM postings WHERE quarter >= ?"


@dataclass(slots=True)
class Totals:
    """What the row of the account says of its postings. `changed`: it is to be written."""

    total: int = 0
    past: int = 0
    horizon: int = 0
    changed: bool = False


@dataclass(slots=True)
class Spending:
    """The postings, and what this process remembers of their sums."""

    connection: sqlite3.Connection
    totals: Totals = field(default_factory=Totals)
    _before: dict[int, int] = field(default_factory=dict)
    _past: int = -1

    def forget(self) -> None:
        """Forget all sums: what they counted may not have been written."""
        self._before.clear()

    def since(self, quarter: int) -> int:
        """Return what is spent or at risk from a quarter on, in millionths."""
        totals = self.totals
        if self._past != totals.past:
            self._before.clear()
            self._past = totals.past
        before = self._before.get(quarter)
        if before is None:
            (counted,) = self.connection.execute(_SINCE, (quarter,)).fetchone()
            before = self._before[quarter] = totals.total - counted
            if quarter > totals.horizon:
                totals.horizon, totals.changed = quarter, True
        return totals.total - before

    def post(self, job: int, postings: Iterable[Posting]) -> None:
        """Add postings of a job."""
        totals = self.totals
        for quarter, (cost, at_risk) in _by_quarter(postings).items():
            self.connection.execute(_ADD, (quarter, job, cost, at_risk))
            totals.total += cost + at_risk
            totals.past += quarter < totals.horizon
            totals.changed = True

    def replace(self, job: int, postings: Iterable[Posting]) -> None:
        """Replace all postings of a job."""
        self.connection.execute("DELETE FROM postings WHERE job = ?", (job,))
        rows = [(quarter, job, *sums) for quarter, sums in _by_quarter(postings).items()]
        self.connection.executemany("INSERT INTO postings VALUES (?, ?, ?, ?)", rows)
        self.totals.total = self.connection.execute(_SINCE, (-(2**62),)).fetchone()[0]
        self.totals.past += 1
        self.totals.changed = True


def _by_quarter(postings: Iterable[Posting]) -> dict[int, tuple[int, int]]:
    """Sum up postings, in millionths."""
    sums: dict[int, tuple[int, int]] = {}
    for quarter, cost, at_risk in postings:
        costs, risks = sums.get(quarter, (0, 0))
        sums[quarter] = costs + nearest(cost), risks + nearest(at_risk)
    return sums
