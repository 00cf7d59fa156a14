"""Job files written for one test, beside whatever they refer to."""

import os
import subprocess
import sys
from pathlib import Path
from textwrap import dedent

import pytest

from pipeline.errors import JobFileError, Problem
from pipeline.job import load
from pipeline.models import Job, Task

HEAD = "model: luma-txt-2-video\n"


class JobWorkspace:
    """A directory with a job file in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.path = folder / "job.yaml"

    def put(self, name: str, content: str | bytes) -> Path:
        path = self.folder / name
        if isinstance(content, str):
            content = dedent(content).encode()
        path.write_bytes(content)
        return path

    def job(self, text: str | bytes) -> Job:
        self.put("job.yaml", text)
        return load(self.path)

    def tasks(self, text: str | bytes) -> list[Task]:
        return list(self.job(text).tasks())

    def brief(self, text: str) -> list[Task]:
        """Tasks of a job for the Luma model, told without its first line."""
        return self.tasks(HEAD + dedent(text))

    def problems(self, text: str | bytes) -> list[Problem]:
        """What is wrong with a job file, found by loading or by expanding it."""
        self.put("job.yaml", text)
        with pytest.raises(JobFileError) as caught:
            list(load(self.path).tasks())
        assert caught.value.problems
        return caught.value.problems

    def wrong(self, text: str) -> str:
        """The one problem of a job for the Luma model, without the path before it."""
        found = self.problems(HEAD + dedent(text))
        assert len(found) == 1, found
        return str(found[0]).replace(f"{self.folder}/", "")


def run_alone(
    command: str, path: Path, *arguments: str, **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run `pipeline` as users do, in a process of its own."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SEGMIND")}
    done = subprocess.run(
        [sys.executable, "-m", "pipeline", command, str(path), *arguments],
        cwd=path.parent,
        env={**kept, "COLUMNS": "200", **environment},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "Traceback" not in done.stderr
    return done
