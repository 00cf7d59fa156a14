"""kill -9 at any moment, and the same command again."""

import os
import random
import signal
import time
from decimal import Decimal
from typing import TYPE_CHECKING

import pytest
from support.claims import open_claims
from support.helpers import Workspace, times_sent, until

from sandbox.testing import Sandbox

pytestmark = pytest.mark.few(0)

if TYPE_CHECKING:
    import subprocess

TASKS, BOUND, KILLS = 60, 6, 20


def kill_somewhere(run: "subprocess.Popen[str]", api: Sandbox, dice: random.Random) -> bool:
    """Kill a run at a random moment of its start or its work; False where it has ended before."""
    if dice.random() < 0.15:
        time.sleep(dice.uniform(0, 0.4))  # the moment itself, not a wait for something
    else:
        enough = api.books()["posts"] + dice.randint(1, 5)
        until(lambda: run.poll() is not None or api.books()["posts"] >= enough)
        time.sleep(dice.uniform(0, 0.1))
    if run.poll() is None:
        os.killpg(run.pid, signal.SIGKILL)
    run.communicate()
    return run.returncode == -signal.SIGKILL


SEEDS = [1, *(pytest.param(n, marks=pytest.mark.slow) for n in (2, 3, 4))]


@pytest.mark.parametrize("seed", SEEDS)
def test_twenty_kills_cost_no_clip_and_pay_none_twice_where_the_api_lists_requests(
    workspace: Workspace, seed: int
) -> None:
    dice = random.Random(seed)
    prompts = write_scenes(workspace)
    kills = 0
    with Sandbox(credits=1000, clips="tiny", latency=0.2) as api:
        while kills < KILLS:
            run = workspace.start("--no-wait", url=api.url)
            if not kill_somewhere(run, api, dice):  # it has done all it can
                break
            kills += 1
            assert max(times_sent(api.books()).values(), default=0) <= 1
        assert kills >= KILLS // 2
        last = workspace.run("--no-wait", url=api.url)
        never_arrived = set(prompts.values()) - set(times_sent(api.books()))
        doubts = {task for task, r in workspace.last().items() if r["status"] == "in_doubt"}
        assert {prompts[task] for task in doubts} == never_arrived, last.err
        assert last.code == (1 if doubts else 0), last.err
        if doubts:  # killed between a note and its request: the list cannot show that
            run = workspace.start("--not-billed", *doubts, url=api.url, command="settle")
            assert workspace.finish(run).code == 0
            assert workspace.run(url=api.url).code == 0
        books = api.books()
    assert workspace.counts() == {"succeeded": TASKS}
    assert workspace.sound() == TASKS
    assert set(times_sent(books).values()) == {1}
    assert workspace.spent() == Decimal(books["charged"]) == TASKS * Decimal("0.95")
    assert workspace.at_risk() == 0
    assert not workspace.claims()


def write_scenes(workspace: Workspace) -> dict[str, str]:
    """Write a job; returns the prompt of each task."""
    tasks = [{"id": f"t{n:02}", "prompt": f"scene {n:02}"} for n in range(TASKS)]
    workspace.write(prompts=tasks, concurrency=BOUND, credits={"cost": 0.95})
    return {task["id"]: task["prompt"] for task in tasks}


@pytest.mark.parametrize("seed", SEEDS)
def test_twenty_kills_render_nothing_finished_again_and_send_nothing_in_flight_again_unasked(
    workspace: Workspace, seed: int
) -> None:
    dice = random.Random(seed)
    prompt_of = write_scenes(workspace)
    kills = 0
    with Sandbox(credits=1000, clips="tiny", latency=0.2, history="missing") as api:
        while kills < KILLS:
            done = {t for t, record in workspace.last().items() if record["status"] == "succeeded"}
            finished = {prompt_of[task] for task in done}
            if len(finished) == TASKS:  # a loaded machine: the kills came late
                break
            sent = times_sent(api.books())
            # Once each task has been sent, there is only work that somebody asks for.
            again = {prompt_of[task] for task in workspace.last()} | set(sent) == set(
                prompt_of.values()
            )
            run = workspace.start(
                "--no-wait", *(["--retry", "in-doubt"] if again else []), url=api.url
            )
            kills += kill_somewhere(run, api, dice)
            now = times_sent(api.books())
            for prompt in prompt_of.values():
                more = now[prompt] - sent[prompt]
                assert more == 0 if prompt in finished else more <= 1, prompt
                assert again or prompt not in sent or more == 0, prompt
            # Those of what was being recorded have places that others have taken since.
            claims = open_claims(workspace.output).values()
            assert sum(claim is not None and claim.sent for claim in claims) <= 2 * BOUND
            assert len(claims) <= 3 * BOUND
        assert kills >= KILLS // 2
        plain = workspace.run("--no-wait", url=api.url)
        assert plain.code in {0, 1}, plain.err
        assert workspace.counts()["failed"] == 0
        doubts = sum(record["status"] == "in_doubt" for record in workspace.records())
        assert doubts <= BOUND * KILLS, "what was not sent is none"
        last = workspace.run("--no-wait", "--retry", "in-doubt", url=api.url)
        books = api.books()
    assert last.code == 0, last.err
    assert workspace.counts() == {"succeeded": TASKS}
    assert workspace.sound() == TASKS
    assert books["peak_in_flight"] <= 2 * BOUND  # the server goes on with what a dead run asked for
    workspace.agrees_with(books)
    assert Decimal(books["charged"]) == books["posts"] * Decimal("0.95")


@pytest.mark.parametrize("history", ["missing", "json"])
@pytest.mark.parametrize("kills", [1, 2])
def test_what_a_killed_run_may_still_have_at_the_api_keeps_its_places(
    workspace: Workspace, kills: int, history: str
) -> None:
    bound, latency = 4, 4.0
    workspace.write(
        prompts=[{"id": f"t{n}", "prompt": f"scene {n}"} for n in range(bound * 2 + 3)],
        concurrency=bound,
        credits={"cost": 0.95},
    )

    def are_taken_up() -> bool:
        """Whether a run has found what an earlier one has left: in the list, or in doubt."""
        if history == "missing":
            return workspace.counts()["in_doubt"] == bound
        claims = open_claims(workspace.output).values()
        return sum(claim is not None and claim.handle is not None for claim in claims) == bound

    with Sandbox(credits=1000, clips="tiny", latency=latency, history=history) as api:
        run = workspace.start(url=api.url)
        until(lambda: workspace.counts()["succeeded"] == bound)
        until(lambda: api.books()["posts"] == bound * 2)
        for kill in range(kills):
            if kill:
                run = workspace.start(url=api.url)
                until(are_taken_up)
            os.killpg(run.pid, signal.SIGKILL)
            run.communicate()
        last = workspace.run(url=api.url)
        books = api.books()
    assert books["peak_at_work"] == bound
    if history == "missing":
        assert last.code == 1, last.err
        assert workspace.counts() == {"succeeded": bound + 3, "in_doubt": bound}
    else:
        assert last.code == 0, last.err
        assert workspace.counts() == {"succeeded": 2 * bound + 3}
        assert workspace.spent() == Decimal(books["charged"])


def test_who_knows_better_does_not_wait_for_a_killed_run(workspace: Workspace) -> None:
    workspace.write(prompts=["a", "b"], concurrency=1, credits={"cost": 0.95})
    with Sandbox(
        credits=1000, clips="tiny", latency=0.1, fault=["stall=1"], history="missing"
    ) as api:
        run = workspace.start(url=api.url)
        until(lambda: api.books()["posts"] == 1)
        os.killpg(run.pid, signal.SIGKILL)
        run.communicate()
        api.set_faults({"stall": 0})
        last = workspace.run("--no-wait", url=api.url)
    assert last.code == 1, last.err
    assert "keep" not in last.err
    assert workspace.counts() == {"succeeded": 1, "in_doubt": 1}
