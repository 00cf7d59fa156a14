"""Runware, whose questions are POSTs, through the real command: paid once, whatever was killed."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.runware_api import KEY, RunwareApi

from pipeline.cli.edge import run_command

JOB = """\
provider: runware
model: "acme:1@1"
prompts: [{id: one, prompt: a lighthouse}, {id: two, prompt: a harbour}]
concurrency: 2
timeout: 20
poll: 0.1
retry: {wait: 0.05}
credits: {cost: 0.07}
"""


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[RunwareApi]:
    monkeypatch.setattr("pipeline.runtime.lookups._LAGS", (0.0,))
    with RunwareApi() as served:
        monkeypatch.setenv("RUNWARE_API_KEY", KEY)
        monkeypatch.setenv("RUNWARE_BASE_URL", served.url)
        yield served


@pytest.fixture
def job(tmp_path: Path) -> Path:
    path = tmp_path / "job.yaml"
    path.write_text(JOB, encoding="utf-8")
    return path


def run(job: Path) -> int:
    return run_command(["run", str(job)])


def last(job: Path) -> dict[str, str]:
    text = (job.parent / "outputs" / "job" / "manifest.jsonl").read_text(encoding="utf-8")
    found: list[dict[str, Any]] = [json.loads(line) for line in text.splitlines() if "task" in line]
    return {record["task"]: record["status"] for record in found}


DONE = {"one": "succeeded", "two": "succeeded"}


def test_it_renders_by_our_ids_and_reads_its_balance(
    api: RunwareApi, job: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(job) == 0
    assert api.prompts == ["a harbour", "a lighthouse"]
    assert last(job) == DONE
    assert not api.leaked
    assert "12.5" in "".join(capsys.readouterr())
    assert run(job) == 0
    assert len(api.paid) == 2


@pytest.mark.few(2)
@pytest.mark.parametrize("point", ["accepted", "submit", "poll", "file"])
def test_nothing_is_paid_twice_after_a_kill(api: RunwareApi, job: Path, point: str) -> None:
    command = [sys.executable, "-m", "pipeline", "run", str(job)]
    process = subprocess.Popen(command, env=dict(os.environ), stdout=subprocess.DEVNULL)
    api.at[point] = process.kill
    assert process.wait(60) == -signal.SIGKILL
    for _ in range(3):
        if run(job) == 0:
            break
    assert api.prompts == ["a harbour", "a lighthouse"] or point == "submit"
    assert len(api.prompts) == len(set(api.prompts))
    if point != "submit":
        assert last(job) == DONE


def test_an_answer_that_was_lost_is_looked_up(api: RunwareApi, job: Path) -> None:
    def drop() -> None:
        raise ConnectionResetError

    api.at["accepted"] = drop
    assert run(job) == 0
    assert len(api.paid) == 2
    assert last(job) == DONE


def test_what_is_not_found_stays_in_doubt(api: RunwareApi, job: Path) -> None:
    def drop() -> None:
        raise ConnectionResetError

    api.at["submit"] = drop
    assert run(job) == 1
    assert len(api.paid) == 1
    assert sorted(last(job).values()) == ["in_doubt", "succeeded"]
