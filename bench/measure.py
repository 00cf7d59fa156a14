"""Runs commands and servers, and says what they cost. Kept small: a child begins with its size."""

import json
import os
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parent
PYTHON = sys.executable
# The pipeline's: see bench/venv.
OURS = str(ROOT / ".venv-bench-run" / "bin" / "python")


def in_own_venv(script: str) -> None:
    """Begin again in the benchmark's own venv, where the peers are."""
    if Path(sys.prefix).name != ".venv-bench":
        os.execvp("bash", ["bash", str(HERE / script), *sys.argv[1:]])


@dataclass(frozen=True, slots=True)
class Cost:
    """What one process and the children it waited for have cost. Seconds and bytes."""

    wall: float
    cpu: float
    rss: int
    began: float


class FailedError(Exception):
    """A contender did not do the work."""


def run(command: Sequence[str], log: Path, **env: str) -> Cost:
    """Run a command to its end.

    Raises:
        FailedError: it ended badly.
    """
    began, start = time.time(), time.perf_counter()
    with log.open("wb") as output:
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            env={**os.environ, **env},
        )
        try:
            _, status, used = os.wait4(child.pid, 0)
        except BaseException:
            child.kill()
            raise
    child.returncode = os.waitstatus_to_exitcode(status)
    wall = time.perf_counter() - start
    if child.returncode:
        tail = log.read_text(errors="replace")[-2000:]
        # The first line is shown on the page: it names nothing of this machine.
        said = f"{' '.join(map(str, command))}\n{tail}"
        raise FailedError(f"ended with exit code {child.returncode}\n{said}")
    scale = 1 if sys.platform == "darwin" else 1024
    return Cost(wall, used.ru_utime + used.ru_stime, used.ru_maxrss * scale, began)


@dataclass(frozen=True, slots=True)
class Server:
    """The local server, in a process of its own."""

    port: int
    pid: int

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def model(self) -> str:
        return f"{self.base}/v1/luma-txt-2-video"

    def stats(self) -> dict[str, Any]:
        """Say what it has seen and cost."""
        stats: dict[str, Any] = json.loads(self._get("/stats"))
        return stats

    def reset(self) -> None:
        """Reset its counters."""
        self._get("/reset")

    def _get(self, path: str) -> bytes:
        with urllib.request.urlopen(self.base + path, timeout=30) as answer:
            body: bytes = answer.read()
        return body


@contextmanager
def serving(*flags: str, env: dict[str, str] | None = None) -> Iterator[Server]:
    """Serve, as the flags of bench.server say."""
    command = [PYTHON, "-m", "bench.server", *flags]
    environment = {**os.environ, **(env or {})}
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, env=environment) as child:
        try:
            assert child.stdout is not None
            yield Server(int(child.stdout.readline()), child.pid)
        finally:
            child.terminate()
