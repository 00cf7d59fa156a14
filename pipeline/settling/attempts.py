"""What is looked up, and what else is known: attempts in doubt, and attempts whose end is known."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Any

import msgspec

from pipeline.amounts import ZERO
from pipeline.ledger.records import written
from pipeline.models import Claim, Record, Settled, Status
from pipeline.settling.inputs import Signs, signs
from pipeline.store.claims import Leftover

Key = tuple[str, str]
"""An attempt by its task and `started_at`."""


class Expected(Enum):
    """Which state the list can show for an attempt whose end is known."""

    DONE = "done"  # its output is here: COMPLETED, or not yet
    FAILED = "failed"  # and not charged
    IN_FLIGHT = "in flight"  # anything, and most likely that it is not done yet
    ANY = "any"  # settled by a person, or charged without an output


class Attempt(msgspec.Struct, frozen=True, kw_only=True):
    """One request of this job.

    `params` are as records have them: a very long value is its digest (`records.written`).
    `request_id` is what an answer said, if one did; it need not be the id in the list. `attempt`
    counts from 1: so many less one were sent before for the same task, in the same run. `base_url`
    is where it was sent, as far as that is known. `given` are its inputs as claims and records have
    them. Where not `named`, our id of it is unknown: when it left was not noted.
    """

    task: str
    started_at: str
    model: str
    params: Mapping[str, Any]
    provider: str | None = None
    account: str | None = None
    request_id: str | None = None
    attempt: int = 1
    inputs: Signs = frozenset()
    base_url: str | None = None
    given: Mapping[str, Any] | None = None
    named: bool = True

    @property
    def key(self) -> Key:
        """What names this attempt."""
        return self.task, self.started_at

    @property
    def began(self) -> float | None:
        """When it was claimed, in Unix seconds; None where that cannot be read."""
        return unix(self.started_at)


class Doubt(Attempt, frozen=True, kw_only=True):
    """An attempt that may have been paid for, and whose output is not here.

    `at_risk` is in US dollars, None if unknown. `origin` is where it is from: the claim that a
    killed run left, the record that says so, or None for an attempt in flight in this run.
    """

    at_risk: Decimal | None = None
    origin: Leftover | Record | None = None

    @classmethod
    def of_record(cls, record: Record) -> "Doubt":
        """Take a doubt that has a record."""
        return cls(
            **_of_record(record),
            at_risk=record.at_risk,
            origin=record,
        )

    @classmethod
    def of_claim(
        cls, claim: Claim, request_id: str | None = None, *, left: Leftover | None = None
    ) -> "Doubt":
        """Take an attempt in flight of this run; with `left`, one that a killed run left."""
        done = claim.completion
        return cls(
            **_of_claim(claim),
            request_id=request_id or (done.request_id if done else None),
            at_risk=claim.may_have_cost,
            origin=left,
            named=left is None or claim.sent,
        )

    @classmethod
    def of_leftover(cls, left: Leftover) -> "Doubt":
        """Take the claim that a killed run left."""
        assert left.claim is not None
        return cls.of_claim(left.claim, left.head.request_id if left.head else None, left=left)


class KnownAttempt(Attempt, frozen=True, kw_only=True):
    """An attempt whose end is known or still awaited: its row in the list explains no doubt.

    `ended` is when it ended, in Unix seconds; None where it has not, or that cannot be read.
    """

    ended: float | None = None
    expected: Expected = Expected.ANY

    @classmethod
    def of_record(cls, record: Record) -> "KnownAttempt":
        """Take an attempt that has a record."""
        return cls(
            **_of_record(record),
            ended=unix(record.finished_at),
            expected=_expected(record),
        )

    @classmethod
    def of_claim(cls, claim: Claim, request_id: str | None = None) -> "KnownAttempt":
        """Take an attempt that is in flight, or that the provider has accepted."""
        return cls(
            **_of_claim(claim),
            request_id=claim.handle.id if claim.handle else request_id,
            expected=Expected.IN_FLIGHT,
        )


def _of_record(record: Record) -> dict[str, Any]:
    return {
        "task": record.task,
        "started_at": record.started_at,
        "model": record.model,
        "params": written(record.params),
        "provider": record.provider,
        "account": record.account,
        "request_id": record.request_id,
        "attempt": record.attempts,
        "inputs": signs(record.inputs),
        "given": record.inputs,
        "base_url": record.base_url,
    }


def _of_claim(claim: Claim) -> dict[str, Any]:
    return {
        "task": claim.task,
        "started_at": claim.started_at,
        "model": claim.model,
        "params": written(claim.params),
        "provider": claim.provider,
        "account": claim.account,
        "attempt": claim.attempt,
        "inputs": signs(claim.inputs),
        "given": claim.inputs,
        "base_url": claim.base_url,
    }


def _expected(record: Record) -> Expected:
    if record.status is Status.SUCCEEDED:
        return Expected.DONE
    is_free = not (record.cost or ZERO) and not (record.at_risk or ZERO)
    if record.status is Status.FAILED and is_free and record.settled is not Settled.NOT_BILLED:
        return Expected.FAILED
    return Expected.ANY


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What is known besides the doubts.

    `attempts` matter where they have the model and the parameters of a doubt. `ids` are the
    requests that explain another attempt already: of all records and claims but those of the
    doubts themselves.
    """

    attempts: tuple[KnownAttempt, ...] = ()
    ids: frozenset[str] = frozenset()

    def __or__(self, other: "Known") -> "Known":
        """Join what is known from two sources; an attempt in both counts once."""
        merged = {attempt.key: attempt for attempt in (*self.attempts, *other.attempts)}
        return Known(attempts=tuple(merged.values()), ids=self.ids | other.ids)


# No request was made later than this, and not every calendar reaches it: until the year 9986.
_LAST = 253_000_000_000.0


def unix(rfc3339: str) -> float | None:
    """Read a time of a record or claim as Unix seconds; None where it is not one."""
    try:
        seconds = datetime.fromisoformat(rfc3339).timestamp()
    except (ValueError, OverflowError, OSError):
        return None
    return seconds if 0 <= seconds < _LAST else None
