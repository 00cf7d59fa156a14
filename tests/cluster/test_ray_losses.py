"""The table of losses: whatever dies, the API sees each request once, and never too many."""

import os
import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from support.helpers import Run, Workspace, refused, times_sent, until

from sandbox.testing import Sandbox

if TYPE_CHECKING:
    import subprocess

TASKS, BOUND, SECONDS = 24, 8, 2.0


@pytest.fixture
def api(tmp_path: Path) -> Iterator[Sandbox]:
    # Without a list of requests: what is in doubt stays so, and is counted.
    with Sandbox(clips="tiny", latency=SECONDS, credits=1000, history="missing") as sandbox:
        yield sandbox


class Night:
    """A run on the cluster, in whose middle something is killed."""

    def __init__(self, workspace: Workspace, api: Sandbox, cluster: Any) -> None:
        self.workspace, self.api, self.cluster = workspace, api, cluster
        workspace.write(
            prompts=[f"words of {number}" for number in range(TASKS)],
            concurrency=BOUND,
            credits={"cost": 0.95},
            timeout=60,
        )

    def start(self, *more: object) -> "subprocess.Popen[str]":
        return self.workspace.start(
            "--engine", "ray", "--ray-address", self.cluster.address, "--no-report", *more,
            url=self.api.url,
        )  # fmt: skip

    def started(self) -> "subprocess.Popen[str]":
        """Start it, and wait until it knows how long answers take and all places are full."""
        process = self.start()
        try:
            until(self._is_going, 60)
        except AssertionError:
            process.kill()
            raise AssertionError(process.communicate()) from None
        return process

    def _is_going(self) -> bool:
        done = len(self.workspace.records())
        return done >= BOUND and self.api.books()["at_work"] == BOUND

    def ended(self, process: "subprocess.Popen[str]", code: int = 0, doubts: int = 0) -> Run:
        """Wait for its end: what the server counted, and what the manifest says of it."""
        run = self.workspace.finish(process, 120)
        books = self.api.books()
        told = (run.code, run.err, self.workspace.counts())
        assert run.out == ""
        assert set(times_sent(books).values()) == {1}, told
        assert books["peak_at_work"] <= BOUND, told
        counts = self.workspace.counts()
        assert counts["in_doubt"] <= doubts, told
        assert counts["succeeded"] + counts["in_doubt"] == TASKS, told
        assert self.workspace.sound() == counts["succeeded"]
        assert run.code == (1 if counts["in_doubt"] else code), told
        return run


def kill(process: "subprocess.Popen[str]") -> None:
    process.kill()
    process.communicate()


@pytest.fixture
def night(workspace: Workspace, api: Sandbox, cluster: Any) -> Night:
    return Night(workspace, api, cluster)


def alone(folder: Path) -> Workspace:
    """Render the same job on one machine."""
    folder.mkdir()
    workspace = Workspace(folder)
    with Sandbox(clips="tiny", latency=0.05, credits=1000) as api:
        Night(workspace, api, None)
        assert workspace.run("--no-report", url=api.url).code == 0
    return workspace


def told(workspace: Workspace) -> set[str]:
    """What a manifest says, without times and what follows from their order."""
    names = ("task", "status", "params", "fingerprint", "output", "cost", "attempts", "provider")
    return {str([record[name] for name in names]) for record in workspace.records()}


def test_credits_run_out_without_a_refusal(night: Night) -> None:
    night.workspace.write(
        prompts=[f"words of {number}" for number in range(TASKS)],
        concurrency=BOUND,
        credits={"cost": 0.95},
    )
    with Sandbox(clips="tiny", latency=0.3, credits=10) as api:
        night.api = api
        run = night.workspace.finish(night.start(), 90)
        books = api.books()
    assert run.code == 3, run.err
    assert refused(books) == 0
    assert night.workspace.counts() == {"succeeded": 10}


def test_nothing_is_lost_and_no_worker_is_left(night: Night, tmp_path: Path) -> None:
    night.workspace.env["RAY_ADDRESS"] = "ray://127.0.0.1:1"  # is not where it was told to go
    night.ended(night.start())
    until(lambda: not night.cluster.workers())
    assert night.workspace.claims() == []
    assert told(night.workspace) == told(alone(tmp_path / "alone"))


def test_an_answer_to_one_worker_pauses_all(night: Night) -> None:
    # At both workers; the answer that asks for a pause goes to one of them.
    prompts = ["[[fail 429 x1]] [[latency 1]] a", *(f"[[latency 1]] {each}" for each in range(15))]
    night.workspace.write(prompts=prompts, concurrency=4, credits={"cost": 0.95})
    with Sandbox(clips="tiny", latency=1, credits=100, retry_after=4) as api:
        night.api = api
        assert night.workspace.finish(night.start(), 90).code == 0
        requests = api.requests()
    (asked,) = (request["finished"] for request in requests if request["status"] == 429)
    # Half a second for what was on its way when the answer came.
    assert not [r for r in requests if asked + 0.5 < r["arrived"] < asked + 3.9]
    assert night.workspace.counts() == {"succeeded": 16}


def test_what_a_provider_accepts_is_asked_for_by_the_run(night: Night) -> None:
    night.workspace.write(
        prompts=["a", "b", "c"], provider="segmind-v2", poll=0.5, credits={"cost": 0.95}
    )
    run = night.workspace.finish(night.start(), 90)
    assert run.code == 0, run.err
    assert set(times_sent(night.api.books()).values()) == {1}
    assert night.workspace.sound() == 3


def test_two_runs_share_a_cluster(night: Night, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    other = Night(Workspace(tmp_path / "other"), night.api, night.cluster)
    other.workspace.key = "sk-another-0123456789abcdef"  # or they would share its bound
    runs = [(each, each.start("--workers", 1)) for each in (night, other)]
    for each, process in runs:
        assert each.workspace.finish(process, 120).code == 0
        assert each.workspace.sound() == TASKS


def test_a_killed_worker_leaves_doubts_and_its_places_are_kept(night: Night) -> None:
    process = night.started()
    os.kill(night.cluster.workers()[0], signal.SIGKILL)
    night.ended(process, doubts=BOUND)


def test_a_killed_node_leaves_doubts_and_its_places_are_kept(night: Night) -> None:
    process = night.started()
    night.cluster.kill_node(night.cluster.workers()[0])
    night.ended(process, doubts=BOUND)


def test_what_a_worker_without_its_raylet_is_at_comes_home(night: Night) -> None:
    night.api.change(latency=8.0)  # Ray takes 11 to 13 s to see it
    process = night.started()
    os.kill(night.cluster.raylet_of(night.cluster.workers()[0]), signal.SIGKILL)
    run = night.ended(process)
    # By then it has been cut off, with requests that only the storage brings home.
    lost = re.search(r"a worker was lost, with requests: (\d+)", run.err)
    assert lost is not None, run.err
    assert int(lost[1]) > 0


def test_a_frozen_worker_gets_nothing_new_and_loses_nothing(night: Night) -> None:
    process = night.started()
    frozen = night.cluster.workers()[0]
    os.kill(frozen, signal.SIGSTOP)
    time.sleep(6)  # is what it is frozen for
    os.kill(frozen, signal.SIGCONT)
    night.ended(process)


def test_what_a_worker_brings_that_was_frozen_for_too_long_ends_its_doubts(night: Night) -> None:
    process = night.started()
    frozen = night.cluster.workers()[0]
    os.kill(frozen, signal.SIGSTOP)
    run = night.ended(process, doubts=BOUND)  # after 30 s of silence, and as long as answers take
    doubts = night.workspace.counts()["in_doubt"]
    assert doubts > 0, run.err
    os.kill(frozen, signal.SIGCONT)
    inflight = night.workspace.output / ".inflight"
    until(lambda: len(list(inflight.glob("*.done"))) >= doubts, 30)
    night.ended(night.start())


def test_a_killed_run_is_taken_up_at_once(night: Night) -> None:
    kill(night.started())
    night.ended(night.start())
    until(lambda: not night.cluster.workers())


def test_a_killed_run_is_taken_up_later(night: Night) -> None:
    kill(night.started())
    until(lambda: night.api.books()["at_work"] == 0)
    night.ended(night.start())


def test_a_run_that_is_stopped_at_once_leaves_its_answers_to_the_next(night: Night) -> None:
    process = night.started()
    process.send_signal(signal.SIGINT)
    time.sleep(0.3)  # between two presses of a key
    process.send_signal(signal.SIGINT)
    assert night.workspace.finish(process, 60).code == 130
    night.ended(night.start())
