"""What a killed run left, and what the next run makes of it, through the real command."""

import hashlib
import json
import signal
import time
from pathlib import Path
from typing import Any

import pytest
from support.command import CommandWorkspace
from support.raw import CLIP, Act, Line, Serve, answer, connect, make_task

from pipeline.api.outcome import Fault, Outcome
from pipeline.job import load
from pipeline.models import rfc3339, task_key
from sandbox.testing import Sandbox


def killed(task: str, age: float) -> dict[str, Any]:
    """A record of what a killed run had in flight."""
    return {
        "task": task, "status": "in_doubt", "model": "m", "params": {}, "fingerprint": "0" * 64,
        "at_risk": 0.95, "reason": "killed", "started_at": rfc3339(time.time() - age),
    }  # fmt: skip


@pytest.mark.variant
def test_a_run_says_how_many_places_it_leaves_to_a_killed_one_and_sends_nothing_there(
    workspace: CommandWorkspace, sandbox: Sandbox
) -> None:
    workspace.write(["good"] * 2, concurrency=2, timeout=300)
    workspace.out.mkdir()
    lines = [killed("x", 10), killed("y", 20), killed("z", 400)]
    (workspace.out / "manifest.jsonl").write_text("".join(json.dumps(one) + "\n" for one in lines))
    process = workspace.start()
    process.until_said("2 requests of a killed run may still be at work")
    process.send(signal.SIGTERM)
    run = process.end()
    assert run.code == 143
    assert "--no-wait" in run.err
    assert not workspace.requests(sandbox.books())
    assert workspace.run("--no-wait").code == 0


@pytest.mark.variant
def test_a_record_of_a_future_that_a_wrong_clock_wrote_keeps_places_no_longer_than_others(
    workspace: CommandWorkspace, sandbox: Sandbox
) -> None:
    workspace.write(["good"], timeout=300)
    workspace.out.mkdir()
    ahead = killed("x", -86_400 * 400)
    recorded = {"finished_at": rfc3339(time.time() - 400)}
    (workspace.out / "manifest.jsonl").write_text(json.dumps(ahead | recorded) + "\n")
    run = workspace.run()
    assert run.code == 0
    assert "keep their places" not in run.err
    assert len(workspace.requests(sandbox.books())) == 1


class Witness:
    """Notes what a client tells, and how much the server had seen by then; or cannot."""

    def __init__(self, seen: list[bytes], *, able: bool) -> None:
        self._seen, self._able = seen, able
        self.told: list[Any] = []

    def sending(self) -> None:
        self.told.append(len(self._seen))
        if not self._able:
            raise OSError(28, "No space left on device")

    def answered(self, outcome: Outcome, length: int | None) -> None:
        self.told.append((outcome.status, length))


async def attempt(serve: Serve, part: Path, *, able: bool) -> tuple[Outcome, Witness, list[bytes]]:
    seen: list[bytes] = []

    async def act(line: Line) -> None:
        seen.append(await line.read_request())
        await line.say(answer(CLIP))

    told: Act = act
    witness = Witness(seen, able=able)
    async with serve(told) as server, connect(server.url) as client:
        return await client.attempt(make_task(), part, witness), witness, seen


async def test_a_claim_is_told_before_the_first_byte_leaves_and_when_an_answer_begins(
    serve: Serve, part: Path
) -> None:
    outcome, witness, seen = await attempt(serve, part, able=True)
    assert outcome.body is not None
    assert witness.told == [0, (200, len(CLIP))]
    assert len(seen) == 1


async def test_where_it_cannot_be_told_not_a_byte_leaves(serve: Serve, part: Path) -> None:
    outcome, witness, seen = await attempt(serve, part, able=False)
    assert outcome.fault is Fault.NOT_SENT
    assert (witness.told, seen) == ([0], [])


def claim_of_01(job: Path, task: str, **more: Any) -> str:
    """Write a claim as version 0.1 did."""
    (found,) = (one for one in load(job).tasks() if one.id == task)
    return json.dumps({
        "task": task, "fingerprint": found.fingerprint, "model": found.model,
        "params": found.params, "meta": {}, "price": 0.95, "attempt": 1, "output": found.output,
        "started_at": "2026-01-01T00:00:00.000Z", "simulated": True, "completion": None, **more,
    })  # fmt: skip


def test_a_directory_of_version_0_1_goes_on_and_nothing_is_paid_for_again(
    workspace: CommandWorkspace, sandbox: Sandbox
) -> None:
    path = workspace.write(["good"] * 4)
    tasks = {task.id: task for task in load(path).tasks()}
    inflight = workspace.out / ".inflight"
    inflight.mkdir(parents=True)
    sha256 = hashlib.sha256(CLIP).hexdigest()
    done = {
        "bytes": len(CLIP), "sha256": sha256, "content_type": "video/mp4", "http_status": 200,
        "cost": 0.95, "remaining_credits": 9, "request_id": "r", "duration_s": 1.5,
        "finished_at": "2026-01-01T00:01:00.000Z", "simulated": True,
    }  # fmt: skip
    first = tasks["t000"]
    line = {
        "task": "t000", "status": "succeeded", "model": first.model, "params": first.params,
        "fingerprint": first.fingerprint, "meta": {}, "attempts": 1, "at_risk": 0, "error": None,
        "started_at": "2026-01-01T00:00:00.000Z", "output": f"{first.output}.mp4", **done,
    }  # fmt: skip
    (workspace.out / "manifest.jsonl").write_text(json.dumps(line) + "\n")
    (workspace.out / f"{first.output}.mp4").write_bytes(CLIP)
    whole = {**done, "output": f"{tasks['t001'].output}.mp4"}
    (inflight / f"{task_key('t001')}.json").write_text(claim_of_01(path, "t001", completion=whole))
    (inflight / f"{task_key('t001')}.part").write_bytes(CLIP)
    (inflight / f"{task_key('t002')}.json").write_text(claim_of_01(path, "t002"))
    (inflight / f"{task_key('t002')}.part").write_bytes(CLIP[:50])
    run = workspace.call()
    assert run.code == 1, run.err
    assert workspace.statuses() == {
        "t000": "succeeded", "t001": "succeeded", "t002": "in_doubt", "t003": "succeeded"
    }  # fmt: skip
    assert len(workspace.requests(sandbox.books())) == 1
    assert not list(inflight.iterdir())
