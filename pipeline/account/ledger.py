"""The ledger of an account: what its runs tell each other, each time in one transaction.

A run writes its present totals with everything it tells. So a row is right again with the next
transaction, whatever went wrong before; and that of a run that was killed says what it has put at
risk. Synchronous; for one thread at a time.
"""

import contextlib
import os
import secrets
import sqlite3
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from pipeline.account import document, judging, lessons, places, runs, schema
from pipeline.account.errors import LedgerError, Translated
from pipeline.account.judging import Limit, View
from pipeline.account.neighbours import neighbours
from pipeline.account.periods import Calendar
from pipeline.account.runs import Run, State
from pipeline.account.spending import Spending
from pipeline.account.telling import Asked, Entry, Neighbour, News, Posting, Told
from pipeline.common.files import create, lock
from pipeline.money.account import Bid, Elsewhere, Holdings, Refusal
from pipeline.money.balance import Moment

# Seconds after which the processes of other runs are looked for again.
_LOOK = 0.5


class Ledger:
    """The ledger as one run uses it."""

    def __init__(
        self, connection: sqlite3.Connection, folder: Path | None, wall: Callable[[], float]
    ) -> None:
        self._connection, self._folder, self._wall = connection, folder, wall
        self._place = folder or ":memory:"
        self._spending = Spending(connection)
        self._calendar = Calendar()
        self._lock: int | None = None
        self._lock_name = ""
        self._number = 0
        self._heard = 0
        self._looked = -1e9
        self._seen = -1  # the version of the data that the following were read from
        self._document = document.load(connection, self._place)
        self._own: Run | None = None
        self._others: list[Run] = []

    @classmethod
    def open(
        cls,
        folder: Path,
        *,
        name: str = "",
        base_url: str = "",
        wall: Callable[[], float] = time.time,
    ) -> "Ledger":
        """Open the ledger in a folder (see `places`), and make it if there is none.

        `name` and `base_url` are only shown, by `status`.

        Raises:
            LedgerError: it cannot be used.
        """
        with Translated(folder):
            places.prepare(folder)
            connection = schema.connect(folder)
            if name or base_url:
                shown = name, places.without_credentials(base_url)
                connection.execute("UPDATE account SET name = ?, base_url = ?", shown)
            return cls(connection, folder, wall)

    @classmethod
    def in_memory(cls, *, wall: Callable[[], float] = time.time) -> "Ledger":
        """Open a ledger that no other run sees."""
        return cls(schema.connect(None), None, wall)

    # -- what a run does ----------------------------------------------------------------------

    def register(self, entry: Entry, *, now: float) -> News:
        """Add a run, or say again what it wants; the ledger knows of its job what it says now."""
        with Translated(self._place):
            self._take_lock()
            with self._transaction(now):
                self._look(now)
                self._end_dead(entry.job)
                job = self._job(entry.job)
                self._spending.replace(job, entry.postings)
                self._add(entry, job)
                assert self._own is not None
                if not any(other.is_alive for other in self._others):
                    lessons.clear(self._connection)
                    self._document.begin_anew()
                self._own.hold(entry.holdings)
                return self._news()

    def transact(self, told: Told, asked: Sequence[Asked], *, now: float) -> News:
        """Tell what has happened, and ask; the answers are set on `asked`, in their order."""
        with Translated(self._place), self._transaction(now):
            own = self._registered
            if now - self._looked >= _LOOK:
                self._look(now)
            self._take(told, own, now)
            for question in asked:
                if question.bid is None:
                    _, interval = self._terms()
                    question.answer = self._document.take_turn(interval, now)
                else:
                    question.answer = self._judge(question.bid, own, now)
            return self._news()

    def leave(self, holdings: Holdings, *, now: float) -> None:
        """End the run: what it still holds stays at risk until its job runs again or settles."""
        with Translated(self._place):
            with self._transaction(now):
                own = self._registered
                own.hold(holdings)
                if holdings.held or holdings.unrecorded or holdings.flying:
                    self._mark(own, State.DEAD)
                else:
                    self._connection.execute("DELETE FROM runs WHERE number = ?", (own.number,))
                    self._own = None
            self.close()

    def adopt(self, job: str, postings: Sequence[Posting], *, now: float) -> None:
        """Take what the manifest of a job says that has no run: its dead runs hold nothing more."""
        with Translated(self._place), self._transaction(now):
            self._look(now)
            self._end_dead(job)
            self._spending.replace(self._job(job), postings)

    def neighbours(self) -> list[Neighbour]:
        """Return the runs of the account, alive and dead."""
        return neighbours(self._folder) if self._folder is not None else []

    def close(self) -> None:
        """Close the file and free the lock: whoever has not left counts as killed."""
        with contextlib.suppress(sqlite3.Error):
            self._connection.close()
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    # -- one transaction ----------------------------------------------------------------------

    @contextmanager
    def _transaction(self, now: float) -> Iterator[None]:
        """Read what others have written since; write what has changed, or nothing at all."""
        connection = self._connection
        connection.execute("BEGIN IMMEDIATE")
        try:
            self._refresh()
            _, interval = self._terms()
            self._document.check_clock(now, interval, self._alive)
            yield
            if self._own is not None:
                self._own.told, self._own.at = now, self._wall()
                runs.save(connection, self._own)
            self._document.save(connection)
            connection.execute("COMMIT")
        except BaseException:
            self._seen = -1
            self._spending.forget()
            with contextlib.suppress(sqlite3.Error):
                connection.execute("ROLLBACK")
            raise

    def _refresh(self) -> None:
        (version,) = self._connection.execute("PRAGMA data_version").fetchone()
        if version == self._seen:
            return
        self._document = document.load(self._connection, self._place)
        self._spending.totals = self._document.totals
        self._load_runs()
        self._seen = version

    def _load_runs(self) -> None:
        found = runs.load(self._connection)
        self._own = next((run for run in found if run.number == self._number), None)
        self._others = [run for run in found if run.number != self._number]

    @property
    def _registered(self) -> Run:
        if self._own is None:
            raise LedgerError(self._place, "the row of this run is missing")
        return self._own

    @property
    def _all(self) -> list[Run]:
        return self._others if self._own is None else [*self._others, self._own]

    @property
    def _alive(self) -> int:
        return sum(run.is_alive for run in self._all)

    def _terms(self) -> tuple[int | None, float]:
        """Return the least concurrency and the longest interval of the runs that are alive."""
        alive = [run for run in self._all if run.is_alive]
        return judging.concurrency(alive), judging.interval(alive)

    # -- who is there -------------------------------------------------------------------------

    def _take_lock(self) -> None:
        """Lock a file of this run's own: before there is a row, so that no row is without."""
        if self._lock is not None or self._folder is None:
            return
        self._lock_name = f"run-{secrets.token_hex(8)}.lock"
        self._lock = create(self._folder / self._lock_name)
        os.fchmod(self._lock, 0o600)
        if not lock(self._lock):
            raise LedgerError(self._place, "its file system has no locks")

    def _look(self, now: float) -> None:
        """See which of the other runs are there."""
        self._looked = now
        for other in self._others:
            if (state := runs.look(other, self._folder)) != other.state:
                self._mark(other, state)

    def _mark(self, run: Run, state: State) -> None:
        run.state = state
        self._connection.execute(
            "UPDATE runs SET state = ? WHERE number = ?", (int(state), run.number)
        )
        if state != State.ALIVE:
            self._remove_lock(run)

    def _remove_lock(self, run: Run) -> None:
        if self._folder is not None and run.lock == Path(run.lock).name:
            with contextlib.suppress(OSError):
                (self._folder / run.lock).unlink()

    def _end_dead(self, job: str) -> None:
        """Remove the rows of a job's dead runs: its manifest says what became of all they held."""
        for run in [other for other in self._others if other.job == job and not other.is_alive]:
            self._connection.execute("DELETE FROM runs WHERE number = ?", (run.number,))
            self._others.remove(run)

    def _job(self, path: str) -> int:
        self._connection.execute("INSERT OR IGNORE INTO jobs (path) VALUES (?)", (path,))
        select = "SELECT number FROM jobs WHERE path = ?"
        (number,) = self._connection.execute(select, (path,)).fetchone()
        return int(number)

    def _add(self, entry: Entry, job: int) -> None:
        """Add the row of this run, or replace it by one with its new terms."""
        old = self._own
        if old is not None:
            self._connection.execute("DELETE FROM runs WHERE number = ?", (old.number,))
        self._number = runs.insert(self._connection, entry, job, os.getpid(), self._lock_name)
        self._load_runs()
        if old is not None and self._own is not None:
            self._own.level, self._own.active = old.level, old.active

    # -- telling and asking -------------------------------------------------------------------

    def _take(self, told: Told, own: Run, now: float) -> None:
        if told.operations:
            self._document.apply(told.operations)
        if told.lessons:
            lessons.add(self._connection, own.number, told.lessons)
        if told.postings:
            self._spending.post(self._job(own.job), told.postings)
        if told.pause is not None:
            self._document.hear(told.pause, now)
        own.hold(told.holdings)

    def _judge(self, bid: Bid, own: Run, now: float) -> Moment | Refusal:
        judging.take_level(own, self._others, now)
        refusal = judging.judge(bid, self._view(own, now))
        if refusal is not None and refusal.obstacle in judging.MAY_BE_OVER and self._looked != now:
            self._look(now)
            refusal = judging.judge(bid, self._view(own, now))
        judging.note(own, refusal, now)
        own.hold(bid.after if refusal is None else bid.before)
        return self._document.tick() if refusal is None else refusal

    def _view(self, own: Run, now: float) -> View:
        shared = self._document
        concurrency, interval = self._terms()
        return View(
            now, own, self._others, shared.balance, self._limits(),
            concurrency, interval, shared.turn, shared.pause, shared.reason,
        )  # fmt: skip

    def _limits(self) -> list[Limit]:
        wall, since = self._wall(), self._spending.since
        return judging.limits(self._all, self._own, wall, self._calendar, since)

    def _news(self) -> News:
        concurrency, interval = self._terms()
        new, self._heard = lessons.since(self._connection, self._heard, self._number)
        return News(
            document.copy(self._document.balance), self._elsewhere(), new, concurrency, interval
        )

    def _elsewhere(self) -> Elsewhere:
        alive = [other for other in self._others if other.is_alive]
        return Elsewhere(
            held=schema.amount_of(judging.held_elsewhere(self._others)),
            open=schema.amount_of(sum(other.held for other in alive)),
            flying=sum(other.flying for other in alive),
            lone=any(other.lone for other in alive),
            runs=len(alive),
            caps=tuple(limit.as_cap() for limit in self._limits()),
        )
