"""What the runs of an account come to together, as far as one of them has to look at it. Pure.

Worked out when another run has written something, and not at each request.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from pipeline.account.periods import Calendar, Period
from pipeline.account.runs import Run, State
from pipeline.account.schema import amount_of
from pipeline.money.account import Cap, Elsewhere


@dataclass(frozen=True, slots=True)
class Limit:
    """A cap. `aside` is what counts against it of runs other than the one that asks."""

    kind: str
    limit: int
    amount: Decimal
    aside: int
    period: Period
    quarter: int


class Others:
    """The other runs of an account, and the terms of all. Money in millionths of a dollar.

    `own` is None for who only looks. `held_amount`, in dollars, is what cannot be spent here.
    A run that is silent is there, but nobody waits for it: what it holds counts as a dead one's.
    """

    def __init__(self, own: Run | None, others: Sequence[Run], now: float) -> None:
        self.silent = [run for run in others if run.is_silent(now)]
        self.alive = [run for run in others if run.is_alive and run not in self.silent]
        self._dead = [run for run in others if run not in self.alive]
        open_ = sum(run.held for run in self.alive)
        # What was charged and not yet recorded has been taken off the balance already.
        held = open_ + sum(run.held for run in self._dead if run.state != State.GONE)
        self.flying = sum(run.flying for run in self.alive)
        self.lone = any(run.lone for run in self.alive)
        self._all = [*self.alive, *self.silent, *([] if own is None else [own])]
        bounds = [run.concurrency for run in self._all if run.concurrency is not None]
        self.concurrency: int | None = min(bounds, default=None)
        self.interval = max((run.interval for run in self._all), default=0.0)
        self.held_amount, self._open = amount_of(held), amount_of(open_)
        self._limits: list[Limit] = []
        self._between = (0.0, 0.0)
        self._told: tuple[tuple[int, ...], Elsewhere] | None = None

    @property
    def runs(self) -> int:
        """How many runs are alive, with the own one."""
        return len(self._all)

    def taken(self, now: float) -> int:
        """Count the places that are taken: a dead run's until its requests must have ended."""
        taken = self.flying
        for run in self._dead:
            if run.flying and run.may_fly(now):
                taken += run.flying
        return taken

    def limits(self, calendar: Calendar, wall: float) -> list[Limit]:
        """Return the least cap of each kind and zone that a run which is alive asks for."""
        first, last = self._between
        if not first <= wall < last:
            self._limits = self._find_limits(calendar, wall)
            periods = [limit.period for limit in self._limits]
            first = max((period.starts for period in periods), default=0.0)
            last = min((period.ends for period in periods), default=float("inf"))
            self._between = first, last
        return self._limits

    def _find_limits(self, calendar: Calendar, wall: float) -> list[Limit]:
        least: dict[tuple[str, str | None], int] = {}
        for run in self._all:
            for kind, limit in (("day", run.day), ("month", run.month)):
                if limit is not None:
                    least[kind, run.zone] = min(limit, least.get((kind, run.zone), limit))
        found = []
        for (kind, zone), limit in least.items():
            period = calendar.period(kind, zone, wall)
            aside = sum(run.held + run.unrecorded for run in self.alive)
            aside += sum(run.held + run.unrecorded for run in self._dead if run.at >= period.starts)
            found.append(Limit(kind, limit, amount_of(limit), aside, period, period.quarter))
        return found

    def elsewhere(self, calendar: Calendar, wall: float, since: Callable[[int], int]) -> Elsewhere:
        """Say it in dollars; `since` says what is spent or at risk from a quarter on."""
        limits = self.limits(calendar, wall)
        used = tuple([since(limit.quarter) + limit.aside for limit in limits])
        if self._told is None or self._told[0] != used:
            caps = tuple(
                Cap(one.kind, one.amount, amount_of(sum_), one.period.ends, one.period.zone)
                for one, sum_ in zip(limits, used, strict=True)
            )
            held, open_, alive = self.held_amount, self._open, len(self.alive)
            self._told = used, Elsewhere(held, open_, self.flying, self.lone, alive, caps)
        return self._told[1]
