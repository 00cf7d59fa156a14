"""What was sent and has no record yet: how it is counted until the next run settles it."""

import os
import stat
from decimal import Decimal
from typing import NamedTuple

from msgspec.structs import replace

from pipeline.amounts import ZERO
from pipeline.common.boot import boot_id
from pipeline.ledger.doubts import attempt_digest
from pipeline.ledger.history import History
from pipeline.ledger.manifest import replay
from pipeline.ledger.records import doubtful, succeeded
from pipeline.models import Claim, Handle, Record, part_of
from pipeline.store.claim_lines import leftovers
from pipeline.store.claims import Leftover
from pipeline.store.layout import Layout

_KILLED = "the run was killed"


class Unrecorded(NamedTuple):
    """The claims that no record has ended.

    `doubtful` were sent, and may have been paid for; `accepted` are known to the provider by an id,
    and are asked for by the next run. Of what is `saved` the output lies here, paid and whole; the
    next run brings it to its place.
    """

    doubtful: list[Leftover]
    accepted: list[Leftover]
    saved: list[Leftover]


def unrecorded(claims: list[Leftover], history: History) -> Unrecorded:
    """Sort the claims of what was sent; `history` has looked for their attempts."""
    open_claims = [left for left in claims if not is_recorded(left, history)]
    waiting = [left for left in open_claims if not left.whole]
    return Unrecorded(
        [left for left in waiting if not left.accepted],
        [left for left in waiting if left.accepted],
        [left for left in open_claims if left.whole],
    )


def is_recorded(left: Leftover, history: History) -> bool:
    """Return whether the record of a claim is written; `history` has looked for its attempt.

    One that stands for a doubt has two: the second ends it.
    """
    claim = left.claim
    assert claim is not None
    attempt = attempt_of(claim)
    return attempt in history.attempts and not (claim.doubted and attempt in history.open_doubts)


def outstanding(layout: Layout) -> tuple[list[Record], list[Record]]:
    """Return the records that count for claims until the next run writes them.

    Those of what is in doubt, and those of what is saved here. Once a run has ended, its money is
    that of its records and of these: `status` counts them too.

    Raises:
        DirectoryError: a claim or the manifest cannot be read.
    """
    claims = sent_claims(layout)
    if not claims:
        return [], []
    history = replay(layout.manifest, attempts=attempts_of(claims))
    found = unrecorded(claims, history)
    return [doubt(left) for left in found.doubtful], [
        success(left, history) for left in found.saved
    ]


def sent_claims(layout: Layout) -> list[Leftover]:
    """Read the claims of which at least a byte may have been sent, and look for their bodies."""
    found = leftovers(layout.inflight)
    sent = (left for left in found if left.claim is not None and not left.never_sent)
    return [replace(left, whole=_is_here(layout, left)) for left in sent]


def _is_here(layout: Layout, left: Leftover) -> bool:
    """Return whether the body of a completed claim is here; the next run compares its hash, too."""
    done = left.claim.completion if left.claim is not None else None
    if done is None:
        return False
    try:
        found = os.lstat(layout.inflight / part_of(left.attempt))
    except OSError:
        return False
    return stat.S_ISREG(found.st_mode) and found.st_size == done.bytes


def attempts_of(claims: list[Leftover]) -> list[bytes]:
    """Name the attempts of claims, as `History.attempts` does."""
    return [attempt_of(left.claim) for left in claims if left.claim is not None]


def attempt_of(attempt: Claim | Record) -> bytes:
    """Name the attempt of a claim or a record, as `History.attempts` does."""
    return attempt_digest(attempt.task, attempt.started_at)


def doubt(left: Leftover, why: str = _KILLED, remaining: Decimal | None = None) -> Record:
    """Write the record that counts for a claim until it is settled; see `records.doubtful`."""
    assert left.claim is not None
    return doubtful(left.claim, why, answered=left.answered, remaining=remaining)


def success(left: Leftover, history: History) -> Record:
    """Write the record that counts for a saved claim until its output is in place."""
    assert left.claim is not None
    assert left.claim.completion is not None
    return succeeded(left.claim, left.claim.completion, counted(left.claim, history))


def counted(claim: Claim, history: History) -> Decimal:
    """Return what the record of a claim's doubt has counted as cost already, in US dollars."""
    if not history.doubts.open:
        return ZERO
    found = history.doubts.counted(attempt_of(claim))
    return (found.cost if found else None) or ZERO


def reclaimed(doubt: Record, handle: Handle | None, output: str, base_url: str | None) -> Claim:
    """Write the claim of a doubt that is recorded already; `handle` where its provider lists it."""
    return Claim(
        task=doubt.task,
        fingerprint=doubt.fingerprint,
        model=doubt.model,
        params=doubt.params,
        meta=doubt.meta,
        price=doubt.at_risk or doubt.cost,
        attempt=doubt.attempts,
        output=output,
        started_at=doubt.started_at,
        simulated=doubt.simulated,
        boot_id=boot_id(),
        provider=doubt.provider,
        base_url=doubt.base_url or base_url,
        account=doubt.account,
        inputs=doubt.inputs,
        handle=handle,
        doubted=True,
        at_risk=doubt.at_risk,
        sent=True,
    )
