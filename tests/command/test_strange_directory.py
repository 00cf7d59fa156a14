"""An output directory from elsewhere: nothing in it makes the program write or read outside it."""

import json
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.command import CommandWorkspace

from pipeline.cli.edge import run_command
from pipeline.models import task_key
from sandbox.testing import Sandbox

pytestmark = pytest.mark.few(2)

CLIP = b"a clip"
SHA256 = "5a6b0a3d3b9fbb7f0a49ccd9b4d2ac50d2f4a0d7c5a2f2a1e0e0c6b3e9d6a111"

BAD_OUTPUTS = {
    "above": "../planted.mp4",
    "above, from below": "a/../../planted.mp4",
    "absolute": "/tmp/planted.mp4",
    "hidden": ".bash_profile",
    "hidden folder": "a/.ssh/authorized_keys",
    "own file": "manifest.jsonl",
    "own page": "Report.html",
    "own folder": "superseded/x.mp4",
    "evidence": "errors/x.mp4",
    "NUL": "a\0.mp4",
    "line end": "a\n.mp4",
    "escape": "a\x1b[31m.mp4",
    "invisible": ".\u200dlock",
    "empty part": "a//b.mp4",
    "empty": "",
}


def claim_of(task: str, output: str, **more: Any) -> dict[str, Any]:
    return {
        "task": task, "fingerprint": "0" * 64, "model": "m", "params": {"prompt": "p"}, "meta": {},
        "price": 0.95, "attempt": 1, "output": output, "started_at": "2026-01-01T00:00:00.000Z",
        **more,
    }  # fmt: skip


def record_of(task: str, output: str | None, **more: Any) -> dict[str, Any]:
    return {
        "task": task, "status": "succeeded", "model": "m", "params": {"prompt": "p"},
        "fingerprint": "0" * 64, "output": output, "bytes": 6, "cost": 0.95, "at_risk": 0, **more,
    }  # fmt: skip


def put(path: Path, *lines: dict[str, Any]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return path


def snapshot(folder: Path) -> dict[str, Any]:
    """What is there, links as links; without what a run may make: its lock, and its name."""
    found: dict[str, Any] = {}
    for path in sorted(folder.rglob("*")):
        if path.is_symlink():
            found[str(path)] = path.readlink()
        elif path.is_file() and path.name not in {".lock", ".job.json"}:
            found[str(path)] = path.read_bytes()
    return found


def refused(workspace: CommandWorkspace, sandbox: Sandbox, *named: str) -> str:
    """Run, and see that nothing was sent and nothing was changed."""
    workspace.write(["good"])
    before = snapshot(workspace.folder)
    run = workspace.call()
    assert run.code == 2, run.err
    for name in named:
        assert name in run.err
    assert not workspace.requests(sandbox.books())
    assert snapshot(workspace.folder) == before
    return run.err


@pytest.mark.parametrize("output", BAD_OUTPUTS.values(), ids=BAD_OUTPUTS)
@pytest.mark.parametrize("completed", [False, True], ids=["sent", "completed"])
def test_a_claim_that_would_place_its_clip_elsewhere_is_refused_by_name(
    workspace: CommandWorkspace, sandbox: Sandbox, output: str, completed: bool
) -> None:
    key = task_key("forged")
    done = {
        "output": output, "bytes": 6, "sha256": SHA256, "content_type": None, "http_status": 200,
        "cost": 0, "remaining_credits": None, "request_id": None, "finished_at": "",
        "duration_s": 1, "simulated": True,
    }  # fmt: skip
    more = {"completion": done} if completed else {}
    # Its extension is yet to come, so that it can be no file of ours, but lie in a folder.
    begun = f"{output}/x" if output in {"manifest.jsonl", "Report.html"} else output
    claim = claim_of("forged", "x" if completed else begun, **more)
    put(workspace.out / ".inflight" / f"{key}.json", claim)
    (workspace.out / ".inflight" / f"{key}.part").write_bytes(CLIP)
    refused(workspace, sandbox, f"{key}.json")


@pytest.mark.parametrize("output", BAD_OUTPUTS.values(), ids=BAD_OUTPUTS)
def test_a_record_whose_clip_would_lie_elsewhere_is_refused_by_its_line(
    workspace: CommandWorkspace, sandbox: Sandbox, output: str
) -> None:
    (workspace.folder / "planted.mp4").write_bytes(CLIP)
    put(workspace.out / "manifest.jsonl", record_of("a", "a.mp4"), record_of("t000", output))
    refused(workspace, sandbox, "manifest.jsonl:2")


@pytest.mark.parametrize("command", ["status", "check", "report", "export"])
def test_a_command_that_only_reads_refuses_a_forged_record_too(
    workspace: CommandWorkspace, command: str, capfd: pytest.CaptureFixture[str]
) -> None:
    workspace.write(["good"])
    put(workspace.out / "manifest.jsonl", record_of("t000", "../../secret.mp4"))
    assert run_command([command, str(workspace.path)]) == 2
    assert "manifest.jsonl:1" in capfd.readouterr().err
    assert not (workspace.out / "report.html").exists()


def test_a_claim_under_the_name_of_another_task_is_refused(
    workspace: CommandWorkspace, sandbox: Sandbox
) -> None:
    put(workspace.out / ".inflight" / f"{task_key('b')}.json", claim_of("a", "a"))
    refused(workspace, sandbox, "another task")


@pytest.mark.parametrize("amount", ['"NaN"', '"Infinity"', "1e999999", "-1e400"])
def test_money_that_cannot_be_added_up_is_refused_by_its_line(
    workspace: CommandWorkspace, sandbox: Sandbox, amount: str
) -> None:
    path = put(workspace.out / "manifest.jsonl", record_of("a", None))
    path.write_text(path.read_text().replace("0.95", amount))
    refused(workspace, sandbox, "manifest.jsonl:1")


@pytest.mark.parametrize("amount", ['"NaN"', "1e50", "-1e400", "-5"])
def test_a_claim_whose_price_is_no_money_is_refused_and_spoils_no_manifest(
    workspace: CommandWorkspace, sandbox: Sandbox, amount: str
) -> None:
    path = put(workspace.out / ".inflight" / f"{task_key('a')}.json", claim_of("a", "a"))
    path.write_text(path.read_text().replace("0.95", amount))
    refused(workspace, sandbox, path.name, "valid amount")


def test_a_note_of_a_balance_that_is_no_money_is_not_told(
    workspace: CommandWorkspace, capfd: pytest.CaptureFixture[str]
) -> None:
    workspace.write(["good"])
    put(workspace.out / ".state.json", {"remaining": "1e9999", "told_at": "2026"})
    assert run_command(["status", str(workspace.path)]) == 0
    assert "credits    unknown" in capfd.readouterr().out


@pytest.mark.parametrize("deep", ["params", "meta"])
def test_a_record_without_bottom_is_no_record(
    workspace: CommandWorkspace, sandbox: Sandbox, deep: str
) -> None:
    path = put(workspace.out / "manifest.jsonl", record_of("a", None, **{deep: {"x": "DEEP"}}))
    path.write_text(path.read_text().replace('"DEEP"', "[" * 100_000 + "]" * 100_000))
    workspace.write(["good"])
    assert workspace.call().code == 2


DEEP = "[" * 900 + "]" * 900


@pytest.mark.parametrize("deep", ["params", "meta"])
def test_a_record_that_can_be_read_and_not_written_is_told_by_its_line(
    workspace: CommandWorkspace, deep: str, capfd: pytest.CaptureFixture[str]
) -> None:
    path = put(workspace.out / "manifest.jsonl", record_of("a", None, **{deep: {"x": "DEEP"}}))
    path.write_text(path.read_text().replace('"DEEP"', DEEP))
    workspace.write(["good"])
    assert run_command(["report", str(workspace.path)]) == 2
    assert "manifest.jsonl:1: this line is no record (it nests" in capfd.readouterr().err


def test_a_claim_that_can_be_read_and_not_written_is_refused(
    workspace: CommandWorkspace, sandbox: Sandbox
) -> None:
    claim = claim_of("a", "a", meta={"x": "DEEP"})
    path = put(workspace.out / ".inflight" / f"{task_key('a')}.json", claim)
    path.write_text(path.read_text().replace('"DEEP"', DEEP))
    refused(workspace, sandbox, path.name, "nests too deeply")


LINKED = ["manifest.jsonl", ".job.json", ".lock"]


@pytest.mark.parametrize("name", LINKED)
def test_a_link_at_a_file_of_ours_is_refused_and_not_written_through(
    workspace: CommandWorkspace, sandbox: Sandbox, name: str
) -> None:
    victim = workspace.folder / "victim.txt"
    victim.write_text("precious, without a line end")
    workspace.out.mkdir()
    (workspace.out / name).symlink_to(victim)
    refused(workspace, sandbox, name)
    assert victim.read_text() == "precious, without a line end"


@pytest.mark.parametrize("name", [".inflight", "superseded", "errors"])
def test_a_link_at_a_folder_of_ours_is_refused_and_nothing_behind_it_changes(
    workspace: CommandWorkspace, sandbox: Sandbox, name: str
) -> None:
    victim = workspace.folder / "victim"
    victim.mkdir()
    for kind in ("json", "part", "new"):
        (victim / f"x.{kind}").write_text("precious")
    workspace.out.mkdir()
    (workspace.out / name).symlink_to(victim)
    refused(workspace, sandbox, name)


@pytest.mark.parametrize("name", [".state.json.new", ".job.json.new", ".manifest.jsonl.new"])
def test_a_link_at_a_draft_of_ours_is_not_written_through(
    workspace: CommandWorkspace, name: str
) -> None:
    victim = workspace.folder / "victim.txt"
    victim.write_text("precious")
    workspace.out.mkdir()
    (workspace.out / name).symlink_to(victim)
    workspace.write(["good"])
    assert workspace.call().code == 0
    assert victim.read_text() == "precious"


def test_a_link_at_a_claim_or_a_part_is_not_written_through(workspace: CommandWorkspace) -> None:
    victim = workspace.folder / "victim.txt"
    victim.write_text("precious")
    inflight = workspace.out / ".inflight"
    inflight.mkdir(parents=True)
    key = task_key("t000")
    for end in ("part", "new"):
        (inflight / f"{key}.{end}").symlink_to(victim)
    workspace.write(["good"])
    assert workspace.call().code == 0
    assert victim.read_text() == "precious"


def test_a_folder_of_outputs_that_is_a_link_is_refused_before_anything_is_sent(
    workspace: CommandWorkspace, sandbox: Sandbox
) -> None:
    elsewhere = workspace.folder / "elsewhere"
    elsewhere.mkdir()
    workspace.out.mkdir()
    (workspace.out / "day").symlink_to(elsewhere)
    workspace.write([{"id": "a", "prompt": "good"}], output={"dir": "out", "name": "day/{{ id }}"})
    run = workspace.call()
    assert run.code == 2, run.err
    assert "day" in run.err
    assert not list(elsewhere.iterdir())


def test_an_output_directory_that_is_itself_a_link_is_the_user_s(
    workspace: CommandWorkspace,
) -> None:
    (workspace.folder / "disk").mkdir()
    workspace.out.symlink_to(workspace.folder / "disk")
    workspace.write(["good"])
    assert workspace.call().code == 0
    assert len(list((workspace.folder / "disk").glob("*.mp4"))) == 1
    for command in ("status", "check", "report", "export"):
        assert run_command([command, str(workspace.path)]) == 0


def test_the_report_shows_nothing_that_lies_behind_a_link(workspace: CommandWorkspace) -> None:
    (workspace.folder / "secret").mkdir()
    (workspace.folder / "secret" / "a.mp4").write_bytes(CLIP)
    put(workspace.out / "manifest.jsonl", record_of("t000", "day/a.mp4"))
    (workspace.out / "day").symlink_to(workspace.folder / "secret")
    workspace.write(["good"])
    assert run_command(["report", str(workspace.path)]) == 2
    assert not (workspace.out / "report.html").exists()


def test_a_claim_of_a_version_to_come_is_not_taken_for_a_torn_one(
    workspace: CommandWorkspace, sandbox: Sandbox
) -> None:
    key = task_key("t000")
    put(workspace.out / ".inflight" / f"{key}.json", {**claim_of("t000", "a"), "price": {"usd": 1}})
    refused(workspace, sandbox, f"{key}.json")


def test_clips_of_others_are_named_in_letters_that_can_be_printed(
    workspace: CommandWorkspace, sandbox: Sandbox
) -> None:
    workspace.out.mkdir()
    for name in (b"\xff\xfe.mp4", b"\x1b[31mred.mp4", "море.mp4".encode()):
        Path(os.fsdecode(os.fsencode(workspace.out) + b"/" + name)).write_bytes(CLIP)
    workspace.write(["good"])
    run = workspace.call("--log-file", "run.jsonl")
    assert run.code == 0, run.err
    assert "3 clips here have no record" in run.err
    assert "море.mp4" in run.err
    assert "\x1b" not in run.err
    assert "stopped" not in run.err  # the log took it as well


def a_pipe(path: Path) -> None:
    os.mkfifo(path)


def a_socket(path: Path) -> None:
    here = Path.cwd()
    os.chdir(path.parent)  # a socket's path may be 100 bytes long
    try:
        with socket.socket(socket.AF_UNIX) as made:
            made.bind(path.name)
    finally:
        os.chdir(here)


def a_folder(path: Path) -> None:
    path.mkdir()


@pytest.mark.timeout(60)
@pytest.mark.parametrize("make", [a_pipe, a_socket, a_folder])
@pytest.mark.parametrize(
    "name", ["manifest.jsonl", ".job.json", ".lock", ".state.json", "claim", "part", "report.html"]
)
def test_what_is_no_file_at_a_name_of_ours_holds_no_command(
    workspace: CommandWorkspace, name: str, make: Callable[[Path], None]
) -> None:
    inflight = workspace.out / ".inflight"
    inflight.mkdir(parents=True)
    key = task_key("t000")
    places = {"claim": inflight / f"{key}.json", "part": inflight / f"{key}.part"}
    make(places.get(name, workspace.out / name))
    workspace.write(["good"])
    for command in ("status", "check", "export", "report"):
        assert run_command([command, str(workspace.path)]) in {0, 2, 7}
    assert workspace.call().code in {0, 2}


@pytest.mark.variant
@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", ["manifest.jsonl", ".job.json", ".state.json", "claim"])
def test_a_file_of_gigabytes_at_a_name_of_ours_is_not_read_whole(
    workspace: CommandWorkspace, name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    inflight = workspace.out / ".inflight"
    inflight.mkdir(parents=True)
    path = inflight / f"{task_key('t000')}.json" if name == "claim" else workspace.out / name
    with path.open("wb") as file:
        file.write(b'{"task": "')
        file.truncate(1 << 40)
    workspace.write(["good"])
    assert run_command(["status", str(workspace.path)]) == (0 if name == ".state.json" else 2)
    capfd.readouterr()


def test_somebody_s_file_under_the_manifest_s_name_is_not_cut(
    workspace: CommandWorkspace, sandbox: Sandbox
) -> None:
    workspace.out.mkdir()
    (workspace.out / "manifest.jsonl").write_text("1. Buy milk\n2. Bread")
    refused(workspace, sandbox, "manifest.jsonl:1")
    (workspace.out / "manifest.jsonl").write_text("a line without its end")
    refused(workspace, sandbox, "manifest.jsonl:1")


def test_a_backup_made_of_hard_links_does_not_change(workspace: CommandWorkspace) -> None:
    workspace.write(["good"])
    assert workspace.call().code == 0
    backup = workspace.folder / "backup.jsonl"
    backup.hardlink_to(workspace.out / "manifest.jsonl")
    before = backup.read_bytes()
    workspace.write(["good", "good"])
    assert workspace.call().code == 0
    assert backup.read_bytes() == before
    assert workspace.counts() == {"succeeded": 2}


def test_a_manifest_with_a_byte_order_mark_is_read(
    workspace: CommandWorkspace, sandbox: Sandbox
) -> None:
    workspace.write(["good"])
    assert workspace.call().code == 0
    manifest = workspace.out / "manifest.jsonl"
    manifest.write_bytes(b"\xef\xbb\xbf" + manifest.read_bytes())
    assert workspace.call().code == 0
    assert len(workspace.requests(sandbox.books())) == 1
