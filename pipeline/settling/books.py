"""What the files of a job say of each attempt: what it has cost, or put at risk."""

from collections.abc import Iterable, Iterator
from decimal import Decimal
from enum import StrEnum
from pathlib import Path

import msgspec
from msgspec.structs import replace

from pipeline.amounts import ZERO, rounded
from pipeline.ledger.manifest import read
from pipeline.models import Claim, Record
from pipeline.settling.attempts import Doubt, Key, KnownAttempt
from pipeline.store.claims import Leftover


class EntryState(StrEnum):
    """How an attempt stands: what a record says (`Status`), or a claim that has none."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    IN_DOUBT = "in_doubt"
    ACCEPTED = "accepted"  # the provider has it, and it is asked for by the next run
    RUNNING = "running"  # in flight now, in a run


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt of a job, its corrections added up. Money in US dollars, times in Unix seconds.

    `attempt` has its request id, model and parameters. `cost` is what was recorded, `at_risk` what
    may have been charged.
    """

    job: str
    attempt: KnownAttempt
    state: EntryState
    cost: Decimal = ZERO
    at_risk: Decimal = ZERO

    @property
    def began(self) -> float | None:
        """When it was sent."""
        return self.attempt.began

    @property
    def ended(self) -> float | None:
        """When it ended."""
        return self.attempt.ended


def entries(
    job: str, manifest: Path, claims: Iterable[Leftover] = (), *, running: bool = False
) -> list[Entry]:
    """Read every attempt of a job, from its records and from the claims that have none.

    `claims` are of what was sent (`store.outstanding.sent_claims`), read before the manifest is.
    `running` says that a run is going on, whose claims are in flight.

    Raises:
        DirectoryError: the manifest cannot be read.
    """
    found: dict[Key, Entry] = {}
    for record in read(manifest):
        key = record.task, record.started_at
        entry = _of_record(job, record)
        before = found.get(key)
        found[key] = entry if before is None else _added(before, entry)
    for entry in _of_claims(job, claims, running=running):
        before = found.get(entry.attempt.key)
        if before is None or before.state is EntryState.IN_DOUBT:
            found[entry.attempt.key] = entry
    return list(found.values())


def _of_record(job: str, record: Record) -> Entry:
    return Entry(
        job=job,
        attempt=KnownAttempt.of_record(record),
        state=EntryState(record.status),
        cost=rounded(record.cost or ZERO),
        at_risk=rounded(record.at_risk or ZERO),
    )


def _added(before: Entry, entry: Entry) -> Entry:
    """Add a later record of the same attempt: a correction, or what has ended its doubt."""
    request_id = entry.attempt.request_id or before.attempt.request_id
    attempt = replace(entry.attempt, ended=before.attempt.ended, request_id=request_id)
    cost, at_risk = before.cost + entry.cost, before.at_risk + entry.at_risk
    return replace(entry, attempt=attempt, cost=cost, at_risk=at_risk)


def _of_claims(job: str, claims: Iterable[Leftover], *, running: bool) -> Iterator[Entry]:
    for left in claims:
        if left.claim is None or left.never_sent:
            continue
        entry = _of_claim(job, left, left.claim)
        yield replace(entry, state=EntryState.RUNNING) if running else entry


def _of_claim(job: str, left: Leftover, claim: Claim) -> Entry:
    doubt = Doubt.of_leftover(left)
    attempt = KnownAttempt.of_claim(claim, doubt.request_id)
    if left.whole and claim.completion is not None:  # paid, and not in its place yet
        cost = rounded(claim.completion.cost or ZERO)
        return Entry(job=job, attempt=attempt, state=EntryState.SUCCEEDED, cost=cost)
    state = EntryState.ACCEPTED if claim.handle else EntryState.IN_DOUBT
    return Entry(job=job, attempt=attempt, state=state, at_risk=doubt.at_risk or ZERO)
