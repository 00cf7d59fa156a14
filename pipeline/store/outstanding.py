"""What was sent and has no record yet: how it is counted until the next run settles it."""

from decimal import Decimal

from pipeline.ledger.history import attempt_digest
from pipeline.ledger.manifest import summaries
from pipeline.ledger.records import doubtful
from pipeline.models import Record
from pipeline.store.claims import Leftover, leftovers
from pipeline.store.layout import Layout

_KILLED = "the run was killed"


def outstanding(layout: Layout) -> list[Record]:
    """Return a record in doubt for each claim that was sent and has no record.

    Once a run has ended, its money is that of its records and of these: `status` counts them too.

    Raises:
        DirectoryError: a claim or the manifest cannot be read.
    """
    claims = sent_claims(layout)
    wanted = set(map(attempt_of, claims))
    if not wanted:
        return []
    there = (attempt_digest(s.task, s.started_at) for _, s in summaries(layout.manifest))
    wanted.difference_update(there)
    return [doubt(left) for left in claims if attempt_of(left) in wanted]


def sent_claims(layout: Layout) -> list[Leftover]:
    """Read the claims of which at least a byte may have been sent."""
    found = leftovers(layout.inflight)
    return [left for left in found if left.claim is not None and not left.never_sent]


def attempt_of(left: Leftover) -> bytes:
    """Name the attempt of a claim, as `History.attempts` does."""
    assert left.claim is not None
    return attempt_digest(left.claim.task, left.claim.started_at)


def doubt(left: Leftover, why: str = _KILLED, remaining: Decimal | None = None) -> Record:
    """Write the record that counts for a claim until it is settled; see `records.doubtful`."""
    assert left.claim is not None
    return doubtful(left.claim, why, answered=left.answered, remaining=remaining)
