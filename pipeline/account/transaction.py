"""One transaction of the ledger: all of it is written, or nothing, and errors are for people."""

import random
import sqlite3
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import TracebackType

from pipeline.account.errors import UNREADABLE, translated

# Seconds. SQLite's own handler sleeps for up to 0.1 s at a time: a run among busy ones waits long.
_FIRST_SLEEP, _LONGEST_SLEEP = 0.0003, 0.004


class Transaction:
    """A context: `begin` reads what has changed, and `end` writes; `undo` follows if it fails."""

    def __init__(
        self,
        connection: sqlite3.Connection,
        place: Path | str,
        patience: float,
        steps: tuple[Callable[[], None], Callable[[], None], Callable[[], None]],
    ) -> None:
        self._execute, self._place, self._patience = connection.execute, place, patience
        self._begin, self._end, self._undo = steps

    def __enter__(self) -> None:
        """Begin, once no other process is in a transaction."""
        try:
            self._lock()
            self._begin()
        except BaseException as error:
            self._back(error)
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None
    ) -> None:
        if error is None:
            try:
                self._end()
                self._execute("COMMIT")
            except BaseException as failure:
                self._back(failure)
                raise
        else:
            self._back(error)

    def _lock(self) -> None:
        """Take the lock for writing; try again for as long as there is patience."""
        try:
            self._execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            if not _is_busy(error):
                raise
        else:
            return
        end, sleep = time.monotonic() + self._patience, _FIRST_SLEEP
        while True:
            time.sleep(sleep * random.uniform(0.5, 1.5))  # noqa: S311 - no secret
            sleep = min(sleep * 1.5, _LONGEST_SLEEP)
            try:
                self._execute("BEGIN IMMEDIATE")
            except sqlite3.OperationalError as error:
                if not _is_busy(error) or time.monotonic() > end:
                    raise
            else:
                return

    def _back(self, error: BaseException) -> None:
        """Undo what was not written, here and in the file."""
        self._undo()
        with suppress(sqlite3.Error):  # it may have been rolled back, or be closed
            self._execute("ROLLBACK")
        # What was read may be of another type: SQLite's columns hold anything.
        if isinstance(error, (*UNREADABLE, TypeError, ValueError)):
            raise translated(self._place, error) from error


def _is_busy(error: sqlite3.OperationalError) -> bool:
    return error.sqlite_errorname.startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))
