"""What was sent and has no record yet: how it is counted until the next run settles it."""

from decimal import Decimal
from typing import NamedTuple

from pipeline.common.boot import boot_id
from pipeline.ledger.doubts import attempt_digest
from pipeline.ledger.history import History
from pipeline.ledger.manifest import replay
from pipeline.ledger.records import doubtful
from pipeline.models import Claim, Handle, Record
from pipeline.store.claim_lines import leftovers
from pipeline.store.claims import Leftover
from pipeline.store.layout import Layout

_KILLED = "the run was killed"


class Unrecorded(NamedTuple):
    """The claims that no record has ended.

    `doubtful` were sent, and may have been paid for; `accepted` are known to the provider by an id,
    and are asked for by the next run.
    """

    doubtful: list[Leftover]
    accepted: list[Leftover]


def unrecorded(claims: list[Leftover], history: History) -> Unrecorded:
    """Sort the claims of what was sent; `history` has looked for their attempts."""
    open_claims = [left for left in claims if not is_recorded(left, history)]
    doubtful = [left for left in open_claims if not left.accepted]
    return Unrecorded(doubtful, [left for left in open_claims if left.accepted])


def is_recorded(left: Leftover, history: History) -> bool:
    """Return whether the record of a claim is written; `history` has looked for its attempt.

    One that stands for a doubt has two: the second ends it.
    """
    claim = left.claim
    assert claim is not None
    attempt = attempt_of(claim)
    return attempt in history.attempts and not (claim.doubted and attempt in history.open_doubts)


def outstanding(layout: Layout) -> list[Record]:
    """Return a record in doubt for each claim that was sent and has neither a record nor an id.

    Once a run has ended, its money is that of its records and of these: `status` counts them too.

    Raises:
        DirectoryError: a claim or the manifest cannot be read.
    """
    claims = sent_claims(layout)
    if not claims:
        return []
    history = replay(layout.manifest, attempts=attempts_of(claims))
    return [doubt(left) for left in unrecorded(claims, history).doubtful]


def sent_claims(layout: Layout) -> list[Leftover]:
    """Read the claims of which at least a byte may have been sent."""
    found = leftovers(layout.inflight)
    return [left for left in found if left.claim is not None and not left.never_sent]


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


def reclaimed(doubt: Record, handle: Handle, output: str, base_url: str | None) -> Claim:
    """Write the claim of a doubt that the provider lists; it was sent, and is recorded already."""
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
        base_url=base_url,
        account=doubt.account,
        handle=handle,
        doubted=True,
        at_risk=doubt.at_risk,
        sent=True,
    )
