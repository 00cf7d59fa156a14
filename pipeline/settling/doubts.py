"""Which attempts are in doubt, and what else is known of the same requests: from files.

A doubt is an attempt, named by its task and `started_at`: of several doubts of one task each is
looked up.
"""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from msgspec.structs import replace

from pipeline.api import providers
from pipeline.errors import UsageError
from pipeline.ledger.history import History
from pipeline.ledger.manifest import open_doubts, replay, tail
from pipeline.models import CORRECTION, Record, rfc3339
from pipeline.settling.attempts import Doubt, Key, Known, KnownAttempt
from pipeline.settling.matching import Related
from pipeline.store.claims import Leftover
from pipeline.store.outstanding import attempt_of, attempts_of, unrecorded

# Seconds before the oldest doubt: what ended earlier can have none of the rows of a doubt.
_BEFORE = 86400.0
# Bytes of the manifest in which they are looked for at first.
_TAIL = 4 * 1024**2


def collect(
    manifest: Path,
    leftovers: Iterable[Leftover],
    *,
    provider: str | None = None,
    history: History | None = None,
) -> tuple[list[Doubt], Known]:
    """Read which attempts are in doubt, and what is known besides.

    `leftovers` are the claims that a killed run left, without those that have just been taken in.
    `provider` is the one that would be asked: doubts at another account are left out. `history` is
    of this manifest, and has looked for the attempts of `leftovers`; without it it is read. What is
    known has the attempts that a row of a doubt could be of, and the ids of all records and claims
    but those of the doubts.

    Raises:
        DirectoryError: the manifest cannot be read.
    """
    claims = [left for left in leftovers if left.claim is not None and not left.never_sent]
    if history is None:
        history = replay(manifest, attempts=attempts_of(claims))
    left_open = unrecorded(claims, history)
    followed = set(attempts_of(left_open.accepted))
    recorded = [r for r in open_doubts(manifest, history) if attempt_of(r) not in followed]
    keys = {(record.task, record.started_at) for record in recorded}
    doubts = [
        *map(Doubt.of_record, recorded),
        *(d for d in map(Doubt.of_leftover, left_open.doubtful) if d.key not in keys),
    ]
    doubts = [doubt for doubt in doubts if same_account(doubt.provider, provider)]
    accepted = [KnownAttempt.of_claim(left.claim) for left in left_open.accepted if left.claim]
    related = Related(doubts)
    return doubts, know(manifest, doubts, provider=provider) | Known(
        attempts=tuple(attempt for attempt in accepted if related.to(attempt)),
        ids=frozenset(a.request_id for a in accepted if a.request_id),
    )


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
    for record in _recent(manifest, since):
        key = record.task, record.started_at
        if key in own or record.finished_at < since or _is_correction(record):
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


def _recent(manifest: Path, since: str) -> Iterator[Record]:
    """Yield the records from a time on, and some before: they are in the order of their ends."""
    most, size = _TAIL, manifest.stat().st_size if manifest.exists() else 0
    while True:
        records = tail(manifest, most)
        first = next(records, None)
        if first is None or most >= size or first.finished_at < since:
            return itertools.chain([first] if first else [], records)
        most *= 8


def _is_correction(record: Record) -> bool:
    """Whether a record only corrects what another one says."""
    return record.reason == CORRECTION and record.settled is None


def same_account(one: str | None, other: str | None) -> bool:
    """Return whether two providers are asked with one key; None is the default."""
    if any(name is not None and providers.is_file(name) for name in (one, other)):
        return one == other  # a description that a directory names is not loaded
    try:
        first, second = providers.get(one), providers.get(other)
    except UsageError:  # a description that is not here any more
        return one == other
    return first.key_variable == second.key_variable
