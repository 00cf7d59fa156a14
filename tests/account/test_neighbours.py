"""`status` looks at ledgers: it registers nowhere, and makes nothing."""

import stat
from decimal import Decimal
from pathlib import Path

from account.ledger_world import PRICE, Clock, members, read

from pipeline.account import places
from pipeline.account.neighbours import accounts, overview
from pipeline.account.telling import Pause, Posting, Terms

URL, KEY = "https://api.example.com/v1", "sk-secret"


def test_status_of_a_machine_without_accounts_makes_no_folder(state_folder: Path) -> None:
    assert list(accounts()) == []
    assert list(state_folder.iterdir()) == []


def test_every_account_is_listed_with_its_runs(tmp_path: Path) -> None:
    clock, folder = Clock(), places.folder(URL, KEY)
    one, two = members(folder, clock, str(tmp_path), "/b")
    quarter = int(clock.wall() // 900)
    one.register(
        Terms(concurrency=3, day=Decimal(9), zone="UTC"), [Posting(quarter, PRICE, Decimal(1))]
    )
    two.register()
    one.tell(*read("20"), pause=Pause(clock.now + 60, "429"))
    two.ledger.close()
    before = {path.name: path.stat().st_mtime_ns for path in folder.iterdir()}
    seen = overview(folder, wall=clock.wall(), now=clock.now)
    first, second = seen.runs
    assert (first.job, first.alive, first.spent, first.at_risk) == (str(tmp_path), True, PRICE, 1)
    assert (second.job, second.alive) == ("/b", False)
    assert (seen.balance, seen.concurrency, seen.reason) == (20, 3, "429")
    assert seen.paused_until == clock.wall() + 60
    assert [cap.used for cap in seen.caps] == [PRICE + 1]
    assert {path.name: path.stat().st_mtime_ns for path in folder.iterdir()} == before
    assert [found.folder for found in accounts()] == [folder]


def test_a_ledger_that_cannot_be_read_is_listed_with_its_problem() -> None:
    folder = places.folder(URL, KEY)
    folder.mkdir(parents=True)
    (folder / "ledger.sqlite").write_bytes(b"no database, but as long as a header of one" * 99)
    (found,) = accounts()
    assert "not a database" in found.problem


def test_the_folder_is_for_its_user_alone_and_the_key_is_nowhere_in_it() -> None:
    folder = places.folder(f"{URL}/", KEY)
    assert folder == places.folder(URL, KEY) != places.folder(URL, "sk-other")
    assert folder.name.startswith(places.name(URL, KEY))
    (run,) = members(folder, Clock(), "/a")
    run.register()
    for path in (folder, folder.parent):
        assert stat.S_IMODE(path.stat().st_mode) == 0o700
    for path in folder.iterdir():
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0
        assert KEY.encode() not in path.read_bytes()
