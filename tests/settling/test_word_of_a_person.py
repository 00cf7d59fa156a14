"""A person's word on what is in doubt: written once, for all named or none."""

from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import anyio
import pytest
from support.doubts import PRICE, leave_claim, opened, record, records

from pipeline.errors import UsageError
from pipeline.ledger.manifest import read
from pipeline.models import Handle, Settled, Status
from pipeline.settling.words import Said, say
from pipeline.store.commit import Store
from pipeline.store.layout import Layout


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    found = Layout(tmp_path / "out")
    found.inflight.mkdir(parents=True)
    return found


def spoken(layout: Layout, **words: Any) -> Said:
    async def main() -> Said:
        async with opened(layout) as store:
            return await say(store, **words)

    return anyio.run(main)


def history(layout: Layout, use: Callable[[Store], Any] = lambda store: store.history) -> Any:
    store = Store(layout)
    store.close()
    return use(store)


def test_a_charged_doubt_is_spent_and_no_longer_at_risk(layout: Layout) -> None:
    records(layout, record("a"), record("b"))
    [written] = spoken(layout, billed=["a"]).records
    assert (written.status, written.settled) == (Status.FAILED, Settled.BILLED)
    assert (written.cost, written.at_risk) == (PRICE, -PRICE)
    sums = history(layout)
    assert (sums.spent, sums.at_risk) == (PRICE, PRICE)


def test_what_was_not_charged_frees_the_budget(layout: Layout) -> None:
    records(layout, record("a"))
    [written] = spoken(layout, not_billed=["a"]).records
    assert written.settled is Settled.NOT_BILLED
    sums = history(layout)
    assert (sums.spent, sums.at_risk) == (0, 0)


def test_an_id_means_all_its_takes_that_are_in_doubt(layout: Layout) -> None:
    records(layout, record("a#1"), record("a#2", Status.SUCCEEDED, cost=PRICE), record("a#3"))
    assert [r.task for r in spoken(layout, billed=["a"]).records] == ["a#1", "a#3"]


def test_a_pattern_means_all_that_it_matches(layout: Layout) -> None:
    records(layout, record("day-1"), record("day-2"), record("night-1"))
    assert [r.task for r in spoken(layout, not_billed=["day-*"]).records] == ["day-1", "day-2"]


def test_all_doubts_of_a_task_are_settled(layout: Layout) -> None:
    second = "2026-11-26T11:30:00.000Z"
    records(layout, record("a"), record("a", started_at=second, finished_at=second))
    assert len(spoken(layout, billed=["a"]).records) == 2
    assert history(layout).spent == 2 * PRICE


def test_a_doubt_of_a_task_that_was_rendered_since_corrects_only_the_sums(layout: Layout) -> None:
    later = "2026-11-26T11:30:00.000Z"
    done = record("a", Status.SUCCEEDED, cost=PRICE, output="a.mp4", started_at=later)
    records(layout, record("a"), done)
    spoken(layout, billed=["a"])
    sums = history(layout)
    assert sums.counts[Status.SUCCEEDED] == 1
    assert (sums.spent, sums.at_risk) == (2 * PRICE, 0)


def test_the_claim_of_a_killed_run_is_a_doubt_and_what_came_is_kept(layout: Layout) -> None:
    leave_claim(layout, "a", part=b"half a clip")
    [written] = spoken(layout, billed=["a"]).records
    assert (written.cost, written.at_risk, written.settled) == (PRICE, 0, Settled.BILLED)
    assert [kept.read_bytes() for kept in layout.errors.iterdir()] == [b"half a clip"]
    assert list(layout.inflight.iterdir()) == []
    assert len(list(read(layout.manifest))) == 1


def test_the_same_word_again_changes_nothing(layout: Layout) -> None:
    records(layout, record("a"))
    spoken(layout, billed=["a"])
    before = layout.manifest.read_bytes()
    again = spoken(layout, billed=["a"])
    assert (again.records, again.before) == ([], ["a"])
    assert layout.manifest.read_bytes() == before


def test_another_word_is_refused_and_names_the_first(layout: Layout) -> None:
    records(layout, record("a"), record("b"))
    [first] = spoken(layout, billed=["a"]).records
    before = layout.manifest.read_bytes()
    with pytest.raises(UsageError) as refused:
        spoken(layout, not_billed=["b", "a"])
    assert "--billed" in refused.value.message
    assert first.finished_at in refused.value.message
    assert layout.manifest.read_bytes() == before


def test_a_word_against_what_the_list_has_said_is_refused(layout: Layout) -> None:
    found = record("a", Status.SUCCEEDED, cost=PRICE, at_risk=-PRICE, settled=Settled.FOUND)
    records(layout, record("a"), found)
    with pytest.raises(UsageError, match="list of requests"):
        spoken(layout, not_billed=["a"])


def test_a_task_that_is_not_in_doubt_is_refused(layout: Layout) -> None:
    records(layout, record("a"), record("b", Status.SUCCEEDED, cost=PRICE))
    with pytest.raises(UsageError, match="not in doubt") as refused:
        spoken(layout, billed=["b"])
    assert refused.value.hint == "in doubt: a"
    with pytest.raises(UsageError, match="not in doubt"):
        spoken(layout, billed=["c"], tasks=["a", "b", "c"])


def test_a_task_that_the_provider_has_accepted_is_not_in_doubt(layout: Layout) -> None:
    leave_claim(layout, "a", handle=Handle(id="x"))
    with pytest.raises(UsageError, match="accepted"):
        spoken(layout, billed=["a"])


def test_an_unknown_name_is_refused_with_the_nearest(layout: Layout) -> None:
    records(layout, record("lighthouse"), record("b"))
    with pytest.raises(UsageError) as refused:
        spoken(layout, billed=["b", "lighthuose"])
    assert refused.value.hint == "did you mean lighthouse?"
    assert len(list(read(layout.manifest))) == 2


def test_both_words_on_one_task_are_refused(layout: Layout) -> None:
    records(layout, record("a"))
    with pytest.raises(UsageError, match="--not-billed"):
        spoken(layout, billed=["a"], not_billed=["*"])


def test_a_charge_of_unknown_price_needs_the_price(layout: Layout) -> None:
    records(layout, record("a", at_risk=None), record("b"))
    with pytest.raises(UsageError) as refused:
        spoken(layout, billed=["b", "a"])
    assert "credits.cost" in (refused.value.hint or "")
    assert len(list(read(layout.manifest))) == 2
    spoken(layout, billed=["b", "a"], price=Decimal("1.20"))
    assert history(layout).spent == PRICE + Decimal("1.20")


def test_what_was_not_charged_needs_no_price(layout: Layout) -> None:
    records(layout, record("a", at_risk=None))
    assert len(spoken(layout, not_billed=["a"]).records) == 1


def test_names_from_a_foreign_directory_reach_no_terminal(layout: Layout) -> None:
    records(layout, record("a\x1b[2J"))
    with pytest.raises(UsageError) as refused:
        spoken(layout, billed=["nothing"])
    assert "\x1b" not in refused.value.message + (refused.value.hint or "")
