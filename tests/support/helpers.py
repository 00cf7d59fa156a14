"""The real command at work in a folder of its own, and what it left behind.

Example:
    workspace.write(prompts=["a", "b"], credits={"cost": 0.95})
    with Sandbox(clips="tiny", latency=0.05) as api:
        run = workspace.run(url=api.url)
        workspace.agrees_with(api.books())
    assert run.code == 0
"""

import hashlib
import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

KEY = "sk-workspace-0123456789abcdef"
MODEL = "luma-txt-2-video"


def environment(**more: str | None) -> dict[str, str]:
    """Copy the environment without what would reach a run from this machine; None takes away."""
    alien = ("SEGMIND_", "PIPELINE_", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY")
    ours = {"PIPELINE_NO_POSTERS"}
    kept = {k: v for k, v in os.environ.items() if k in ours or not k.upper().startswith(alien)}
    return {k: v for k, v in {**kept, "COLUMNS": "200", **more}.items() if v is not None}


def until(condition: Callable[[], Any], within: float = 20.0) -> Any:
    """Wait for a condition, and return what it gave; fail after so many seconds."""
    end = time.monotonic() + within
    while not (found := condition()):
        assert time.monotonic() < end, "what was waited for did not come"
        time.sleep(0.01)
    return found


def until_said(process: "subprocess.Popen[str]", words: str) -> str:
    """Read what a command says until a line has these words; return that line.

    What comes after it, `Workspace.finish` returns.
    """
    assert process.stderr is not None
    for line in iter(process.stderr.readline, ""):
        if words in line:
            return line
    raise AssertionError(f"it ended, and did not say {words!r}")


@dataclass(frozen=True)
class Run:
    """What a command left behind."""

    code: int
    out: str
    err: str


class Workspace:
    """A folder with a job file, `job.yaml`, and its output directory."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.job = folder / "job.yaml"
        self.output = folder / "outputs" / "job"
        self.key = KEY
        self.env: dict[str, str | None] = {}  # beside that of every command; None takes one away

    # -- the job ------------------------------------------------------------------------------

    def write(self, **keys: Any) -> Path:
        """Write the job file: a Luma job, with these keys. JSON is YAML."""
        self.job.write_text(json.dumps({"model": MODEL, **keys}), encoding="utf-8")
        return self.job

    # -- the command --------------------------------------------------------------------------

    def start(
        self, *arguments: object, url: str | None = None, command: str = "run"
    ) -> "subprocess.Popen[str]":
        """Start `pipeline run job.yaml`, in a process group of its own."""
        more = {"SEGMIND_API_KEY": self.key} | ({"SEGMIND_BASE_URL": url} if url else {})
        return subprocess.Popen(
            [sys.executable, "-m", "pipeline", command, self.job, *map(str, arguments)],
            cwd=self.folder,
            env=environment(**{**more, **self.env}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def finish(self, process: "subprocess.Popen[str]", within: float = 60.0) -> Run:
        """Wait for a command to end; no end of it may show a traceback or the key."""
        try:
            out, err = process.communicate(timeout=within)
        except subprocess.TimeoutExpired:
            process.kill()
            out, err = process.communicate()
            raise AssertionError(f"still running after {within} s:\n{out}{err}") from None
        assert "Traceback" not in err, err
        assert self.key not in out + err
        return Run(process.returncode, out, err)

    def run(self, *arguments: object, url: str | None = None, within: float = 60.0) -> Run:
        """Run `pipeline run job.yaml` to its end."""
        return self.finish(self.start(*arguments, url=url), within)

    def status(self) -> dict[str, Any]:
        """Ask `pipeline status --json`; amounts as decimals."""
        run = self.finish(self.start("--json", command="status"))
        assert run.code == 0, run.err
        told: dict[str, Any] = json.loads(run.out, parse_float=Decimal, parse_int=Decimal)
        return told

    # -- what it left behind ------------------------------------------------------------------

    def records(self) -> list[dict[str, Any]]:
        """Read every record of the manifest, amounts as decimals; a torn last line is left out."""
        manifest = self.output / "manifest.jsonl"
        text = manifest.read_text(encoding="utf-8") if manifest.exists() else ""
        text = text[: text.rfind("\n") + 1]
        return [json.loads(line, parse_float=Decimal) for line in text.splitlines()]

    def last(self) -> dict[str, dict[str, Any]]:
        """Read how each task stands, by its last record."""
        return {record["task"]: record for record in self.records()}

    def counts(self) -> Counter[str]:
        """Count the tasks of the manifest by how they stand."""
        return Counter(record["status"] for record in self.last().values())

    def claims(self) -> list[Path]:
        """List the files that are left of attempts on the wire."""
        return sorted((self.output / ".inflight").glob("*"))

    def sound(self) -> int:
        """Check that each success has its file, whole; return how many there are."""
        done = [r for r in self.last().values() if r["status"] == "succeeded"]
        for record in done:
            data = (self.output / record["output"]).read_bytes()
            assert len(data) == record["bytes"]
            assert hashlib.sha256(data).hexdigest() == record["sha256"]
        assert len({record["output"] for record in done}) == len(done)
        return len(done)

    def spent(self) -> Decimal:
        """Add up what was spent, over all records."""
        return sum((Decimal(r["cost"] or 0) for r in self.records()), Decimal(0))

    def at_risk(self) -> Decimal:
        """Add up what is at risk, over all records."""
        return sum((Decimal(r["at_risk"] or 0) for r in self.records()), Decimal(0))

    def agrees_with(self, books: dict[str, Any]) -> None:
        """Hold the manifest against the server's books: nothing was paid that it does not know."""
        assert not self.claims()
        assert (self.output / "manifest.jsonl").read_bytes().endswith(b"\n")
        assert self.spent() <= Decimal(books["charged"]) <= self.spent() + self.at_risk()
        paid = Counter(entry["params"]["prompt"] for entry in books["charges"])
        assert self.sound() <= len(paid)
        for record in self.last().values():
            if record["status"] == "succeeded":
                assert paid[record["params"]["prompt"]] >= 1


def refused(books: dict[str, Any], status: int = 406) -> int:
    """Count the requests that were answered with `status`."""
    return sum(request["status"] == status for request in books["requests"])


def times_sent(books: dict[str, Any]) -> Counter[str]:
    """Count how often each prompt was sent."""
    return Counter(request["prompt"] for request in books["requests"])
