"""A job for the invented API, a description beside it, and the command."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from pipeline.cli.edge import run_command
from support.invented_api import KEY, InventedApi

JOB = """\
provider: ./zap.yaml
model: brush
params: {width: 3}
prompts: [{id: one, prompt: a lighthouse}, {id: two, prompt: a harbour}]
concurrency: 2
timeout: 20
retry: {wait: 0.05}
credits: {cost: 0.07, budget: 5}
"""


class Bench:
    """A job, a description beside it, and the command."""

    def __init__(self, folder: Path, api: InventedApi, patch: pytest.MonkeyPatch) -> None:
        self.job, self.api = folder / "job.yaml", api
        self.out = folder / "outputs" / "job"
        self.job.write_text(JOB, encoding="utf-8")
        # How often, and when, a list that may lag is asked again.
        patch.setattr("pipeline.runtime.lookups._LAGS", (0.0,))
        self.env = {"ZAP_PASS": KEY, "ZAP_BASE_URL": api.url}
        for name, value in self.env.items():
            patch.setenv(name, value)

    def describe(self, text: str) -> None:
        (self.job.parent / "zap.yaml").write_text(text, encoding="utf-8")

    def pipeline(self, *arguments: object) -> int:
        return run_command([*map(str, arguments)])

    def run(self) -> int:
        return self.pipeline("run", self.job)

    def killed(self, point: str) -> int:
        """Run in a process of its own, which dies at a point of the API's."""
        command = [sys.executable, "-m", "pipeline", "run", str(self.job)]
        process = subprocess.Popen(
            command, env={**os.environ, **self.env}, stdout=subprocess.DEVNULL
        )
        self.api.at[point] = process.kill
        return process.wait(60)

    @property
    def records(self) -> list[dict[str, Any]]:
        lines = (self.out / "manifest.jsonl").read_text(encoding="utf-8").splitlines()
        return [json.loads(line) for line in lines if "task" in line]
