"""A job on disk, the sandbox beside it, and the real command."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from pipeline.cli.edge import run_command
from pipeline.sandbox.testing import Sandbox

KEY = "sk-cli-0123456789abcdef"
JOB = """\
model: luma-txt-2-video
prompts:
  - {id: one, prompt: a lighthouse, meta: {publish: 2026-12-01, channel: web, caption: "Hi, you"}}
  - {id: two, prompt: a harbour}
concurrency: 2
retry: {wait: 0.05}
credits: {cost: 0.95}
"""


@dataclass(frozen=True)
class Run:
    """What a command left behind."""

    code: int
    out: str
    err: str


Command = Callable[..., Run]


def clean_environment(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SEGMIND")}
    return {**kept, "COLUMNS": "120", **more}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(latency=0.02, clips="tiny", credits=1000) as served:
        yield served


@pytest.fixture
def job(tmp_path: Path) -> Path:
    path = tmp_path / "job.yaml"
    path.write_text(JOB, encoding="utf-8")
    return path


@pytest.fixture
def pipeline(
    tmp_path: Path,
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Command:
    """Run `pipeline` in this process, in the job's folder, with a key and the sandbox's URL."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object, env: dict[str, str] | None = None) -> Run:
        settings = {"SEGMIND_API_KEY": KEY, "SEGMIND_BASE_URL": sandbox.url}
        with monkeypatch.context() as patch:
            for name in settings:
                patch.delenv(name, raising=False)
            for name, value in (settings if env is None else env).items():
                patch.setenv(name, value)
            code = run_command([str(argument) for argument in arguments])
        told = capsys.readouterr()
        assert "Traceback" not in told.err
        return Run(code, told.out, told.err)

    return run


@pytest.fixture
def pipeline_process(tmp_path: Path, sandbox: Sandbox) -> Command:
    """Run `pipeline` as users do, in a process of its own."""

    def run(*arguments: object, env: dict[str, str] | None = None, **more: Any) -> Run:
        settings = {"SEGMIND_API_KEY": KEY, "SEGMIND_BASE_URL": sandbox.url}
        done = subprocess.run(
            [sys.executable, "-m", "pipeline", *map(str, arguments)],
            cwd=tmp_path,
            env=clean_environment(**(settings if env is None else env)),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            **more,
        )
        assert "Traceback" not in done.stderr
        return Run(done.returncode, done.stdout, done.stderr)

    return run


def records(folder: Path) -> list[dict[str, Any]]:
    text = (folder / "manifest.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]
