"""The manifest is edited, replaced, cut or removed while a run goes on; and so is its lock."""

import os
import shutil
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from support.command import Clips, CommandWorkspace, eventually, raw_server

from sandbox.testing import Sandbox

pytestmark = pytest.mark.few(0)

TASKS = 12


def by_sed(manifest: Path, _: bytes) -> None:
    subprocess.run(["sed", "-i", "s/nothing/nothing/", manifest], check=True)


def by_an_editor(manifest: Path, older: bytes) -> None:
    manifest.write_bytes(older)  # in place, as it was when it was opened


def by_an_editor_without_last_line_end(manifest: Path, older: bytes) -> None:
    manifest.write_bytes(older[:-1])


def by_rsync(manifest: Path, older: bytes) -> None:
    draft = manifest.with_name(".manifest.jsonl.Xy12")
    draft.write_bytes(older)
    draft.rename(manifest)


def by_truncate(manifest: Path, _: bytes) -> None:
    os.truncate(manifest, 0)


def by_half(manifest: Path, older: bytes) -> None:
    os.truncate(manifest, len(older) - 20)


def by_rm(manifest: Path, _: bytes) -> None:
    manifest.unlink()


def with_a_mark(manifest: Path, older: bytes) -> None:
    manifest.write_bytes(b"\xef\xbb\xbf" + older)


def lines_of(manifest: Path, count: int) -> bytes:
    """Wait until so many records are there, and read them."""

    def look() -> bytes:
        data = manifest.read_bytes() if manifest.exists() else b""
        return data if data.count(b"\n") >= count else b""

    read: bytes = eventually(look)
    return read


ACTS = [by_sed, by_an_editor, by_an_editor_without_last_line_end, by_rsync, by_truncate, by_half,
        by_rm, with_a_mark]  # fmt: skip


@pytest.mark.parametrize("act", ACTS, ids=lambda act: act.__name__)
def test_what_a_run_has_recorded_is_in_the_manifest_whoever_replaces_it(
    workspace: CommandWorkspace, sandbox: Sandbox, act: Callable[[Path, bytes], None]
) -> None:
    workspace.write(["good"] * 2, concurrency=2)
    assert workspace.call().code == 0  # records of an earlier run
    workspace.write(["good"] * 2 + ["[[latency 0.3]]"] * TASKS, concurrency=2)
    manifest = workspace.out / "manifest.jsonl"
    process = workspace.start()
    older = lines_of(manifest, 4)
    lines_of(manifest, 6)
    act(manifest, older)
    run = process.end()
    assert run.code == 0, run.err
    assert workspace.counts() == {"succeeded": TASKS + 2}
    assert len(workspace.manifest) == TASKS + 2
    assert workspace.run().code == 0
    assert len(workspace.requests(sandbox.books())) == TASKS + 2


def test_what_replaces_the_manifest_and_is_none_stops_the_run_and_costs_nothing_twice(
    workspace: CommandWorkspace, sandbox: Sandbox
) -> None:
    workspace.write(["[[latency 0.3]]"] * TASKS, concurrency=2)
    manifest = workspace.out / "manifest.jsonl"
    process = workspace.start()
    whole = lines_of(manifest, 4)
    manifest.write_text("my shopping list\nmilk\n")
    run = process.end()
    assert run.code == 7, run.err
    assert "manifest.jsonl:1" in run.err
    sent = len(workspace.requests(sandbox.books()))
    assert sent < TASKS
    assert manifest.read_text() == "my shopping list\nmilk\n"
    assert workspace.run().code == 2
    manifest.write_bytes(whole)
    workspace.run()
    assert len(workspace.requests(sandbox.books())) == TASKS


def test_clips_that_no_record_knows_are_told_before_money_is_spent(
    workspace: CommandWorkspace, sandbox: Sandbox
) -> None:
    workspace.write(["good"] * 2)
    assert workspace.call().code == 0
    clip = min(workspace.out.glob("*.mp4"))
    (workspace.out / "manifest.jsonl").unlink()
    workspace.write(["[[latency 30]]"], timeout=60)
    process = workspace.start()
    process.until_said("2 clips here have no record")
    process.send(signal.SIGKILL)
    assert clip.name in process.end().err


def test_clips_that_records_know_are_not_told(workspace: CommandWorkspace) -> None:
    workspace.write(["good"] * 2)
    assert workspace.call().code == 0
    shutil.copy(workspace.out / "manifest.jsonl", workspace.folder / "copy.jsonl")
    workspace.write(["good"] * 3)
    assert "no record" not in workspace.call().err


@pytest.mark.parametrize("manifest_too", [False, True], ids=["the lock", "lock and manifest"])
def test_a_second_run_is_refused_although_the_lock_file_was_removed(
    workspace: CommandWorkspace, manifest_too: bool
) -> None:
    workspace.write(["good"] * 4, concurrency=2)
    clips = Clips(1000)
    clips.go.clear()
    with raw_server(clips.act) as server:
        first = workspace.start(url=server.url)
        assert clips.waiting.wait(30)
        (workspace.out / ".lock").unlink()
        if manifest_too:
            (workspace.out / "manifest.jsonl").unlink()
        second = workspace.run(url=server.url)
        clips.go.set()
        assert first.end().code == 0
    assert second.code == 2
    assert "in use" in second.err
    assert workspace.counts() == {"succeeded": 4}
    assert clips.posts == 4
