"""How records are written: from a claim and its completion, or from what came instead."""

import hashlib
import time
from decimal import Decimal
from typing import Any

import msgspec

from pipeline.amounts import ZERO
from pipeline.api.outcome import Outcome
from pipeline.common.extensions import with_ending
from pipeline.models import (
    CORRECTION,
    Cause,
    Claim,
    Completion,
    CostSource,
    Record,
    Settled,
    Status,
    Task,
    canonical_json,
    recorded,
    rfc3339,
)
from pipeline.money.prices import Booked

LONGEST_VALUE = 64 * 1024
"""A parameter that is longer, in characters or bytes, is written as its digest."""


class Money(msgspec.Struct, frozen=True):
    """What a task without output has cost, or may have."""

    cost: Decimal | None = ZERO
    at_risk: Decimal | None = ZERO
    source: CostSource | None = None

    @property
    def most(self) -> Decimal:
        """What it has cost, or may have, as far as it is known."""
        return (self.cost or ZERO) + (self.at_risk or ZERO)


FREE = Money()


def paid(booked: Booked) -> Money:
    """Money that is gone."""
    return Money(booked.cost, ZERO, booked.source)


def risked(at_risk: Decimal | None) -> Money:
    """Money that may be gone; None where nobody knows how much."""
    return Money(None, at_risk)


def completed(
    claim: Claim, outcome: Outcome, money: Money, remaining: Decimal | None, received: float
) -> Claim:
    """Complete a claim with the answer that came for it.

    `remaining` is the balance as known, `received` when the answer came, in Unix seconds.
    """
    assert outcome.body is not None
    done = Completion(
        output=with_ending(claim.output, outcome.body.extension),
        bytes=outcome.body.size,
        sha256=outcome.body.sha256,
        content_type=outcome.body.content_type,
        http_status=outcome.status or 200,
        cost=money.cost,
        cost_source=money.source,
        remaining_credits=remaining,
        request_id=_request_id(claim, outcome),
        finished_at=_after(claim.started_at, received),
        duration_s=outcome.seconds,
        simulated=outcome.simulated,
        seed=_seed(outcome, claim.params),
    )
    return msgspec.structs.replace(claim, completion=done)


def _after(started_at: str, finished: float) -> str:
    """Write the end of an attempt: never before its begin, although the clock was set back."""
    return max(started_at, rfc3339(finished))


def written(params: dict[str, Any]) -> dict[str, Any]:
    """Say of a very long parameter, such as a picture as base64, its sha256 and its bytes.

    The fingerprint is over the parameters as they are sent. Of a text the digest is over its UTF-8,
    of a list or an object over its JSON with sorted keys.
    """
    return {name: _digest(value) if _is_long(value) else value for name, value in params.items()}


def _is_long(value: Any) -> bool:
    if isinstance(value, str):
        return len(value) > LONGEST_VALUE
    return isinstance(value, list | dict) and len(canonical_json(value)) > LONGEST_VALUE


def _digest(value: Any) -> dict[str, Any]:
    data = value.encode() if isinstance(value, str) else canonical_json(value)
    return {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}


def _seed(outcome: Outcome | None, params: dict[str, Any]) -> int | str | None:
    """Take the seed as the answer reported it, else as it was sent."""
    if outcome is not None and outcome.seed is not None:
        return outcome.seed
    sent = params.get("seed")
    return sent if isinstance(sent, int | str) and not isinstance(sent, bool) else None


def _request_id(claim: Claim | None, outcome: Outcome | None) -> str | None:
    """Name a request as its provider does, where that has given it an id; else as headers do."""
    if claim is not None and claim.handle is not None:
        return claim.handle.id
    return outcome.request_id if outcome else None


def _settled(claim: Claim) -> Settled | None:
    """Say how a doubt about a claim has ended, if there was one: its request was listed."""
    listed = claim.handle is not None and claim.handle.listed
    return Settled.FOUND if listed or claim.doubted else None


def _taken_back(claim: Claim) -> Decimal:
    """Return what the end of a claim adds to what is at risk: it takes back what a doubt added."""
    return -claim.at_risk if claim.doubted and claim.at_risk else ZERO


def succeeded(claim: Claim, done: Completion, counted: Decimal = ZERO) -> Record:
    """Write the record of a claim whose output is in place.

    `counted` is what the record of its doubt has counted as cost already, in US dollars.
    """
    return Record(
        task=claim.task,
        status=Status.SUCCEEDED,
        model=claim.model,
        params=claim.params,
        fingerprint=claim.fingerprint,
        meta=claim.meta,
        output=done.output,
        bytes=done.bytes,
        sha256=done.sha256,
        content_type=done.content_type,
        http_status=done.http_status,
        attempts=claim.attempt,
        cost=done.cost - counted if counted and done.cost is not None else done.cost,
        at_risk=_taken_back(claim),
        remaining_credits=done.remaining_credits,
        request_id=done.request_id,
        started_at=claim.started_at,
        finished_at=done.finished_at,
        duration_s=done.duration_s,
        simulated=done.simulated,
        seed=done.seed,
        cost_source=done.cost_source,
        provider=claim.provider,
        settled=_settled(claim),
        account=claim.account,
        media=done.media,
        inputs=claim.inputs,
    )


def correction(record: Record, booked: Booked) -> Record:
    """Correct what a record says that its attempt has cost: it stands as it did.

    Money is the difference, so that sums go on counting all records.
    """
    assert booked.cost is not None
    difference = booked.cost - (record.cost or ZERO)
    return msgspec.structs.replace(
        record,
        cost=difference,
        at_risk=ZERO,
        cost_source=booked.source,
        reason=CORRECTION,
        settled=None,
    )


def doubtful(
    claim: Claim, error: str, *, answered: bool, remaining: Decimal | None = None
) -> Record:
    """Write the record of a claim that a run left; `answered` if the API is done with it.

    `remaining` is the balance as known now, in US dollars.
    """
    done = claim.completion
    return Record(
        status=Status.IN_DOUBT,
        at_risk=claim.may_have_cost,
        remaining_credits=remaining,
        error=error,
        reason=Cause.UNSAVED if answered else Cause.KILLED,
        finished_at=rfc3339(time.time()),
        simulated=done.simulated if done else claim.simulated,
        base_url=claim.base_url,
        task=claim.task,
        model=claim.model,
        params=claim.params,
        fingerprint=claim.fingerprint,
        meta=claim.meta,
        attempts=claim.attempt,
        started_at=claim.started_at,
        provider=claim.provider,
        account=claim.account,
        inputs=claim.inputs,
    )


def without_output(  # noqa: PLR0913 - the fields of a record
    task: Task,
    status: Status,
    error: str,
    outcome: Outcome | None,
    money: Money,
    *,
    reason: Cause | None,
    attempts: int,
    claim: Claim | None,
    simulated: bool | None,
    received: float,
    remaining: Decimal | None = None,
    provider: str | None = None,
    account: str | None = None,
) -> Record:
    """Write how a task ended that has no output; `received` as in `completed`.

    `provider` is whom it was sent to, and `account` on whose account, where no claim says so.
    """
    at_risk, settled = money.at_risk, None
    if claim is not None and status is not Status.IN_DOUBT:
        settled = _settled(claim)
        at_risk = at_risk if at_risk is None else at_risk + _taken_back(claim)
    began = received - outcome.took if outcome else received
    started_at = claim.started_at if claim else rfc3339(began)
    return Record(
        task=task.id,
        status=status,
        model=task.model,
        params=written(task.params),
        fingerprint=task.fingerprint,
        meta=task.meta,
        content_type=outcome.content_type if outcome else None,
        http_status=outcome.status if outcome else None,
        attempts=attempts,
        cost=money.cost,
        at_risk=at_risk,
        cost_source=money.source,
        remaining_credits=remaining,
        request_id=_request_id(claim, outcome),
        error=" ".join(error.split()),
        started_at=started_at,
        finished_at=_after(started_at, received),
        duration_s=outcome.seconds if outcome else None,
        simulated=simulated,
        reason=reason,
        seed=_seed(outcome, task.params),
        provider=claim.provider if claim else provider,
        account=claim.account if claim else account,
        inputs=claim.inputs if claim else recorded(task.inputs),
        settled=settled,
        base_url=claim.base_url if claim and status is Status.IN_DOUBT else None,
    )
