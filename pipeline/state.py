"""Where a run stands, for `status` and the report: read from files, also while it runs."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import msgspec

from pipeline.amounts import is_money, rounded
from pipeline.common.files import read_file
from pipeline.errors import DirectoryError
from pipeline.events import Counts
from pipeline.ledger.history import History, attempt_digest
from pipeline.ledger.manifest import replay
from pipeline.ledger.plan import make
from pipeline.ledger.records import doubtful
from pipeline.models import Job, Record
from pipeline.store.claims import UNREADABLE, leftovers
from pipeline.store.layout import LONGEST_NOTE, Layout, refuse_another_job

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
        DirectoryError: the output directory is another job's, or cannot be read.
    """
    found = read_files(job)
    history, layout = found.history, Layout(job.output_dir)
    plan = make(job, history, layout.manifest)
    noted = _noted(layout)
    return State(
        job=job.name,
        output=str(job.output_dir),
        running=found.running,
        counts=plan.counts,
        in_flight=found.in_flight,
        missing=plan.missing_count,
        spent=history.spent,
        at_risk=history.at_risk,
        remaining_credits=_remaining(noted, history),
        doing=msgspec.to_builtins(noted) if noted and found.running else None,
    )


@dataclass(frozen=True, slots=True)
class Files:
    """What the files of a job say: the manifest, and the claims of what is or was in flight.

    `doubtful` are the records that the next run will write for what a killed run left: that is
    how these tasks stand already. `history` counts them.
    """

    history: History
    running: bool
    in_flight: int
    doubtful: list[Record]


def read_files(job: Job) -> Files:
    """Read the manifest of a job, and its open claims.

    Raises:
        DirectoryError: the output directory is another job's, or cannot be read.
    """
    layout = Layout(job.output_dir)
    try:
        refuse_another_job(layout, job)
        running = layout.is_running()
        found = [left for left in leftovers(layout.inflight) if not left.never_sent]
        claims = [(left.claim, left.answered) for left in found if left.claim is not None]
        wanted = [attempt_digest(claim.task, claim.started_at) for claim, _ in claims]
        history = replay(layout.manifest, attempts=wanted)
    except OSError as error:
        raise DirectoryError(f"{layout.root} cannot be read: {error.strerror}") from error
    left = [c for c, w in zip(claims, wanted, strict=True) if w not in history.attempts]
    if running:
        return Files(history, running=True, in_flight=len(left), doubtful=[])
    doubts = [doubtful(c, "the run was killed", answered=a) for c, a in left]
    for record in doubts:
        history.add(record, offset=_NOWHERE)
    return Files(history, running=False, in_flight=0, doubtful=doubts)


class _Noted(msgspec.Struct, omit_defaults=True):
    """What a run notes of itself; whatever else lies under that name is no note."""

    pid: int | None = None
    hold: str | None = None
    detail: str | None = None
    until: float | None = None
    remaining: Decimal | None = None
    told_at: str = ""


def _noted(layout: Layout) -> _Noted | None:
    """Read what the run that goes on, or the last one, has noted of itself."""
    try:
        data = read_file(layout.state, LONGEST_NOTE)
        noted = msgspec.json.decode(data, type=_Noted)
    except (OSError, DirectoryError, *UNREADABLE):
        return None
    return noted if is_money(noted.remaining) else None


def _remaining(noted: _Noted | None, history: History) -> Decimal | None:
    """Tell the balance as last known: a run hears more of it than it can record."""
    if noted is not None and noted.remaining is not None and noted.told_at >= history.told_at:
        return rounded(noted.remaining)
    return history.remaining
