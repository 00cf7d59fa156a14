"""`run --exec`, by the real command."""

import json
from pathlib import Path

from tests.cli.conftest import KEY, Command, records


def script(folder: Path, text: str) -> Path:
    file = folder / "hook.sh"
    file.write_text(f"#!/bin/sh\n{text}\n")
    file.chmod(0o755)
    return file


def test_a_command_follows_each_clip_and_gets_no_key(pipeline: Command, job: Path) -> None:
    hook = script(job.parent, 'test -f "$1" && cat > "$2.json" && env > "$2.env"')
    done = pipeline("run", job, "--exec", f"{hook} {{file}} {{task}}", "--no-report")
    assert done.code == 0
    by_task = {record["task"]: record for record in records(job.parent / "outputs" / "job")}
    for task in ("one", "two"):
        assert (
            json.loads((job.parent / f"{task}.json").read_text())["sha256"]
            == (by_task[task]["sha256"])
        )
        environment = (job.parent / f"{task}.env").read_text()
        assert KEY not in environment
        assert f"PIPELINE_TASK={task}\n" in environment
    assert "exec: hook.sh ran for 2 clips\n" in done.err
    again = pipeline("run", job, "--exec", f"{hook} {{file}} {{task}}", "--no-report")
    assert (again.code, "exec:" in again.err) == (0, False)


def test_a_command_that_fails_does_not_change_the_run(pipeline: Command, job: Path) -> None:
    hook = script(job.parent, "echo no room >&2; exit 3")
    done = pipeline("run", job, "--exec", hook, "--no-report", "--limit", 1)
    assert done.code == pipeline("run", job, "--no-report", "--limit", 1).code == 0
    assert "warning: exec: hook.sh for one: exit code 3 (no room)" in done.err
    assert "exec: hook.sh ran for 1 clip, 1 failed" in done.err
    assert f"--exec {hook}" in done.err


def test_a_command_that_cannot_run_is_refused_before_anything_is_sent(
    pipeline: Command, job: Path
) -> None:
    done = pipeline("run", job, "--exec", "./no-such-hook {file}")
    assert done.code == 2
    assert "no program" in done.err
    assert not (job.parent / "outputs").exists()
