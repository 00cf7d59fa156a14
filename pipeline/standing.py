"""Where a run stands, for `status` and the report: read from files, also while it runs."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import msgspec

from pipeline.directory import Layout
from pipeline.events import Counts
from pipeline.manifest import History, attempt_digest, replay
from pipeline.models import Job
from pipeline.plan import make
from pipeline.records import doubtful
from pipeline.store import leftover_claims

# An offset that no line of a manifest has.
_NOWHERE = (1 << 48) - 1


@dataclass(frozen=True, slots=True)
class State:
    """What `status` tells. Money is in US dollars."""

    job: str
    output: str
    running: bool
    counts: Counts
    in_flight: int
    missing: int
    spent: Decimal
    at_risk: Decimal
    remaining_credits: Decimal | None
    doing: dict[str, Any] | None

    def as_json(self) -> dict[str, Any]:
        """Write it as `status --json` does."""
        counts = {name: getattr(self.counts, name) for name in Counts.__dataclass_fields__}
        rest = {name: getattr(self, name) for name in self.__dataclass_fields__ if name != "counts"}
        return {**counts, **rest}


def look(job: Job) -> State:
    """Read how a job stands.

    Raises:
        JobFileError: the rows of the job cannot be read.
        DirectoryError: the manifest cannot be read.
    """
    layout = Layout(job.output_dir)
    running = layout.is_running()
    history, in_flight = read_history(layout, running=running)
    plan = make(job, history, layout.manifest)
    return State(
        job=job.name,
        output=str(job.output_dir),
        running=running,
        counts=plan.counts,
        in_flight=in_flight if running else 0,
        missing=plan.missing_count,
        spent=history.spent,
        at_risk=history.at_risk,
        remaining_credits=history.remaining,
        doing=_doing(layout) if running else None,
    )


def read_history(layout: Layout, *, running: bool) -> tuple[History, int]:
    """Replay the manifest, and what a killed run left; with it, how many claims are open.

    Where no run is going on, the next one will record the open claims as in doubt: that is how
    their tasks stand already.
    """
    claims = [claim for _, claim in leftover_claims(layout) if claim is not None]
    wanted = [attempt_digest(claim.task, claim.started_at) for claim in claims]
    history = replay(layout.manifest, attempts=wanted)
    left = [c for c, w in zip(claims, wanted, strict=True) if w not in history.attempts]
    if not running:
        for claim in left:
            history.add(doubtful(claim, "the run was killed"), offset=_NOWHERE)
    return history, len(left)


def _doing(layout: Layout) -> dict[str, Any] | None:
    try:
        doing: dict[str, Any] = msgspec.json.decode(layout.state.read_bytes(), type=dict[str, Any])
    except (OSError, msgspec.MsgspecError):
        return None
    return doing
