"""Runs commands and servers, and says what they cost. Kept small: a child begins with its size."""

import json
import os
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
PYTHON = sys.executable


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
        raise FailedError(f"exit {child.returncode}: {' '.join(map(str, command))}\n{tail}")
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

    def stats(self) -> dict[str, float]:
        """Say what it has seen and cost."""
        stats: dict[str, float] = json.loads(self._get("/stats"))
        return stats

    def reset(self) -> None:
        """Reset its counters."""
        self._get("/reset")

    def _get(self, path: str) -> bytes:
        with urllib.request.urlopen(self.base + path, timeout=30) as answer:
            body: bytes = answer.read()
        return body


@contextmanager
def serving(*, size: int = 1024, latency: float = 0.0, spread: float = 0.0) -> Iterator[Server]:
    """Serve clips of `size` bytes after `latency` seconds, ± a part of it."""
    child = subprocess.Popen(
        [
            PYTHON,
            str(HERE / "server.py"),
            f"--size={size}",
            f"--latency={latency}",
            f"--spread={spread}",
        ],
        stdout=subprocess.PIPE,
    )
    try:
        assert child.stdout is not None
        yield Server(int(child.stdout.readline()), child.pid)
    finally:
        child.terminate()
        child.wait()


def median(values: Sequence[float]) -> float:
    """Take the middle one."""
    return statistics.median(values)
