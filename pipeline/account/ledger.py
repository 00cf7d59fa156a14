"""The ledger of an account: what its runs tell each other, each time in one transaction.

A run writes its present totals with everything it tells. So a row is right again with the next
transaction, whatever went wrong before; and that of a run that was killed says what it has put at
risk. Synchronous; for one thread at a time.
"""

import os
import secrets
import sqlite3
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

from pipeline.account import document, judging, lessons, places, runs, schema
from pipeline.account.errors import LedgerError, Translated
from pipeline.account.others import Others
from pipeline.account.periods import Calendar
from pipeline.account.runs import Run, State
from pipeline.account.spending import Spending
from pipeline.account.telling import Asked, Entry, Lesson, News, Posting, Told
from pipeline.account.transaction import Transaction
from pipeline.common.files import create, is_at, is_joined, join_folder, lock
from pipeline.money.account import Bid, Holdings, Refusal, without
from pipeline.money.balance import Moment

# Seconds after which the processes of other runs are looked for again.
_LOOK = 0.5
# Seconds to wait for a transaction of another process, each of which takes less than a millisecond.
PATIENCE = 2.0


class Ledger:
    """The ledger as one run uses it."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        folder: Path | None,
        wall: Callable[[], float],
        patience: float = PATIENCE,
    ) -> None:
        self._connection, self._folder, self._wall = connection, folder, wall
        self._place = folder or ":memory:"
        self._spending = Spending(connection)
        self._calendar = Calendar()
        steps = self._begin, self._end, self._undo
        self._transaction = Transaction(connection, self._place, patience, steps)
        self._now = 0.0
        self._lock: int | None = None
        self._lock_name = ""
        self._number = 0
        self._heard = 0
        self._looked = -1e9
        # What follows was read when the data had the version `_seen`.
        self._seen = -1
        self._document = document.load(connection, self._place)
        self._files = schema.identity(folder) if folder is not None else []
        self._runs: list[Run] = []
        self._own: Run | None = None
        self._others = Others(None, (), 0.0)
        self._job_number = 0
        self._is_new = True
        self._beside: Path | None = None
        self._unseen = False
        self._lessons: tuple[Lesson, ...] = ()

    @classmethod
    def open(
        cls,
        folder: Path,
        *,
        name: str = "",
        base_url: str = "",
        wall: Callable[[], float] = time.time,
        patience: float = PATIENCE,
    ) -> "Ledger":
        """Open the ledger in a folder (see `places`), and make it if there is none.

        `name` and `base_url` are only shown, by `status`. `patience` is how many seconds to wait
        for other programs that have locked the file.

        Raises:
            LedgerError: it cannot be used.
        """
        with Translated(folder):
            places.prepare(folder)
            connection = schema.connect(folder, patience)
            try:
                if name or base_url:
                    shown = name, places.without_credentials(base_url)
                    connection.execute("UPDATE account SET name = ?, base_url = ?", shown)
                connection.execute("PRAGMA busy_timeout = 0")  # `Transaction` waits itself
                return cls(connection, folder, wall, patience)
            except BaseException:
                connection.close()
                raise

    @classmethod
    def in_memory(
        cls, beside: Path | None = None, *, wall: Callable[[], float] = time.time
    ) -> "Ledger":
        """Open a ledger that no other run sees.

        Runs that use the one in the folder `beside` see that there is such a run (`News.unseen`).
        """
        ledger = cls(schema.connect(None), None, wall)
        ledger._beside = beside
        return ledger

    # -- what a run does ----------------------------------------------------------------------

    def register(self, entry: Entry, *, now: float) -> News:
        """Add a run; the ledger knows of its job what it says now.

        Raises:
            LedgerError: the ledger cannot be used; so all the methods that follow.
        """
        self._now = now
        with Translated(self._place):
            self._take_lock()
        with self._transaction:
            self._look()
            self._end_dead(entry.job)
            self._job_number = self._job(entry.job)
            self._spending.replace(self._job_number, entry.postings)
            self._add(entry).hold(entry.holdings)
            if self._others.runs == 1:
                lessons.clear(self._connection)
                self._lessons = ()
                self._document.begin_anew()
            return self._news()

    def transact(self, told: Told, asked: Sequence[Asked], *, now: float) -> News:
        """Tell what has happened, and ask; the answers are set on `asked`, in their order."""
        self._now = now
        with self._transaction:
            own = self._registered
            if not own.is_alive:
                self._revive(own)
            if now - self._looked >= _LOOK:
                self._look()
            self._take(told, own)
            refused: list[Bid] = []
            for question in asked:
                if question.bid is None:
                    interval = self._others.interval
                    question.answer = self._document.take_turn(interval, now)
                    continue
                bid = without(question.bid, refused)
                question.answer = self._judge(bid, own)
                if isinstance(question.answer, Refusal):
                    refused.append(question.bid)
            return self._news()

    def leave(self, holdings: Holdings, *, now: float) -> None:
        """End the run: what it still holds stays at risk until its job runs again or settles."""
        self._now = now
        try:
            with self._transaction:
                own = self._registered
                own.hold(holdings)
                if holdings.held or holdings.unrecorded or holdings.flying:
                    self._mark(own, State.DEAD)
                else:
                    self._remove(own)
        finally:
            self.close()

    def adopt(self, job: str, postings: Sequence[Posting], *, now: float) -> None:
        """Take what the manifest of a job says that has no run: its dead runs hold nothing more."""
        self._now = now
        with self._transaction:
            self._look()
            self._end_dead(job)
            self._spending.replace(self._job(job), postings)

    def close(self) -> None:
        """Close the file and free the lock: who has not left counts as killed."""
        with suppress(sqlite3.Error):
            self._connection.close()
        self._free_lock()

    # -- one transaction ----------------------------------------------------------------------

    def _begin(self) -> None:
        """Read what others have written since."""
        (version,) = self._connection.execute("PRAGMA data_version").fetchone()
        if version != self._seen:
            self._document = document.load(self._connection, self._place)
            self._spending.totals = self._document.totals
            self._runs = runs.refresh(self._connection, self._runs)
            self._gather()
            self._hear_lessons()
            self._seen = version
        self._document.check_clock(self._now, self._others.interval, self._others.runs)

    def _end(self) -> None:
        """Write what has changed."""
        own = self._own
        if own is not None:
            own.told, own.at = self._now, self._wall()
            runs.save(self._connection, own)
        self._document.save(self._connection)

    def _undo(self) -> None:
        """Forget what was not written."""
        self._seen = -1
        self._runs = []
        self._spending.forget()

    def _gather(self) -> None:
        """Work out what the runs come to together."""
        others = []
        self._own = None
        for run in self._runs:
            if run.number == self._number:
                self._own = run
            else:
                others.append(run)
        self._others = Others(self._own, others, self._now)

    @property
    def _registered(self) -> Run:
        if self._own is None:
            raise LedgerError(self._place, "the row of this run is missing")
        return self._own

    # -- who is there -------------------------------------------------------------------------

    def _take_lock(self) -> None:
        """Lock a file of this run's own: before there is a row, so that no row is without."""
        if self._folder is None or self._lock is not None:
            return
        self._lock_name = self._lock_name or f"run-{secrets.token_hex(8)}.lock"
        self._lock = create(self._folder / self._lock_name)
        os.fchmod(self._lock, 0o600)
        if not lock(self._lock):
            raise LedgerError(self._place, "its file system has no locks")

    def _free_lock(self) -> None:
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _revive(self, own: Run) -> None:
        """Come back after somebody has removed the lock file, so that others took it for dead."""
        self._free_lock()
        self._take_lock()
        own.state = State.ALIVE
        values = int(own.state), own.number
        self._connection.execute("UPDATE runs SET state = ? WHERE number = ?", values)
        self._gather()

    def _look(self) -> bool:
        """See which of the other runs are there; returns whether that has changed."""
        self._looked = self._now
        self._refuse_removed()
        self._look_for_unseen()
        others = [run for run in self._runs if run.number != self._number]
        changed = [run for run in others if run.is_silent(self._now)] != self._others.silent
        for run in self._runs:
            if run.number != self._number and (found := runs.look(run, self._folder)) != run.state:
                self._mark(run, found)
                changed = True
        if changed:
            self._gather()
        return changed

    def _refuse_removed(self) -> None:
        """See that the file is still the one that a run which comes would open."""
        if self._folder is None:
            return
        with suppress(FileNotFoundError):
            if schema.identity(self._folder) == self._files:
                return
        raise LedgerError(self._place, "it was removed or replaced while this run had it open")

    def _look_for_unseen(self) -> None:
        """See whether a run is there that does not use the ledger; or be seen as such a run."""
        if self._folder is not None:
            # In a transaction, so that no two look at once.
            self._unseen |= is_joined(self._folder)
        elif self._beside is not None and not is_at(self._lock, self._beside):
            self._free_lock()
            self._lock = join_folder(self._beside)

    def _mark(self, run: Run, state: State) -> None:
        run.state = state
        values = int(state), run.number
        self._connection.execute("UPDATE runs SET state = ? WHERE number = ?", values)
        self._remove_lock(run)

    def _remove(self, run: Run) -> None:
        self._connection.execute("DELETE FROM runs WHERE number = ?", (run.number,))
        self._runs.remove(run)
        self._gather()
        self._remove_lock(run)

    def _remove_lock(self, run: Run) -> None:
        if self._folder is not None and run.lock == Path(run.lock).name:
            with suppress(OSError):
                (self._folder / run.lock).unlink()

    def _end_dead(self, job: str) -> None:
        """Remove the rows of a job's dead runs: its manifest says what became of all they held."""
        for run in [run for run in self._runs if run.job == job and not run.is_alive]:
            self._remove(run)

    def _job(self, path: str) -> int:
        self._connection.execute("INSERT OR IGNORE INTO jobs (path) VALUES (?)", (path,))
        select = "SELECT number FROM jobs WHERE path = ?"
        (number,) = self._connection.execute(select, (path,)).fetchone()
        return int(number)

    def _add(self, entry: Entry) -> Run:
        """Add the row of this run."""
        self._number = runs.insert(
            self._connection, entry, self._job_number, os.getpid(), self._lock_name
        )
        self._runs = runs.load(self._connection)
        self._gather()
        return self._registered

    # -- telling and asking -------------------------------------------------------------------

    def _take(self, told: Told, own: Run) -> None:
        if told.operations:
            self._document.apply(told.operations)
        taught = [each for each in told.lessons if not (self._unseen and each.is_fall)]
        if taught:
            lessons.add(self._connection, own.number, taught)
        if told.postings:
            self._spending.post(self._job_number, told.postings)
        if told.pause is not None:
            self._document.hear(told.pause, self._now)
        self._is_new = not judging.is_active(own, self._now)
        own.hold(told.holdings)

    def _judge(self, bid: Bid, own: Run) -> Moment | Refusal:
        if self._is_new:
            self._is_new = False
            judging.level(own, self._others.alive)
            self._connection.execute("UPDATE runs SET level = ? WHERE state = 0", (own.level,))
        refusal = judging.judge(bid, self._view(own))
        over = refusal is not None and refusal.obstacle in judging.MAY_BE_OVER
        if over and self._looked != self._now and self._look():
            refusal = judging.judge(bid, self._view(own))
        judging.note(own, refusal, self._now)
        own.hold(bid.after if refusal is None else bid.before)
        return self._document.tick() if refusal is None else refusal

    def _view(self, own: Run) -> judging.View:
        shared, others = self._document, self._others
        limits = others.limits(self._calendar, self._wall())
        return judging.View(
            self._now, own, others, limits, self._spending.since,
            shared.balance, shared.turn, shared.pause, shared.reason,
        )  # fmt: skip

    def _hear_lessons(self) -> None:
        """Read what others have observed since."""
        new, self._heard = lessons.since(self._connection, self._heard, self._number)
        self._lessons += new

    def _news(self) -> News:
        others = self._others
        elsewhere = others.elsewhere(self._calendar, self._wall(), self._spending.since)
        new, self._lessons = self._lessons, ()
        balance = document.copy(self._document.balance)
        return News(balance, elsewhere, new, others.interval, unseen=self._unseen)
