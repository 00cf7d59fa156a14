"""The clips of a folder against the records that name them, in folders that anybody may change."""

import os
import shutil
import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest

from pipeline.errors import DirectoryError
from pipeline.ledger.disk import Disk
from pipeline.ledger.manifest import encode, replay
from pipeline.models import Record, Status
from pipeline.printable import printable
from pipeline.store.layout import Layout
from pipeline.store.shelf import LocalShelf

OUTPUTS = {
    "a": "a.mp4", "b": "b.mp4", "folder": "day/one.mp4", "deep": "day/deep/two.webm",
    "accent": unicodedata.normalize("NFC", "café.mp4"),
}  # fmt: skip


def record(task: str, output: str | None, status: Status = Status.SUCCEEDED) -> bytes:
    return encode(
        Record(task=task, status=status, model="m", params={}, fingerprint="0" * 64, output=output)
    )


def put(root: Path, output: str) -> Path:
    file = root / output
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(b"clip")
    return file


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return an output directory in which all is as recorded."""
    for output in OUTPUTS.values():
        put(tmp_path, output)
    lines = [record(task, output) for task, output in OUTPUTS.items()]
    (tmp_path / "manifest.jsonl").write_bytes(b"".join(lines))
    return tmp_path


def compare(root: Path) -> tuple[set[str], set[str]]:
    """Return the tasks whose clip is gone, and the clips that no record knows."""
    layout = Layout(root)
    disk = Disk(LocalShelf(layout))
    lost = disk.compare(replay(layout.manifest), layout.manifest)
    for output in OUTPUTS.values():
        disk.look_into(output.rpartition("/")[0])
    return lost, disk.unowned


def test_nothing_is_lost_where_all_is_in_place(root: Path) -> None:
    assert compare(root) == (set(), set())


def test_the_names_in_the_manifest_are_not_read_again_where_all_is_in_place(root: Path) -> None:
    layout = Layout(root)
    history = replay(layout.manifest)
    layout.manifest.write_bytes(b"no record\n" * 2)
    disk = Disk(LocalShelf(layout))
    assert (disk.compare(history, layout.manifest), disk.unowned) == (set(), set())


def linked(file: Path) -> None:
    file.unlink()
    file.symlink_to(file.parent / "elsewhere")


def made_a_folder(file: Path) -> None:
    file.unlink()
    file.mkdir()


def emptied(file: Path) -> None:
    file.write_bytes(b"")


@pytest.mark.parametrize("change", [linked, made_a_folder, emptied])
def test_what_lies_under_the_name_of_a_clip_is_there(
    root: Path, change: Callable[[Path], None]
) -> None:
    change(root / "a.mp4")
    assert compare(root) == (set(), set())


def test_an_output_whose_name_is_no_clips_is_there_where_it_leads_to_a_file(root: Path) -> None:
    with (root / "manifest.jsonl").open("ab") as manifest:
        manifest.write(record("bare", "odd.bin"))
    file = put(root, "odd.bin")
    assert compare(root) == (set(), set())
    linked(file)
    assert compare(root) == ({"bare"}, set())


@pytest.mark.parametrize("task", list(OUTPUTS))
def test_a_clip_that_was_moved_away_is_missed(root: Path, task: str) -> None:
    (root / OUTPUTS[task]).unlink()
    assert compare(root) == ({task}, set())


def test_a_clip_that_no_record_knows_is_seen(root: Path) -> None:
    put(root, "day/foreign.MP4")
    assert compare(root) == (set(), {"day/foreign.MP4"})


def test_a_missing_clip_and_a_foreign_one_do_not_make_up_for_each_other(root: Path) -> None:
    (root / "a.mp4").rename(root / "renamed.mp4")
    assert compare(root) == ({"a"}, {"renamed.mp4"})


def test_a_name_in_other_case_is_another_file_where_the_file_system_says_so(root: Path) -> None:
    (root / "b.mp4").rename(root / "B.mp4")
    lost = set() if (root / "b.mp4").exists() else {"b"}
    assert compare(root) == (lost, {"B.mp4"})


def test_a_name_in_another_normal_form_is_another_file_where_the_file_system_says_so(
    root: Path,
) -> None:
    name = OUTPUTS["accent"]
    other = unicodedata.normalize("NFD", name)
    (root / name).rename(root / other)
    lost = set() if (root / name).exists() else {"accent"}
    assert compare(root) == (lost, {other})


def test_two_tasks_that_name_one_clip_both_have_it(root: Path) -> None:
    with (root / "manifest.jsonl").open("ab") as manifest:
        manifest.write(record("second", "a.mp4"))
    assert compare(root) == (set(), set())
    (root / "a.mp4").unlink()
    assert compare(root) == ({"a", "second"}, set())


def test_an_older_clip_of_a_task_may_be_gone(root: Path) -> None:
    with (root / "manifest.jsonl").open("ab") as manifest:
        manifest.write(record("a", "a-new.mp4"))
        manifest.write(record("b", None, Status.FAILED))
    put(root, "a-new.mp4")
    assert compare(root) == (set(), set())
    (root / "a.mp4").unlink()
    (root / "b.mp4").unlink()
    assert compare(root) == (set(), set())


def test_a_folder_that_is_gone_has_no_clips(root: Path) -> None:
    shutil.rmtree(root / "day")
    assert compare(root) == ({"folder", "deep"}, set())


def test_a_folder_that_leads_elsewhere_is_refused(root: Path) -> None:
    (root / "day").rename(root / "moved")
    (root / "day").symlink_to(root / "moved")
    with pytest.raises(DirectoryError):
        compare(root)
    (root / "day").unlink()
    (root / "day").write_bytes(b"")
    with pytest.raises(DirectoryError):
        compare(root)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every folder")
def test_a_folder_that_cannot_be_listed_has_what_can_be_reached_in_it(root: Path) -> None:
    (root / "day").chmod(0o311)
    try:
        assert compare(root) == (set(), set())
    finally:
        (root / "day").chmod(0o755)


def test_a_name_that_cannot_be_printed_is_shown_so_that_it_can(root: Path) -> None:
    put(root, "a\x07.mp4")
    assert compare(root) == (set(), {printable("a\x07.mp4")})
