"""Older clips: which file of `superseded/` is which clip."""

import hashlib
import itertools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from pipeline.models import Record, Status
from pipeline.report import ReportData, versions
from pipeline.store.layout import Layout
from pipeline.store.shelf import LocalShelf

MakeRecord = Callable[..., Record]
MakeReport = Callable[..., ReportData]


class Directory:
    """An output directory whose shelf places each clip, as a run does."""

    def __init__(self, root: Path, a_record: MakeRecord, a_report: MakeReport) -> None:
        self.layout = Layout(root)
        self.layout.inflight.mkdir(parents=True)
        self.shelf = LocalShelf(self.layout, fsync=False)
        self.records: list[Record] = []
        self._record, self._report = a_record, a_report
        self._numbers = itertools.count()

    def render(self, task: str, body: bytes, output: str = "", **fields: Any) -> Record:
        """Place a clip of a task; what it had moves to `superseded/`."""
        output = output or f"{task}.mp4"
        self.shelf.spool("a.part").write_bytes(body)
        self.shelf.supersede(task)
        self.shelf.place("a.part", task, output)
        at = f"2026-11-21T22:{next(self._numbers):02}:00.000Z"
        sha256, size = hashlib.sha256(body).hexdigest(), len(body)
        record = self._record(
            task, output=output, bytes=size, sha256=sha256, started_at=at, finished_at=at, **fields
        )
        self.records.append(record)
        return record

    def fail(self, task: str) -> None:
        self.records.append(self._record(task, status=Status.FAILED))

    def found(self) -> dict[str, list[tuple[Record, str]]]:
        found = versions.find(self.layout, self._report(*self.records))
        return {task: list(pairs) for task, pairs in found.items()}

    def superseded(self, name: str) -> Path:
        return self.layout.superseded / name


@pytest.fixture
def directory(tmp_path: Path, a_record: MakeRecord, a_report: MakeReport) -> Directory:
    return Directory(tmp_path / "out", a_record, a_report)


@pytest.fixture
def unread(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """See which files are read."""
    read: list[str] = []
    real = versions.open_file
    monkeypatch.setattr(versions, "open_file", lambda path: read.append(path.name) or real(path))
    return read


def test_older_clips_are_found_newest_first_and_none_is_read(
    directory: Directory, unread: list[str]
) -> None:
    first, second = directory.render("hero", b"one"), directory.render("hero", b"two")
    directory.render("hero", b"three")
    directory.render("pier", b"alone")
    assert directory.found() == {
        "hero": [(second, "superseded/hero.2.mp4"), (first, "superseded/hero.1.mp4")]
    }
    assert not unread


def test_a_name_in_a_folder_and_one_that_has_changed_are_found(directory: Directory) -> None:
    first = directory.render("hero", b"one", "december/hero.mp4")
    second = directory.render("hero", b"two2", "hero.v2.mp4")
    directory.render("hero", b"three")
    assert directory.found()["hero"] == [
        (second, "superseded/hero.v2.1.mp4"),
        (first, "superseded/december-hero.1.mp4"),
    ]


def test_a_file_that_was_deleted_leaves_the_others_as_what_they_are(
    directory: Directory, unread: list[str]
) -> None:
    directory.render("hero", b"one")
    second = directory.render("hero", b"two")
    third = directory.render("hero", b"longer")
    directory.render("hero", b"four")
    directory.superseded("hero.1.mp4").unlink()
    assert directory.found()["hero"] == [
        (third, "superseded/hero.3.mp4"), (second, "superseded/hero.2.mp4"),
    ]  # fmt: skip
    assert unread == ["hero.2.mp4"]  # the other one is told by its size


def test_a_number_that_was_taken_again_is_told_by_its_hash(directory: Directory) -> None:
    directory.render("hero", b"one")
    second = directory.render("hero", b"two")
    third = directory.render("hero", b"six")
    directory.superseded("hero.1.mp4").unlink()
    directory.render("hero", b"ten")
    assert directory.found()["hero"] == [
        (third, "superseded/hero.1.mp4"), (second, "superseded/hero.2.mp4"),
    ]  # fmt: skip


def test_clips_of_two_tasks_that_are_called_alike_are_told_apart(directory: Directory) -> None:
    one = directory.render("one", b"aaa", "a-b.mp4")
    two = directory.render("two", b"bbb", "a/b.mp4")
    second = directory.render("one", b"ccc", "a-b.mp4")
    directory.render("two", b"2")
    directory.render("one", b"1")
    assert directory.found() == {
        "one": [(second, "superseded/a-b.3.mp4"), (one, "superseded/a-b.1.mp4")],
        "two": [(two, "superseded/a-b.2.mp4")],
    }


def test_files_of_others_links_and_pipes_are_no_versions(
    directory: Directory, tmp_path: Path
) -> None:
    directory.render("hero", b"one")
    directory.render("hero", b"two")
    file = directory.superseded("hero.1.mp4")
    file.write_bytes(b"another one")
    assert directory.found() == {}
    file.unlink()
    (tmp_path / "elsewhere").write_bytes(b"one")
    file.symlink_to(tmp_path / "elsewhere")
    assert directory.found() == {}
    file.unlink()
    os.mkfifo(file)
    assert directory.found() == {}


def test_a_linked_folder_is_not_followed(directory: Directory, tmp_path: Path) -> None:
    directory.render("hero", b"one")
    directory.render("hero", b"two")
    directory.layout.superseded.rename(tmp_path / "elsewhere")
    directory.layout.superseded.symlink_to(tmp_path / "elsewhere")
    assert directory.found() == {}


def test_what_is_read_to_tell_clips_apart_is_bounded(
    directory: Directory, monkeypatch: pytest.MonkeyPatch
) -> None:
    directory.render("hero", b"one")
    directory.render("hero", b"two")
    directory.render("hero", b"six")
    directory.superseded("hero.1.mp4").unlink()
    assert directory.found()
    monkeypatch.setattr(versions, "MOST_READ", 2)
    assert directory.found() == {}


def test_a_clip_that_stays_in_its_place_as_nothing_has_replaced_it_is_a_version(
    directory: Directory,
) -> None:
    first = directory.render("hero", b"one")
    second = directory.render("hero", b"two")
    directory.fail("hero")
    assert directory.found()["hero"] == [(second, "hero.mp4"), (first, "superseded/hero.1.mp4")]
    (directory.layout.root / "hero.mp4").write_bytes(b"longer than it was")
    assert directory.found()["hero"] == [(first, "superseded/hero.1.mp4")]


def test_a_directory_without_superseded_clips_has_none(directory: Directory) -> None:
    directory.render("hero", b"one")
    assert directory.found() == {}
