"""Kills at points of the wires that fal and Replicate document."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.pictures import png
from support.two_wires import KEY, Wire

from pipeline.cli.edge import run_command

_JOB = """\
provider: {name}
model: {model}
params: {{width: 3}}
inputs: {{image_url: "{{{{ id }}}}.png"}}
prompts: [{{id: one, prompt: a lighthouse}}, {{id: two, prompt: a lighthouse}}]
concurrency: 2
poll: 0.1
retry: {{wait: 0.05}}
credits: {{cost: 0.07, budget: 5}}
"""
_KEYS = {"fal": "FAL_KEY", "replicate": "REPLICATE_API_TOKEN"}


class Place:
    """The job, its pictures, and where it is rendered."""

    def __init__(self, folder: Path, wire: Wire, patch: pytest.MonkeyPatch) -> None:
        self.job, self.wire = folder / "job.yaml", wire
        text = _JOB.format(name=wire.name, model=wire.model)
        self.job.write_text(text, encoding="utf-8")
        for width, name in enumerate(("one", "two"), 1):
            (folder / f"{name}.png").write_bytes(png(width))
        patch.setenv(_KEYS[wire.name], KEY)
        patch.setenv(f"{wire.name.upper()}_BASE_URL", wire.url)
        patch.setattr("pipeline.runtime.lookups._LAGS", (0.0,))

    def run(self) -> int:
        return run_command(["run", str(self.job)])

    def killed(self, point: str) -> int:
        """Run in a process of its own, which dies at a point of the API's."""
        command = [sys.executable, "-m", "pipeline", "run", str(self.job)]
        with subprocess.Popen(command, env=os.environ, stdout=subprocess.DEVNULL) as process:
            self.wire.at[point] = process.kill
            return process.wait(60)

    @property
    def last(self) -> dict[str, Any]:
        path = self.job.parent / "outputs" / "job" / "manifest.jsonl"
        lines = path.read_text(encoding="utf-8").splitlines()
        return {record["task"]: record for line in lines if "task" in (record := json.loads(line))}


@pytest.mark.few(4)
@pytest.mark.parametrize("name", ["fal", "replicate"])
@pytest.mark.parametrize("point", ["submit", "accepted", "poll", "file"])
def test_nothing_is_paid_twice_after_a_kill(
    name: str, point: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with Wire(name) as wire:
        place = Place(tmp_path, wire, monkeypatch)
        assert place.killed(point) == -signal.SIGKILL
        for _ in range(3):
            if place.run() == 0:
                break
        assert {record["status"] for record in place.last.values()} == {"succeeded"}
        pictures = [sent["image_url"] for sent in wire.paid]
        assert len(pictures) == len(set(pictures)) == 2
        assert not wire.leaked
