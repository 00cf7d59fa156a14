"""Outputs that cannot be written: before paying, and after."""

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import suppress
from decimal import Decimal
from pathlib import Path

import pytest
from support.command import Clips, CommandWorkspace, eventually, raw_server

from sandbox.testing import Sandbox

pytestmark = pytest.mark.few(1)

Disk = Callable[[str], Path]


@pytest.fixture
def disk(workspace: CommandWorkspace) -> Iterator[Disk]:
    """A small disk of its own for the outputs; only root can make one."""
    mounted = []

    def mount(size: str) -> Path:
        workspace.out.mkdir(exist_ok=True)
        done = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", workspace.out],
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            pytest.skip(f"a small disk needs root and the right to mount: {done.stderr.strip()}")
        mounted.append(workspace.out)
        return workspace.out

    if shutil.which("mount") is None:
        pytest.skip("a small disk needs `mount`")
    yield mount
    for path in mounted:
        subprocess.run(["umount", path], check=True)


def fill(path: Path) -> Path:
    """Leave not a byte free."""
    ballast = path / "ballast"
    with ballast.open("wb", buffering=0) as file, suppress(OSError):
        while file.write(bytes(4096)):
            pass
    return ballast


def test_without_room_for_an_output_nothing_is_paid_for(
    workspace: CommandWorkspace, disk: Disk
) -> None:
    disk("3m")
    workspace.write(["good"] * 5)
    clips = Clips(1000)
    with raw_server(clips.act) as server:
        run = workspace.run(url=server.url)
    assert run.code == 7
    assert clips.posts == 0
    assert "no room" in run.last_line
    assert "5 left to do" in run.last_line


@pytest.mark.variant
def test_a_disk_that_fills_up_stops_the_run_before_it_pays_and_room_lets_it_go_on(
    workspace: CommandWorkspace, disk: Disk
) -> None:
    out = disk("10m")
    workspace.write(["good"] * 12, concurrency=2)
    clips = Clips(1_500_000)
    with raw_server(clips.act) as server:
        run = workspace.run(url=server.url)
        assert run.code == 7, run.err
        assert workspace.counts() == {"succeeded": clips.posts}
        assert 3 <= clips.posts <= 6
        assert not workspace.claims()
        subprocess.run(["mount", "-o", "remount,size=40m", out], check=True)
        assert workspace.run(url=server.url).code == 0
        assert clips.posts == 12


@pytest.mark.variant
def test_what_was_paid_for_and_cannot_be_saved_is_said_and_held_in_doubt(
    workspace: CommandWorkspace, disk: Disk
) -> None:
    out = disk("10m")
    workspace.write(["good"] * 6, concurrency=2)
    clips = Clips(500_000)
    clips.go.clear()
    with raw_server(clips.act) as server:
        process = workspace.start(url=server.url)
        assert clips.waiting.wait(20)
        ballast = fill(out)
        clips.go.set()
        run = process.end()
        assert run.code == 7, run.err
        sent = clips.posts
        assert sent <= 2
        assert "paid for and could not be saved" in run.err
        ballast.unlink()
        again = workspace.run("--no-wait", url=server.url)
        assert again.code == 1
        assert workspace.counts() == {"in_doubt": sent, "succeeded": 6 - sent}
        assert workspace.money()[1] == Decimal("0.95") * sent


@pytest.mark.variant
def test_a_file_that_may_not_grow_is_told_like_a_full_disk(workspace: CommandWorkspace) -> None:
    workspace.write(["good"] * 6, concurrency=2)
    clips = Clips(6_000_000)
    # Coverage writes its data too.
    limit = "import resource\nresource.setrlimit(resource.RLIMIT_FSIZE, (4_000_000, 4_000_000))"
    with raw_server(clips.act) as server:
        run = workspace.run(url=server.url, patches=limit)
        assert run.code == 7, run.err
        assert clips.posts <= 2
        assert "paid for and could not be saved" in run.err
        assert workspace.run(url=server.url).code == 1
    counts = workspace.counts()
    assert counts["in_doubt"] <= 2
    assert counts["in_doubt"] + counts["succeeded"] == 6


@pytest.mark.variant
def test_a_disk_that_is_full_from_the_start_is_said_before_anything_is_sent(
    workspace: CommandWorkspace, disk: Disk
) -> None:
    fill(disk("1m"))
    workspace.write(["good"])
    clips = Clips(1000)
    with raw_server(clips.act) as server:
        run = workspace.run(url=server.url)
    assert run.code in {2, 7}
    assert "No space left" in run.err or "no room" in run.err
    assert clips.posts == 0


@pytest.mark.variant
def test_an_output_directory_that_vanishes_stops_the_run(workspace: CommandWorkspace) -> None:
    workspace.write(["good"] * 6, concurrency=2)
    clips = Clips(1000)
    clips.go.clear()
    with raw_server(clips.act) as server:
        process = workspace.start(url=server.url)
        assert clips.waiting.wait(20)
        shutil.rmtree(workspace.out)
        clips.go.set()
        run = process.end()
    assert run.code == 7, run.err
    assert clips.posts <= 2


def a_file(workspace: CommandWorkspace) -> None:
    workspace.out.write_text("in the way")


def a_file_above(workspace: CommandWorkspace) -> None:
    (workspace.folder / "file").write_text("in the way")
    text = workspace.path.read_text()
    workspace.path.write_text(text.replace('"dir": "out"', '"dir": "file/out"'))


def a_directory_for_the_manifest(workspace: CommandWorkspace) -> None:
    (workspace.out / "manifest.jsonl").mkdir(parents=True)


def a_file_for_the_claims(workspace: CommandWorkspace) -> None:
    workspace.out.mkdir()
    (workspace.out / ".inflight").write_text("")


def a_directory_for_the_lock(workspace: CommandWorkspace) -> None:
    (workspace.out / ".lock").mkdir(parents=True)


def an_owner_that_is_none(workspace: CommandWorkspace) -> None:
    workspace.out.mkdir()
    (workspace.out / ".job.json").write_text("{")


def a_manifest_that_is_none(workspace: CommandWorkspace) -> None:
    workspace.out.mkdir()
    (workspace.out / "manifest.jsonl").write_text("rubbish\n{}\n")


def a_manifest_of_bytes(workspace: CommandWorkspace) -> None:
    workspace.out.mkdir()
    (workspace.out / "manifest.jsonl").write_bytes(b"\xff\xfe\n" * 3)


@pytest.mark.parametrize(
    "spoil",
    [
        a_file,
        a_file_above,
        a_directory_for_the_manifest,
        a_file_for_the_claims,
        a_directory_for_the_lock,
        an_owner_that_is_none,
        a_manifest_that_is_none,
        a_manifest_of_bytes,
    ],
)
def test_a_directory_that_cannot_be_used_exits_2_before_anything_is_sent(
    workspace: CommandWorkspace, sandbox: Sandbox, spoil: Callable[[CommandWorkspace], None]
) -> None:
    workspace.write(["good"])
    spoil(workspace)
    run = workspace.call()
    assert run.code == 2, run.err
    assert run.err.startswith("error: ")
    assert not workspace.requests(sandbox.books())


def test_a_directory_that_may_not_be_written_exits_2(
    workspace: CommandWorkspace, disk: Disk
) -> None:
    if os.geteuid() == 0:
        subprocess.run(["mount", "-o", "remount,ro", disk("1m")], check=True)
    else:
        workspace.out.mkdir(mode=0o500)
    workspace.write(["good"])
    run = workspace.call()
    assert run.code == 2
    assert "cannot be written" in run.err


def test_a_log_that_cannot_be_written_costs_no_task(workspace: CommandWorkspace) -> None:
    workspace.write(["good"] * 3)
    run = workspace.call("--log-file", "/dev/full")
    assert run.code == 0, run.err
    assert "LogFile has stopped" in run.err
    assert workspace.counts() == {"succeeded": 3}


@pytest.mark.variant
def test_a_directory_in_use_exits_2(workspace: CommandWorkspace) -> None:
    workspace.write(["[[latency 30]]"] * 3)
    first = workspace.start()
    eventually(workspace.claims)
    second = workspace.run()
    first.kill()
    assert second.code == 2
    assert "in use" in second.err


def test_a_file_in_place_of_the_folder_of_evidence_is_said_before_anything_is_paid_for(
    workspace: CommandWorkspace, sandbox: Sandbox
) -> None:
    """Whatever came for money is kept: there must be a place for it."""
    workspace.out.mkdir()
    (workspace.out / "errors").write_text("in the way")
    workspace.write(["[[fail html200]]", "good"])
    run = workspace.call()
    assert run.code == 2
    assert "errors is not a folder" in run.err
    assert not workspace.requests(sandbox.books())


# Root may write everywhere: give that up.
WITHOUT_PRIVILEGES = """
import ctypes
libc = ctypes.CDLL(None)
if hasattr(libc, "capset"):
    libc.capset((ctypes.c_uint32 * 2)(0x20080522, 0), (ctypes.c_uint32 * 6)())
"""


@pytest.mark.variant
@pytest.mark.parametrize("name", ["clips/a", "clips/deeper/a"])
def test_a_folder_of_clips_that_cannot_be_written_is_told_before_money_is_spent(
    workspace: CommandWorkspace, sandbox: Sandbox, name: str
) -> None:
    workspace.write(["good"], output={"dir": "out", "name": name})
    clips = workspace.out / "clips"
    clips.mkdir(parents=True)
    clips.chmod(0o500)
    run = workspace.run(patches=WITHOUT_PRIVILEGES)
    assert run.code == 2, run.err
    assert f"{clips} cannot be written" in run.err
    assert not workspace.requests(sandbox.books())
    clips.chmod(0o700)
    assert workspace.run(patches=WITHOUT_PRIVILEGES).code == 0
