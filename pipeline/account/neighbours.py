"""The accounts of this machine and their runs, as `status` shows them. Reads, and makes nothing."""

import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

from pipeline.account import document, places, runs, schema
from pipeline.account.errors import LedgerError, Translated
from pipeline.account.others import Others
from pipeline.account.periods import Calendar
from pipeline.account.runs import BOOT, Run
from pipeline.account.spending import Spending
from pipeline.account.telling import Neighbour
from pipeline.money.account import Cap


class Overview(NamedTuple):
    """An account of this machine.

    `balance` is as last reported. `paused_until` is in Unix seconds, None where nothing has asked
    for a pause. `concurrency`, `interval` (seconds between two dispatches) and `caps` are those of
    the runs that are alive. Where the ledger cannot be read, `problem` says why.
    """

    folder: Path
    name: str = ""
    base_url: str = ""
    runs: tuple[Neighbour, ...] = ()
    balance: Decimal | None = None
    concurrency: int | None = None
    interval: float = 0.0
    caps: tuple[Cap, ...] = ()
    paused_until: float | None = None
    reason: str = ""
    problem: str = ""


def accounts(
    *, wall: Callable[[], float] = time.time, now: Callable[[], float] = time.monotonic
) -> Iterator[Overview]:
    """Yield the accounts that have a ledger in the state folder of this user."""
    for folder in places.folders():
        try:
            yield overview(folder, wall=wall(), now=now())
        except LedgerError as error:
            yield Overview(folder, problem=error.why)


def neighbours(folder: Path) -> list[Neighbour]:
    """Return the runs of an account, alive and dead; none where it has no ledger.

    Raises:
        LedgerError: it cannot be read.
    """
    if not (folder / schema.FILE).exists():
        return []
    return list(overview(folder, wall=time.time(), now=time.monotonic()).runs)


def overview(folder: Path, *, wall: float, now: float) -> Overview:
    """Read the ledger in a folder; `now` is the clock of the event loop, `wall` Unix time.

    Raises:
        LedgerError: it cannot be read.
    """
    with Translated(folder):
        places.refuse_foreign(folder, fix=False)
        with closing(schema.look(folder)) as connection:
            connection.execute("BEGIN")
            found = runs.load(connection)
            for run in found:
                run.state = runs.look(run, folder)
            shared = document.load(connection, folder)
            name, base_url = connection.execute("SELECT name, base_url FROM account").fetchone()
            spent = _spent(connection)
            together, spending = Others(None, found), Spending(connection, shared.totals)
            caps = together.elsewhere(Calendar(), wall, spending.since).caps
    pause = shared.pause - now if shared.boot == BOOT else 0.0
    return Overview(
        folder=folder,
        name=name,
        base_url=base_url,
        runs=tuple(_neighbour(run, spent) for run in found),
        balance=shared.balance.known,
        concurrency=together.concurrency,
        interval=together.interval,
        caps=caps,
        paused_until=wall + pause if pause > 0 else None,
        reason=shared.reason if pause > 0 else "",
    )


def _neighbour(run: Run, spent: dict[str, tuple[int, int]]) -> Neighbour:
    cost, at_risk = spent.get(run.job, (0, 0))
    return Neighbour(
        run.job, run.name, run.pid, run.is_alive, run.holdings, run.terms,
        schema.amount_of(cost), schema.amount_of(at_risk), run.at,
    )  # fmt: skip


def _spent(connection: sqlite3.Connection) -> dict[str, tuple[int, int]]:
    """Sum up the postings of each job."""
    rows = connection.execute(
        "SELECT path, sum(cost), sum(at_risk) FROM postings JOIN jobs ON number = job GROUP BY job"
    )
    return {path: (cost, at_risk) for path, cost, at_risk in rows}
