"""State folders that cannot be used: one warning, and the run continues by itself."""

import errno
import os
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from support.databases import LEDGER, locked
from support.helpers import Run, Workspace, environment, until
from support.several import Jobs, Seen, settled_books

from pipeline.common.files import is_joined
from sandbox.testing import Sandbox

WARNING = "the account ledger"
PRICE = Decimal("0.95")


@dataclass
class World:
    """A job, an account that has a ledger already, and a state folder to spoil."""

    workspace: Workspace
    state: Path
    api: Sandbox
    machine: str

    @property
    def pipeline(self) -> Path:
        return self.state / "pipeline"

    @property
    def account(self) -> Path:
        (found,) = (self.pipeline / "accounts").iterdir()
        return found

    def run(self, tasks: int, **keys: Any) -> Run:
        prompts = [{"id": f"t{n}", "prompt": f"scene {n}"} for n in range(tasks)]
        self.workspace.write(prompts=prompts, credits={"cost": 0.95}, **{"concurrency": 2} | keys)
        return self.workspace.run("--no-report", url=self.api.url)


@pytest.fixture(scope="module")
def api() -> Iterator[Sandbox]:
    with Sandbox(clips="tiny", latency=0.05, credits=1000) as running:
        yield running


@pytest.fixture
def world(tmp_path: Path, state_folder: Path, machine: str, api: Sandbox) -> World:
    made = World(Workspace(tmp_path), state_folder, api, machine)
    first = made.run(1)
    assert (first.code, WARNING in first.err) == (0, False), first.err
    return made


def corrupt(world: World) -> None:
    for path in world.account.glob(f"{LEDGER}*"):
        path.write_bytes(b"not a database at all\n" * 500)


def torn(world: World) -> None:
    ledger = world.account / LEDGER
    with closing(sqlite3.connect(ledger)) as connection, connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    ledger.write_bytes(ledger.read_bytes()[: ledger.stat().st_size // 2 + 100])


def of_another_program(world: World) -> None:
    for path in world.account.glob(f"{LEDGER}*"):
        path.unlink()
    with closing(sqlite3.connect(world.account / LEDGER)) as connection, connection:
        connection.execute("CREATE TABLE recipes (name TEXT)")
    connection.close()


def of_a_newer_version(world: World) -> None:
    with closing(sqlite3.connect(world.account / LEDGER)) as connection, connection:
        connection.execute("PRAGMA user_version = 999")
    connection.close()


def without_a_table(world: World) -> None:
    with closing(sqlite3.connect(world.account / LEDGER)) as connection, connection:
        connection.execute("DROP TABLE runs")
    connection.close()


def a_folder_where_the_file_should_be(world: World) -> None:
    for path in world.account.glob(f"{LEDGER}*"):
        path.unlink()
    (world.account / LEDGER).mkdir()


def a_link(world: World) -> None:
    account = world.account
    elsewhere = world.state / "elsewhere"
    account.rename(elsewhere)
    account.symlink_to(elsewhere)


def a_file_that_is_a_link(world: World) -> None:
    ledger = world.account / LEDGER
    elsewhere = world.state / "precious"
    ledger.rename(elsewhere)
    ledger.symlink_to(elsewhere)


def a_file_instead_of_the_folder(world: World) -> None:
    world.workspace.env["XDG_STATE_HOME"] = str(world.state / "file")
    (world.state / "file").write_text("no folder")


def read_only(world: World) -> None:
    world.workspace.env |= {
        "LD_PRELOAD": world.machine,
        "FAIL_UNDER": str(world.state),
        "FAIL_WITH": str(errno.EROFS),
    }


def full(world: World) -> None:
    read_only(world)
    world.workspace.env["FAIL_WITH"] = str(errno.ENOSPC)


def failing(world: World) -> None:
    read_only(world)
    world.workspace.env["FAIL_WITH"] = str(errno.EIO)


def read_only_and_empty(world: World) -> None:
    world.workspace.env["XDG_STATE_HOME"] = str(world.state / "new")
    read_only(world)


def full_and_empty(world: World) -> None:
    world.workspace.env["XDG_STATE_HOME"] = str(world.state / "new")
    full(world)


def nowhere(world: World) -> None:
    """There is neither a home nor a name of it."""
    gone: dict[str, str | None] = {"HOME": None, "XDG_STATE_HOME": None, "NO_PASSWD": "1"}
    world.workspace.env |= gone | {"LD_PRELOAD": world.machine}


def of_somebody_else(world: World) -> None:
    if os.geteuid():
        pytest.skip("only root can give a folder away")
    for path in world.account.rglob("*"):
        os.chown(path, 12345, 12345)
    os.chown(world.account, 12345, 12345)


def a_home_that_is_no_folder(world: World) -> None:
    world.workspace.env |= {"HOME": "/dev/null", "XDG_STATE_HOME": None}


SPOILED = [
    corrupt,
    of_a_newer_version,
    a_link,
    a_file_that_is_a_link,
    a_file_instead_of_the_folder,
    read_only,
    read_only_and_empty,
    full,
    nowhere,
    of_somebody_else,
    a_home_that_is_no_folder,
    torn,
    of_another_program,
    without_a_table,
    a_folder_where_the_file_should_be,
    full_and_empty,
    failing,
]


@pytest.mark.variant
@pytest.mark.few(4)
@pytest.mark.parametrize("spoil", SPOILED, ids=lambda spoil: spoil.__name__)
def test_a_state_folder_that_cannot_be_used_is_one_warning(
    world: World, spoil: Callable[[World], None]
) -> None:
    spoil(world)
    run = world.run(4)
    assert run.code == 0, run.err
    assert run.err.count(WARNING) == 1, run.err
    assert run.err.count("warning:") == 1, run.err
    assert world.workspace.sound() == 4
    assert world.workspace.spent() == 4 * Decimal("0.95")
    made = {path.name for path in world.workspace.folder.iterdir()}
    assert made == {"job.yaml", "outputs"}, "nothing is put where the command was started"


@pytest.mark.variant
def test_a_state_folder_with_a_link_on_the_way_is_used(world: World) -> None:
    """Many a home is a link, or has one in it."""
    link = world.state / "link"
    link.symlink_to(world.state)
    world.workspace.env["XDG_STATE_HOME"] = str(link)
    run = world.run(4)
    assert (run.code, WARNING in run.err) == (0, False), run.err


@pytest.mark.variant
def test_a_relative_state_folder_is_ignored_as_its_standard_says(world: World) -> None:
    """Otherwise each folder that a command is started in would have an account of its own."""
    home = world.state / "home"
    world.workspace.env |= {"XDG_STATE_HOME": "state", "HOME": str(home)}
    run = world.run(4)
    assert run.code == 0, run.err
    assert run.err.count(WARNING) <= 1, run.err
    assert not (world.workspace.folder / "state").exists()
    assert bool(list(home.rglob(LEDGER))) != (WARNING in run.err)


@pytest.mark.variant
def test_a_state_folder_that_is_missing_is_made(world: World) -> None:
    new = world.state / "some" / "where"
    world.workspace.env["XDG_STATE_HOME"] = str(new)
    run = world.run(4)
    assert (run.code, WARNING in run.err) == (0, False), run.err
    assert len(list((new / "pipeline" / "accounts").iterdir())) == 1


@pytest.mark.variant
def test_folders_whose_names_are_not_text_are_used(world: World) -> None:
    state, output = (os.fsdecode(os.fsencode(world.state) + end) for end in (b"/\xff", b"/\xfe"))
    world.workspace.env["XDG_STATE_HOME"] = state
    world.workspace.write(prompts=["a lake"], credits={"cost": 0.95})
    run = world.workspace.run("--no-report", "--output", output, url=world.api.url)
    assert (run.code, WARNING in run.err) == (0, False), run.err
    shown = world.workspace.finish(status_of_all(world))
    assert (shown.code, "$0.95" in shown.out) == (0, True), shown


@pytest.mark.variant
def test_a_state_folder_that_there_cannot_be_is_said_by_status(world: World) -> None:
    world.workspace.env["XDG_STATE_HOME"] = str(world.state / ("x" * 300))
    shown = world.workspace.finish(status_of_all(world))
    assert shown.code == 2, shown
    assert "File name too long" in shown.err


def status_of_all(world: World) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-m", "pipeline", "status"],
        env=environment(**world.workspace.env),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.mark.variant
def test_a_ledger_that_others_may_read_is_closed_to_them(world: World) -> None:
    for path in [world.account, *world.account.iterdir()]:
        path.chmod(0o777)
    run = world.run(4)
    assert (run.code, WARNING in run.err) == (0, False), run.err
    assert world.account.stat().st_mode & 0o077 == 0
    assert (world.account / LEDGER).stat().st_mode & 0o077 == 0


@pytest.mark.variant
def test_a_ledger_that_is_locked_for_too_long_is_one_warning(world: World) -> None:
    with locked(world.account / LEDGER):
        run = world.run(4)
    assert run.code == 0, run.err
    assert run.err.count(WARNING) == 1, run.err
    assert world.workspace.sound() == 4


# -- in the middle of a run -------------------------------------------------------------------


def deleted(account: Path) -> None:
    for path in account.iterdir():
        path.unlink(missing_ok=True)


def overwritten(account: Path) -> None:
    for path in account.glob(f"{LEDGER}*"):
        path.write_bytes(b"\xff" * path.stat().st_size)


def emptied(account: Path) -> None:
    with closing(sqlite3.connect(account / LEDGER, timeout=30)) as connection, connection:
        connection.execute("DELETE FROM runs")
        connection.execute("DELETE FROM account")
    connection.close()


@pytest.mark.variant
@pytest.mark.parametrize("spoil", [deleted, overwritten, emptied], ids=lambda one: one.__name__)
def test_a_ledger_that_breaks_in_the_middle_costs_no_clip(
    tmp_path: Path, state_folder: Path, spoil: Callable[[Path], None]
) -> None:
    jobs = Jobs(tmp_path, 2)
    jobs.write(tasks=25, credits={"cost": 0.95}, concurrency=3)
    with Sandbox(clips="tiny", latency=0.2) as api:
        jobs.start(url=api.url)
        until(lambda: Seen(api.books()).paid >= 10)
        (account,) = (state_folder / "pipeline" / "accounts").iterdir()
        spoil(account)
        jobs.finish()
        seen = settled_books(api)
    assert set(jobs.codes.values()) == {0}, jobs.said
    assert seen.paid == 50
    assert all(run.err.count(WARNING) <= 1 for run in jobs.runs.values()), jobs.said
    jobs.agree_with(seen)


@pytest.mark.parametrize("spoil", [None, corrupt], ids=["whole", "corrupt"])
def test_the_falls_of_a_balance_that_others_may_share_unseen_are_no_price(
    tmp_path: Path, state_folder: Path, spoil: Callable[[World], None] | None
) -> None:
    """Three runs that are answered in the same moments each see the balance fall by the sum."""
    options = {"cost_header": False, "no_balance_call": True}
    with Sandbox(clips="tiny", latency=0.01, price=3 * PRICE, **options) as api:
        world = World(Workspace(tmp_path), state_folder, api, "")
        world.run(1)
        before = world.workspace.spent()
        if spoil is not None:
            spoil(world)
        run = world.run(4, account={"rate": "90/minute"})  # so that each request is alone
    assert (run.code, WARNING in run.err) == (0, spoil is not None), run.err
    last = PRICE if spoil else 3 * PRICE  # the second fall by so much
    assert world.workspace.spent() - before == 2 * PRICE + last


def test_a_run_with_its_ledger_believes_no_fall_while_another_is_there_without_its_own(
    tmp_path: Path, state_folder: Path
) -> None:
    """One has met a broken ledger and continues; somebody deletes the ledger, and another comes."""
    options = {"cost_header": False, "no_balance_call": True}
    with Sandbox(clips="tiny", latency=0.01, price=3 * PRICE, **options) as api:
        world = World(Workspace(tmp_path), state_folder, api, "")
        world.run(1)
        before = world.workspace.spent()
        corrupt(world)
        jobs = Jobs(tmp_path / "others", 1)
        jobs.write(tasks=9, credits={"cost": 0.95}, rate="1/minute")
        jobs.start(url=api.url)
        try:
            until(lambda: is_joined(world.account))
            deleted(world.account)
            run = world.run(4, account={"rate": "90/minute"})
            assert jobs.is_running("a"), "it waits for its next turn"
        finally:
            jobs.kill("a")
        assert (run.code, WARNING in run.err) == (0, False), run.err
        assert world.workspace.spent() - before == 3 * PRICE
        last = World(Workspace(tmp_path / "last"), state_folder, api, "")
        last.workspace.folder.mkdir()
        last.run(3, account={"rate": "90/minute"})
        assert last.workspace.spent() > 3 * PRICE, "alone again, it learns what they cost"


@pytest.mark.variant
def test_a_disk_that_fills_in_the_middle_is_one_warning(
    tmp_path: Path, state_folder: Path, machine: str
) -> None:
    jobs = Jobs(tmp_path / "work", 2)
    jobs.write(tasks=25, credits={"cost": 0.95}, concurrency=3)
    full = tmp_path / "full"
    jobs.set_env(
        LD_PRELOAD=machine,
        FAIL_UNDER=str(state_folder),
        FAIL_WITH=str(errno.ENOSPC),
        FAIL_WHILE=str(full),
    )
    with Sandbox(clips="tiny", latency=0.2) as api:
        jobs.start(url=api.url)
        until(lambda: Seen(api.books()).paid >= 10)
        full.touch()
        jobs.finish()
        seen = settled_books(api)
    assert set(jobs.codes.values()) == {0}, jobs.said
    assert all(run.err.count(WARNING) == 1 for run in jobs.runs.values()), jobs.said
    jobs.agree_with(seen)


@pytest.mark.variant
def test_nobody_waits_for_a_ledger_that_is_locked_in_the_middle(
    tmp_path: Path, state_folder: Path
) -> None:
    """What is in flight is received meanwhile: a locked file holds up new starts alone."""
    jobs = Jobs(tmp_path, 2)
    jobs.write(tasks=12, credits={"cost": 0.95}, concurrency=3)
    with Sandbox(clips="tiny", latency=0.5) as api:
        jobs.start(url=api.url)
        until(lambda: api.books()["in_flight"] == 6)
        (account,) = (state_folder / "pipeline" / "accounts").iterdir()
        with locked(account / LEDGER):
            until(lambda: api.books()["in_flight"] == 0)
            until(lambda: sum(len(job.records()) for job in jobs.all.values()) >= 6)
        jobs.finish()
        seen = settled_books(api)
    assert set(jobs.codes.values()) == {0}, jobs.said
    jobs.agree_with(seen)
