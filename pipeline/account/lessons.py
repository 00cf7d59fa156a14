"""What runs have observed of prices, for each other. Entries are only added."""

import sqlite3
from collections.abc import Iterable
from decimal import Decimal

from pipeline.account.telling import Lesson
from pipeline.amounts import is_money

# More than any price needs; the oldest go.
MOST = 5_000


def add(connection: sqlite3.Connection, run: int, lessons: Iterable[Lesson]) -> None:
    """Add what a run has observed, but for what no price can be."""
    for method, price_class, amount, times in lessons:
        if not is_money(amount):
            continue
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
    new = tuple(_lesson(*told) for _, teller, *told in rows if teller != run)
    return new, rows[-1][0] if rows else heard


def _lesson(method: str, price_class: str, amount: str, times: int) -> Lesson:
    """Read an entry, which may hold anything: what it teaches is reckoned with outside of here."""
    found = Decimal(amount)
    if not is_money(found) or not isinstance(price_class, str) or not 0 < times <= MOST:
        raise ValueError("what was observed of a price is none")
    return Lesson(method, price_class, found, times)


def clear(connection: sqlite3.Connection) -> None:
    """Forget all that was observed."""
    connection.execute("DELETE FROM lessons")
