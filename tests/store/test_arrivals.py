"""What a worker on another machine leaves beside its part, and how the next run takes it in."""

import hashlib
import json
import time
from collections.abc import Iterator
from decimal import Decimal
from functools import partial
from pathlib import Path

import anyio
import pytest
from msgspec.structs import replace
from support.claims import open_log

from pipeline.api.outcome import Body, Fault, Outcome
from pipeline.ledger.endings import by_word
from pipeline.ledger.manifest import encode, read, replay
from pipeline.models import Claim, Handle, Record, Settled, Status, fingerprint, rfc3339, task_key
from pipeline.runtime.homecoming import wait_for_workers
from pipeline.store.arrivals import SharedFolder
from pipeline.store.claim_lines import leftovers
from pipeline.store.claim_log import Noting
from pipeline.store.commit import Store
from pipeline.store.layout import Layout
from pipeline.store.outstanding import doubt
from pipeline.store.recovery import record_doubts, recover

CLIP = b"\0\0\0\x18ftypmp42\0\0\0\0mp42isom\0\0\0\x08free\0\0\0\x08mdat"
KEY = task_key("a")
PART = f"{KEY}.part"
SENT = "2026-01-01T00:00:00.000Z"
WHOLE = Outcome(
    took=3.5,
    status=200,
    cost=Decimal("0.81"),
    remaining=Decimal("99.19"),
    request_id="r-1",
    body=Body(len(CLIP), hashlib.sha256(CLIP).hexdigest(), ".mp4", "video/mp4"),
)


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    layout = Layout(tmp_path / "out")
    layout.inflight.mkdir(parents=True)
    return layout


@pytest.fixture
def home(layout: Layout) -> SharedFolder:
    """A claim of a killed run, whose request a worker has."""
    params = {"prompt": "a"}
    claim = Claim(
        task="a", fingerprint=fingerprint("m", params), model="m", params=params, meta={},
        price=Decimal("0.95"), attempt=1, output="a", started_at=SENT,
    )  # fmt: skip
    with open_log(layout.root) as log:
        log.commit({KEY: claim})
        Noting(log, KEY, pytest.fail, SENT).sending("worker-1")
    layout.part(KEY).write_bytes(CLIP)
    return SharedFolder(str(layout.inflight))


@pytest.fixture
def store(layout: Layout, home: SharedFolder) -> Iterator[Store]:
    store = Store(layout)
    yield store
    store.close()


def taken_in(layout: Layout) -> list[Record]:
    store = Store(layout)
    found = [*recover(store), *record_doubts(store)]
    store.close()
    assert not list(layout.inflight.iterdir())
    return found


def test_an_answer_that_came_home_is_taken_in(layout: Layout, home: SharedFolder) -> None:
    assert home.bring(PART, WHOLE) == WHOLE == home.found(PART)
    (record,) = taken_in(layout)
    assert (record.status, record.cost, record.request_id) == (
        Status.SUCCEEDED, Decimal("0.81"), "r-1",
    )  # fmt: skip
    assert (layout.root / "a.mp4").read_bytes() == CLIP
    assert list(read(layout.manifest)) == [record]


def test_a_part_that_is_not_what_its_worker_has_received_is_in_doubt(
    layout: Layout, home: SharedFolder
) -> None:
    home.bring(PART, WHOLE)
    layout.part(KEY).write_bytes(CLIP[:-1] + b"X")
    (record,) = taken_in(layout)
    assert record.status is Status.IN_DOUBT
    assert not (layout.root / "a.mp4").exists()


def test_a_request_that_a_worker_never_sent_leaves_no_doubt(
    layout: Layout, home: SharedFolder
) -> None:
    home.bring(PART, Outcome(took=0.1, fault=Fault.NOT_SENT))
    assert taken_in(layout) == []


def test_a_request_that_a_worker_saw_accepted_is_asked_for(
    store: Store, home: SharedFolder
) -> None:
    handle = Handle(id="id-1", at=SENT)
    home.bring(PART, Outcome(took=0.1, status=200, accepted=handle))
    assert recover(store) == []
    (left,) = store.accepted
    assert left.claim is not None
    assert left.claim.handle == handle
    assert store.doubtful == []
    assert home.found(PART) is None  # the claim has it
    assert [left.accepted for left in leftovers(store.layout.inflight)] == [True]


@pytest.mark.parametrize(
    "forged",
    [
        b"",
        b"{",
        b"[]",
        b'{"took": 1, "cost": "NaN"}',
        b'{"took": 1, "cost": "-5"}',
        b'{"took": 1, "body": {"size": 9, "sha256": "x", "extension": ".mp4", "content_type": ""}}',
        json.dumps(
            {
                "took": 1,
                "body": {
                    "size": 9,
                    "sha256": "0" * 64,
                    "extension": "/../../x",
                    "content_type": "",
                },
            }
        ).encode(),
        b'{"took": 1, "accepted": {"id": "a\\nb"}}',
        b" " * 2 * 1024**2,
    ],
)
def test_what_no_worker_has_written_is_no_outcome(home: SharedFolder, forged: bytes) -> None:
    Path(home.folder, f"{KEY}.done").write_bytes(forged)
    assert home.found(PART) is None


def test_a_link_in_place_of_an_outcome_is_not_followed(home: SharedFolder, tmp_path: Path) -> None:
    home.bring(PART, WHOLE)
    done = Path(home.folder, f"{KEY}.done")
    done.rename(tmp_path / "elsewhere")
    done.symlink_to(tmp_path / "elsewhere")
    assert home.found(PART) is None


def test_a_part_that_is_gone_is_no_output(home: SharedFolder) -> None:
    Path(home.folder, PART).unlink()
    brought = home.bring(PART, WHOLE)
    assert (brought.fault, brought.body) == (Fault.UNSAVED, None)


def test_a_worker_with_another_folder_under_that_name_says_so(
    home: SharedFolder, tmp_path: Path
) -> None:
    announced = home.announce()
    assert home.fault(announced) is None
    assert home.fault("another") is not None
    assert SharedFolder(str(tmp_path)).fault(announced) is not None
    home.withdraw()
    assert home.fault(announced) is not None


LATE = f"{KEY}.abcdef.1.part"


def recorded_as_in_doubt(layout: Layout) -> Record:
    """Take the killed run in before its worker brings anything home."""
    layout.part(KEY).unlink()
    (record,) = taken_in(layout)
    assert record.status is Status.IN_DOUBT
    return record


def test_an_answer_that_comes_after_its_doubt_was_recorded_ends_it(
    layout: Layout, home: SharedFolder
) -> None:
    recorded_as_in_doubt(layout)
    home.spool(LATE).write_bytes(CLIP)
    home.bring(LATE, WHOLE)
    (record,) = taken_in(layout)
    assert (record.status, record.settled, record.cost, record.at_risk) == (
        Status.SUCCEEDED, Settled.FOUND, Decimal("0.81"), Decimal("-0.95"),
    )  # fmt: skip
    assert record.output is not None
    assert (layout.root / record.output).read_bytes() == CLIP
    assert replay(layout.manifest).open_doubts == {}


def test_an_answer_that_comes_after_its_doubt_was_ended_is_kept(
    layout: Layout, home: SharedFolder
) -> None:
    doubt = recorded_as_in_doubt(layout)
    said = by_word(doubt, Settled.BILLED, price=None, request_id=None, stands=True)
    with layout.manifest.open("ab") as manifest:
        manifest.write(encode(said))
    home.spool(LATE).write_bytes(CLIP)
    home.bring(LATE, WHOLE)
    assert taken_in(layout) == []
    (kept,) = layout.errors.iterdir()
    assert kept.read_bytes() == CLIP


def test_the_part_of_an_attempt_that_was_given_up_is_left_to_its_worker(
    layout: Layout, home: SharedFolder
) -> None:
    store = Store(layout)
    (left,) = store.leftovers
    with home.spool(PART).open("wb") as file:  # whose body has not begun
        anyio.run(partial(store.note, KEY, doubt(left), leave_part=True))
        file.write(CLIP)
    store.close()
    home.bring(PART, WHOLE)
    (record,) = taken_in(layout)
    assert record.status is Status.SUCCEEDED


async def test_the_next_run_waits_for_what_a_worker_has(store: Store, home: SharedFolder) -> None:
    # As if sent just now: a request of long ago is waited for no longer.
    claim = store.leftovers[0].claim
    assert claim is not None
    assert claim.worker == "worker-1"
    await wait_for_workers(store, usual=None, timeout=60)
    now = _just_sent(store)
    async with anyio.create_task_group() as group:
        group.start_soon(_wait, now)
        await anyio.sleep(0.1)
        assert group.cancel_scope.cancel_called is False
        await anyio.to_thread.run_sync(home.bring, PART, WHOLE)


async def _wait(store: Store) -> None:
    with anyio.fail_after(30):
        await wait_for_workers(store, usual=None, timeout=3600)


def _just_sent(store: Store) -> Store:
    (left,) = store.leftovers
    assert left.claim is not None
    claim = replace(left.claim, started_at=rfc3339(time.time()))
    store.leftovers[:] = [replace(left, claim=claim)]
    return store
