"""A real Ray cluster for a session: head and two nodes, each of which can be killed."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Self

import pytest
from support.helpers import KEY, until

HERE = Path(__file__).parent


@pytest.hookimpl(tryfirst=True)  # before `-m` chooses
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.ray)
            if find_spec("ray") is None:
                item.add_marker(pytest.mark.skip(reason="Ray is not installed: scripts/venv ray"))


class RayCluster:
    """The cluster in its process, and the processes of its nodes."""

    def __enter__(self) -> Self:
        # Sockets of Ray lie in there, whose paths may have 107 bytes.
        self._folder = tempfile.mkdtemp(prefix="ray-", dir="/tmp")
        self._process = subprocess.Popen(
            [sys.executable, HERE / "cluster_process.py"],
            env={**os.environ, "RAY_TMPDIR": self._folder},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._told = self._read()
        return self

    def __exit__(self, *_: object) -> None:
        self._process.stdin.close()
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
        for pid in self._of_the_session():
            os.kill(pid, signal.SIGKILL)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _of_the_session(self) -> list[int]:
        """What is left of it: an orphan of a killed raylet, and no process of anybody else."""
        mark = self._folder.encode()
        return [pid for pid in _pids() if mark in _read(pid, "environ") + _read(pid, "cmdline")]

    def _read(self) -> dict[str, Any]:
        line = self._process.stdout.readline()
        assert line, "the cluster did not start"
        return json.loads(line)

    @property
    def address(self) -> str:
        return self._told["address"]

    @property
    def session(self) -> Path:
        """Where Ray writes its logs."""
        return Path(self._told["session"])

    def workers(self) -> list[int]:
        """The processes of our workers, by their titles."""
        return [
            pid
            for pid in self._of_the_session()
            if _read(pid, "cmdline").startswith(b"ray::Worker") and _state(pid) != "Z"
        ]

    def raylet_of(self, worker: int) -> int:
        return int(_stat(worker)[1])

    def kill_node(self, worker: int) -> None:
        """Kill all of a node at once."""
        raylet = self.raylet_of(worker)
        children = [pid for pid in _pids() if _read(pid, "stat") and int(_stat(pid)[1]) == raylet]
        for pid in (raylet, *children):
            os.kill(pid, signal.SIGKILL)

    def mend(self) -> None:
        """Have two nodes again, and no worker."""
        alive = [pid for pid in self._told["raylets"] if _state(pid) not in {"", "Z"}]
        for _ in range(2 - len(alive)):
            self._process.stdin.write("node\n")
            self._process.stdin.flush()
            self._told = self._read()
        for pid in self.workers():
            os.kill(pid, signal.SIGKILL)
        until(lambda: not self.workers())


def _pids() -> list[int]:
    return [int(path.name) for path in Path("/proc").iterdir() if path.name.isdecimal()]


def _read(pid: int, what: str) -> bytes:
    try:
        return Path(f"/proc/{pid}/{what}").read_bytes()
    except OSError:
        return b""


def _stat(pid: int) -> list[str]:
    """Its state, its parent, …."""
    return _read(pid, "stat").decode(errors="replace").rpartition(") ")[2].split()


def _state(pid: int) -> str:
    return (_stat(pid) or [""])[0]


@pytest.fixture(scope="session")
def _cluster() -> Iterator[RayCluster]:
    with RayCluster() as cluster:
        yield cluster
        # The key was handed to workers, some of which were killed: it is in no file of Ray's.
        for path in cluster.session.rglob("*"):
            if path.is_file() and not path.is_symlink():
                assert KEY.encode() not in path.read_bytes(), path


@pytest.fixture
def cluster(_cluster: RayCluster) -> RayCluster:
    """The cluster, as it was at first."""
    _cluster.mend()
    return _cluster
