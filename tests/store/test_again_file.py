"""`.again.json`: whose request it is, and who may end it."""

from pathlib import Path

import pytest

from pipeline.ledger.selection import Selection
from pipeline.store.again_file import as_asked_before, forget, note
from pipeline.store.layout import Layout, locked

AGAIN = Selection(again=("hero", "pier"))


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    return Layout(tmp_path)


def test_the_same_request_continues_and_ends_once(layout: Layout) -> None:
    first = note(AGAIN, layout, 100)
    same = as_asked_before(Selection(again=("pier", "hero", "pier")), layout)
    assert (first.since, same.since) == (100, 100)
    assert as_asked_before(Selection(again=("hero",)), layout).since is None
    assert forget(same, layout) is None  # it found nothing to do, and ends it
    assert not layout.again.exists()
    assert forget(first, layout) is None


def test_what_another_run_has_taken_up_since_is_left_to_it(layout: Layout) -> None:
    first = note(AGAIN, layout, 100)
    second = note(as_asked_before(AGAIN, layout), layout, 200)
    assert second.since == 100
    assert forget(first, layout) is None
    assert as_asked_before(AGAIN, layout) == second
    with locked(layout):  # and while it runs
        assert forget(second, layout) is None
    assert layout.again.exists()
    forget(second, layout)
    assert not layout.again.exists()


def test_a_note_that_cannot_be_removed_is_told(layout: Layout) -> None:
    asked = note(AGAIN, layout, 100)
    layout.lock.unlink(missing_ok=True)
    layout.lock.mkdir()
    assert ".again.json cannot be removed" in (forget(asked, layout) or "")
