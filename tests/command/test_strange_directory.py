"""An output directory from elsewhere: nothing in it makes the program write or read outside it."""

import json
import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from support.command import Desk

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


def refused(desk: Desk, sandbox: Sandbox, *named: str) -> str:
    """Run, and see that nothing was sent and nothing was changed."""
    desk.write(["good"])
    before = snapshot(desk.folder)
    run = desk.call()
    assert run.code == 2, run.err
    for name in named:
        assert name in run.err
    assert not desk.requests(sandbox.books())
    assert snapshot(desk.folder) == before
    return run.err


@pytest.mark.parametrize("output", BAD_OUTPUTS.values(), ids=BAD_OUTPUTS)
@pytest.mark.parametrize("completed", [False, True], ids=["sent", "completed"])
def test_a_claim_that_would_place_its_clip_elsewhere_is_refused_by_name(
    desk: Desk, sandbox: Sandbox, output: str, completed: bool
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
    put(desk.out / ".inflight" / f"{key}.json", claim)
    (desk.out / ".inflight" / f"{key}.part").write_bytes(CLIP)
    refused(desk, sandbox, f"{key}.json")


@pytest.mark.parametrize("output", BAD_OUTPUTS.values(), ids=BAD_OUTPUTS)
def test_a_record_whose_clip_would_lie_elsewhere_is_refused_by_its_line(
    desk: Desk, sandbox: Sandbox, output: str
) -> None:
    (desk.folder / "planted.mp4").write_bytes(CLIP)
    put(desk.out / "manifest.jsonl", record_of("a", "a.mp4"), record_of("t000", output))
    refused(desk, sandbox, "manifest.jsonl:2")


@pytest.mark.parametrize("command", ["status", "check", "report", "export"])
def test_a_command_that_only_reads_refuses_a_forged_record_too(
    desk: Desk, command: str, capfd: pytest.CaptureFixture[str]
) -> None:
    desk.write(["good"])
    put(desk.out / "manifest.jsonl", record_of("t000", "../../secret.mp4"))
    assert run_command([command, str(desk.path)]) == 2
    assert "manifest.jsonl:1" in capfd.readouterr().err
    assert not (desk.out / "report.html").exists()


def test_a_claim_under_the_name_of_another_task_is_refused(desk: Desk, sandbox: Sandbox) -> None:
    put(desk.out / ".inflight" / f"{task_key('b')}.json", claim_of("a", "a"))
    refused(desk, sandbox, "another task")


@pytest.mark.parametrize("amount", ['"NaN"', '"Infinity"', "1e999999", "-1e400"])
def test_money_that_cannot_be_added_up_is_refused_by_its_line(
    desk: Desk, sandbox: Sandbox, amount: str
) -> None:
    path = put(desk.out / "manifest.jsonl", record_of("a", None))
    path.write_text(path.read_text().replace("0.95", amount))
    refused(desk, sandbox, "manifest.jsonl:1")


@pytest.mark.parametrize("amount", ['"NaN"', "1e50", "-1e400", "-5"])
def test_a_claim_whose_price_is_no_money_is_refused_and_spoils_no_manifest(
    desk: Desk, sandbox: Sandbox, amount: str
) -> None:
    path = put(desk.out / ".inflight" / f"{task_key('a')}.json", claim_of("a", "a"))
    path.write_text(path.read_text().replace("0.95", amount))
    refused(desk, sandbox, path.name, "no money")


def test_a_note_of_a_balance_that_is_no_money_is_not_told(
    desk: Desk, capfd: pytest.CaptureFixture[str]
) -> None:
    desk.write(["good"])
    put(desk.out / ".state.json", {"remaining": "1e9999", "told_at": "2026"})
    assert run_command(["status", str(desk.path)]) == 0
    assert "credits    unknown" in capfd.readouterr().out


@pytest.mark.parametrize("deep", ["params", "meta"])
def test_a_record_without_bottom_is_no_record(desk: Desk, sandbox: Sandbox, deep: str) -> None:
    path = put(desk.out / "manifest.jsonl", record_of("a", None, **{deep: {"x": "DEEP"}}))
    path.write_text(path.read_text().replace('"DEEP"', "[" * 100_000 + "]" * 100_000))
    desk.write(["good"])
    assert desk.call().code == 2


DEEP = "[" * 900 + "]" * 900


@pytest.mark.parametrize("deep", ["params", "meta"])
def test_a_record_that_can_be_read_and_not_written_is_told_by_its_line(
    desk: Desk, deep: str, capfd: pytest.CaptureFixture[str]
) -> None:
    path = put(desk.out / "manifest.jsonl", record_of("a", None, **{deep: {"x": "DEEP"}}))
    path.write_text(path.read_text().replace('"DEEP"', DEEP))
    desk.write(["good"])
    assert run_command(["report", str(desk.path)]) == 2
    assert "manifest.jsonl:1: this line is no record (it nests" in capfd.readouterr().err


def test_a_claim_that_can_be_read_and_not_written_is_refused(desk: Desk, sandbox: Sandbox) -> None:
    claim = claim_of("a", "a", meta={"x": "DEEP"})
    path = put(desk.out / ".inflight" / f"{task_key('a')}.json", claim)
    path.write_text(path.read_text().replace('"DEEP"', DEEP))
    refused(desk, sandbox, path.name, "nests too deeply")


LINKED = ["manifest.jsonl", ".job.json", ".lock"]


@pytest.mark.parametrize("name", LINKED)
def test_a_link_at_a_file_of_ours_is_refused_and_not_written_through(
    desk: Desk, sandbox: Sandbox, name: str
) -> None:
    victim = desk.folder / "victim.txt"
    victim.write_text("precious, without a line end")
    desk.out.mkdir()
    (desk.out / name).symlink_to(victim)
    refused(desk, sandbox, name)
    assert victim.read_text() == "precious, without a line end"


@pytest.mark.parametrize("name", [".inflight", "superseded", "errors"])
def test_a_link_at_a_folder_of_ours_is_refused_and_nothing_behind_it_changes(
    desk: Desk, sandbox: Sandbox, name: str
) -> None:
    victim = desk.folder / "victim"
    victim.mkdir()
    for kind in ("json", "part", "new"):
        (victim / f"x.{kind}").write_text("precious")
    desk.out.mkdir()
    (desk.out / name).symlink_to(victim)
    refused(desk, sandbox, name)


@pytest.mark.parametrize("name", [".state.json.new", ".job.json.new", ".manifest.jsonl.new"])
def test_a_link_at_a_draft_of_ours_is_not_written_through(desk: Desk, name: str) -> None:
    victim = desk.folder / "victim.txt"
    victim.write_text("precious")
    desk.out.mkdir()
    (desk.out / name).symlink_to(victim)
    desk.write(["good"])
    assert desk.call().code == 0
    assert victim.read_text() == "precious"


def test_a_link_at_a_claim_or_a_part_is_not_written_through(desk: Desk) -> None:
    victim = desk.folder / "victim.txt"
    victim.write_text("precious")
    inflight = desk.out / ".inflight"
    inflight.mkdir(parents=True)
    key = task_key("t000")
    for end in ("part", "new"):
        (inflight / f"{key}.{end}").symlink_to(victim)
    desk.write(["good"])
    assert desk.call().code == 0
    assert victim.read_text() == "precious"


def test_a_folder_of_outputs_that_is_a_link_is_refused_before_anything_is_sent(
    desk: Desk, sandbox: Sandbox
) -> None:
    elsewhere = desk.folder / "elsewhere"
    elsewhere.mkdir()
    desk.out.mkdir()
    (desk.out / "day").symlink_to(elsewhere)
    desk.write([{"id": "a", "prompt": "good"}], output={"dir": "out", "name": "day/{{ id }}"})
    run = desk.call()
    assert run.code == 2, run.err
    assert "day" in run.err
    assert not list(elsewhere.iterdir())


def test_an_output_directory_that_is_itself_a_link_is_the_user_s(desk: Desk) -> None:
    (desk.folder / "disk").mkdir()
    desk.out.symlink_to(desk.folder / "disk")
    desk.write(["good"])
    assert desk.call().code == 0
    assert len(list((desk.folder / "disk").glob("*.mp4"))) == 1
    for command in ("status", "check", "report", "export"):
        assert run_command([command, str(desk.path)]) == 0


def test_the_report_shows_nothing_that_lies_behind_a_link(desk: Desk) -> None:
    (desk.folder / "secret").mkdir()
    (desk.folder / "secret" / "a.mp4").write_bytes(CLIP)
    put(desk.out / "manifest.jsonl", record_of("t000", "day/a.mp4"))
    (desk.out / "day").symlink_to(desk.folder / "secret")
    desk.write(["good"])
    assert run_command(["report", str(desk.path)]) == 2
    assert not (desk.out / "report.html").exists()


def test_a_claim_of_a_version_to_come_is_not_taken_for_a_torn_one(
    desk: Desk, sandbox: Sandbox
) -> None:
    key = task_key("t000")
    put(desk.out / ".inflight" / f"{key}.json", {**claim_of("t000", "a"), "price": {"usd": 1}})
    refused(desk, sandbox, f"{key}.json")


def test_clips_of_others_are_named_in_letters_that_can_be_printed(
    desk: Desk, sandbox: Sandbox
) -> None:
    desk.out.mkdir()
    for name in (b"\xff\xfe.mp4", b"\x1b[31mred.mp4", "море.mp4".encode()):
        Path(os.fsdecode(os.fsencode(desk.out) + b"/" + name)).write_bytes(CLIP)
    desk.write(["good"])
    run = desk.call("--log-file", "run.jsonl")
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
    desk: Desk, name: str, make: Callable[[Path], None]
) -> None:
    inflight = desk.out / ".inflight"
    inflight.mkdir(parents=True)
    key = task_key("t000")
    places = {"claim": inflight / f"{key}.json", "part": inflight / f"{key}.part"}
    make(places.get(name, desk.out / name))
    desk.write(["good"])
    for command in ("status", "check", "export", "report"):
        assert run_command([command, str(desk.path)]) in {0, 2, 7}
    assert desk.call().code in {0, 2}


@pytest.mark.timeout(60)
@pytest.mark.parametrize("name", ["manifest.jsonl", ".job.json", ".state.json", "claim"])
def test_a_file_of_gigabytes_at_a_name_of_ours_is_not_read_whole(
    desk: Desk, name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    inflight = desk.out / ".inflight"
    inflight.mkdir(parents=True)
    path = inflight / f"{task_key('t000')}.json" if name == "claim" else desk.out / name
    with path.open("wb") as file:
        file.write(b'{"task": "')
        file.truncate(1 << 40)
    desk.write(["good"])
    assert run_command(["status", str(desk.path)]) == (0 if name == ".state.json" else 2)
    capfd.readouterr()


def test_somebody_s_file_under_the_manifest_s_name_is_not_cut(desk: Desk, sandbox: Sandbox) -> None:
    desk.out.mkdir()
    (desk.out / "manifest.jsonl").write_text("1. Buy milk\n2. Bread")
    refused(desk, sandbox, "manifest.jsonl:1")
    (desk.out / "manifest.jsonl").write_text("a line without its end")
    refused(desk, sandbox, "manifest.jsonl:1")


def test_a_backup_made_of_hard_links_does_not_change(desk: Desk) -> None:
    desk.write(["good"])
    assert desk.call().code == 0
    backup = desk.folder / "backup.jsonl"
    backup.hardlink_to(desk.out / "manifest.jsonl")
    before = backup.read_bytes()
    desk.write(["good", "good"])
    assert desk.call().code == 0
    assert backup.read_bytes() == before
    assert desk.counts() == {"succeeded": 2}


def test_a_manifest_with_a_byte_order_mark_is_read(desk: Desk, sandbox: Sandbox) -> None:
    desk.write(["good"])
    assert desk.call().code == 0
    manifest = desk.out / "manifest.jsonl"
    manifest.write_bytes(b"\xef\xbb\xbf" + manifest.read_bytes())
    assert desk.call().code == 0
    assert len(desk.requests(sandbox.books())) == 1
