"""What a killed run has left: in its log of claims, and in the files of versions before."""

import hashlib
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from support.claims import BODY, PRICE, claim_file, claim_of, complete, open_log

from pipeline.api.outcome import Outcome
from pipeline.common.boot import boot_id
from pipeline.ledger.manifest import read
from pipeline.ledger.records import doubtful, succeeded
from pipeline.ledger.writing import Manifest
from pipeline.models import Claim, Record, Status, task_key
from pipeline.store.claim_lines import leftovers
from pipeline.store.claim_log import Noting
from pipeline.store.claims import Head
from pipeline.store.commit import Store
from pipeline.store.layout import Layout
from pipeline.store.recovery import record_doubts
from pipeline.store.recovery import recover as take_in

LATER = "2026-01-01T00:00:09.500Z"


@dataclass(frozen=True)
class Left(Layout):
    """A directory that a killed run has left."""

    in_log: bool = True


@pytest.fixture(params=["log", "files"])
def layout(tmp_path: Path, request: pytest.FixtureRequest) -> Left:
    found = Left(tmp_path / "out", in_log=request.param == "log")
    found.inflight.mkdir(parents=True)
    return found


def clips(layout: Layout) -> dict[str, bytes]:
    found = (p for p in layout.root.rglob("*") if p.suffix == ".mp4")
    return {p.relative_to(layout.root).as_posix(): p.read_bytes() for p in found}


def records(layout: Layout) -> list[Record]:
    return list(read(layout.manifest))


# -- after a crash ----------------------------------------------------------------------------


def leave(layout: Left, claim: Claim, part: bytes | None = None) -> None:
    """Leave a claim as a killed run does."""
    key = task_key(claim.task)
    if layout.in_log:
        with open_log(layout.root) as log:
            log.commit({key: claim})
    else:
        claim_file(layout, key).write_bytes(msgspec.json.encode(claim))
    if part is not None:
        layout.part(key).write_bytes(part)


def recover_all(store: Store) -> list[Record]:
    """Recover as a run does that nobody can ask about its doubts."""
    return [*take_in(store), *record_doubts(store)]


def recover(layout: Left) -> list[Record]:
    """Open the store as the next run does; twice, as a run after it would."""
    store = Store(layout)
    found = recover_all(store)
    store.close()
    store = Store(layout)
    assert recover_all(store) == []
    store.close()
    assert not list(layout.inflight.iterdir())
    return found


def test_a_claim_without_an_answer_is_in_doubt_with_all_that_was_sent(layout: Left) -> None:
    leave(layout, claim_of("a"), b"the first half")
    (record,) = recover(layout)
    assert record == records(layout)[0]
    assert (record.status, record.at_risk, record.cost) == (Status.IN_DOUBT, PRICE, None)
    claim = claim_of("a")
    assert (record.params, record.meta) == (claim.params, claim.meta)
    assert (record.fingerprint, record.started_at) == (claim.fingerprint, claim.started_at)
    assert not clips(layout)


@pytest.mark.parametrize("torn", [b"", b"{", b"\0" * 200, b'{"task"', b'{"task":"a\0\0\0'])
def test_a_torn_claim_was_never_sent(layout: Left, torn: bytes) -> None:
    claim_file(layout, "a").write_bytes(torn)
    assert recover(layout) == []
    assert records(layout) == []


@pytest.mark.parametrize("foreign", [b"\xff\xfe", b"[]", b"{}", b"a list of mine", b'{"a": 1}'])
def test_a_file_among_the_claims_that_is_none_stays_where_it_is(
    layout: Left, foreign: bytes
) -> None:
    path = layout.inflight / "mine.json"
    path.write_bytes(foreign)
    store = Store(layout)
    assert recover_all(store) == []
    store.close()
    assert path.read_bytes() == foreign


@pytest.mark.parametrize("cut", [1, 50, -1])
def test_a_claim_torn_anywhere_was_never_sent(layout: Left, cut: int) -> None:
    claim_file(layout, "a").write_bytes(msgspec.json.encode(claim_of("a"))[:cut])
    assert recover(layout) == []


def note(layout: Left, claim: Claim, outcome: Outcome | None = None, length: int = 0) -> None:
    """Leave a claim whose request has left at `LATER`; and perhaps the head of an answer."""
    key = task_key(claim.task)
    if not layout.in_log:  # by hand, as no version does it any more
        text = msgspec.json.encode(msgspec.structs.replace(claim, sent=True, started_at=LATER))
        path = claim_file(layout, key)
        path.write_bytes(text.removesuffix(b"}") + b" }")
        if outcome is not None:
            head = Head(
                length=length, status=outcome.status or 0, cost=outcome.cost,
                remaining_credits=outcome.remaining, request_id=outcome.request_id,
            )  # fmt: skip
            path.write_bytes(text + b"\n" + msgspec.json.encode(head))
        return
    with open_log(layout.root) as log:
        log.commit({key: claim})
        noting = Noting(log, key, lambda _: None, LATER)
        noting.sending()
        if outcome is not None:
            noting.answered(outcome, length)


def test_what_was_noted_in_a_claim_is_read_by_whoever_comes_after_a_kill(layout: Left) -> None:
    leave(layout, claim_of("a", boot_id=boot_id()))
    (left,) = leftovers(layout.inflight)
    assert left.never_sent
    note(layout, claim_of("a", boot_id=boot_id()))
    (left,) = leftovers(layout.inflight)
    assert not left.never_sent
    assert not left.answered
    # The time is that of the first byte: a claim may be prepared seconds ahead.
    assert left.claim is not None
    assert (left.claim.sent, left.claim.started_at) == (True, LATER)
    note(layout, claim_of("a", boot_id=boot_id()), Outcome(took=1, status=200, cost=PRICE), 7)
    (left,) = leftovers(layout.inflight)
    assert left.expected == Head(length=7, status=200, cost=PRICE)
    assert left.answered
    (path,) = layout.inflight.glob("*.json")
    path.write_bytes(path.read_bytes()[:-3])  # the note was torn: that costs no more than itself
    (left,) = leftovers(layout.inflight)
    assert (left.expected, left.never_sent) == (None, False)


def test_an_attempt_of_which_no_byte_left_before_a_kill_is_no_doubt(layout: Left) -> None:
    leave(layout, claim_of("a", boot_id=boot_id()))
    assert recover(layout) == []
    assert not records(layout)


@pytest.mark.parametrize("boot", [None, "another boot"])
def test_after_a_power_loss_or_from_a_version_before_that_byte_proves_nothing(
    layout: Left, boot: str | None
) -> None:
    leave(layout, claim_of("a", boot_id=boot))
    (record,) = recover(layout)
    assert (record.status, record.reason, record.at_risk) == (Status.IN_DOUBT, "killed", PRICE)


MP4 = (20).to_bytes(4) + b"ftypisom" + bytes(8) + (12).to_bytes(4) + b"mdat" + b"clip"


def leave_answered(layout: Left, body: bytes, *, boot: str | None, length: int = 32) -> None:
    layout.part(task_key("a")).write_bytes(body)
    claim = claim_of("a", "day/a", boot_id=boot)
    note(layout, claim, Outcome(took=1, status=200, remaining=Decimal(9)), length)


def test_a_clip_that_lies_whole_although_nobody_came_to_say_so_is_taken_in(layout: Left) -> None:
    leave_answered(layout, MP4, boot=boot_id())
    (record,) = recover(layout)
    assert (record.status, record.output, record.cost) == (Status.SUCCEEDED, "day/a.mp4", PRICE)
    assert (record.bytes, record.sha256) == (len(MP4), hashlib.sha256(MP4).hexdigest())
    assert record.remaining_credits == 9
    assert clips(layout) == {"day/a.mp4": MP4}


@pytest.mark.parametrize(
    ("body", "boot", "length"),
    [
        pytest.param(MP4[:-1], boot_id(), 32, id="cut"),
        pytest.param(MP4[:-1], boot_id(), 31, id="a box that is cut"),
        pytest.param(MP4, boot_id(), 33, id="not all of it"),
        pytest.param(MP4, "another boot", 32, id="a power loss"),
        pytest.param(b"{}" * 16, boot_id(), 32, id="no clip"),
    ],
)
def test_what_came_and_cannot_be_relied_on_is_kept_as_evidence(
    layout: Left, body: bytes, boot: str, length: int
) -> None:
    leave_answered(layout, body, boot=boot, length=length)
    (record,) = recover(layout)
    (kept,) = layout.errors.iterdir()
    assert (record.status, record.reason) == (Status.IN_DOUBT, "unsaved")  # it keeps no place
    assert f"errors/{kept.name}" in (record.error or "")
    assert kept.read_bytes() == body


def test_one_claim_that_cannot_be_taken_in_does_not_stop_the_others(layout: Left) -> None:
    (layout.root / "day").write_bytes(b"not a folder")
    leave(layout, complete(claim_of("a", "day/a")), BODY)
    leave(layout, complete(claim_of("b")), BODY)
    told: list[str] = []
    store = Store(layout, warn=told.append)
    found = {record.task: record.status for record in recover_all(store)}
    store.report_warnings()
    store.close()
    assert found == {"a": Status.IN_DOUBT, "b": Status.SUCCEEDED}
    assert "cannot be placed" in told[0]
    (kept,) = layout.errors.iterdir()
    assert kept.read_bytes() == BODY
    assert recover(layout) == []


def test_a_whole_part_is_taken_in(layout: Left) -> None:
    leave(layout, complete(claim_of("a", "day/a")), BODY)
    (record,) = recover(layout)
    assert (record.status, record.output, record.cost) == (Status.SUCCEEDED, "day/a.mp4", PRICE)
    assert clips(layout) == {"day/a.mp4": BODY}


def test_a_clip_in_place_whose_record_was_lost_is_taken_in(layout: Left) -> None:
    leave(layout, complete(claim_of("a")))
    (layout.root / "a.mp4").write_bytes(BODY)
    (record,) = recover(layout)
    assert record.status is Status.SUCCEEDED
    assert clips(layout) == {"a.mp4": BODY}


@pytest.mark.parametrize("left", [b"", b"a cli", b"A CLIP", b"\0" * len(BODY), b"a clip and more"])
def test_a_part_that_is_not_what_came_is_in_doubt(layout: Left, left: bytes) -> None:
    leave(layout, complete(claim_of("a"), cost=Decimal("1.25")), left)
    (record,) = recover(layout)
    assert (record.status, record.at_risk) == (Status.IN_DOUBT, Decimal("1.25"))
    assert not clips(layout)


def test_a_clip_in_place_that_is_another_is_in_doubt_and_stays(layout: Left) -> None:
    leave(layout, complete(claim_of("a")))
    (layout.root / "a.mp4").write_bytes(b"mine")
    (record,) = recover(layout)
    assert record.status is Status.IN_DOUBT
    assert clips(layout) == {"a.mp4": b"mine"}


def test_a_file_that_took_the_name_since_is_not_written_over(layout: Left) -> None:
    leave(layout, complete(claim_of("a")), BODY)
    (layout.root / "a.mp4").write_bytes(b"mine")
    (record,) = recover(layout)
    assert record.status is Status.SUCCEEDED
    assert record.output != "a.mp4"
    assert clips(layout) == {"a.mp4": b"mine", record.output: BODY}


def test_a_claim_whose_record_is_there_is_only_removed(layout: Left) -> None:
    done = complete(claim_of("a"))
    assert done.completion is not None
    manifest = Manifest(layout.manifest)
    manifest.append(
        [succeeded(done, done.completion), doubtful(claim_of("b"), "killed", answered=False)]
    )
    manifest.close()
    (layout.root / "a.mp4").write_bytes(BODY)
    leave(layout, done)
    leave(layout, claim_of("b"))
    assert recover(layout) == []
    assert len(records(layout)) == 2


def test_a_claim_of_a_later_attempt_is_a_record_of_its_own(layout: Left) -> None:
    manifest = Manifest(layout.manifest)
    manifest.append([doubtful(claim_of("a"), "killed", answered=False)])
    manifest.close()
    leave(layout, claim_of("a", started_at="2026-01-02T00:00:00.000Z"))
    assert len(recover(layout)) == 1
    assert sum(r.at_risk or 0 for r in records(layout)) == 2 * PRICE


def test_a_changed_clip_that_is_taken_in_supersedes_the_older_one(layout: Left) -> None:
    old = complete(claim_of("a", started_at="2025-01-01T00:00:00.000Z"), b"old")
    assert old.completion is not None
    manifest = Manifest(layout.manifest)
    manifest.append([succeeded(old, old.completion)])
    manifest.close()
    (layout.root / "a.mp4").write_bytes(b"old")
    leave(layout, complete(claim_of("a")), BODY)
    (record,) = recover(layout)
    assert record.output == "a.mp4"
    assert clips(layout) == {"a.mp4": BODY, "superseded/a.1.mp4": b"old"}


def test_drafts_are_swept_away_and_a_body_without_a_claim_is_kept(layout: Left) -> None:
    (layout.inflight / "x.new").write_bytes(b"{")
    layout.part("y").write_bytes(b"half")
    layout.part("z").write_bytes(b"")
    assert recover(layout) == []
    (kept,) = layout.errors.iterdir()
    assert kept.read_bytes() == b"half"


def test_every_claim_of_a_killed_run_is_recovered(layout: Left) -> None:
    for number in range(8):
        leave(layout, claim_of(f"t{number}"), b"part")
    assert len(recover(layout)) == 8
    assert sum(r.at_risk or 0 for r in records(layout)) == 8 * PRICE
