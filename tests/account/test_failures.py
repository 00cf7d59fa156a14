"""A ledger that cannot be used says why, in a sentence, and leaves what it found as it is."""

import os
import resource
import sqlite3
import subprocess
import sys
import textwrap
import time
from contextlib import closing
from decimal import Decimal
from pathlib import Path

import pytest
from account.ledger_world import Clock, Member, members

from pipeline.account import places
from pipeline.account.errors import LedgerError
from pipeline.account.ledger import Ledger
from pipeline.account.schema import FILE
from pipeline.account.telling import Operation, Posting, Terms
from pipeline.errors import PipelineError
from pipeline.money.balance import Moment


def why(folder: Path) -> str:
    """Why the ledger of a folder cannot be opened, or not be used by a run."""
    with pytest.raises(LedgerError) as caught:
        Member(Ledger.open(folder, patience=0.05), Clock()).register()
    assert isinstance(caught.value, PipelineError)
    assert caught.value.why in str(caught.value)
    return str(caught.value)


def test_a_file_that_is_not_a_database_stays_as_it_is(folder: Path) -> None:
    folder.mkdir(parents=True)
    (folder / FILE).write_text("this is not a database, and longer than its header is" * 99)
    before = (folder / FILE).read_bytes()
    assert "not a database" in why(folder)
    assert (folder / FILE).read_bytes() == before


def test_a_damaged_database_stays_as_it_is(folder: Path, clock: Clock) -> None:
    (run,) = members(folder, clock, "/a")
    run.register()
    run.ledger.close()
    whole = (folder / FILE).read_bytes()
    damaged = whole[:4096] + os.urandom(len(whole) - 4096)
    (folder / FILE).write_bytes(damaged)
    assert "damaged" in why(folder) or "unexpected" in why(folder)
    assert (folder / FILE).read_bytes()[4096:] == damaged[4096:]


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE account SET balance = '{\"now\": 7}'",
        "UPDATE account SET balance = x'00ff'",
        "UPDATE account SET turn = 'soon'",
        "DELETE FROM account",
        "DROP TABLE runs",
        "DROP TABLE postings",
        "UPDATE account SET boot = 7, reason = 7, turn = x'00', pause = x'00'",
    ],
)
def test_contents_that_no_version_wrote_are_no_traceback(
    folder: Path, clock: Clock, change: str
) -> None:
    (run,) = members(folder, clock, "/a")
    run.register()
    run.ledger._connection.executescript(change)
    run.ledger.close()
    assert "unexpected" in (said := why(folder)) or "missing" in said


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE account SET total = 'much'",
        'UPDATE account SET balance = \'{"now": [0, "NaN", "NaN", 0]}\'',
        "UPDATE runs SET waits = 'long', active = 'never'",
        "DELETE FROM runs",
        "UPDATE runs SET held = 'all'",
        "INSERT INTO lessons VALUES (1, 9, 'fell', 'a', 'NaN', 1)",
        "INSERT INTO lessons VALUES (1, 9, 'fell', 'a', '1e999999', 1)",
        "INSERT INTO lessons VALUES (1, 9, 'fell', 'a', '0.95', 0)",
        "INSERT INTO lessons VALUES (1, 9, 'missed', 'a', '0', 'x')",
        "INSERT INTO lessons VALUES (1, 9, 'fell', x'00', '0.95', 1)",
    ],
)
def test_contents_that_change_while_a_run_is_there_are_no_traceback(
    folder: Path, clock: Clock, change: str
) -> None:
    one, two = members(folder, clock, "/a", "/b")
    one.register(Terms(concurrency=5, day=Decimal(9))), two.register()
    two.ledger._connection.executescript(change)

    def go_on() -> None:
        for _ in range(2):
            one.bid()
            one.tell(
                Operation("header", (Decimal(5), Moment())),
                postings=[Posting(1, Decimal(1), Decimal(1))],
            )

    with pytest.raises(LedgerError, match=r"unexpected|missing"):
        go_on()


def test_a_newer_format_is_left_alone(folder: Path, clock: Clock) -> None:
    (run,) = members(folder, clock, "/a")
    run.ledger._connection.execute("PRAGMA user_version = 2")
    run.ledger.close()
    assert "format 2" in why(folder)


def test_another_program_s_database_is_left_alone(folder: Path) -> None:
    folder.mkdir(parents=True)
    with closing(sqlite3.connect(folder / FILE)) as connection, connection:
        connection.execute("CREATE TABLE accounts (x)")
    connection.close()
    assert "another program" in why(folder)


def test_a_file_that_is_locked_for_too_long_is_given_up(folder: Path, clock: Clock) -> None:
    (run,) = members(folder, clock, "/a")
    run.register()
    other = sqlite3.connect(folder / FILE, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    began = time.monotonic()
    assert "locked" in why(folder)
    assert time.monotonic() - began < 2
    other.execute("ROLLBACK")
    other.close()
    run.tell()  # it is there again


def test_a_read_only_file_says_so(folder: Path, clock: Clock) -> None:
    (run,) = members(folder, clock, "/a")
    run.ledger._connection.execute("PRAGMA query_only = 1")  # root may write to any file
    with pytest.raises(LedgerError, match="read-only"):
        run.register()


def test_a_full_disk_says_so_and_what_was_written_before_counts(
    folder: Path, tmp_path: Path
) -> None:
    """A limit on the size of files stands for the disk: SQLite gets the same error."""
    script = textwrap.dedent(f"""
        import resource, signal, sys
        from decimal import Decimal
        from pathlib import Path
        from pipeline.account.errors import LedgerError
        from pipeline.account.ledger import Ledger
        from pipeline.account.telling import Entry, Posting, Terms, Told
        from pipeline.money.account import NOTHING
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        ledger = Ledger.open(Path({str(folder)!r}))
        ledger.register(Entry("/a", "a", Terms()), now=1.0)
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, 200_000))
        for count in range(1000):
            posting = Posting(count, Decimal(1), Decimal(0))
            try:
                ledger.transact(Told(NOTHING, postings=[posting]), (), now=1.0)
            except LedgerError as error:
                sys.exit(f"{{count}} {{error}}")
    """)
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=False
    )
    count, _, said = done.stderr.partition(" ")
    assert "cannot be used" in said, done.stderr
    assert "Traceback" not in said
    ledger = Ledger.open(folder)
    (total,) = ledger._connection.execute("SELECT sum(cost) FROM postings").fetchone()
    assert total == int(count) * 1_000_000
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY


def test_a_link_in_place_of_the_folder_or_its_files_is_refused(
    folder: Path, tmp_path: Path
) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    folder.parent.mkdir()
    folder.symlink_to(elsewhere)
    assert "link" in why(folder)
    folder.unlink()
    folder.mkdir()
    for name in (FILE, f"{FILE}-wal", f"{FILE}-shm"):
        (folder / name).symlink_to(elsewhere / "database")
        said = why(folder)
        assert "link" in said or "regular file" in said
        (folder / name).unlink()
    assert list(elsewhere.iterdir()) == []


def test_a_folder_that_is_a_file_is_refused(folder: Path) -> None:
    folder.parent.mkdir()
    folder.write_text("")
    assert "not a folder" in why(folder)


def test_a_folder_that_is_open_to_others_is_closed(folder: Path, clock: Clock) -> None:
    folder.mkdir(parents=True)
    folder.chmod(0o755)
    (folder / FILE).touch(0o644)
    members(folder, clock, "/a")
    assert folder.stat().st_mode & 0o777 == 0o700
    assert (folder / FILE).stat().st_mode & 0o777 == 0o600


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_another_user_is_refused(folder: Path) -> None:
    folder.mkdir(parents=True)
    os.chown(folder, 65534, 65534)
    assert "another user" in why(folder)


def test_without_a_home_directory_there_is_no_ledger() -> None:
    assert "home" in why(Path("~/.local/state/pipeline/accounts/0123456789abcdef"))


MOUNTS = """\
/dev/vda / ext4 rw 0 0
server:/home /home nfs4 rw 0 0
//nas/x /mnt/a\\040b cifs rw 0 0
me@host: /mnt/far fuse.sshfs rw 0 0
/dev/vdb /home/local xfs rw 0 0
torn
"""


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/home/me/x", "nfs4"), ("/home", "nfs4"), ("/homes/me", None), ("/home/local/me", None),
        ("/mnt/a b/c", "cifs"), ("/mnt/far", "fuse.sshfs"), ("/srv", None),
    ],
)  # fmt: skip
def test_network_drives_are_recognised(path: str, kind: str | None) -> None:
    assert places.network_drive(Path(path), MOUNTS) == kind


def test_a_root_that_comes_over_the_network_counts_as_local() -> None:
    assert places.network_drive(Path("/home"), "none / 9p rw 0 0\n") is None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://api.example.com/v1", "https://api.example.com/v1/"),
        ("https://api.example.com", "HTTPS://API.example.com/"),
        ("https://api.example.com", "https://me:secret@api.example.com"),
    ],
)
def test_spellings_of_a_base_url_are_one_account(one: str, other: str) -> None:
    assert places.folder(one, "k") == places.folder(other, "k")
    assert "secret" not in places.without_credentials(other)


@pytest.mark.parametrize("ending", ["", "-wal", "-shm"])
def test_a_ledger_that_is_replaced_under_a_run_is_given_up(
    folder: Path, clock: Clock, ending: str
) -> None:
    (run,) = members(folder, clock, "/a")
    run.register()
    run.tell()
    file = folder / f"{FILE}{ending}"
    file.rename(folder / "aside")
    for copy in (False, True):
        if copy:
            file.write_bytes((folder / "aside").read_bytes())
        clock.now += 1
        with pytest.raises(LedgerError, match="removed or replaced"):
            run.tell()
