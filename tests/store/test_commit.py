"""What is durable: claims, outputs, records, and what a killed run left of them."""

import asyncio
import errno
import hashlib
import os
import threading
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path

import anyio
import anyio.lowlevel
import msgspec
import pytest
from support.claims import BODY, PRICE, claim_file, claim_of, complete, open_claims

import sandbox
from pipeline.errors import DirectoryError, StorageError
from pipeline.ledger.formats import FORMAT
from pipeline.ledger.manifest import read
from pipeline.ledger.records import doubtful
from pipeline.models import (
    Record,
    Status,
    Task,
    part_of,
    task_key,
)
from pipeline.store import batch
from pipeline.store.claim_lines import leftovers
from pipeline.store.commit import Hop, Store, in_thread, inline
from pipeline.store.layout import Layout
from pipeline.store.recovery import recover

LATER = "2026-01-01T00:00:09.500Z"


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    found = Layout(tmp_path / "out")
    found.inflight.mkdir(parents=True)
    return found


@asynccontextmanager
async def opened(layout: Layout, hop: Hop = in_thread) -> AsyncIterator[Store]:
    """Open the store, with what carries out its requests."""
    store = Store(layout, hop=hop)
    try:
        async with anyio.create_task_group() as beside:
            beside.start_soon(store.serve)
            try:
                yield store
            finally:
                store.stop()
    finally:
        store.close()


async def render(store: Store, task: str, body: bytes = BODY, output: str | None = None) -> Record:
    """Take a task the whole way."""
    claim = claim_of(task, output, started_at=f"2026-01-01T00:00:00.{len(body):03}Z")
    key = task_key(task)
    await store.claim(key, claim)
    store.layout.part(key).write_bytes(body)
    return await store.finish(key, complete(claim, body))


def clips(layout: Layout) -> dict[str, bytes]:
    found = (p for p in layout.root.rglob("*") if p.suffix == ".mp4")
    return {p.relative_to(layout.root).as_posix(): p.read_bytes() for p in found}


def records(layout: Layout) -> list[Record]:
    return list(read(layout.manifest))


# -- a task's way -----------------------------------------------------------------------------


async def test_a_claim_says_what_is_sent_before_anything_is_sent(layout: Layout) -> None:
    async with opened(layout) as store:
        key = task_key("a")
        await store.claim(key, claim_of("a"))
        (left,) = leftovers(layout.inflight)
    assert left.claim == claim_of("a", part=part_of(key), format=FORMAT)
    assert not records(layout)


async def test_a_finished_task_has_its_clip_and_its_record_and_no_claim(layout: Layout) -> None:
    async with opened(layout) as store:
        record = await render(store, "a")
    assert records(layout) == [record]
    assert record.status is Status.SUCCEEDED
    assert (record.output, record.bytes, record.cost) == ("a.mp4", len(BODY), PRICE)
    assert clips(layout) == {"a.mp4": BODY}
    assert not list(layout.inflight.iterdir())


async def test_the_facts_of_a_clip_are_in_its_record(layout: Layout) -> None:
    clip = Path(sandbox.__file__).with_name("tiny.mp4").read_bytes()
    async with opened(layout) as store:
        at_once = await render(store, "a", clip)
        claim = claim_of("b", started_at="2026-01-01T00:00:09.000Z")
        await store.claim("b", claim)
        store.layout.part("b").write_bytes(clip)
        completed = await store.complete("b", complete(claim, clip))
        store.layout.part("b").write_bytes(b"no clip")  # it was read when it was complete
        later = await store.finish("b", completed)
    assert at_once.media is not None
    assert (at_once.media.width, at_once.media.duration_s) == (16, 1.0)
    assert later.media == at_once.media
    assert records(layout) == [at_once, later]


async def test_a_task_without_output_has_its_record_and_no_claim_and_no_part(
    layout: Layout,
) -> None:
    async with opened(layout) as store:
        await store.claim("k", claim_of("a"))
        layout.part("k").write_bytes(b"half a cl")
        await store.note("k", doubtful(claim_of("a"), "no answer", answered=False))
    assert [r.status for r in records(layout)] == [Status.IN_DOUBT]
    assert not list(layout.inflight.iterdir())


async def test_a_waiter_that_is_cancelled_harms_no_other(layout: Layout) -> None:
    async with opened(layout) as store:
        waiting = [asyncio.create_task(store.claim(name, claim_of(name))) for name in "abc"]
        await asyncio.sleep(0)  # now each of them waits
        waiting[0].cancel()  # as asyncio does it, which no scope of anyio's holds off
        await asyncio.gather(*waiting, return_exceptions=True)
        await store.claim("d", claim_of("d"))
    assert [task.cancelled() for task in waiting] == [True, False, False]


async def test_a_file_that_cannot_be_closed_fails_its_own_task_alone(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A quota, or a server that has gone, is told when a file is closed."""
    close, closed = os.close, set()

    def failing(file: int) -> None:
        name = Path(f"/proc/self/fd/{file}").readlink().name
        close(file)
        closed.add(name)
        if name == "a.part":
            raise OSError(errno.EDQUOT, "Disk quota exceeded")

    async with opened(layout) as store:
        monkeypatch.setattr(os, "close", failing)
        ends = await asyncio.gather(
            *(store.claim(name, claim_of(name)) for name in "abc"), return_exceptions=True
        )
        monkeypatch.undo()
    assert [type(end) for end in ends] == [StorageError, type(None), type(None)]
    assert {"a.part", "b.part", "c.part"} <= closed


@pytest.mark.parametrize("slow", [False, True])
async def test_a_body_that_could_not_be_made_durable_has_no_completed_claim(
    layout: Layout, monkeypatch: pytest.MonkeyPatch, slow: bool
) -> None:
    """It is in the page cache, where the next run would find it whole: it may be nowhere else."""
    fsync, logged = os.fsync, threading.Event()

    def log(file: int) -> None:
        fsync(file)
        logged.set()

    def failing(file: int) -> None:
        if Path(f"/proc/self/fd/{file}").readlink().name == f"{task_key('a')}.part":
            # Where both are waited for at once, the claim may be first.
            assert not slow or logged.wait(20)
            raise OSError(errno.EIO, os.strerror(errno.EIO))
        fsync(file)

    monkeypatch.setattr(batch, "_SLOW", -1.0 if slow else float("inf"))
    async with opened(layout) as store:
        keys = [task_key(name) for name in "ab"]
        for name, key in zip("ab", keys, strict=True):
            await store.claim(key, claim_of(name))
            store.shelf.spool(f"{key}.part").write_bytes(BODY)
        monkeypatch.setattr(os, "fsync", failing)
        monkeypatch.setattr(os, "fdatasync", log, raising=False)  # macOS has none
        first, second = await asyncio.gather(
            *(store.finish(key, complete(claim_of(n))) for n, key in zip("ab", keys, strict=True)),
            return_exceptions=True,
        )
        assert isinstance(first, StorageError)
        assert isinstance(second, Record)
        (left,) = leftovers(layout.inflight)
        assert left.claim is not None
        assert left.attempt == keys[0]
        assert left.claim.completion is None


@pytest.mark.parametrize("what", ["missing", "link", "pipe"])
async def test_a_part_that_somebody_replaced_fails_its_own_task_alone(
    layout: Layout, tmp_path: Path, what: str
) -> None:
    key, elsewhere = task_key("replaced"), tmp_path / "elsewhere"
    elsewhere.write_bytes(BODY)
    async with opened(layout) as store:
        claim = claim_of("replaced")
        await store.claim(key, claim)
        part = layout.part(key)
        part.unlink()
        if what == "link":
            part.symlink_to(elsewhere)
        elif what == "pipe":
            os.mkfifo(part)
        replaced, other = await asyncio.gather(
            store.finish(key, complete(claim, BODY)),
            render(store, "other"),
            return_exceptions=True,
        )
        assert isinstance(replaced, StorageError)
        assert store.has_claim(key)
    assert [one.task for one in records(layout)] == ["other"]
    assert isinstance(other, Record)
    assert elsewhere.read_bytes() == BODY


async def test_many_tasks_share_one_commit(layout: Layout) -> None:
    batches = []

    async def counted(commit: Callable[[], None]) -> None:
        before = len(records(layout))
        await in_thread(commit)
        if recorded := len(records(layout)) - before:
            batches.append(recorded)

    async with opened(layout, counted) as store, anyio.create_task_group() as group:
        for number in range(60):
            group.start_soon(render, store, f"t{number:02}")
    assert sum(batches) == 60
    assert len(batches) <= 4
    assert len(clips(layout)) == 60


async def test_what_is_being_made_durable_is_made_durable_although_the_run_is_stopped(
    layout: Layout,
) -> None:
    writing, go_on = threading.Event(), threading.Event()

    async def slow(commit: Callable[[], None]) -> None:
        def later() -> None:
            if list(layout.inflight.glob("*.json")):  # claimed already: now it is recorded
                writing.set()
                assert go_on.wait(10)
            commit()

        await in_thread(later)

    async with opened(layout, slow) as store:
        with anyio.CancelScope() as worker:
            async with anyio.create_task_group() as group:
                group.start_soon(render, store, "a")
                await anyio.to_thread.run_sync(writing.wait)
                worker.cancel()
                go_on.set()
    assert [r.task for r in records(layout)] == ["a"]


async def test_a_store_that_is_told_to_stop_carries_out_what_it_was_asked_for(
    layout: Layout,
) -> None:
    key, claim = task_key("a"), claim_of("a")
    async with anyio.create_task_group() as group, opened(layout) as store:
        await store.claim(key, claim)
        store.layout.part(key).write_bytes(BODY)
        group.start_soon(store.finish, key, complete(claim, BODY))
        await anyio.wait_all_tasks_blocked()
    assert [r.task for r in records(layout)] == ["a"]


async def test_a_cancellation_from_outside_does_not_end_the_store_before_its_users(
    layout: Layout,
) -> None:
    """An answer may come while a run is being cancelled: httpcore shields its last steps."""
    with anyio.CancelScope() as outside:
        async with opened(layout) as store:
            outside.cancel()
            with anyio.CancelScope(shield=True):
                await render(store, "a")
    assert [r.task for r in records(layout)] == ["a"]


async def test_a_store_that_was_stopped_refuses_and_lets_nobody_wait(layout: Layout) -> None:
    async with opened(layout) as store:
        pass
    with pytest.raises(StorageError, match="closed"):
        await store.claim("k", claim_of("a"))


# -- the record is counted on the event loop --------------------------------------------------


async def test_a_record_is_counted_and_reported_in_one_step_before_its_waiter_wakes(
    layout: Layout,
) -> None:
    loop, seen = threading.get_ident(), []
    async with opened(layout) as store:
        history = store.history

        def recorded(record: Record) -> None:
            assert records(layout)[-1] == record  # it is durable
            seen.append((record.task, history.spent, threading.get_ident()))

        await store.claim("k", claim_of("a"))
        store.layout.part("k").write_bytes(BODY)
        await store.finish("k", complete(claim_of("a")), recorded)
        assert seen == [("a", PRICE, loop)]
        at_risk = doubtful(claim_of("b"), "no answer", answered=False)
        await store.note("b", at_risk, lambda r: seen.append((r.task, history.at_risk, loop)))
        correction = msgspec.structs.replace(at_risk, reason="correction", cost=-PRICE)
        await store.correct(correction, lambda r: seen.append((r.task, history.spent, loop)))
    assert [(task, money) for task, money, _ in seen[1:]] == [("b", PRICE), ("b", Decimal(0))]


async def test_a_record_is_reported_also_where_its_waiter_was_cancelled(layout: Layout) -> None:
    reported: list[Record] = []
    record = doubtful(claim_of("a"), "no answer", answered=False)
    async with opened(layout) as store:
        waiting = asyncio.create_task(store.note("a", record, reported.append))
        await asyncio.sleep(0)  # now it waits
        waiting.cancel()  # as asyncio does it, which no scope of anyio's holds off
        await asyncio.gather(waiting, return_exceptions=True)
        await store.claim("d", claim_of("d"))
    assert reported == [record]


async def test_a_record_that_is_not_durable_is_neither_counted_nor_reported(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    reported: list[Record] = []
    async with opened(layout) as store:
        layout.manifest.unlink()
        layout.manifest.mkdir()
        with pytest.raises(StorageError):
            await store.note(
                "a", doubtful(claim_of("a"), "no answer", answered=False), reported.append
            )
        assert (store.history.records, store.history.at_risk, reported) == (0, 0, [])
        layout.manifest.rmdir()


async def test_a_bug_in_what_takes_a_record_reaches_its_waiter_alone(layout: Layout) -> None:
    def broken(record: Record) -> None:
        raise ZeroDivisionError(record.task)

    ends: dict[str, Exception | None] = {}

    async def note(store: Store, task: str) -> None:
        record = doubtful(claim_of(task), "no answer", answered=False)
        try:
            await store.note(task, record, broken if task == "b" else None)
        except (StorageError, ZeroDivisionError) as error:
            ends[task] = error
        else:
            ends[task] = None

    async with opened(layout) as store, anyio.create_task_group() as group:
        for task in "abc":
            group.start_soon(note, store, task)
    assert {task: type(error) for task, error in ends.items()} == {
        "a": type(None), "b": ZeroDivisionError, "c": type(None)
    }  # fmt: skip
    assert len(records(layout)) == 3


async def test_a_whole_task_needs_no_thread_where_commits_are_inline(
    layout: Layout, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(batch, "_SLOW", -1.0)  # also on a disk that is slow
    store = Store(layout, hop=inline)
    threads = threading.active_count()
    async with anyio.create_task_group() as beside:
        beside.start_soon(store.serve)
        await render(store, "a")
        assert await store.find(lambda record: record.task == "a") == records(layout)
        assert threading.active_count() == threads
        store.stop()
    store.close()


async def test_records_are_found_by_what_is_wanted_of_them(layout: Layout) -> None:
    async with opened(layout) as store:
        for task in "aba":
            await render(store, task, task.encode() * (1 + len(records(layout))))
        found = await store.find(lambda record: record.task == "a")
    assert found == records(layout)[-1:]


async def test_a_disk_that_fails_while_records_are_looked_for_is_not_a_bug(layout: Layout) -> None:
    async def broken(_: Callable[[], None]) -> None:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    store = Store(layout, hop=broken)
    with pytest.raises(StorageError, match="Input/output error"):
        await store.find(lambda _: True)
    store.close()


# -- attempts ---------------------------------------------------------------------------------


async def test_what_a_worker_of_an_earlier_attempt_writes_late_is_never_placed(
    layout: Layout,
) -> None:
    task = Task(id="a", model="m", params={}, fingerprint="0", output="a")
    async with opened(layout) as store:
        lost, again = store.new_attempt(task), store.new_attempt(task)
        for attempt in (lost, again):
            at = f"2026-01-01T00:00:00.{attempt[-1]:>03}Z"
            claim = claim_of("a", started_at=at)
            await store.claim(attempt, claim)
            if attempt == lost:
                await store.note(attempt, doubtful(claim, "the worker was lost", answered=False))
        parts = [store.shelf.spool(part_of(attempt)) for attempt in (lost, again)]
        parts[1].write_bytes(BODY)
        parts[0].write_bytes(b"late")  # nobody waits for it any more
        record = await store.finish(again, complete(claim))
    assert clips(layout) == {"a.mp4": BODY}
    assert record.sha256 == hashlib.sha256(BODY).hexdigest()
    store = Store(layout)
    assert recover(store) == []  # and it is kept as evidence
    store.close()
    assert [path.read_bytes() for path in layout.errors.iterdir()] == [b"late"]
    assert clips(layout) == {"a.mp4": BODY}


def test_no_two_attempts_have_one_name_in_whatever_run(layout: Layout) -> None:
    task = Task(id="a", model="m", params={}, fingerprint="0", output="a")
    names = set()
    for _ in range(3):
        store = Store(layout)
        names |= {store.new_attempt(task) for _ in range(3)}
        store.close()
    assert len(names) == 9


def test_a_claim_of_another_attempt_s_part_is_refused(layout: Layout) -> None:
    claim = claim_of("a", part=f"{task_key('b')}.part")
    claim_file(layout, task_key("a")).write_bytes(msgspec.json.encode(claim))
    with pytest.raises(DirectoryError, match="another attempt"):
        Store(layout)


# -- names ------------------------------------------------------------------------------------


async def test_a_file_that_is_not_the_task_s_stays_where_it_is(layout: Layout) -> None:
    (layout.root / "a.mp4").write_bytes(b"mine")
    async with opened(layout) as store:
        record = await render(store, "a")
    assert record.output == f"a-{hashlib.sha256(BODY).hexdigest()[:8]}.mp4"
    assert clips(layout) == {"a.mp4": b"mine", record.output: BODY}


async def test_two_tasks_of_one_output_name_each_keep_their_clip(layout: Layout) -> None:
    async with opened(layout) as store:
        await render(store, "a", b"one", output="same")
        await render(store, "b", b"three", output="same")
    assert sorted(clips(layout).values()) == [b"one", b"three"]
    for record in records(layout):
        assert record.output is not None
        data = clips(layout)[record.output]
        assert hashlib.sha256(data).hexdigest() == record.sha256


async def test_older_clips_of_a_changed_task_move_to_superseded(layout: Layout) -> None:
    async with opened(layout) as store:
        await render(store, "a", b"1", output="day/a")
        await render(store, "a", b"22", output="day/a")
    # Also in a later run, and under another name.
    async with opened(layout) as store:
        record = await render(store, "a", b"333", output="a")
    assert clips(layout) == {
        "a.mp4": b"333",
        "superseded/day-a.1.mp4": b"1",
        "superseded/day-a.2.mp4": b"22",
    }
    assert record.output == "a.mp4"


async def test_what_lies_behind_a_link_is_not_moved_to_superseded(
    layout: Layout, tmp_path: Path
) -> None:
    async with opened(layout) as store:
        await render(store, "a", b"1", output="day/a")
    theirs = tmp_path / "theirs"
    (layout.root / "day").rename(theirs)
    (layout.root / "day").symlink_to(theirs)
    async with opened(layout) as store:
        await render(store, "a", b"22", output="a")
    assert (theirs / "a.mp4").read_bytes() == b"1"
    assert not list(layout.superseded.glob("*"))


async def test_a_clip_that_was_moved_away_is_rendered_to_its_place_again(layout: Layout) -> None:
    async with opened(layout) as store:
        await render(store, "a", b"1")
    (layout.root / "a.mp4").unlink()
    async with opened(layout) as store:
        record = await render(store, "a", b"22")
    assert record.output == "a.mp4"
    assert clips(layout) == {"a.mp4": b"22"}


async def test_an_output_that_cannot_be_placed_keeps_its_claim_and_costs_no_other_task(
    layout: Layout,
) -> None:
    (layout.root / "folder").write_bytes(b"not a folder")
    failed: list[str] = []

    async def attempt(store: Store, task: str, output: str) -> None:
        try:
            await render(store, task, output=output)
        except StorageError:
            failed.append(task)

    async with opened(layout) as store, anyio.create_task_group() as group:
        group.start_soon(attempt, store, "a", "folder/a")
        group.start_soon(attempt, store, "b", "b")
    assert failed == ["a"]
    assert [r.task for r in records(layout)] == ["b"]
    key = task_key("a")
    (claim,) = open_claims(layout.root).values()
    assert claim is not None
    assert claim.completion
    assert layout.part(key).read_bytes() == BODY


async def test_two_tasks_of_one_output_name_in_one_commit_each_keep_their_clip(
    layout: Layout,
) -> None:
    async with opened(layout) as store, anyio.create_task_group() as group:
        group.start_soon(render, store, "a", b"one", "same")
        group.start_soon(render, store, "b", b"three", "same")
    assert sorted(clips(layout).values()) == [b"one", b"three"]
