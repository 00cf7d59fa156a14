"""kill -9 at each point of the life of a request, and the same command again."""

import tempfile
from collections import Counter
from collections.abc import Callable, Collection, Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from support.kill_points import LOST, OF_V1, OF_V2, Point
from support.kills import KILLED, Driver, Life, Plan

from sandbox.testing import Sandbox

POINTS = [("segmind", point) for point in OF_V1] + [("segmind-v2", point) for point in OF_V2]
# Of what was never sent, the list is asked until the end: that takes long.
POINTS.sort(key=lambda one: one[1] is Point.NOTED)
LIVES = [
    *(pytest.param(*one, True, id=f"{one[0]}-{one[1]}-listed") for one in POINTS),
    *(
        pytest.param(*one, False, id=f"{one[0]}-{one[1]}-unlisted")
        for one in POINTS
        if one[0] == "segmind" or one[1] in {*LOST, Point.ID_DURABLE}
    ),
]
UNLISTED = [
    *(("segmind", point) for point in OF_V1 if point in LOST),
    ("segmind-v2", Point.ID_DURABLE),
]
# Processes die here, and no power is lost: what is synced to a disk only costs time.
MEMORY = "/dev/shm" if Path("/dev/shm").is_dir() else None

Note = Callable[[str, object], None]


@pytest.fixture(scope="module")
def driver() -> Iterator[Driver]:
    with Driver() as running:
        yield running


@pytest.fixture
def folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=MEMORY) as name:
        yield Path(name)


def settles(life: Life) -> None:
    """Where the provider lists requests, the same command ends with each clip, paid once."""
    life.kill()
    code = life.run()
    books, doubts = life.books(), life.doubts
    assert life.sent(books) <= life.wanted(), "nothing is sent twice"
    # What a list cannot show is what the provider has never had.
    assert len(doubts) == life.unseen(books), life.said
    the_target_is_in_doubt_after(life, {Point.NOTED})
    assert code == (1 if doubts else 0), life.said
    if doubts:
        assert life.workspace.at_risk() > 0
        assert life.command("settle", "job.yaml", "--not-billed", *sorted(doubts)) == 0, life.said
        assert life.run() == 0, life.said
    each_is_paid_once(life)


def the_target_is_in_doubt_after(life: Life, points: Collection[Point]) -> None:
    """It is after a kill at one of these; after one elsewhere it may be killed there later."""
    if life.plan.point in points:
        # The provider cannot tell takes apart: a row of one may be given to the other.
        assert life.twins & life.doubts, life.said
    elif not life.plan.later_kills:
        assert life.target not in life.doubts, life.said


def each_is_paid_once(life: Life) -> None:
    """Every clip is here, and the provider's ledger and ours are equal to the cent."""
    books, workspace = life.books(), life.workspace
    assert life.sent(books) == life.wanted()
    assert len(books["charges"]) == len(life.tasks) == workspace.sound()
    assert workspace.counts() == {"succeeded": len(life.tasks)}
    assert workspace.spent() == Decimal(books["charged"])
    assert workspace.at_risk() == 0
    assert workspace.claims() == []
    assert not books["keys_at_media"]
    ours = Counter(record["request_id"] for record in workspace.last().values())
    assert max((n for id_, n in ours.items() if id_), default=1) == 1
    if not life.plan.no_wait:
        assert life.peak(books) <= life.plan.concurrency
    assert life.audit() == 0, life.said


def stays_in_doubt(life: Life) -> None:
    """Without a list what was in flight is in doubt, and is sent again only on request."""
    life.kill()
    code = life.run()
    books, workspace = life.books(), life.workspace
    the_target_is_in_doubt_after(life, LOST)
    assert code == (1 if life.doubts else 0), life.said
    assert life.sent(books) <= life.wanted(), "nothing is sent twice"
    assert workspace.counts()["succeeded"] == len(life.tasks) - len(life.doubts)
    what_is_at_risk_covers_what_is_not_known(life)
    assert life.run("--retry", "in-doubt") == 0, life.said
    assert workspace.sound() == len(life.tasks)
    what_is_at_risk_covers_what_is_not_known(life)


def what_is_at_risk_covers_what_is_not_known(life: Life) -> None:
    charged, workspace = Decimal(life.books()["charged"]), life.workspace
    assert workspace.spent() <= charged <= workspace.spent() + workspace.at_risk()
    assert workspace.claims() == []


def live(folder: Path, driver: Driver, plan: Plan, note: Note) -> None:
    """Live through a plan."""
    with Sandbox(**plan.sandbox) as box:
        life = Life(folder, driver, box, plan)
        (settles if plan.history else stays_in_doubt)(life)
        settled = Counter(r["settled"] for r in life.workspace.records() if r["settled"])
        note("kills", {"runs": life.codes.count(KILLED), "jobs": 1, **settled})


@pytest.mark.few(3)
@pytest.mark.parametrize(("wire", "point"), POINTS)
def test_a_run_killed_at_any_point_ends_with_each_clip_paid_once(
    folder: Path, driver: Driver, wire: str, point: Point, record_property: Note
) -> None:
    live(folder, driver, Plan(point, wire, history=True, seed=0, short=True), record_property)


@pytest.mark.variant
@pytest.mark.parametrize(("wire", "point"), UNLISTED)
def test_without_a_list_what_was_in_flight_stays_in_doubt(
    folder: Path, driver: Driver, wire: str, point: Point, record_property: Note
) -> None:
    live(folder, driver, Plan(point, wire, history=False, seed=0, short=True), record_property)


@pytest.mark.slow
@pytest.mark.parametrize(("wire", "point", "history"), LIVES)
def test_kills_at_any_point_with_any_seed_cost_no_clip_and_pay_none_twice(  # noqa: PLR0913, PLR0917 - what a life is made from
    folder: Path,
    driver: Driver,
    wire: str,
    point: Point,
    history: bool,
    seed: int,
    record_property: Note,
) -> None:
    live(folder, driver, Plan(point, wire, history, seed), record_property)
