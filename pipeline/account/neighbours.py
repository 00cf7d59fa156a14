"""The accounts of this machine and their runs, as `status` shows them. Reads, and makes nothing."""

import math
import sqlite3
import time
from collections.abc import Callable, Collection, Iterator
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
from pipeline.account.telling import QUARTER, Neighbour, Terms
from pipeline.money.account import NOTHING, Cap

# Unix seconds, some thousand years from now: what is larger is not a time.
_LATEST = 1e11
_ALIEN = "it has unexpected contents"


class Overview(NamedTuple):
    """An account of this machine.

    `balance` is as last reported. `paused_until` is in Unix seconds, None where nothing has asked
    for a pause. `concurrency`, `interval` (seconds between two dispatches) and `caps` are those of
    the runs that are alive. `ended` are the jobs that have spent something and have no run: these
    have neither a pid nor a name. Where the ledger cannot be read, `problem` says why.
    """

    folder: Path
    name: str = ""
    base_url: str = ""
    runs: tuple[Neighbour, ...] = ()
    ended: tuple[Neighbour, ...] = ()
    balance: Decimal | None = None
    concurrency: int | None = None
    interval: float = 0.0
    caps: tuple[Cap, ...] = ()
    paused_until: float | None = None
    reason: str = ""
    problem: str = ""


def accounts(
    *,
    wall: Callable[[], float] = time.time,
    now: Callable[[], float] = time.monotonic,
    days: float = math.inf,
) -> Iterator[Overview]:
    """Yield the accounts that have a ledger in the state folder of this user.

    What jobs have spent is that of so many `days`.
    """
    for folder in places.folders():
        if not (folder / schema.FILE).exists():
            continue  # nobody has ever registered
        try:
            seen = overview(folder, wall=wall(), now=now(), days=days)
        except LedgerError as error:
            seen = Overview(folder, problem=error.why)
        except (ArithmeticError, TypeError, ValueError):
            seen = Overview(folder, problem=_ALIEN)
        yield seen if _is_sound(seen) else Overview(folder, problem=_ALIEN)


def overview(folder: Path, *, wall: float, now: float, days: float = math.inf) -> Overview:
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
            spent = _spent(connection, (wall - days * 86400) / QUARTER)
            together, spending = Others(None, found, now), Spending(connection, shared.totals)
            caps = together.elsewhere(Calendar(), wall, spending.since).caps
    pause = shared.pause - now if shared.boot == BOOT else 0.0
    return Overview(
        folder=folder,
        name=name,
        base_url=base_url,
        runs=tuple(_neighbour(run, spent) for run in found),
        ended=tuple(_ended(spent, {run.job for run in found})),
        balance=shared.balance.known,
        concurrency=together.concurrency,
        interval=together.interval,
        caps=caps,
        paused_until=wall + pause if pause > 0 else None,
        reason=shared.reason if pause > 0 else "",
    )


def _is_sound(seen: Overview) -> bool:
    """Whether texts are texts and times can be times: a file may hold anything."""
    texts = [seen.name, seen.base_url, seen.reason]
    numbers: list[float] = [seen.paused_until or 0.0]
    for run in (*seen.runs, *seen.ended):
        texts += [run.job, run.name]
        numbers += [run.pid, run.at, run.holdings.flying]
    return all(isinstance(text, str) for text in texts) and all(
        isinstance(number, int | float) and 0 <= number < _LATEST for number in numbers
    )


def _ended(spent: dict[str, tuple[int, int, int]], present: Collection[str]) -> Iterator[Neighbour]:
    for path, (cost, at_risk, quarter) in spent.items():
        if path not in present:
            yield Neighbour(
                path, "", 0, False, NOTHING, Terms(),
                schema.amount_of(cost), schema.amount_of(at_risk), float(quarter * QUARTER),
            )  # fmt: skip


def _neighbour(run: Run, spent: dict[str, tuple[int, int, int]]) -> Neighbour:
    cost, at_risk, _ = spent.get(run.job, (0, 0, 0))
    return Neighbour(
        run.job, run.name, run.pid, run.is_alive, run.holdings, run.terms,
        schema.amount_of(cost), schema.amount_of(at_risk), run.at,
    )  # fmt: skip


def _spent(connection: sqlite3.Connection, since: float) -> dict[str, tuple[int, int, int]]:
    """Sum up the postings of each job, from a quarter of an hour on; with the last of them."""
    rows = connection.execute(
        "SELECT path, sum(cost), sum(at_risk), max(quarter) FROM postings JOIN jobs ON number = job"
        " WHERE quarter > ? GROUP BY job",
        (since,),
    )
    return {path: (cost, at_risk, last) for path, cost, at_risk, last in rows}
