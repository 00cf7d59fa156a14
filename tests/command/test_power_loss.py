"""A run that is killed with 64 requests in flight and 64 claimed ahead: who may be in doubt.

The server's journal is the truth. After a kill, what was never sent is free; after a power loss,
which may take every mark that was not synced, nothing is.
"""

import random
import re
from pathlib import Path

import msgspec
import pytest
from support.claims import log_of, open_claims
from support.command import CommandWorkspace, eventually, raw_server
from support.raw import CLIP, Line, answer

WIDTH = AHEAD = 64
TASKS = 400


class Journal:
    """A server that notes the tasks of all requests, and leaves those after the first few open."""

    def __init__(self, answers: int, chance: random.Random) -> None:
        self.seen: list[str] = []
        self._answers, self._chance = answers, chance

    async def act(self, line: Line) -> None:
        request = await line.read_request()
        if request.startswith(b"GET"):
            await line.say(answer(b'{"credits": 50000}', content_type="application/json"))
            return
        found = re.search(rb"good \(\S+ (\d+)\)", request)
        assert found is not None
        self.seen.append(f"t{int(found[1]):03}")
        if len(self.seen) <= self._answers:
            await line.say(answer(CLIP))
            return
        if self._chance.random() < 0.5:  # it has begun to answer
            await line.say(answer(CLIP)[:-20])
        await line.gone()


def lose_power(out: Path) -> None:
    """Take every line from the log that was not synced, and have the claims be of another boot."""
    kept: list[bytes] = []
    for text in log_of(out).read_bytes().splitlines():
        line = msgspec.json.decode(text)
        for one in (line, line.get("claim", {})):
            if "boot_id" in one:
                one["boot_id"] = "another"
        if line.keys() & {"format", "claim", "synced"}:
            kept.append(msgspec.json.encode(line) + b"\n")
    log_of(out).write_bytes(b"".join(kept))


@pytest.mark.parametrize("boot", ["this", "another"])
def test_what_the_server_saw_is_in_doubt_and_after_a_power_loss_no_claim_is_free(
    workspace: CommandWorkspace, boot: str
) -> None:
    answers = random.randrange(70, 200)
    workspace.write(["good"] * TASKS, concurrency=WIDTH, timeout=60)
    before = Journal(answers, random.Random(answers))
    with raw_server(before.act) as server:
        process = workspace.start(url=server.url)

        def is_full() -> bool:
            claims = open_claims(workspace.out).values() if log_of(workspace.out).exists() else ()
            ahead = sum(claim is not None and not claim.sent for claim in claims)
            return len(before.seen) == answers + WIDTH and ahead == AHEAD

        eventually(is_full, say="a run with claims ahead")
        eventually(lambda: len(workspace.manifest) == answers, say="a record of each answer")
        process.kill()
    # The claim of a task that has a record may not have been closed yet.
    claimed = {claim.task for claim in workspace.claims() if claim} - set(before.seen[:answers])
    unanswered = set(before.seen[answers:])
    assert claimed >= unanswered
    if boot == "another":
        lose_power(workspace.out)
    after = Journal(TASKS, random.Random(0))
    with raw_server(after.act) as server:
        run = workspace.call("--no-wait", url=server.url)
    assert run.code == 1, run.err
    doubts = {task for task, status in workspace.statuses().items() if status == "in_doubt"}
    assert not set(after.seen) & set(before.seen)
    assert len(set(after.seen)) == len(after.seen)
    never_sent = doubts - set(before.seen)
    if boot == "this":
        assert doubts >= unanswered
        assert len(never_sent) <= len(doubts) / 100
    else:
        assert doubts == claimed
        assert len(never_sent) == AHEAD
