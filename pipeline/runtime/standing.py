"""How a run stands, in the words of `pipeline control`."""

from msgspec.structs import asdict

from pipeline import events as ev
from pipeline.models import Rate
from pipeline.runtime.state import RunState


def standing(state: RunState, changed: str | None = None) -> ev.Standing:
    """Say how a run stands; `changed` is what was just changed."""
    present, reason, until = "running", None, None
    detail: str | None = None
    pause = state.pauses.present
    if state.stopped is not None:
        present, reason, detail = "stopping", "stopping", state.stopped.detail
    elif state.held_since is not None:
        present, reason = "paused", str(ev.Reason.PAUSED)
    elif pause is not None:
        present, (reason, detail, until) = "waiting", pause
    job, money = state.job, state.money
    return ev.Standing(
        job=job.name,
        output=str(job.output_dir),
        state=present,
        reason=reason,
        detail=detail,
        until=until,
        concurrency=job.concurrency,
        rate=spelled(job.rate),
        budget=job.credits.budget,
        in_flight=len(state.flying) - len(state.settling) - state.prepared - state.accepted,
        **asdict(state.counts),
        spent=money.spent,
        at_risk=money.at_risk,
        remaining_credits=money.remaining,
        changed=changed,
    )


def spelled(rate: Rate | None) -> str | None:
    """Write a rate as a job file does."""
    return None if rate is None else str(rate)
