"""What `status` and the plan say of requests that wait at the provider."""

import fcntl
import os
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from support.claims import claim_file

from pipeline.job import load
from pipeline.ledger.endings import by_word
from pipeline.ledger.history import TaskState
from pipeline.ledger.manifest import encode, replay
from pipeline.ledger.plan import Kind, Plan, Retry, make
from pipeline.ledger.records import doubtful
from pipeline.models import Claim, Handle, Job, Settled, Task, fingerprint
from pipeline.state import look, read_files
from pipeline.store.layout import Layout
from pipeline.store.shelf import open_shelf

PRICE = Decimal("0.95")
SENT = "2026-01-01T00:00:00.000Z"


@pytest.fixture
def job(tmp_path: Path) -> Job:
    prompts = [{"id": name, "prompt": f"scene {name}"} for name in "abc"]
    path = tmp_path / "job.yaml"
    text = {"model": "luma-txt-2-video", "prompts": prompts, "credits": {"cost": 0.95}}
    path.write_text(yaml.safe_dump(text), encoding="utf-8")
    loaded = load(path)
    Layout(loaded.output_dir).inflight.mkdir(parents=True)
    return loaded


def task_of(job: Job, name: str) -> Task:
    return next(task for task in job.tasks() if task.id == name)


def claim_of(task: Task, **more: Any) -> Claim:
    fields = {
        "task": task.id, "fingerprint": task.fingerprint, "model": task.model,
        "params": task.params, "meta": {}, "price": PRICE, "attempt": 1, "output": task.output,
        "started_at": SENT, "sent": True,
    }  # fmt: skip
    return Claim(**{**fields, **more})


def leave(job: Job, claim: Claim) -> None:
    """Leave a claim as a killed run does."""
    key = next(task.key for task in job.tasks() if task.id == claim.task)
    path = claim_file(Layout(job.output_dir), f"{key}.abcdef.1")
    path.write_bytes(msgspec.json.encode(claim))


def plan_of(job: Job, *retry: Retry) -> tuple[Plan, dict[str, Kind], set[str]]:
    layout, kinds, chosen = Layout(job.output_dir), dict[str, Kind](), set[str]()

    def show(task: Task, kind: Kind, taken: bool) -> None:
        kinds[task.id] = kind
        if taken:
            chosen.add(task.id)

    files = read_files(job)
    shelf = open_shelf(job, layout)
    plan = make(
        job, files.history, layout.manifest, shelf, retry=retry, show=show, accepted=files.accepted
    )  # fmt: skip
    return plan, kinds, chosen


HANDLE = Handle(id="r1", status="https://api.example/v2/requests/r1/status")


def test_an_accepted_request_is_neither_to_do_nor_in_doubt(job: Job) -> None:
    leave(job, claim_of(task_of(job, "a"), handle=HANDLE))
    state = look(job)
    assert (state.counts.accepted, state.counts.pending, state.counts.in_doubt) == (1, 2, 0)
    assert (state.at_risk, state.in_flight) == (0, 0)
    told = state.as_json()
    counted = ("succeeded", "failed", "in_doubt", "pending", "accepted")
    assert sum(told[name] for name in counted) == told["total"] == 3
    plan, kinds, chosen = plan_of(job, *Retry)
    assert (plan.selected, plan.removed_count) == (2, 0)
    assert (kinds["a"], chosen) == (Kind.ACCEPTED, {"b", "c"})


def test_the_budget_of_the_plan_covers_what_waits_as_well(job: Job) -> None:
    job = replace(job, credits=replace(job.credits, budget=Decimal("2.00")))
    assert plan_of(job)[0].budget_left == 2
    leave(job, claim_of(task_of(job, "a"), handle=HANDLE))
    plan, _, _ = plan_of(job)
    assert plan.budget_left == Decimal("1.05")
    assert "the run would stop for credits" in plan.advice[0]


def test_while_a_run_goes_on_what_waits_is_not_in_flight(job: Job) -> None:
    leave(job, claim_of(task_of(job, "a"), handle=HANDLE))
    leave(job, claim_of(task_of(job, "b")))
    folder = os.open(job.output_dir, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        state = look(job)
    finally:
        os.close(folder)
    assert (state.running, state.in_flight, state.counts.accepted) == (True, 1, 1)


def test_a_task_that_changed_since_waits_for_what_was_accepted(job: Job) -> None:
    task = task_of(job, "a")
    leave(job, claim_of(task, handle=HANDLE, fingerprint="0" * 64))
    plan, kinds, chosen = plan_of(job, *Retry)
    assert plan.states[TaskState.ACCEPTED] == 1
    assert (kinds["a"], "a" in chosen) == (Kind.ACCEPTED, False)


def test_a_doubt_that_was_found_waits_and_is_at_risk_until_it_has_ended(job: Job) -> None:
    claim = claim_of(task_of(job, "a"))
    doubt = doubtful(claim, "killed", answered=False)
    Layout(job.output_dir).manifest.write_bytes(encode(doubt))
    found = Handle(id="r1", listed=True)
    leave(job, claim_of(task_of(job, "a"), handle=found, doubted=True, at_risk=PRICE))
    state = look(job)
    assert (state.counts.accepted, state.counts.in_doubt, state.at_risk) == (1, 0, PRICE)
    assert plan_of(job)[0].removed_count == 0
    manifest = Layout(job.output_dir).manifest
    manifest.write_bytes(encode(doubt) + encode(by_word(doubt, Settled.BILLED)))
    state = look(job)  # the claim is a leftover of what has its record
    assert (state.counts.accepted, state.counts.failed, state.at_risk) == (0, 1, 0)


def test_what_was_not_charged_is_to_do_again_without_being_asked_for(job: Job) -> None:
    doubt = doubtful(claim_of(task_of(job, "a")), "killed", answered=False)
    manifest = Layout(job.output_dir).manifest
    manifest.write_bytes(encode(doubt) + encode(by_word(doubt, Settled.NOT_BILLED)))
    plan, kinds, chosen = plan_of(job)
    assert (plan.counts.pending, plan.counts.failed, plan.selected) == (3, 0, 3)
    assert (kinds["a"], chosen) == (Kind.NEW, {"a", "b", "c"})
    manifest.write_bytes(encode(doubt) + encode(by_word(doubt, Settled.BILLED)))
    plan, kinds, chosen = plan_of(job)
    assert (plan.counts.pending, plan.counts.failed) == (2, 1)
    assert (kinds["a"], chosen) == (Kind.FAILED, {"b", "c"})
    assert replay(manifest).spent == PRICE


@pytest.mark.parametrize("name", ["a", "as 0.1 read it"])
def test_what_an_earlier_version_has_sent_is_waited_for_as_it_read_the_row(
    job: Job, name: str
) -> None:
    """Its row had a blank that is not sent any more: that is no reason to pay again."""
    task = task_of(job, "a")
    params = {**task.params, "prompt": "scene a "}
    former = msgspec.structs.replace(
        task, id=name, params=params, fingerprint=fingerprint(task.model, params)
    )
    now = msgspec.structs.replace(task, former=former)
    read = replace(job, expand=lambda: iter([now]))
    claim = claim_of(former, handle=HANDLE)
    path = claim_file(Layout(job.output_dir), f"{former.key}.abcdef.1")
    path.write_bytes(msgspec.json.encode(claim))
    plan, kinds, chosen = plan_of(read)
    assert (kinds, chosen, plan.outdated) == ({name: Kind.ACCEPTED}, set(), set())
