"""Records that end a doubt without an output. They carry differences: sums count all records.

A doubt is a record, or a claim that has none yet. `stands` is False where another attempt at the
task was recorded since: then the record is a correction of the sums, and the task stands as it did.
"""

import time
from decimal import Decimal
from typing import Any

from pipeline.amounts import ZERO
from pipeline.models import (
    CORRECTION,
    Cause,
    Claim,
    CostSource,
    Record,
    Settled,
    Status,
    rfc3339,
)

_WORDS = {
    Settled.BILLED: "it was charged, by a person's word (pipeline settle --billed)",
    Settled.NOT_BILLED: "it was not charged, by a person's word (pipeline settle --not-billed)",
}


def listed_failed(
    doubt: Record | Claim,
    error: str,
    *,
    request_id: str,
    reason: Cause = Cause.SERVER_ERROR,
    stands: bool = True,
) -> Record:
    """Write that the provider lists a request as failed: it was not charged."""
    return _ended(
        doubt,
        Settled.FOUND,
        ZERO,
        error,
        reason=reason,
        stands=stands,
        request_id=request_id,
    )


def absent(doubt: Record | Claim, error: str, *, stands: bool = True) -> Record:
    """Write that the provider has never had a request: a run sends it again."""
    return _ended(doubt, Settled.NOT_BILLED, ZERO, error, reason=None, stands=stands)


def listed_too_late(
    doubt: Record,
    *,
    request_id: str,
    cost: Decimal | None,
) -> Record:
    """Write that the provider lists a request as completed whose task was sent again since.

    Its clip is not taken in. `cost` is in US dollars, None for what it has put at risk.
    """
    return _ended(
        doubt,
        Settled.FOUND,
        _price(doubt) if cost is None else cost,
        "it was charged, and the task was sent again since: this clip is not taken in",
        reason=None,
        stands=False,
        request_id=request_id,
        cost_source=CostSource.REPORTED if cost is not None else CostSource.ESTIMATED,
    )


def by_word(
    doubt: Record | Claim,
    word: Settled,
    *,
    price: Decimal | None = None,
    request_id: str | None = None,
    stands: bool = True,
) -> Record:
    """Write what a person says of a doubt: BILLED or NOT_BILLED.

    `price` is what was charged in US dollars, None for what the doubt has put at risk.
    """
    billed = word is Settled.BILLED
    charged = (_price(doubt) if price is None else price) if billed else ZERO
    return _ended(
        doubt,
        word,
        charged,
        _WORDS[word],
        reason=Cause.GONE if billed else None,
        stands=stands,
        request_id=request_id or (doubt.request_id if isinstance(doubt, Record) else None),
    )


def _price(doubt: Record | Claim) -> Decimal | None:
    """Return what a doubt may have cost, in US dollars; None where nobody knows."""
    if isinstance(doubt, Record):
        return doubt.at_risk or doubt.cost
    return doubt.may_have_cost


def _ended(  # noqa: PLR0913 - the fields of a record
    doubt: Record | Claim,
    settled: Settled,
    charged: Decimal | None,
    error: str,
    *,
    reason: Cause | None,
    stands: bool,
    **more: Any,
) -> Record:
    counted = (doubt.cost if isinstance(doubt, Record) else None) or ZERO
    at_risk = (doubt.at_risk if isinstance(doubt, Record) or doubt.doubted else None) or ZERO
    return Record(
        task=doubt.task,
        status=Status.FAILED,
        model=doubt.model,
        params=doubt.params,
        fingerprint=doubt.fingerprint,
        meta=doubt.meta,
        attempts=doubt.attempts if isinstance(doubt, Record) else doubt.attempt,
        cost=None if charged is None else charged - counted,
        at_risk=-at_risk if at_risk else ZERO,
        error=" ".join(error.split()),
        started_at=doubt.started_at,
        finished_at=max(doubt.started_at, rfc3339(time.time())),
        simulated=doubt.simulated,
        reason=reason if stands else CORRECTION,
        provider=doubt.provider,
        account=doubt.account,
        inputs=doubt.inputs,
        settled=settled,
        **more,
    )
