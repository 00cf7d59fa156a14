"""Read the books of jobs, ask the provider for its list, and hold the two against each other."""

import time
from collections.abc import Callable, Iterable, Sequence
from functools import partial

import anyio

from pipeline.amounts import ZERO
from pipeline.api.outcome import Page, Query, Row
from pipeline.api.provider import Provider
from pipeline.models import Job
from pipeline.printable import printable
from pipeline.settling.audit import Audit, Charges, audit, window
from pipeline.settling.books import Entry, entries
from pipeline.settling.doubts import same_account
from pipeline.settling.inquiry import ListsRequests
from pipeline.settling.listing import Listing, windows_between
from pipeline.settling.matching import SKEW, Span
from pipeline.store.layout import Layout, refuse_another_job, refuse_newer_files
from pipeline.store.outstanding import sent_claims

# Pages of the list that an audit reads of each model, of a hundred rows.
_MOST_PAGES = 2000
# Seconds for one page; and how often it is asked for.
_PATIENCE, _TRIES = 60.0, 3
_BETWEEN = 2.0


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


def any_account(job: Job, account: str | None) -> bool:  # noqa: ARG001 - a default
    """Take what every account has paid for."""
    return True


async def audit_jobs(
    jobs: Sequence[Job],
    session: ListsRequests,
    provider: Provider,
    *,
    since: float | None = None,
    is_mine: Callable[[Job, str | None], bool] = any_account,
) -> Audit:
    """Hold the records of jobs against the list of `session`, which is at `provider`.

    `since` is in Unix seconds: from then until now; without it, the time of the jobs. What was sent
    to another account is left out: `is_mine` judges the account in a record of a job. Never raises
    for what the list answers: see `Audit.readable`.

    Raises:
        DirectoryError: an output directory is another job's, or cannot be read.
    """
    books = [
        entry
        for job in jobs
        for entry in books_of(job)
        if same_account(entry.attempt.provider, provider.name)
        and is_mine(job, entry.attempt.account)
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


async def read_charges(session: ListsRequests, models: Iterable[str], span: Span) -> Charges:
    """Read the provider's list of these models for a time. Never raises for what came of it.

    A page that cannot be read is asked for three times. Rows of attempts at the edges of `span` may
    be just outside of it, and are read too.
    """
    rows: list[Row] = []
    for model in sorted(set(models)):
        reader = _Reader(session)
        listing = Listing(partial(_is_by, model), most_pages=_MOST_PAGES)
        spans = windows_between(span[0] - SKEW, span[1] + SKEW)
        is_whole = await listing.read(model, spans, reader.ask)
        rows += listing.rows
        if not is_whole:
            detail = reader.detail or f"it has more than {_MOST_PAGES} pages of {printable(model)}"
            return Charges(rows=tuple(rows), readable=False, detail=detail)
    return Charges(rows=tuple(rows))


def _is_by(model: str, row: Row) -> bool:
    return row.model == model


class _Reader:
    """Asks for pages, a few times each; `detail` is why one could not be read."""

    def __init__(self, session: ListsRequests) -> None:
        self._session = session
        self.detail = ""

    async def ask(self, query: Query, page: int) -> Page | None:
        for number in range(_TRIES):
            if number:
                await anyio.sleep(_BETWEEN)
            answer: Page | None = None
            with anyio.move_on_after(_PATIENCE):
                answer = await self._session.list_requests(query, page)
            if answer is not None and answer.readable:
                return answer
            self.detail = printable(answer.detail) if answer else "it does not answer"
        return None
