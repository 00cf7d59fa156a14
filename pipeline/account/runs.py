"""The runs of an account, as rows: what each holds, and whether its process is there."""

import sqlite3
from dataclasses import dataclass
from decimal import Decimal
from enum import IntEnum
from pathlib import Path

from pipeline.account.schema import amount_of, millionths
from pipeline.account.telling import Entry, Terms
from pipeline.common.boot import boot_id
from pipeline.common.files import is_locked
from pipeline.money.account import Holdings

BOOT = boot_id() or ""
# Seconds that clocks of two processes may be apart when they write, as one waited for the other.
_SKEW = 60.0


# When a run was active that has not asked for anything yet; so in the schema.
NEVER = -1e9


class State(IntEnum):
    """Whether a run is there."""

    ALIVE = 0
    DEAD = 1  # what it held is at risk
    GONE = 2  # and its output directory is not there any more: nobody will settle it


@dataclass(slots=True)
class Run:
    """A row. Money in millionths of a dollar.

    `level` is how many requests it has started, counted from the level of those that were there
    when it came. It waits for others until `waits`, and was `active` last when it waited or
    started something.
    """

    number: int
    job: str
    name: str
    pid: int
    lock: str
    boot: str
    concurrency: int | None
    interval: float
    day: int | None
    month: int | None
    zone: str | None
    priority: int
    longest: float
    state: int
    held: int
    unrecorded: int
    flying: int
    lone: int
    wanted: int
    level: int
    waits: float
    active: float
    told: float
    at: float

    @property
    def is_alive(self) -> bool:
        """Whether its process was there when it was last looked for."""
        return self.state == 0

    def is_silent(self, now: float) -> bool:
        """Whether nothing was heard for longer than any request takes: it may be suspended."""
        return self.is_alive and now - self.told > max(self.longest, _SKEW)

    def may_fly(self, now: float) -> bool:
        """Whether requests of a run that died can still be in flight."""
        return self.boot == BOOT and -_SKEW < now - self.told < self.longest

    def hold(self, holdings: Holdings) -> None:
        """Take what the run says it holds."""
        held, unrecorded, self.flying, lone, self.wanted = holdings
        self.held = millionths(held) if held else 0
        self.unrecorded = millionths(unrecorded) if unrecorded else 0
        self.lone = int(lone)

    @property
    def holdings(self) -> Holdings:
        """What it holds."""
        held, unrecorded = amount_of(self.held), amount_of(self.unrecorded)
        return Holdings(held, unrecorded, self.flying, bool(self.lone), self.wanted)

    @property
    def terms(self) -> Terms:
        """What it wants to hold for all."""
        day, month = _amount(self.day), _amount(self.month)
        return Terms(self.concurrency, self.interval, day, month, self.zone, self.priority)


_CHANGING = "state, held, unrecorded, flying, lone, wanted, level, waits, active, told, at"
_ALL = (
    "SELECT runs.number, path, name, pid, lock, boot, concurrency, interval, day, month, zone,"  # noqa: S608 - no text from outside
    " priority, longest, " + _CHANGING + " FROM runs JOIN jobs ON jobs.number = runs.job"
    " ORDER BY runs.number"
)
_CHANGED = "SELECT number, " + _CHANGING + " FROM runs ORDER BY number"  # noqa: S608
_UPDATE = (
    "UPDATE runs SET held = ?, unrecorded = ?, flying = ?, lone = ?, wanted = ?,"
    " level = ?, waits = ?, active = ?, told = ?, at = ? WHERE number = ?"
)


def load(connection: sqlite3.Connection) -> list[Run]:
    """Read all rows."""
    return [Run(*row) for row in connection.execute(_ALL)]


def refresh(connection: sqlite3.Connection, known: list[Run]) -> list[Run]:
    """Read what may have changed since; returns `known` where no run has come or gone."""
    rows = connection.execute(_CHANGED).fetchall()
    if [row[0] for row in rows] != [run.number for run in known]:
        return load(connection)
    for run, row in zip(known, rows, strict=True):
        (
            _, run.state, run.held, run.unrecorded, run.flying, run.lone, run.wanted,
            run.level, run.waits, run.active, run.told, run.at,
        ) = row  # fmt: skip
    return known


def save(connection: sqlite3.Connection, run: Run) -> None:
    """Write what changes in the row of a run that is alive."""
    connection.execute(
        _UPDATE,
        (
            run.held, run.unrecorded, run.flying, run.lone, run.wanted, run.level,
            run.waits, run.active, run.told, run.at, run.number,
        ),
    )  # fmt: skip


def insert(connection: sqlite3.Connection, entry: Entry, job: int, pid: int, lock: str) -> int:
    """Add the row of a run that registers; returns its number."""
    terms = entry.terms
    values = {
        "job": job, "name": entry.name, "pid": pid, "lock": lock, "boot": BOOT,
        "concurrency": terms.concurrency, "interval": terms.interval,
        "day": _millionths(terms.day), "month": _millionths(terms.month), "zone": terms.zone,
        "priority": terms.priority, "longest": entry.longest,
    }  # fmt: skip
    columns, marks = ", ".join(values), ", ".join("?" * len(values))
    added = connection.execute(
        f"INSERT INTO runs ({columns}) VALUES ({marks})",  # noqa: S608 - the names above
        tuple(values.values()),
    )
    assert added.lastrowid is not None
    return added.lastrowid


def look(run: Run, folder: Path | None) -> State:
    """Say whether the process of a run is there, and what is left of a dead one."""
    if run.state == State.ALIVE:
        there = folder is not None and run.boot == BOOT and is_locked(str(folder / run.lock))
        if there:
            return State.ALIVE
    try:
        is_left = Path(run.job).is_dir()
    except OSError:  # it cannot be looked at now: nobody knows
        is_left = True
    return State.DEAD if is_left else State.GONE


def _millionths(amount: Decimal | None) -> int | None:
    return None if amount is None else millionths(amount)


def _amount(whole: int | None) -> Decimal | None:
    return None if whole is None else amount_of(whole)
