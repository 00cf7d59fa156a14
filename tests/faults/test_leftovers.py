"""What a killed run left, and what the next run makes of it, through the real command."""

import json
import signal
import time
from typing import Any

from command import Desk

from pipeline.models import rfc3339
from pipeline.sandbox.testing import Sandbox


def killed(task: str, age: float) -> dict[str, Any]:
    """A record of what a killed run had in flight."""
    return {
        "task": task, "status": "in_doubt", "model": "m", "params": {}, "fingerprint": "0" * 64,
        "at_risk": 0.95, "reason": "killed", "started_at": rfc3339(time.time() - age),
    }  # fmt: skip


def test_a_run_says_how_many_places_it_leaves_to_a_killed_one_and_sends_nothing_there(
    desk: Desk, sandbox: Sandbox
) -> None:
    desk.write(["good"] * 2, concurrency=2, timeout=300)
    desk.out.mkdir()
    lines = [killed("x", 10), killed("y", 20), killed("z", 400)]
    (desk.out / "manifest.jsonl").write_text("".join(json.dumps(one) + "\n" for one in lines))
    process = desk.start()
    process.until_said("2 requests of a killed run may still be at work")
    process.send(signal.SIGTERM)
    run = process.end()
    assert run.code == 143
    assert "--no-wait" in run.err
    assert not desk.requests(sandbox.books())
    assert desk.run("--no-wait").code == 0
