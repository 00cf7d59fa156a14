"""What a run notes of itself, and the one balance that everything goes by."""

import itertools
import json
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest
from anyio import fail_after, sleep
from hypothesis import given
from hypothesis import strategies as st

from pipeline import events as ev
from pipeline.errors import ExitCode
from pipeline.ledger.history import History
from pipeline.ledger.manifest import replay
from pipeline.ledger.writing import Manifest
from pipeline.models import Record, Status
from pipeline.store.layout import Layout
from pipeline.store.state_file import StateFile, balance, read_note

_TIMES = (f"2026-01-01T00:{n // 60:02}:{n % 60:02}.000Z" for n in itertools.count())


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path)


def record(
    task: str = "a", remaining: str | None = None, started_at: str = "", finished_at: str = ""
) -> Record:
    return Record(
        task=task, status=Status.SUCCEEDED, model="m", params={}, fingerprint="0",
        remaining_credits=None if remaining is None else Decimal(remaining),
        started_at=started_at or next(_TIMES), finished_at=finished_at or next(_TIMES),
    )  # fmt: skip


def finished(history: History, one: Record, remaining: str | None) -> ev.Finished:
    """Count a record, and say so, as a run does."""
    history.add(one, 0)
    known = None if remaining is None else Decimal(remaining)
    return ev.Finished(one, ev.Money(remaining=known), 0.0)


def started() -> ev.Started:
    return ev.Started("job", "/out", ev.Counts(), 1, 1, None, 0.0)


def summary(remaining: str | None) -> ev.Summary:
    known = ev.Money(remaining=None if remaining is None else Decimal(remaining))
    counts = ev.Counts()
    return ev.Summary(ExitCode.OK, "", counts, counts, 0, known, None, 1.0, "/out", 0.0)


def text(layout: Layout) -> dict[str, object]:
    noted: dict[str, object] = json.loads(layout.state.read_bytes())
    return noted


def test_it_says_what_a_run_waits_for_and_in_the_end_the_balance(layout: Layout) -> None:
    note = StateFile(layout, History())
    note(started())
    note(ev.Held(ev.Reason.CREDITS, "0.15 left", 5.0, 0.0))
    assert text(layout)["hold"] == "credits"
    note(ev.Stopping(ExitCode.SIGTERM, "SIGTERM received", 1, 0.0))
    assert text(layout)["hold"] == "stopping"
    note(summary("0.60"))
    assert "hold" not in text(layout)
    assert text(layout)["remaining"] == "0.60"
    StateFile(layout, History())(started())  # the next run goes by it until it knows more
    assert text(layout)["remaining"] == "0.60"


def test_a_note_that_cannot_be_written_is_no_fault(tmp_path: Path) -> None:
    StateFile(Layout(tmp_path / "nowhere"), History())(started())


def test_the_balance_is_what_the_run_noted_as_long_as_no_record_is_newer(layout: Layout) -> None:
    history = History(format=2)
    note = StateFile(layout, history)
    note(finished(history, record(remaining="9"), "9"))
    note(summary("60"))  # it has asked once more: somebody has topped up
    assert balance(read_note(layout), history) == 60
    history.add(record(remaining="59"), 0)  # written, and the run was killed before it noted more
    assert balance(read_note(layout), history) == 59


def test_the_balance_that_a_run_asked_for_counts_although_it_wrote_no_record(
    layout: Layout,
) -> None:
    history = History(format=2)
    history.add(record(remaining="9"), 0)
    StateFile(layout, history)(summary("0.15"))
    assert balance(read_note(layout), history) == Decimal("0.15")


@pytest.mark.parametrize("told_at", ["2000-01-01T00:00:00.000Z", "2099-01-01T00:00:00.000Z"])
def test_no_clock_has_a_say_in_which_balance_is_newer(layout: Layout, told_at: str) -> None:
    history = History(format=2)
    StateFile(layout, history)(finished(history, record(remaining="9"), "8"))
    noted = text(layout) | {"told_at": told_at}
    layout.state.write_text(json.dumps(noted), encoding="utf-8")
    assert balance(read_note(layout), history) == 8
    history.add(record("b", "7", finished_at="2001-01-01T00:00:00.000Z"), 0)
    assert balance(read_note(layout), history) == 7


def test_a_note_of_version_0_1_does_not_outweigh_the_records(layout: Layout) -> None:
    history = History()
    history.add(record(remaining="9"), 0)
    layout.state.write_text('{"remaining": "50", "told_at": "2099"}', encoding="utf-8")
    assert balance(read_note(layout), history) == 9
    assert balance(None, history) == 9


@given(st.lists(st.tuples(st.integers(0, 100), st.integers(0, 50), st.integers(0, 50)), max_size=9))
def test_records_of_a_run_say_the_balance_that_it_knew_whatever_the_order_of_answers(
    tmp_path_factory: pytest.TempPathFactory, answers: list[tuple[int, int, int]]
) -> None:
    """The last record rules, however long its request took and whatever the clocks said."""
    path = tmp_path_factory.mktemp("m") / "manifest.jsonl"
    manifest = Manifest(path, fsync=False)
    known = None
    for number, (left, began, ended) in enumerate(answers):
        known = Decimal(left)
        times = (f"2026-01-01T00:00:{second:02}.000Z" for second in (began, ended))
        manifest.append([record(f"t{number}", str(left), *times)])
    manifest.close()
    assert replay(path).remaining == known


def test_it_has_the_tasks_of_the_job_by_status_while_the_run_lasts_and_afterwards(
    layout: Layout,
) -> None:
    note = StateFile(layout, History())
    note.count = lambda: ev.Counts(total=5, succeeded=2, pending=3)
    note(ev.Held(ev.Reason.WINDOW, "closed", None, 0.0))
    assert text(layout)["counts"] == {
        "total": 5, "succeeded": 2, "failed": 0, "in_doubt": 0, "pending": 3, "accepted": 0,
        "saved": 0,
    }  # fmt: skip
    note(msgspec.structs.replace(summary("1"), counts=ev.Counts(total=5, succeeded=4, failed=1)))
    found = read_note(layout)
    assert found is not None
    assert found.counts == ev.Counts(total=5, succeeded=4, failed=1)


def late(layout: Layout) -> StateFile:
    """A run that has noted something, and has more to note within the same second."""
    layout.root.mkdir(exist_ok=True)
    history, done = History(), 0
    note = StateFile(layout, history)
    note.count = lambda: ev.Counts(total=9, succeeded=done)
    note(started())
    for done in range(1, 4):
        note(finished(history, record(), str(done)))
    return note


async def noted(layout: Layout) -> None:
    with fail_after(30):
        while read_note(layout).counts.succeeded != 3:  # type: ignore[union-attr] # noqa: ASYNC110
            await sleep(0.05)


async def test_what_comes_within_a_second_is_noted_although_no_event_follows(
    layout: Layout,
) -> None:
    late(layout)
    await noted(layout)
    assert text(layout)["remaining"] == "3"


@pytest.mark.parametrize("ends", [lambda note: note(summary("4")), lambda note: note.close()])
async def test_nothing_is_noted_after_the_run(
    tmp_path: Path, ends: Callable[[StateFile], None]
) -> None:
    one, later = Layout(tmp_path / "one"), Layout(tmp_path / "later")
    ends(late(one))
    written = one.state.stat().st_mtime_ns
    late(later)
    await noted(later)
    assert one.state.stat().st_mtime_ns == written
