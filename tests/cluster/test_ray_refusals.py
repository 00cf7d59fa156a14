"""What is refused before money is spent; none of this needs a cluster but where it says so."""

import socket
from pathlib import Path
from typing import Any

import pytest
from support.command import CommandWorkspace
from support.helpers import Workspace

from sandbox.testing import Sandbox

FLAGS = ("--engine", "ray", "--no-report")


@pytest.fixture
def job(workspace: Workspace) -> Workspace:
    workspace.write(prompts=["a", "b"], credits={"cost": 0.95})
    return workspace


def test_an_address_where_nothing_listens_is_refused(job: Workspace) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{unused.getsockname()[1]}"
        run = job.run(*FLAGS, "--ray-address", address, url="http://127.0.0.1:1")
    assert run.code == 2
    assert address in run.err
    assert "nothing was sent" in run.err


def test_an_address_where_something_else_answers_is_refused(job: Workspace) -> None:
    with Sandbox(clips="tiny", latency=0) as api:
        address = f"127.0.0.1:{api.port}"
        run = job.run(*FLAGS, "--ray-address", address, url=api.url)
        assert api.requests() == []
    assert run.code == 2
    assert "not the head of a Ray cluster" in run.err


def test_an_address_that_answers_nothing_is_refused_within_a_minute(job: Workspace) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        run = job.run(*FLAGS, "--ray-address", address, url="http://127.0.0.1:1")
    assert run.code == 2
    assert address in run.err


def test_a_worker_of_another_version_is_refused(workspace_of: Any) -> None:
    run = workspace_of('import pipeline; pipeline.__version__ = "9.9"')
    assert run.code == 2
    assert "9.9" in run.err
    assert "nothing was sent" in run.err


def test_without_ray_the_message_names_the_extra(workspace_of: Any) -> None:
    run = workspace_of('import sys; sys.modules["ray"] = None')
    assert run.code == 2
    assert "overnight-pipeline[ray]" in run.err


@pytest.fixture
def workspace_of(tmp_path: Path, cluster: Any) -> Any:
    """Run a program of which this Python makes another version."""
    place = CommandWorkspace(tmp_path, "http://127.0.0.1:1")
    place.write(["a"])
    address = ("--engine", "ray", "--ray-address", cluster.address)
    return lambda patches: place.run(*address, patches=patches, within=90)
