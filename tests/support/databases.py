"""The database of an account, as another process finds it."""

import contextlib
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

LEDGER = "ledger.sqlite"

# Takes the write lock of a database, says so, and keeps it until its standard input ends.
_HOLDER = """\
import sqlite3, sys
connection = sqlite3.connect(sys.argv[1], isolation_level=None, timeout=30)
try:
    connection.execute("BEGIN EXCLUSIVE")
    print("locked", flush=True)
except sqlite3.DatabaseError as error:
    print(error, flush=True)
sys.stdin.read()
"""


@contextlib.contextmanager
def locked(database: Path) -> Iterator[bool]:
    """Let another process hold a database's lock; whether it could take it."""
    process = subprocess.Popen(
        [sys.executable, "-c", _HOLDER, database],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    said = process.stdout.readline()
    try:
        yield said == "locked\n"
    finally:
        process.communicate()


def ledger_sums(state: Path) -> tuple[Decimal, Decimal, Decimal]:
    """Read what all ledgers of a state folder say: spent, at risk, held by runs alive or dead."""
    spent = at_risk = held = 0
    for ledger in state.glob(f"pipeline/accounts/*/{LEDGER}"):
        with contextlib.closing(sqlite3.connect(ledger, timeout=30)) as connection:
            query = "SELECT coalesce(sum(cost), 0), coalesce(sum(at_risk), 0) FROM postings"
            cost, risk = connection.execute(query).fetchone()
            (own,) = connection.execute(
                "SELECT coalesce(sum(held + unrecorded), 0) FROM runs"
            ).fetchone()
            spent, at_risk, held = spent + cost, at_risk + risk, held + own
    spent_, risk_, held_ = (Decimal(whole) / 1_000_000 for whole in (spent, at_risk, held))
    return spent_, risk_, held_
