"""How a run is summed up: what it has left, which tasks its exit code judges, how it ended."""

import time
from collections import Counter

import msgspec

from pipeline import events as ev
from pipeline.amounts import ZERO, rounded
from pipeline.errors import DirectoryError, ExitCode
from pipeline.ledger.history import TaskState
from pipeline.ledger.plan import count
from pipeline.runtime.options import Options
from pipeline.runtime.state import RunState
from pipeline.store.outstanding import outstanding

_FLAWED = (TaskState.FAILED, TaskState.IN_DOUBT, TaskState.ACCEPTED, TaskState.SAVED)


def sum_up(state: RunState, options: Options, seconds: float) -> ev.Summary:
    """Say how a run has ended, after `seconds`."""
    money = _count_left(state)
    plan = state.plan
    code, detail = _judge(state, options)
    return ev.Summary(
        exit_code=code,
        detail=detail,
        counts=count(plan.total, plan.states),
        here=count(plan.selected, state.ended),
        left=len(state.queue),
        money=money,
        price_left=plan.price_of(state.queue.left_by_class(), state.gate.prices),
        seconds=seconds,
        output=str(state.job.output_dir),
        at=time.time(),
        until=state.stopped.until if state.stopped else None,
    )


def _judge(state: RunState, options: Options) -> tuple[ExitCode, str]:
    """Return the exit code and what it means here."""
    if state.stopped is not None:
        return state.stopped.exit_code, state.stopped.detail
    judged, outdated = _judged(state, options), len(state.edited)
    flawed = sum(judged[one] for one in _FLAWED) + len(state.queue) + outdated
    code = ExitCode.SOME_FAILED if flawed else ExitCode.OK
    if waiting := judged[TaskState.ACCEPTED]:
        return code, f"{waiting} waiting at the provider: run again to fetch what they bring"
    if outdated:
        text = "changed in the job after they were sent: run again to render them"
        return code, f"{outdated} {text}"
    if code is ExitCode.OK and options.limit is not None:
        return code, "every task that --limit let through has succeeded"
    if code is ExitCode.OK and state.plan.within is not None:
        return code, "every task that --only names has succeeded"
    return code, code.meaning


def _count_left(state: RunState) -> ev.Money:
    """Count what is left to the next run, as `status` does from now on; return the money then."""
    try:
        doubts, successes = outstanding(state.store.layout)
    except DirectoryError:  # nor can `status` read it
        return state.money
    history, left = state.store.history, {record.task for record in doubts}
    saved = {record.task for record in successes}
    for attempt in (*state.left, *state.queue.begun):
        if attempt.task.id in saved:
            state.count(attempt, TaskState.SAVED)
            continue
        if attempt.claim is not None and attempt.claim.handle is not None:
            state.count(attempt, TaskState.ACCEPTED)
            continue
        # One that was to be sent again, as the job asks, stands in doubt already.
        in_doubt = history.state_of(attempt.task) is TaskState.IN_DOUBT
        if attempt.task.id in left or (in_doubt and attempt.origin is not TaskState.IN_DOUBT):
            state.count(attempt, TaskState.IN_DOUBT)
    found, known = [*doubts, *successes], state.gate.remaining
    return msgspec.structs.replace(
        state.money,
        spent=history.spent + sum((rounded(one.cost or ZERO) for one in found), ZERO),
        at_risk=history.at_risk + sum((rounded(one.at_risk or ZERO) for one in found), ZERO),
        remaining=history.remaining if known is None else known,
        reserved=ZERO,
    )


def _judged(state: RunState, options: Options) -> Counter[TaskState]:
    """Return how the tasks stand that the run was asked for."""
    if options.limit is not None:
        return state.ended
    return state.plan.states if state.plan.within is None else state.plan.judged


def ends_again(state: RunState, options: Options) -> bool:
    """Return whether what `--again` asked for has ended: nothing of it is left."""
    left = state.stopped or len(state.queue) or state.left or state.plan.cut
    return options.select.since is not None and not left  # else the note is of another request
