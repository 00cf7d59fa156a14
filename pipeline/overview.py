"""The runs of all accounts on this machine, for `status` without a job and for `metrics`.

Read from the account ledgers, and from what each run notes in its output directory. Nothing is
created or written, no job is expanded and no manifest is read, so that it can be done each minute.
"""

import os
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from msgspec import structs

from pipeline.account import neighbours
from pipeline.account.telling import Neighbour
from pipeline.amounts import ZERO
from pipeline.errors import DirectoryError
from pipeline.events import Counts
from pipeline.ledger.quarters import DAYS
from pipeline.money.account import Cap
from pipeline.store.layout import Layout, Owner, read_owner
from pipeline.store.state_file import Note, read_note

# Seconds by which the last note of a killed run may be older than its last record.
_STALE = 2.0


@dataclass(frozen=True, slots=True)
class Pause:
    """Why nothing is sent. `until` is in Unix seconds, None if no end is known."""

    reason: str
    detail: str
    until: float | None


@dataclass(frozen=True, slots=True)
class Run:
    """One run of an account, or a job whose last run has ended. Money is in US dollars.

    `job` is the job's name, `file` its job file, if that is known and there. `pid` is None where
    the run has ended, and that of the dead process where it was killed. `spent` and `at_risk` are
    those of the job in the last `Overview.days` days; a run that has died adds to `at_risk` what it
    has left: `left` counts the requests that were in flight. `tasks` are None where they are not
    known. `gone` says that the output directory is missing. `at` is when the run last reported
    anything, in Unix seconds.
    """

    job: str
    output: str
    file: str | None
    pid: int | None
    running: bool
    in_flight: int
    left: int
    held: Decimal
    spent: Decimal
    at_risk: Decimal
    tasks: Counts | None
    pause: Pause | None
    gone: bool
    at: float

    @property
    def is_left(self) -> bool:
        """Whether there is no run that could settle what is at risk: somebody must."""
        return not self.running and self.at_risk > 0


@dataclass(frozen=True, slots=True)
class AccountView:
    """An account and its runs.

    `ledger` is the name of its folder. `balance` is what was reported last, in US dollars.
    `concurrency`, `interval` (seconds between two requests) and `caps` hold for all runs together.
    `runs` has those that are there or were killed, `ended` the jobs of other runs. `problem` says
    why its ledger cannot be read; the rest is then empty.
    """

    ledger: str
    name: str = ""
    host: str = ""
    balance: Decimal | None = None
    pause: Pause | None = None
    concurrency: int | None = None
    interval: float = 0.0
    caps: tuple[Cap, ...] = ()
    runs: tuple[Run, ...] = ()
    ended: tuple[Run, ...] = ()
    problem: str | None = None

    @property
    def running(self) -> bool:
        """Whether one of its runs is going on."""
        return any(run.running for run in self.runs)


@dataclass(frozen=True, slots=True)
class Overview:
    """All accounts at a time (Unix seconds). `days` is how far back a ledger's sums go."""

    at: float
    accounts: tuple[AccountView, ...] = ()
    days: int = field(default=DAYS)

    @property
    def running(self) -> bool:
        """Whether any run is going on."""
        return any(account.running for account in self.accounts)

    def as_json(self) -> dict[str, Any]:
        """Write it as `status --json` does: see docs/reference/monitoring.md."""
        whole = asdict(self)
        for account in whole["accounts"]:
            account["caps"] = [cap._asdict() for cap in account["caps"]]
            for run in (*account["runs"], *account["ended"]):
                run["tasks"] = run["tasks"] and structs.asdict(run["tasks"])
        return whole


def look() -> Overview:
    """Read all accounts of this user on this machine."""
    found = map(_account, neighbours.accounts(days=DAYS))
    accounts = sorted(found, key=lambda one: (not one.running, one.name, one.ledger))
    return Overview(time.time(), tuple(accounts))


def _account(seen: neighbours.Overview) -> AccountView:
    return AccountView(
        ledger=seen.folder.name,
        name=seen.name,
        host=_host(seen.base_url),
        balance=seen.balance,
        pause=Pause(seen.reason, "", seen.paused_until) if seen.paused_until else None,
        concurrency=seen.concurrency,
        interval=seen.interval,
        caps=seen.caps,
        runs=tuple(sorted(map(_run, seen.runs), key=_order)),
        ended=tuple(sorted(map(_run, seen.ended), key=_order)),
        problem=seen.problem or None,
    )


def _host(base_url: str) -> str:
    try:
        return urlsplit(base_url).netloc.rpartition("@")[2]
    except ValueError:  # as http://[::1
        return ""


def _order(run: Run) -> tuple[bool, bool, str, str]:
    """Put first what is going on, then what needs somebody."""
    return not run.running, not run.is_left, run.job, run.output


def _run(seen: Neighbour) -> Run:
    layout = Layout(Path(seen.job))
    note, owner = _note(layout), _owner(layout)
    risk = ZERO if seen.alive else seen.holdings.held + seen.holdings.unrecorded
    return Run(
        job=seen.name or (owner.name if owner else layout.root.name),
        output=seen.job,
        file=_file(layout, owner),
        pid=seen.pid or None,
        running=seen.alive,
        in_flight=seen.holdings.flying if seen.alive else 0,
        left=0 if seen.alive else seen.holdings.flying,
        held=seen.holdings.held if seen.alive else ZERO,
        spent=seen.spent,
        at_risk=seen.at_risk + risk,
        tasks=note.counts if note and (seen.alive or _is_current(layout)) else None,
        pause=_pause(note) if note and seen.alive and note.pid == seen.pid else None,
        gone=not os.path.isdir(seen.job),  # noqa: PTH112 - never raises
        at=seen.at,
    )


def _note(layout: Layout) -> Note | None:
    """Read what a run has noted; None where there is nothing that can be read."""
    try:
        return read_note(layout) if layout.root.is_absolute() else None
    except (DirectoryError, ValueError):  # a newer version's; a name with a null byte
        return None


def _pause(note: Note) -> Pause | None:
    return Pause(note.hold, note.detail or "", note.until) if note.hold else None


def _is_current(layout: Layout) -> bool:
    """Whether no record was written after the note: by `settle`, or just before a kill."""
    try:
        noted, recorded = (path.stat().st_mtime for path in (layout.state, layout.manifest))
    except OSError:
        return False
    return recorded <= noted + _STALE


def _owner(layout: Layout) -> Owner | None:
    try:
        return read_owner(layout) if layout.root.is_absolute() else None
    except (DirectoryError, ValueError):
        return None


def _file(layout: Layout, owner: Owner | None) -> str | None:
    """Return the job file of an output directory, where it is known and there."""
    path = os.path.normpath(layout.root / owner.file) if owner else ""
    return path if os.path.isfile(path) else None  # noqa: PTH113 - never raises


def every_job(overview: Overview) -> Iterator[tuple[AccountView, Run]]:
    """Yield each run, and each job whose run has ended, with its account."""
    for account in overview.accounts:
        for run in (*account.runs, *account.ended):
            yield account, run
