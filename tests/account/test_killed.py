"""A run that is killed: what it held is at risk for the others until its job runs or settles."""

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import pytest
from account.ledger_world import NOON, PRICE, Clock, Member, members, read, refused

from pipeline.account import runs
from pipeline.account.ledger import Ledger
from pipeline.account.neighbours import overview
from pipeline.account.telling import Neighbour, Pause, Posting, Terms
from pipeline.money.account import Holdings, Obstacle, Way
from pipeline.money.balance import Moment

SCRIPT = Path(__file__).with_name("killed.py")


def neighbours(folder: Path) -> tuple[Neighbour, ...]:
    return overview(folder, wall=time.time(), now=time.monotonic()).runs


@contextmanager
def holding(
    folder: Path, job: Path, requests: int = 2, longest: float = 600
) -> Iterator[subprocess.Popen[str]]:
    """Start a process that holds so many requests; it is killed at the end at the latest."""
    job.mkdir(exist_ok=True)
    command = [sys.executable, str(SCRIPT), str(folder), str(job), str(requests), str(longest)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "holds\n"
            yield process
        finally:
            process.kill()


def real(folder: Path, job: str = "/other") -> Member:
    """A run in this process, on the machine's clocks."""
    return Member(Ledger.open(folder), Now(), job)


class Now(Clock):
    """The clocks of the machine, and what the test adds to them."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def wall(self) -> float:
        return time.time() + self.ahead

    @property  # type: ignore[override]
    def now(self) -> float:
        return time.monotonic() + self.ahead

    @now.setter
    def now(self, value: float) -> None:
        self.ahead = value - time.monotonic()


@pytest.fixture
def job(tmp_path: Path) -> Path:
    return tmp_path / "job"


def test_what_a_killed_run_held_is_at_risk_and_its_places_are_taken(
    folder: Path, job: Path
) -> None:
    with holding(folder, job) as process:
        other = real(folder)
        other.register(Terms(concurrency=4))
        other.tell(*read("2.90"))
        held = other.news.elsewhere
        assert (held.held, held.open, held.flying, held.runs) == (2 * PRICE, 2 * PRICE, 2, 1)
        process.kill()
        process.wait()
    other.clock.now += 0.6
    held = other.tell().elsewhere
    # What it had charged and not recorded is off the balance already.
    assert (held.held, held.open, held.flying, held.runs) == (2 * PRICE, 0, 0, 0)
    assert refused(other.bid(need=Decimal("1.01"))) is Obstacle.CREDITS
    assert other.starts(need=PRICE)
    assert other.starts(way=Way.UNCHECKED)
    assert refused(other.bid(way=Way.UNCHECKED)) is Obstacle.PLACES
    other.clock.now += 600  # as long as one request can take
    assert other.starts(way=Way.UNCHECKED)
    assert [path.name for path in folder.glob("*.lock")] == [other.ledger._lock_name]


def test_a_dead_run_is_noticed_although_the_account_is_not_full(folder: Path, job: Path) -> None:
    """An earlier version looked only when it was full: its limits and its turn stayed taken."""
    with holding(folder, job, requests=1, longest=0) as process:
        other = real(folder)
        other.register()
        assert other.tell().elsewhere.runs == 1
        process.kill()
        process.wait()
    other.clock.now += 0.6
    assert other.tell().elsewhere.runs == 0


@pytest.mark.parametrize("obstacle", [Obstacle.PLACES, Obstacle.SHARE, Obstacle.ALONE])
def test_who_would_be_refused_for_a_dead_run_is_not(
    folder: Path, clock: Clock, obstacle: Obstacle
) -> None:
    """At once: it is looked again before a bid is refused."""
    one, two = members(folder, clock, "/a", "/b")
    one.register(Terms(concurrency=1 if obstacle is Obstacle.PLACES else None)), two.register()
    two.tell()
    if obstacle is Obstacle.SHARE:
        one.register(Terms(priority=1))
        two.holdings = Holdings(flying=1)
        two.tell()
        assert refused(one.bid(way=Way.ALONE)) is Obstacle.ALONE
    else:
        assert one.starts(way=Way.ALONE if obstacle is Obstacle.ALONE else Way.BESIDE)
    assert refused(two.bid()) is obstacle
    one.ledger.close()
    clock.now += 0.01
    assert two.starts()


def test_its_job_that_runs_again_ends_what_it_put_at_risk(folder: Path, job: Path) -> None:
    with holding(folder, job) as process:
        process.kill()
        process.wait()
    other, again = real(folder), real(folder, str(job))
    other.register()
    assert other.news.elsewhere.held > 0
    again.register(Terms(), [Posting(int(time.time() // 900), PRICE, PRICE)])
    assert other.tell().elsewhere.held == 0
    mine = next(run for run in neighbours(folder) if run.job == str(job))
    assert (mine.spent, mine.at_risk) == (PRICE, PRICE)


def test_a_job_that_is_settled_ends_what_its_dead_run_put_at_risk(folder: Path, job: Path) -> None:
    with holding(folder, job) as process:
        process.kill()
        process.wait()
    settling = Ledger.open(folder)
    settling.adopt(str(job), [Posting(int(time.time() // 900), PRICE, Decimal(0))], now=1.0)
    settling.close()
    other = real(folder)
    other.register(Terms(day=Decimal(9), zone="UTC"))
    assert other.news.elsewhere.held == 0
    assert other.news.elsewhere.caps[0].used == PRICE


def test_a_dead_run_whose_folder_is_gone_counts_only_in_its_period(
    folder: Path, clock: Clock, tmp_path: Path
) -> None:
    job = tmp_path / "job"
    job.mkdir()
    one, two = members(folder, clock, str(job), "/b")
    one.register(), two.register(Terms(day=Decimal(5), zone="UTC"))
    assert one.starts()
    one.ledger.close()
    clock.now += 1
    assert two.tell().elsewhere.held == PRICE
    shutil.rmtree(job)
    clock.now += 1
    news = two.tell()
    assert news.elsewhere.held == 0
    assert [cap.used for cap in news.elsewhere.caps] == [PRICE]
    clock.now += 86_400
    assert [cap.used for cap in two.tell().elsewhere.caps] == [0]


def test_what_a_run_leaves_behind_stays_at_risk_and_nothing_leaves_no_row(
    folder: Path, clock: Clock, tmp_path: Path
) -> None:
    one, two, three = members(folder, clock, str(tmp_path), "/b", "/c")
    for run in (one, two, three):
        run.register()
    one.ledger.leave(Holdings(PRICE, PRICE), now=clock.now)
    two.ledger.leave(Holdings(), now=clock.now)
    assert three.tell().elsewhere.held == PRICE
    assert {(run.job, run.alive) for run in neighbours(folder)} == {
        (str(tmp_path), False), ("/c", True)
    }  # fmt: skip
    assert [path.name for path in folder.glob("*.lock")] == [three.ledger._lock_name]


def test_a_run_whose_lock_file_was_removed_comes_back(folder: Path, clock: Clock) -> None:
    one, two = members(folder, clock, "/a", "/b")
    one.register(), two.register()
    assert one.starts()
    for path in folder.glob("*.lock"):
        path.unlink()
    clock.now += 1
    assert two.tell().elsewhere.runs == 0
    one.tell()
    clock.now += 1
    assert two.tell().elsewhere.runs == 1


def test_what_was_learned_is_kept_while_a_run_is_there(folder: Path, clock: Clock) -> None:
    one, two, three = members(folder, clock, "/a", "/b", "/c")
    one.register()
    one.tell(*read("5"), postings=[Posting(int(NOON // 900), PRICE, Decimal(0))])
    assert two.register().balance.least == 5
    one.ledger.close(), two.ledger.close()
    assert three.register(Terms(day=Decimal(5), zone="UTC")).balance.least is None
    assert [cap.used for cap in three.news.elsewhere.caps] == [PRICE]


def test_times_of_another_boot_mean_nothing(
    folder: Path, clock: Clock, job: Path, tmp_path: Path
) -> None:
    job.mkdir()
    one, two = members(folder, clock, str(job), "/b")
    one.register(Terms(concurrency=1, interval=5.0))
    assert one.starts()
    one.turn()
    one.tell(pause=Pause(clock.now + 600, "429"))
    connection = one.ledger._connection
    connection.execute("UPDATE runs SET boot = 'another'")
    connection.execute("UPDATE account SET boot = 'another'")
    assert runs.BOOT != "another"
    two.register(Terms(concurrency=1, interval=5.0))
    assert two.news.elsewhere.runs == 0
    assert two.news.elsewhere.held == PRICE  # at risk all the same
    assert isinstance(two.bid(), Moment)
    assert two.turn() == 0
