"""What a run says of its account: a cap that is near or reached, and a pause that all keep."""

import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from sandbox.testing import Sandbox
from tests.cli.conftest import KEY, Command, clean_environment

pytestmark = pytest.mark.few(1)

PATIENCE = 60.0
CAPPED = """\
model: luma-txt-2-video
prompts: [a, b, c, d, e, f]
concurrency: 1
account: {{name: acme, {cap}}}
credits: {{cost: 0.95}}
"""


@pytest.mark.variant
@pytest.mark.parametrize(("cap", "period"), [("day: 4", "day"), ("month: 4", "month")])
def test_a_cap_is_warned_of_once_and_its_end_is_what_a_stopped_run_waits_for(
    tmp_path: Path, pipeline_process: Command, cap: str, period: str
) -> None:
    path = tmp_path / "job.yaml"
    path.write_text(CAPPED.format(cap=cap), encoding="utf-8")
    done = pipeline_process("run", path)
    assert done.code == 3
    warnings = [line for line in done.err.splitlines() if "warning: the runs of" in line]
    (warning,) = warnings
    assert f"of the $4.00 a {period}; the {period} (local time) ends at" in warning
    assert "4 rendered" in done.err
    assert f"the {period}'s cap of $4.00" in done.err
    assert re.search(r"exit 3: .*; run again after 20\d\d-\d\d-\d\d \d\d:\d\d\. ", done.err)
    assert re.search(r"the rest: +\S.* run \S*job.yaml +\(after 20", done.err)
    assert "top up" not in done.err


class Runs:
    """Runs of the real command on one account."""

    def __init__(self, folder: Path, url: str) -> None:
        self._folder = folder
        self._env = clean_environment(SEGMIND_API_KEY=KEY, SEGMIND_BASE_URL=url)
        self._processes: list[subprocess.Popen[str]] = []

    def start(self, name: str, job: str) -> subprocess.Popen[str]:
        (self._folder / f"{name}.yaml").write_text(job, encoding="utf-8")
        process = subprocess.Popen(
            [sys.executable, "-m", "pipeline", "run", f"{name}.yaml"],
            cwd=self._folder, env=self._env, stderr=subprocess.PIPE, text=True,
        )  # fmt: skip
        self._processes.append(process)
        return process

    def close(self) -> None:
        for process in self._processes:
            process.kill()
            process.communicate()


@pytest.fixture
def runs(tmp_path: Path) -> Iterator[Runs]:
    """An account whose API answers every request with 429, to come back in five minutes."""
    with Sandbox(latency=0.5, clips="tiny", fault=["429=1"], retry_after=300) as busy:
        one = Runs(tmp_path, busy.url)
        yield one
        one.close()


def until_line(process: subprocess.Popen[str], pattern: str) -> str:
    assert process.stderr is not None
    for line in process.stderr:
        if re.search(pattern, line):
            return line
    pytest.fail(f"it has ended without {pattern!r}")


def account(pipeline: Command) -> dict[str, Any]:
    (one,) = json.loads(pipeline("status", "--json").out)["accounts"]
    return one  # type: ignore[no-any-return]


@pytest.mark.variant
def test_one_run_s_429_is_said_by_all_of_the_account(runs: Runs, pipeline: Command) -> None:
    job = "model: luma-txt-2-video\nprompts: [a, b]\ncredits: {cost: 0.95}\n"
    first = runs.start("first", job)
    assert "429" in until_line(first, r"paused \(rate limit\)")
    second = runs.start("second", job)
    line = until_line(second, r"paused \(account\)")
    assert re.search(
        r"paused \(account\), until .*asked a run of this account to wait: .*429", line
    )
    seen = account(pipeline)
    assert "429" in seen["pause"]["reason"]
    assert seen["pause"]["until"] > time.time() + 100
    reasons = {run["job"]: run["pause"]["reason"] for run in seen["runs"]}
    assert reasons == {"first": "rate limit", "second": "account"}
    shown = pipeline("status").out
    assert re.search(r"all runs paused until .*429", shown)
    text = pipeline("metrics").out
    assert re.search(r"^pipeline_account_paused{.*} 1.0$", text, re.MULTILINE)
    assert re.search(r'_run_paused{.*job="second".*reason="account"} 1.0$', text, re.MULTILINE)
    for process in (first, second):
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE) == 143
