"""What `verdicts.jsonl` and a task's row say of the clip that a task has now."""

from pathlib import Path
from typing import Any

import pytest

from pipeline.ledger.picks import Picks
from pipeline.ledger.verdicts import Verdict, append
from pipeline.ledger.writing import Manifest
from pipeline.models import Record, Status, Task

OLD, NEW = "1" * 64, "2" * 64


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "manifest.jsonl"


def recorded(path: Path, *shas: str | None) -> None:
    manifest = Manifest(path)
    for sha256 in shas:
        status = Status.FAILED if sha256 is None else Status.SUCCEEDED
        manifest.append(
            [Record(task="a", status=status, model="m", params={}, fingerprint="f", sha256=sha256)]
        )
    manifest.close()


def said(path: Path, word: Any, sha256: str, at: str = "2026-12-01T09:00:00Z") -> None:
    verdict = Verdict(task="a", verdict=word, sha256=sha256, at=at)
    append(path.with_name("verdicts.jsonl"), [verdict])


def of(path: Path, row: Any = None) -> str | None:
    task = Task(id="a", model="m", params={}, fingerprint="f", output="a", verdict=row)
    return Picks(path).of(task)


def test_a_verdict_is_for_its_clip_and_a_newer_one_has_none(path: Path) -> None:
    recorded(path, OLD)
    said(path, "kept", OLD)
    assert of(path) == "kept"
    recorded(path, NEW)
    assert of(path) is None


def test_an_attempt_that_failed_since_does_not_unlock_what_was_kept(path: Path) -> None:
    recorded(path, OLD, None)
    said(path, "kept", OLD)
    assert of(path) == "kept"


def test_a_row_s_word_counts_where_nothing_was_said_of_the_clip(path: Path) -> None:
    assert of(path, "kept") is None  # there is no clip
    recorded(path, OLD)
    assert (of(path, "kept"), of(path, "rejected")) == ("kept", "rejected")
    said(path, None, OLD)
    assert of(path, "kept") is None  # it was taken back


def test_a_row_s_rejected_is_for_the_first_clip_only(path: Path) -> None:
    recorded(path, OLD, NEW)
    assert (of(path, "rejected"), of(path, "kept")) == (None, "kept")
