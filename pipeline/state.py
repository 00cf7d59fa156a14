"""Where a run stands, for `status` and the report: read from files, also while it runs."""

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import msgspec
from msgspec.structs import asdict

from pipeline.errors import DirectoryError
from pipeline.events import Counts
from pipeline.facts.expected import Flag, flags_of
from pipeline.ledger.history import History, TaskState
from pipeline.ledger.manifest import last_records, replay
from pipeline.ledger.plan import make
from pipeline.models import Claim, Job, Record
from pipeline.store.claims import Leftover
from pipeline.store.layout import Layout, refuse_another_job, refuse_newer_files
from pipeline.store.outstanding import attempts_of, doubt, sent_claims, success, unrecorded
from pipeline.store.shelf import open_shelf
from pipeline.store.state_file import Note, balance, read_note

# An offset that no line of a manifest has.
_NOWHERE = (1 << 48) - 1


class State(msgspec.Struct, frozen=True):
    """How a job stands. Money is in US dollars.

    `flagged` counts the finished clips that are not as the job expects, `kept` and `rejected` clips
    by what a person said of them.
    """

    job: str
    output: str
    running: bool
    counts: Counts
    in_flight: int
    missing: int
    flagged: int
    spent: Decimal
    at_risk: Decimal
    remaining_credits: Decimal | None
    doing: dict[str, Any] | None
    kept: int = 0
    rejected: int = 0

    def as_json(self) -> dict[str, Any]:
        """Write it as `status --json` does."""
        rest = {name: value for name, value in asdict(self).items() if name != "counts"}
        return {**asdict(self.counts), **rest}


def look(job: Job) -> State:
    """Read how a job stands.

    Raises:
        JobFileError: the rows of the job cannot be read.
        DirectoryError: the output directory is another job's, or cannot be read.
    """
    found = read_files(job)
    history = found.history
    layout = Layout(job.output_dir)
    shelf = open_shelf(job, layout)
    plan = make(job, history, layout.manifest, shelf, accepted=found.accepted | found.saved)
    return State(
        job=job.name,
        output=str(job.output_dir),
        running=found.running,
        counts=plan.counts,
        in_flight=found.in_flight,
        missing=plan.missing_count,
        flagged=len(flagged(job, history)),
        spent=history.spent,
        at_risk=history.at_risk,
        remaining_credits=found.balance,
        doing=msgspec.to_builtins(found.note) if found.note and found.running else None,
        kept=plan.verdicts["kept"],
        rejected=plan.verdicts["rejected"],
    )


def flagged(job: Job, history: History) -> dict[str, tuple[Flag, ...]]:
    """Say, by task, what of the finished clips of a job is not as it expects.

    Raises:
        JobFileError: the rows of the job cannot be read.
        DirectoryError: the manifest cannot be read.
    """
    if job.expect is None:
        return {}
    records = last_records(Layout(job.output_dir).manifest, history)
    found = {one.task: flags for one in records if (flags := flags_of(one, job.expect))}
    if not found:
        return {}
    done = (
        task.id
        for task in map(history.recognising(), job.tasks())
        if task.id in found and history.state_of(task) is TaskState.DONE
    )
    return {task: found[task] for task in done}


class Files(msgspec.Struct, frozen=True):
    """What the files of a job say: the manifest, and the claims of what is or was in flight.

    `doubtful` are the records that count for what a killed run left until the next run settles
    it: that is how these tasks stand already. `history` counts them. `in_flight` counts the
    requests that a run waits for without an id of the provider's, `accepted` has the claims of
    those that the provider knows by one, by task, and `saved` those of what is rendered, here, and
    not in its place yet; `history` counts what that has cost, in `successes`. `balance` is in US
    dollars, None if it is not known.
    """

    history: History
    running: bool
    in_flight: int
    accepted: dict[str, Claim]
    saved: dict[str, Claim]
    doubtful: list[Record]
    successes: list[Record]
    balance: Decimal | None
    note: Note | None


def read_files(job: Job) -> Files:
    """Read the manifest of a job, its open claims, and what its run has noted.

    Raises:
        DirectoryError: the output directory is another job's, or cannot be read.
    """
    layout = Layout(job.output_dir)
    refuse_newer_files(layout)
    try:
        refuse_another_job(layout, job)
        running = layout.is_running()
        note = read_note(layout)
        # Before the manifest: a claim may get its record meanwhile, and is found there.
        claims = sent_claims(layout)
        history = replay(layout.manifest, attempts=attempts_of(claims))
    except OSError as error:
        raise DirectoryError(f"{layout.root} cannot be read: {error.strerror}") from error
    known = balance(note, history)
    found = unrecorded(claims, history)
    successes = [success(left, history) for left in found.saved]
    doubts = [] if running else [doubt(left) for left in found.doubtful]
    for record in (*doubts, *successes):
        history.add(record, offset=_NOWHERE)
    return Files(
        history=history,
        running=running,
        in_flight=len(found.doubtful) if running else 0,
        accepted=_by_task(found.accepted),
        saved=_by_task(found.saved),
        doubtful=doubts,
        successes=successes,
        balance=known,
        note=note,
    )


def _by_task(leftovers: Iterable[Leftover]) -> dict[str, Claim]:
    return {left.claim.task: left.claim for left in leftovers if left.claim is not None}
