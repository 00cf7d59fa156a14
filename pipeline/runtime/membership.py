"""How a run joins its account: what it says of itself, and what it hears of its own records."""

import os
import time
from collections.abc import Collection
from contextlib import closing

from pipeline.account import places
from pipeline.account.ledger import Ledger
from pipeline.account.neighbours import accounts
from pipeline.account.payer import strangers
from pipeline.account.shared import Accounts, Apart, Member, Shared
from pipeline.account.telling import Entry, Posting, Terms
from pipeline.api.endpoint import Endpoint
from pipeline.ledger.quarters import posting
from pipeline.models import Job, Record
from pipeline.runtime.state import RunState
from pipeline.store.commit import Hop, Store


def shared_by(job: Job, endpoint: Endpoint) -> Accounts:
    """Return the account of a job's key, as the job says: shared with other runs, or not."""
    if not job.account.shared:
        return Apart()
    base_url, key = endpoint.base_url, endpoint.key
    name = job.account.name or places.name(base_url, key)
    return Shared(places.folder(base_url, key), name=name, base_url=base_url)


def settled(job: Job, store: Store) -> None:
    """Let the accounts that know a job hear what its manifest says, now that no run of it is there.

    What its dead runs held ends, unless something of it still waits at the provider.

    Raises:
        LedgerError: one of the ledgers cannot be used.
    """
    if store.accepted:
        return
    place = _place(job)
    for account in accounts():
        if any(run.job == place for run in (*account.runs, *account.ended)):
            others = _strangers(store, account.name, places.name_in(account.folder))
            with closing(Ledger.open(account.folder)) as ledger:
                ledger.adopt(place, _postings(store, others), now=time.monotonic())


def _strangers(store: Store, *own: str | None) -> set[str | None]:
    """Return the accounts that have paid for a job, without the one with the names `own`."""
    return strangers(store.history.quarters.accounts, own)


def _postings(store: Store, without: Collection[str | None]) -> list[Posting]:
    return [Posting(*each) for each in store.history.quarters.postings(without)]


def member(state: RunState, hop: Hop, jitter: float = 0.0) -> Member:
    """Say what a run is to its account, and let it hear of each record."""
    endpoint = state.session.endpoint
    # Once: it may read other ledgers, and nobody waits for them later.
    others = _strangers(state.store, state.payer, places.name(endpoint.base_url, endpoint.key))

    def entry() -> Entry:
        job = state.job
        return Entry(
            job=_place(job),
            name=job.name,
            terms=terms(job, jitter),
            postings=_postings(state.store, others),
            holdings=state.holdings(),
            longest=job.timeout + state.provider.longest_silence,
        )

    def recorded(record: Record) -> None:
        state.account.recorded(*posting(record))

    state.store.on_record = recorded
    return Member(state.gate, entry, state.holdings, state.watch, state.hear, hop)


def terms(job: Job, jitter: float = 0.0) -> Terms:
    """Return what a job wants to hold for all runs of its account; `jitter` as in `Crew`."""
    policy = job.account
    return Terms(
        concurrency=policy.concurrency,
        interval=policy.rate.interval + jitter if policy.rate else 0.0,
        day=policy.day,
        month=policy.month,
        zone=job.schedule.timezone if job.schedule else None,
        priority=job.priority,
    )


def _place(job: Job) -> str:
    """Return what the ledger calls a job: its output directory, however that is spelled."""
    path = os.fsencode(os.path.realpath(job.output_dir))
    return path.decode(errors="backslashreplace")  # a database takes no other bytes than UTF-8
