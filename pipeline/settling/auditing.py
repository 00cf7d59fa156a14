"""Read the books of jobs, ask the provider for its list, and hold the two against each other."""

import time
from collections.abc import Iterable, Sequence

from pipeline.amounts import ZERO
from pipeline.api.provider import Provider
from pipeline.models import Job
from pipeline.settling.audit import Audit, Charges, audit, read_charges, window
from pipeline.settling.books import Entry, entries
from pipeline.settling.doubts import same_account
from pipeline.settling.inquiry import ListsRequests
from pipeline.store.layout import Layout, refuse_another_job, refuse_newer_files
from pipeline.store.outstanding import sent_claims


def books_of(job: Job) -> list[Entry]:
    """Read every attempt of a job, also while a run is going on.

    Raises:
        DirectoryError: the output directory is another job's, or cannot be read.
    """
    layout = Layout(job.output_dir)
    refuse_newer_files(layout)
    refuse_another_job(layout, job)
    running = layout.is_running()
    # Before the manifest: a claim may get its record meanwhile, and is found there.
    claims = sent_claims(layout)
    return entries(job.name, layout.manifest, claims, running=running)


async def audit_jobs(
    jobs: Sequence[Job], session: ListsRequests, provider: Provider, *, since: float | None = None
) -> Audit:
    """Hold the records of jobs against the list of `session`, which is at `provider`.

    `since` is in Unix seconds: from then until now; without it, the time of the jobs. What was sent
    to another account is left out. Never raises for what the list answers: see `Audit.readable`.

    Raises:
        DirectoryError: an output directory is another job's, or cannot be read.
    """
    books = [
        entry
        for job in jobs
        for entry in books_of(job)
        if same_account(entry.attempt.provider, provider.name)
    ]
    span = window(books, since=since, now=time.time())
    if span is None:
        return Audit(
            since=float("inf"), until=float("inf"), here=ZERO, at_risk=ZERO, there=ZERO,
            differences=(),
        )  # fmt: skip
    if not provider.lists_requests:
        charges = Charges(readable=False, detail=f"{provider.name} has no list of requests")
    else:
        charges = await read_charges(session, _models(jobs, books), span)
    return audit(books, charges, span)


def _models(jobs: Iterable[Job], books: Iterable[Entry]) -> set[str]:
    return {job.model for job in jobs} | {entry.attempt.model for entry in books}
