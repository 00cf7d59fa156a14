"""The database of an account: its tables, and how it is opened.

Money is in whole millionths of a dollar. `told`, `waits`, `active`, `turn` and `pause` are by the
clock of the boot that `boot` names; `at` is Unix time.
"""

import os
import sqlite3
import stat
import time
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path
from urllib.parse import quote

from pipeline.account.errors import LedgerError
from pipeline.common.files import open_file

FILE = "ledger.sqlite"
FORMAT = 1
# Seconds in which a ledger that is only looked at must have been read.
_LONGEST_LOOK = 2.0
# A checkpoint syncs the disk: every so many pages of 4 KiB, which is a file of 8 MB.
_CHECKPOINT_PAGES = 2000
_MILLION = Decimal(1_000_000)
# Millionths: beyond it nothing is money, and a sum of many would not fit into 64 bits.
_MOST = 10**16

TABLES = """
CREATE TABLE account (
  one INTEGER PRIMARY KEY CHECK (one = 1),
  name TEXT NOT NULL, base_url TEXT NOT NULL,
  boot TEXT NOT NULL, turn REAL NOT NULL, pause REAL NOT NULL, reason TEXT NOT NULL,
  total INTEGER NOT NULL, past INTEGER NOT NULL, horizon INTEGER NOT NULL,
  balance BLOB NOT NULL
);
CREATE TABLE runs (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  job INTEGER NOT NULL, name TEXT NOT NULL, pid INTEGER NOT NULL,
  lock TEXT NOT NULL, boot TEXT NOT NULL,
  concurrency INTEGER, interval REAL NOT NULL, day INTEGER, month INTEGER, zone TEXT,
  priority INTEGER NOT NULL, longest REAL NOT NULL,
  state INTEGER NOT NULL DEFAULT 0,
  held INTEGER NOT NULL DEFAULT 0, unrecorded INTEGER NOT NULL DEFAULT 0,
  flying INTEGER NOT NULL DEFAULT 0, lone INTEGER NOT NULL DEFAULT 0,
  wanted INTEGER NOT NULL DEFAULT 0,
  level INTEGER NOT NULL DEFAULT 0, waits REAL NOT NULL DEFAULT 0,
  active REAL NOT NULL DEFAULT -1e9, told REAL NOT NULL DEFAULT 0, at REAL NOT NULL DEFAULT 0
);
CREATE TABLE jobs (number INTEGER PRIMARY KEY, path TEXT NOT NULL UNIQUE);
CREATE TABLE postings (
  quarter INTEGER NOT NULL, job INTEGER NOT NULL,
  cost INTEGER NOT NULL, at_risk INTEGER NOT NULL,
  PRIMARY KEY (quarter, job)
) WITHOUT ROWID;
CREATE TABLE lessons (
  number INTEGER PRIMARY KEY AUTOINCREMENT,
  run INTEGER NOT NULL, method TEXT NOT NULL, price_class TEXT NOT NULL,
  amount TEXT NOT NULL, times INTEGER NOT NULL
);
"""


def millionths(amount: Decimal) -> int:
    """Return an amount in whole millionths of a dollar, rounded up: never less is held."""
    exact = amount * _MILLION
    whole = int(exact)  # which cuts off what is finer
    if whole != exact and exact > 0:
        whole += 1
    return whole if -_MOST < whole < _MOST else _bounded(whole)


def nearest(amount: Decimal) -> int:
    """Return an amount in millionths such that what takes it back is the same."""
    exact = amount * _MILLION
    whole = int(exact)
    if whole != exact:
        whole = int(exact.to_integral_value(ROUND_HALF_EVEN))
    return whole if -_MOST < whole < _MOST else _bounded(whole)


def _bounded(whole: int) -> int:
    return max(-_MOST, min(_MOST, whole))


def amount_of(whole: int) -> Decimal:
    """Return so many millionths of a dollar as an amount."""
    return Decimal(whole) / _MILLION


def connect(folder: Path | None, patience: float = 0.0) -> sqlite3.Connection:
    """Open the ledger of a folder that `places.prepare` has seen, and make it if there is none.

    None is one in memory. `patience` is how long to wait for who has locked it, in seconds.

    Raises:
        LedgerError: another version has written it.
        sqlite3.Error, OSError, DirectoryError: it cannot be used.
    """
    if folder is None:
        connection = _connection(":memory:")
    else:
        _make_files(folder)
        connection = _connection(f"file:{quote(os.fsencode(folder / FILE))}?mode=rw", patience)
    try:
        if folder is not None:
            _use_wal(connection, folder)
        _make_tables(connection, folder)
    except BaseException:
        connection.close()
        raise
    return connection


def look(folder: Path) -> sqlite3.Connection:
    """Open a ledger that is there, to read only: no file is made, and none written.

    Whatever is in it, looking ends after `_LONGEST_LOOK`.

    Raises:
        LedgerError: another version has written it.
        sqlite3.Error, OSError, DirectoryError: it cannot be read.
    """
    os.close(open_file(folder / FILE))
    _refuse_alien(folder)
    # Without a log nobody has it open; SQLite would make one, unless nothing can change.
    quiet = "" if (folder / f"{FILE}-wal").exists() else "&immutable=1"
    connection = _connection(f"file:{quote(os.fsencode(folder / FILE))}?mode=ro{quiet}")
    end = time.monotonic() + _LONGEST_LOOK
    connection.set_progress_handler(lambda: time.monotonic() > end, 10_000)
    try:
        connection.execute("PRAGMA trusted_schema = 0")
        _refuse_unknown(connection, folder)
    except BaseException:
        connection.close()
        raise
    return connection


def identity(folder: Path) -> list[tuple[int, int]]:
    """Say which files the ledger of a folder is, while it is open: others may take their names."""
    found = [(folder / f"{FILE}{ending}").stat() for ending in ("", "-wal", "-shm")]
    return [(each.st_dev, each.st_ino) for each in found]


def _connection(address: str, patience: float = 2.0) -> sqlite3.Connection:
    return sqlite3.connect(
        address,
        uri=address != ":memory:",
        timeout=patience,
        isolation_level=None,
        check_same_thread=False,
    )


def _make_files(folder: Path) -> None:
    """Make the file, for us alone; see that those beside it are files."""
    file = open_file(folder / FILE, os.O_RDWR | os.O_CREAT)
    try:
        if os.fstat(file).st_mode & 0o077:
            os.fchmod(file, 0o600)
    finally:
        os.close(file)
    _refuse_alien(folder)


def _refuse_alien(folder: Path) -> None:
    """See that what SQLite has put beside the file are files."""
    for ending in ("-wal", "-shm"):
        beside = folder / f"{FILE}{ending}"
        if beside.is_symlink() or (beside.exists() and not stat.S_ISREG(beside.stat().st_mode)):
            raise LedgerError(beside, "it is not a regular file", hint="move it away")


def _use_wal(connection: sqlite3.Connection, folder: Path) -> None:
    (mode,) = connection.execute("PRAGMA journal_mode = WAL").fetchone()
    if mode != "wal":
        raise LedgerError(folder, "its file system has no shared memory")
    connection.execute("PRAGMA synchronous = NORMAL")
    connection.execute(f"PRAGMA wal_autocheckpoint = {_CHECKPOINT_PAGES}")
    # What a hostile file might have in its schema is not executed.
    connection.execute("PRAGMA trusted_schema = 0")


def _make_tables(connection: sqlite3.Connection, folder: Path | None) -> None:
    if _format(connection) == FORMAT:
        return
    connection.execute("BEGIN IMMEDIATE")
    if _format(connection) == 0:  # else another process has just made them
        if connection.execute("SELECT count(*) FROM sqlite_master").fetchone() != (0,):
            raise LedgerError(
                folder or ":memory:", "it is another program's database", hint="move it away"
            )
        for statement in TABLES.split(";"):
            connection.execute(statement)
        connection.execute("INSERT INTO account VALUES (1, '', '', '', 0, 0, '', 0, 0, 0, '')")
        connection.execute(f"PRAGMA user_version = {FORMAT}")
    _refuse_unknown(connection, folder)
    connection.execute("COMMIT")


def _format(connection: sqlite3.Connection) -> int:
    (found,) = connection.execute("PRAGMA user_version").fetchone()
    return int(found)


def _refuse_unknown(connection: sqlite3.Connection, folder: Path | None) -> None:
    if (found := _format(connection)) != FORMAT:
        raise LedgerError(
            folder or ":memory:",
            f"it has format {found}, and this version knows {FORMAT}",
            hint="use the version that wrote it",
        )
