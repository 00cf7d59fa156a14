"""What runs have observed of prices, for each other. Entries are only added."""

import sqlite3
from collections.abc import Iterable
from decimal import Decimal

from pipeline.account.telling import Lesson

# More than any price needs; the oldest go.
MOST = 5_000


def add(connection: sqlite3.Connection, run: int, lessons: Iterable[Lesson]) -> None:
    """Add what a run has observed."""
    for method, price_class, amount, times in lessons:
        added = connection.execute(
            "INSERT INTO lessons (run, method, price_class, amount, times) VALUES (?, ?, ?, ?, ?)",
            (run, method, price_class, str(amount), times),
        )
        assert added.lastrowid is not None
        connection.execute("DELETE FROM lessons WHERE number <= ?", (added.lastrowid - MOST,))


def since(connection: sqlite3.Connection, heard: int, run: int) -> tuple[tuple[Lesson, ...], int]:
    """Return what other runs have added after the entry `heard`, and the number of the last one."""
    rows = connection.execute(
        "SELECT number, run, method, price_class, amount, times FROM lessons WHERE number > ?"
        " ORDER BY number",
        (heard,),
    ).fetchall()
    new = tuple(
        Lesson(method, price_class, Decimal(amount), times)
        for _, teller, method, price_class, amount, times in rows
        if teller != run
    )
    return new, rows[-1][0] if rows else heard


def clear(connection: sqlite3.Connection) -> None:
    """Forget all that was observed."""
    connection.execute("DELETE FROM lessons")
