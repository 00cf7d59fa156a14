"""Takes up what earlier runs have sent: its claims become attempts in flight."""

import time
from collections.abc import Iterable, Mapping

from pipeline import events as ev
from pipeline.amounts import ZERO
from pipeline.ledger.history import TaskState
from pipeline.models import CORRECTION, Record
from pipeline.money.price_class import price_class
from pipeline.runtime.lifecycle import Attempt, Stage
from pipeline.runtime.state import RunState
from pipeline.settling.ending import task_of
from pipeline.store.claims import Leftover


def resume(
    state: RunState, claims: Iterable[Leftover], origins: Mapping[str, TaskState]
) -> list[Attempt]:
    """Let the run follow accepted claims; returns their attempts.

    `origins` says how the plan counts a task of the job. Of several claims of one task, one is
    followed, and the others are left to the next run.
    """
    resumed = []
    for left in claims:
        claim = left.claim
        assert claim is not None
        assert claim.handle is not None
        if claim.task in state.flying:
            continue
        task = task_of(claim)
        attempt = Attempt(
            task,
            price_class(task),
            origin=origins.get(claim.task),
            counted=claim.task in origins,
            id=left.attempt,
            stage=Stage.ACCEPTED,
            number=claim.attempt,
            claim=claim,
        )
        if claim.task in state.doubted:  # counted as in doubt
            state.doubted.remove(claim.task)
            state.ended[TaskState.IN_DOUBT] -= 1
            state.shift(claim.task, TaskState.IN_DOUBT, None)
            attempt.origin, attempt.counted = None, True
        # What is in doubt by a record is counted as at risk already.
        price = ZERO if claim.doubted else claim.price
        attempt.reservation = state.gate.resume(attempt.price_class, price)
        state.other_owner(claim.handle.id, claim.task)
        state.resume(attempt)
        state.watch(ev.Accepted(claim.task, claim.handle.id, time.time()))
        resumed.append(attempt)
    state.inherited.clear()
    if resumed:
        state.account.changed()
    return resumed


def count_failed(
    state: RunState, ended: Iterable[Record], origins: Mapping[str, TaskState]
) -> None:
    """Count and announce doubts that have ended in this run: their requests had failed."""
    for record in ended:
        state.watch(ev.Recovered(record, time.time()))
        if record.reason == CORRECTION:  # the task has another record since
            continue
        if record.task in state.doubted:
            state.doubted.remove(record.task)
            state.ended[TaskState.IN_DOUBT] -= 1
            before = TaskState.IN_DOUBT
        elif record.task in origins:
            before = origins[record.task]
        else:
            continue
        state.ended[TaskState.FAILED] += 1
        state.shift(record.task, before, TaskState.FAILED)
