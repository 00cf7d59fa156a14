"""Requests that a provider has given an id: durable before they are asked for, never sent again."""

import hashlib
import os
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio
import anyio.lowlevel
import msgspec
import pytest
from support.claims import claim_file, log_of, open_claims

from pipeline.common.boot import boot_id
from pipeline.errors import DirectoryError, StorageError
from pipeline.ledger.doubts import attempt_digest
from pipeline.ledger.endings import by_word
from pipeline.ledger.formats import FORMAT
from pipeline.ledger.history import TaskState
from pipeline.ledger.manifest import encode, read, replay
from pipeline.ledger.records import doubtful, succeeded
from pipeline.models import (
    Claim,
    Completion,
    Handle,
    Record,
    Settled,
    Status,
    Task,
    fingerprint,
)
from pipeline.store.claim_lines import leftovers
from pipeline.store.claims import LONGEST_ID
from pipeline.store.commit import Store, inline
from pipeline.store.layout import Layout
from pipeline.store.outstanding import outstanding
from pipeline.store.recovery import record_doubts, recover
from pipeline.store.state_file import balance, read_note

PRICE, BODY = Decimal("0.95"), b"a clip"
SENT, LATER = "2026-01-01T00:00:00.000Z", "2026-01-02T00:00:00.000Z"
PARAMS = {"prompt": "a"}
TASK = Task(id="a", model="m", params=PARAMS, fingerprint=fingerprint("m", PARAMS), output="a")
HANDLE = Handle(id="r1", status="https://api.example/v2/requests/r1/status", at=SENT)
LISTED = Handle(id="r1", listed=True, at=SENT)
NAME = attempt_digest("a", SENT)


def claim_of(**more: Any) -> Claim:
    fields = {
        "task": "a", "fingerprint": TASK.fingerprint, "model": "m", "params": PARAMS, "meta": {},
        "price": PRICE, "attempt": 1, "output": "a", "started_at": SENT, "boot_id": boot_id(),
        "provider": "segmind-v2", "base_url": "https://api.example",
    }  # fmt: skip
    return Claim(**{**fields, **more})


DOUBT = doubtful(claim_of(), "the run was killed", answered=False)


def complete(claim: Claim, body: bytes = BODY) -> Claim:
    done = Completion(
        output=f"{claim.output}.mp4", bytes=len(body), sha256=hashlib.sha256(body).hexdigest(),
        content_type="video/mp4", http_status=200, cost=PRICE, remaining_credits=None,
        request_id="r1", finished_at="2026-01-01T00:01:00.000Z", duration_s=60.0, simulated=False,
    )  # fmt: skip
    return msgspec.structs.replace(claim, completion=done)


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    found = Layout(tmp_path / "out")
    found.inflight.mkdir(parents=True)
    return found


def write_doubt(layout: Layout, *more: Record) -> None:
    layout.manifest.write_bytes(b"".join(map(encode, (DOUBT, *more))))


async def accept(layout: Layout, handle: Handle = HANDLE) -> str:
    """Claim, send and accept a request, and be killed."""
    store = Store(layout)
    attempt = store.new_attempt(TASK)
    claim = claim_of()
    await store.claim(attempt, claim)
    store.noting(attempt, claim_of().started_at, lambda _: None).sending()
    await store.accept(attempt, msgspec.structs.replace(claim, handle=handle))
    store.close()
    return attempt


def reopened(layout: Layout) -> Store:
    """Open the store as the next run does, and take in what is whole."""
    store = Store(layout)
    recover(store)
    return store


# -- durable, and found again -----------------------------------------------------------------


async def test_an_accepted_request_is_found_by_its_id_by_the_next_run(layout: Layout) -> None:
    attempt = await accept(layout)
    claim = open_claims(layout.root)[attempt]
    assert claim is not None
    assert (claim.sent, claim.format) == (True, FORMAT)
    store = reopened(layout)
    (left,) = store.accepted
    assert (left.attempt, left.accepted, store.doubtful) == (attempt, True, [])
    assert left.claim is not None
    assert left.claim.handle == HANDLE
    assert (left.claim.provider, left.claim.base_url) == ("segmind-v2", "https://api.example")
    store.close()
    assert not layout.manifest.read_bytes()
    assert outstanding(layout) == ([], [])


async def test_a_found_request_is_placed_and_recorded_before_anything_serves(
    layout: Layout,
) -> None:
    attempt = await accept(layout, LISTED)
    store = reopened(layout)
    (left,) = store.accepted
    assert left.claim is not None
    layout.part(attempt).write_bytes(BODY)
    record = await store.finish(attempt, complete(left.claim))
    store.close()
    assert (record.settled, record.at_risk, record.cost) == (Settled.FOUND, 0, PRICE)
    assert (layout.root / "a.mp4").read_bytes() == BODY
    assert list(layout.inflight.iterdir()) == []
    assert replay(layout.manifest).spent == PRICE


async def test_commits_from_before_the_store_serves_do_not_run_beside_its_own(
    layout: Layout,
) -> None:
    """The disk is reached from one thread at a time, whoever asks."""
    inside = 0

    async def hop(blocking: Callable[[], None]) -> None:
        nonlocal inside
        inside += 1
        assert inside == 1
        await anyio.lowlevel.checkpoint()
        blocking()
        inside -= 1

    store = Store(layout, hop=hop)

    async def claim(number: int) -> None:
        await store.claim(store.new_attempt(TASK), claim_of(attempt=number))

    async with anyio.create_task_group() as group:
        for number in range(3):
            group.start_soon(claim, number)
        group.start_soon(store.serve)
        await anyio.lowlevel.checkpoint()
        await claim(3)
        store.stop()
    store.close()
    assert len(open_claims(layout.root)) == 4


# -- a kill between the steps -----------------------------------------------------------------


async def test_a_kill_while_a_request_is_accepted_leaves_a_doubt_or_its_id(
    layout: Layout,
) -> None:
    """Wherever the line is torn, what was sent is known."""
    attempt = await accept(layout)
    log = log_of(layout.root)
    whole = log.read_bytes()
    begins = whole.rindex(b"\n", 0, -1) + 1
    for end in range(begins, len(whole) + 1, 7):
        log.write_bytes(whole[:end])
        store = reopened(layout)
        found = store.accepted if end >= len(whole) - 1 else store.doubtful
        assert [left.attempt for left in found] == [attempt]
        assert len(store.accepted) + len(store.doubtful) == 1
        store.close()


async def test_a_kill_after_the_fetch_takes_the_clip_in_without_asking(layout: Layout) -> None:
    attempt = await accept(layout)
    store = reopened(layout)
    (left,) = store.accepted
    assert left.claim is not None
    layout.part(attempt).write_bytes(BODY)
    await store.complete(attempt, complete(left.claim))
    store.close()
    store = Store(layout)
    (record,) = recover(store)
    store.close()
    assert (record.status, store.accepted) == (Status.SUCCEEDED, [])
    assert (layout.root / "a.mp4").read_bytes() == BODY


async def test_a_completed_claim_without_its_clip_is_asked_for_again(layout: Layout) -> None:
    """The disk lost the part; the provider still has it."""
    attempt = await accept(layout)
    store = reopened(layout)
    (left,) = store.accepted
    assert left.claim is not None
    layout.part(attempt).write_bytes(BODY)
    await store.complete(attempt, complete(left.claim))
    store.close()
    layout.part(attempt).write_bytes(BODY[:2])
    store = Store(layout)
    assert recover(store) == []
    (left,) = store.accepted
    assert left.claim is not None
    assert left.claim.completion is None
    assert layout.part(attempt).exists()  # where the next fetch writes
    store.close()


async def test_what_was_sent_and_not_accepted_is_left_to_be_looked_up(layout: Layout) -> None:
    store = Store(layout)
    attempt = store.new_attempt(TASK)
    await store.claim(attempt, claim_of())
    store.noting(attempt, claim_of().started_at, lambda _: None).sending()
    store.close()
    layout.part(attempt).write_bytes(b"half of it")
    store = reopened(layout)
    assert [left.attempt for left in store.doubtful] == [attempt]
    assert layout.part(attempt).exists()
    assert outstanding(layout) != ([], [])
    (record,) = record_doubts(store)
    assert (record.status, record.at_risk, store.doubtful) == (Status.IN_DOUBT, PRICE, [])
    assert [path.read_bytes() for path in layout.errors.iterdir()] == [b"half of it"]
    store.close()
    assert list(layout.inflight.iterdir()) == []


async def test_a_doubtful_claim_that_the_list_has_becomes_an_accepted_one(layout: Layout) -> None:
    store = Store(layout)
    attempt = store.new_attempt(TASK)
    await store.claim(attempt, claim_of())
    store.noting(attempt, claim_of().started_at, lambda _: None).sending()
    store.close()
    store = reopened(layout)
    (left,) = store.doubtful
    assert left.claim is not None
    await store.accept(attempt, msgspec.structs.replace(left.claim, handle=LISTED))
    store.close()
    store = reopened(layout)
    assert ([left.attempt for left in store.accepted], store.doubtful) == ([attempt], [])
    store.close()


# -- a doubt that has a record ----------------------------------------------------------------


async def reclaim(layout: Layout) -> str:
    store = reopened(layout)
    (doubt,) = await store.doubts()
    left = await store.reclaim(doubt, LISTED, output="a", base_url="https://api.example")
    assert await store.doubts() == []  # it is followed now
    store.close()
    return left.attempt


@pytest.mark.variant
async def test_a_recorded_doubt_that_the_list_has_gets_a_claim_that_ends_it(
    layout: Layout,
) -> None:
    write_doubt(layout)
    attempt = await reclaim(layout)
    store = reopened(layout)
    (left,) = store.accepted
    claim = left.claim
    assert claim is not None
    assert (claim.doubted, claim.at_risk, claim.started_at) == (True, PRICE, SENT)
    assert store.history.at_risk == PRICE  # until it has ended
    assert await store.doubts() == []
    layout.part(attempt).write_bytes(BODY)
    record = await store.finish(attempt, complete(claim))
    assert (record.at_risk, record.cost, record.settled) == (-PRICE, PRICE, Settled.FOUND)
    assert (store.history.at_risk, store.history.spent) == (0, PRICE)
    assert replay(layout.manifest).open_doubts == {}
    store.close()


async def test_a_claim_whose_doubt_has_ended_is_only_removed(layout: Layout) -> None:
    """Killed after the record, and before the claim was removed."""
    write_doubt(layout)
    attempt = await reclaim(layout)
    with layout.manifest.open("ab") as file:
        file.write(encode(by_word(DOUBT, Settled.NOT_BILLED)))
    store = reopened(layout)
    assert (store.accepted, store.doubtful) == ([], [])
    assert not store.has_claim(attempt)
    assert store.history.at_risk == 0
    store.close()
    assert not open_claims(layout.root)


async def test_a_second_claim_of_one_doubt_is_not_followed(layout: Layout) -> None:
    write_doubt(layout)
    await reclaim(layout)
    store = Store(layout)
    await store.reclaim(DOUBT, LISTED, output="a")
    store.close()
    store = reopened(layout)
    assert len(store.accepted) == 1
    store.close()
    assert len(open_claims(layout.root)) == 1


async def test_a_claim_takes_back_what_the_manifest_says_and_not_what_it_says(
    layout: Layout,
) -> None:
    write_doubt(layout)
    attempt = await reclaim(layout)
    path = log_of(layout.root)
    path.write_bytes(path.read_bytes().replace(b'"at_risk":0.95', b'"at_risk":500'))
    store = reopened(layout)
    (left,) = store.accepted
    assert left.claim is not None
    assert left.claim.at_risk == PRICE
    layout.part(attempt).write_bytes(BODY)
    await store.finish(attempt, complete(left.claim))
    store.close()
    assert replay(layout.manifest).at_risk == 0


async def test_a_claim_of_a_doubt_whose_record_was_lost_is_an_ordinary_one(
    layout: Layout,
) -> None:
    write_doubt(layout)
    attempt = await reclaim(layout)
    layout.manifest.unlink()
    store = reopened(layout)
    (left,) = store.accepted
    assert left.claim is not None
    layout.part(attempt).write_bytes(BODY)
    record = await store.finish(attempt, complete(left.claim))
    store.close()
    assert (record.at_risk, record.settled) == (0, Settled.FOUND)
    assert replay(layout.manifest).spent == PRICE


async def test_a_second_end_of_a_doubt_is_not_written(layout: Layout) -> None:
    write_doubt(layout)
    store = reopened(layout)
    ended = by_word(DOUBT, Settled.BILLED)
    await store.correct(ended)
    before = layout.manifest.read_bytes()
    with pytest.raises(StorageError, match="an earlier record has settled"):
        await store.correct(ended)
    assert layout.manifest.read_bytes() == before
    store.close()
    reopened(layout).close()


async def test_a_clip_that_was_booked_and_lost_costs_once_when_it_is_found(
    layout: Layout,
) -> None:
    booked = msgspec.structs.replace(DOUBT, cost=PRICE, at_risk=Decimal(0))
    layout.manifest.write_bytes(encode(booked))
    attempt = await reclaim(layout)
    store = reopened(layout)
    (left,) = store.accepted
    assert left.claim is not None
    layout.part(attempt).write_bytes(BODY)
    await store.finish(attempt, complete(left.claim))
    store.close()
    history = replay(layout.manifest)
    assert (history.spent, history.at_risk) == (PRICE, 0)


def rendered(remaining: Decimal | None = None) -> Record:
    claim = complete(claim_of(started_at=LATER))
    assert claim.completion is not None
    done = msgspec.structs.replace(claim.completion, remaining_credits=remaining)
    return succeeded(claim, done)


async def test_a_doubt_whose_task_has_no_clip_is_taken_in_although_it_was_sent_again(
    layout: Layout,
) -> None:
    """It was sent again, and that failed: the clip of the first request is the only one."""
    failed = msgspec.structs.replace(DOUBT, status=Status.FAILED, started_at=LATER, at_risk=None)
    write_doubt(layout, failed)
    store = reopened(layout)
    (doubt,) = await store.doubts()
    assert store.takes_in(doubt)
    left = await store.reclaim(doubt, LISTED, output="a")
    assert left.claim is not None
    layout.part(left.attempt).write_bytes(BODY)
    await store.finish(left.attempt, complete(left.claim))
    assert store.history.state_of(TASK) is TaskState.DONE
    store.close()
    assert replay(layout.manifest).state_of(TASK) is TaskState.DONE


async def test_a_doubt_whose_task_has_a_clip_since_is_not_taken_in(layout: Layout) -> None:
    write_doubt(layout, rendered())
    store = reopened(layout)
    (doubt,) = await store.doubts()
    assert not store.takes_in(doubt)
    store.close()


async def test_of_two_doubts_of_one_task_one_is_taken_in(layout: Layout) -> None:
    write_doubt(layout, msgspec.structs.replace(DOUBT, started_at=LATER))
    store = reopened(layout)
    first, second = await store.doubts()
    assert store.takes_in(first)
    assert store.takes_in(second)
    await store.reclaim(first, LISTED, output="a")
    assert not store.takes_in(second)
    store.close()
    store = reopened(layout)
    (second,) = await store.doubts()
    assert not store.takes_in(second)
    store.close()


@pytest.mark.parametrize("sent_again", [False, True])
async def test_a_word_on_a_doubt_leaves_the_balance_as_it_was_noted(
    layout: Layout, sent_again: bool
) -> None:
    """The run has asked for it after its last record: an older one must not come back."""
    older = msgspec.structs.replace(DOUBT, remaining_credits=Decimal(6))
    records = [older, rendered(remaining=Decimal(6))] if sent_again else [older]
    layout.manifest.write_bytes(b"".join(map(encode, records)))
    after = attempt_digest(records[-1].task, records[-1].started_at).hex()
    note = {"format": FORMAT, "remaining": "5", "after": after}
    layout.state.write_bytes(msgspec.json.encode(note))
    store = reopened(layout)
    assert store.history.remaining == 5
    ended = await store.correct(by_word(DOUBT, Settled.BILLED, stands=not sent_again))
    store.close()
    assert ended.remaining_credits == 5
    assert balance(read_note(layout), replay(layout.manifest)) == 5


# -- hostile ----------------------------------------------------------------------------------


def edit(layout: Layout, attempt: str, **changes: object) -> None:
    """Change the last claim of an attempt in the log."""
    log = log_of(layout.root)
    lines = log.read_bytes().splitlines()
    line = msgspec.json.decode(lines[-1])
    assert line["attempt"] == attempt
    line["claim"] |= changes
    log.write_bytes(b"\n".join([*lines[:-1], msgspec.json.encode(line), b""]))


@pytest.mark.parametrize(
    "handle",
    [
        {"id": ""},
        {"id": "r" * (LONGEST_ID + 1)},
        {"id": "r\n1"},
        {"id": "r1", "status": "https://a\x1b[2J"},
        {"id": "r1", "result": "https://a/" + "a" * 10_000},
        {"id": 1},
    ],
)
async def test_a_claim_with_a_strange_id_or_address_is_refused(
    layout: Layout, handle: dict[str, Any]
) -> None:
    attempt = await accept(layout)
    edit(layout, attempt, handle=handle)
    with pytest.raises(DirectoryError, match=r"claims\.json:\d+ "):
        list(leftovers(layout.inflight))


@pytest.mark.parametrize("at_risk", [-1, "1e30", -0.95])
async def test_a_claim_with_an_amount_that_is_not_money_is_refused(
    layout: Layout, at_risk: object
) -> None:
    attempt = await accept(layout)
    edit(layout, attempt, at_risk=at_risk)
    with pytest.raises(DirectoryError, match="amount"):
        list(leftovers(layout.inflight))


async def test_an_id_that_the_next_run_could_not_read_is_not_written(layout: Layout) -> None:
    store = Store(layout, hop=inline)
    attempt = store.new_attempt(TASK)
    await store.claim(attempt, claim_of())
    before = open_claims(layout.root)
    with pytest.raises(StorageError, match="id of its request"):
        await store.accept(attempt, claim_of(handle=Handle(id="r\x00")))
    with pytest.raises(StorageError, match="cost of its request"):
        await store.accept(attempt, claim_of(handle=Handle(id="r", cost=Decimal("NaN"))))
    assert open_claims(layout.root) == before
    store.close()


async def test_a_full_disk_leaves_the_claim_as_it_was(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store(layout)
    attempt = store.new_attempt(TASK)
    await store.claim(attempt, claim_of())
    before = log_of(layout.root).read_bytes()

    def full(_file: int, _data: bytes) -> int:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "write", full)
        with pytest.raises(StorageError, match="No space"):
            await store.accept(attempt, claim_of(handle=HANDLE))
    assert log_of(layout.root).read_bytes() == before
    store.close()


def test_a_claim_of_0_1_is_a_doubt_as_ever(layout: Layout) -> None:
    """It has no provider, no handle, and the name of its task alone."""
    old = {
        "task": "a", "fingerprint": TASK.fingerprint, "model": "m", "params": PARAMS, "meta": {},
        "price": 0.95, "attempt": 1, "output": "a", "started_at": SENT,
    }  # fmt: skip
    claim_file(layout, TASK.key).write_bytes(msgspec.json.encode(old))
    store = reopened(layout)
    (left,) = store.doubtful
    assert not left.accepted
    (record,) = record_doubts(store)
    assert (record.at_risk, record.provider) == (PRICE, None)
    store.close()
    assert list(read(layout.manifest)) == [record]
