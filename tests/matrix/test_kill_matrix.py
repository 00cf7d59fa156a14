"""kill -9 at each point of a request's life at each vendor, and the same command again."""

import tempfile
from collections.abc import Callable, Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from support.kill_points import LOST, Point
from support.kills import KILLED, Driver
from support.matrix import BOUND, TASKS, VENDORS, Case, Found, Life, cases

MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None
Note = Callable[[str, object], None]
_UNANSWERED = frozenset({Point.NOTED, Point.WRITTEN})
WHOLE = [pytest.param(case, id=case.name) for case in cases()]
# What each vendor can do best or worst.
PART = [
    Case(VENDORS["fal"], Point.ID_RECEIVED, drops=True, lags=True),
    Case(VENDORS["invented-key"], Point.WRITTEN, drops=True, lags=False),
    Case(VENDORS["openai-images"], Point.HALF_BODY, drops=False, lags=False),
    Case(VENDORS["replicate"], Point.POLLING, drops=True, lags=False),
    Case(VENDORS["comfyui"], Point.ID_RECEIVED, drops=False, lags=False),
    Case(VENDORS["invented-id"], Point.NOTED, drops=True, lags=False),
]


@pytest.fixture(scope="module")
def driver() -> Iterator[Driver]:
    with Driver() as running:
        yield running


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=MEMORY) as name:
        yield Path(name)


def play(folder: Path, driver: Driver, case: Case, note: Note) -> None:
    """Live through a case, and hold what it leaves against what the vendor has."""
    with case.vendor.box(case) as box:
        life = Life(folder, driver, box, case)
        life.live()
        doubts, unseen = life.doubts, life.unseen
        seen = {
            "lives": 1,
            "kills": life.codes.count(KILLED),
            "dropped": int(case.drops),
            "found": sum(r["settled"] == "found" for r in life.workspace.records()),
            "never had": len(doubts & unseen),
            "not found": len(doubts - unseen),
            "paid twice": sum(life.sent().values()) - len(life.sent()),
            "over bound": int(life.peak() > BOUND),
        }
        try:
            only_what_nothing_finds_is_in_doubt(life)
            the_rest_is_done(life)
        finally:
            seen["left behind"] = len(life.workspace.claims())
            note("matrix", {f"{case.vendor.name}/{name}": n for name, n in seen.items()})


def only_what_nothing_finds_is_in_doubt(life: Life) -> None:
    case, doubts, target = life.case, life.doubts, f"p{life.case.target}"
    if case.vendor.found.leaves_no_doubt:
        assert not doubts, life.said
    elif case.vendor.found is not Found.NOTHING:
        assert doubts <= life.unseen, life.said
    elif case.point in _UNANSWERED:  # after others, what has come whole by then is taken in
        assert target in doubts, life.said
    if case.later is None and case.point not in LOST:
        # What has an id, or lies here, is no doubt; nor is what never left.
        assert target not in doubts, life.said


def the_rest_is_done(life: Life) -> None:
    """Say what never arrived and what did; then each clip is here, and was paid for once."""
    workspace, billed, code = life.workspace, set[str](), 1
    for _ in range(TASKS):
        assert workspace.counts()["failed"] == len(billed), life.said
        never, paid = life.doubts & life.unseen, life.doubts - life.unseen
        for word, tasks in (("--not-billed", never), ("--billed", paid)):
            if tasks:
                life.command("settle", "job.yaml", word, *sorted(tasks))
        billed |= paid
        code = life.run()
        life.sent_once()
        if not life.doubts:
            break
    books = life.books()
    assert code == (1 if billed else 0), life.said
    assert workspace.sound() == TASKS - len(billed)
    assert workspace.claims() == [], life.said
    assert workspace.at_risk() == 0
    assert not books["keys_at_media"]
    assert {host for host, seen in books["hosts"].items() if seen["with_key"]} <= {"127.0.0.1"}
    if not (life.case.vendor.is_of_the_tests or billed):
        assert workspace.spent() == Decimal(books["charged"])
    assert life.peak() <= BOUND, life.said


@pytest.mark.few(3)
@pytest.mark.parametrize("case", PART, ids=lambda case: case.name)
def test_a_vendor_is_paid_once_whatever_dies(
    folder: Path, driver: Driver, case: Case, record_property: Note
) -> None:
    play(folder, driver, case, record_property)


@pytest.mark.slow
@pytest.mark.parametrize("case", WHOLE)
def test_the_whole_matrix_pays_each_clip_once(
    folder: Path, driver: Driver, case: Case, record_property: Note
) -> None:
    play(folder, driver, case, record_property)
