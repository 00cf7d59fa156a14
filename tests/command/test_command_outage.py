"""An outage in the middle of a night of short tasks, through the real command."""

from pathlib import Path

import pytest
from support.command import CommandWorkspace

from sandbox.testing import Sandbox

pytestmark = pytest.mark.few(0)


def render_through(folder: Path, tasks: int, outage: str, kind: str, latency: float) -> None:
    """Render through an outage: no task is lost to it, and hardly a request."""
    with Sandbox(
        latency=latency, clips="tiny", credits=1000, outage=outage, outage_kind=kind
    ) as sandbox:
        workspace = CommandWorkspace(folder, sandbox.url)
        workspace.write(["good"] * tasks, concurrency=6, retry={"attempts": 3})
        run = workspace.run("--no-fsync", within=180)
        requests = workspace.requests(sandbox.books())
    # Where the door shuts on a connection that the kernel had taken, its request is in doubt.
    lost = workspace.counts().get("in_doubt", 0)
    assert lost <= (2 if kind == "refuse" else 0), run.err
    assert run.code == (1 if lost else 0), run.err
    assert workspace.counts().get("succeeded") == tasks - lost
    assert len(workspace.manifest) == tasks
    assert len(requests) - tasks <= 60
    assert sum(request["status"] == 200 for request in requests) == tasks - lost
    assert "paused (outage)" in run.err
    assert run.err.count("resumed after") == 1


@pytest.mark.parametrize("kind", ["503", pytest.param("refuse", marks=pytest.mark.slow)])
def test_a_short_outage_costs_no_task_and_hardly_a_request(tmp_path: Path, kind: str) -> None:
    render_through(tmp_path, 45, "0.3:2", kind, latency=0.1)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["500", "503", "refuse"])
def test_300_short_tasks_lose_none_to_a_15_s_outage_and_at_most_60_requests(
    tmp_path: Path, kind: str
) -> None:
    render_through(tmp_path, 300, "4:15", kind, latency=0.3)
