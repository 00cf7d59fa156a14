"""Which attempts are in doubt, and what else is known of the same requests: from files.

A doubt is an attempt, named by its task and `started_at`: of several doubts of one task each is
looked up.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from pipeline.api import providers
from pipeline.errors import UsageError
from pipeline.ledger.manifest import read
from pipeline.models import CORRECTION, Record, Status, rfc3339
from pipeline.settling.attempts import Doubt, Key, Known, KnownAttempt
from pipeline.settling.matching import Related
from pipeline.store.claims import Leftover

# Seconds before the oldest doubt: what ended earlier can have none of the rows of a doubt.
_BEFORE = 86400.0


def collect(
    manifest: Path, leftovers: Iterable[Leftover], *, provider: str | None = None
) -> tuple[list[Doubt], Known]:
    """Read which attempts are in doubt, and what is known besides.

    `leftovers` are the claims that a killed run left, without those that have just been taken in.
    `provider` is the one that would be asked: doubts at another account are left out. What is known
    has the attempts that a row of a doubt could be of, and the ids of all records and claims but
    those of the doubts.

    Raises:
        DirectoryError: the manifest cannot be read.
    """
    records = open_records(manifest)
    claims = {
        (left.claim.task, left.claim.started_at): left
        for left in leftovers
        if left.claim is not None and not left.never_sent
    }
    accepted = {key: left for key, left in claims.items() if left.claim and left.claim.handle}
    doubts = [Doubt.of_record(record) for key, record in records.items() if key not in accepted]
    waiting = _ended_claims(manifest, claims) if claims else {}
    doubts += [Doubt.of_leftover(left) for left in waiting.values()]
    doubts = [doubt for doubt in doubts if same_account(doubt.provider, provider)]
    known = know(manifest, doubts, provider=provider)
    claimed = [KnownAttempt.of_claim(left.claim) for left in accepted.values() if left.claim]
    related = Related(doubts)
    return doubts, known | Known(
        attempts=tuple(attempt for attempt in claimed if related.to(attempt)),
        ids=frozenset(a.request_id for a in claimed if a.request_id),
    )


def open_records(manifest: Path) -> dict[Key, Record]:
    """Read the records of doubts that no later record has ended."""
    found: dict[Key, Record] = {}
    for record in read(manifest):
        key = record.task, record.started_at
        if record.status is Status.IN_DOUBT and record.settled is None:
            found.setdefault(key, record)
        else:
            found.pop(key, None)
    return found


def _ended_claims(manifest: Path, claims: dict[Key, Leftover]) -> dict[Key, Leftover]:
    """Return the claims that have no record and no id of the provider's."""
    ended = {(r.task, r.started_at) for r in read(manifest)}
    return {
        key: left
        for key, left in claims.items()
        if left.claim and not left.claim.handle and key not in ended
    }


def know(manifest: Path, doubts: Sequence[Doubt], *, provider: str | None = None) -> Known:
    """Read from the records what else is known, for these doubts.

    Raises:
        DirectoryError: the manifest cannot be read.
    """
    began = [doubt.began for doubt in doubts if doubt.began is not None]
    if not began:
        return Known()
    since = rfc3339(min(began) - _BEFORE)
    own = {doubt.key for doubt in doubts}
    related = Related(doubts)
    attempts: dict[Key, KnownAttempt] = {}
    ids: set[str] = set()
    for record in read(manifest):
        key = record.task, record.started_at
        if key in own or record.finished_at < since or record.reason == CORRECTION:
            continue
        if record.request_id:
            ids.add(record.request_id)
        if not same_account(record.provider, provider):
            continue
        before = attempts.get(key)  # its doubt, if it was one: that is when it ended
        attempt = KnownAttempt.of_record(record)
        if related.to(attempt):
            attempts[key] = replace(attempt, ended=before.ended) if before else attempt
    return Known(attempts=tuple(attempts.values()), ids=frozenset(ids))


def same_account(one: str | None, other: str | None) -> bool:
    """Return whether two providers are asked with one key; None is the default."""
    try:
        first, second = providers.get(one), providers.get(other)
    except UsageError:  # a description that is not here any more
        return one == other
    return first.key_variable == second.key_variable
