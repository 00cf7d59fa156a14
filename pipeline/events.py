"""The events of a run, as they happen: frozen data for its watchers.

Times are Unix seconds, money is in US dollars. A watcher is any callable that takes an event. It
must neither block nor raise. They are structs: most commands import them, and a
frozen data class with slots takes far longer to make.
"""

from collections.abc import Callable
from decimal import Decimal
from enum import StrEnum

import msgspec

from pipeline.errors import ExitCode
from pipeline.models import Record


class Reason(StrEnum):
    """Why nothing is being dispatched."""

    WINDOW = "window"
    OUTAGE = "outage"
    RATE_LIMIT = "rate limit"
    CREDITS = "credits"
    ACCOUNT = "account"  # other runs of the account go first, or one of them was asked to wait
    PAUSED = "paused"  # somebody has asked for it


class Counts(msgspec.Struct, frozen=True):
    """The tasks of a job by status.

    `pending` counts those that a plain run would still render, `accepted` those for which the
    provider has a request with an id: they are waited for, and never sent again. Those that are
    `saved` are rendered, paid and whole on this machine, and not in their place yet, as in a bucket
    that is down: the next run brings them.
    """

    total: int = 0
    succeeded: int = 0
    failed: int = 0
    in_doubt: int = 0
    pending: int = 0
    accepted: int = 0
    saved: int = 0


class Money(msgspec.Struct, frozen=True):
    """Spent and at risk over the lifetime of the manifest, and what is left of the balance.

    `spent_here` is what this run has spent. `remaining` is the balance as last known, None if no
    response has reported one.
    """

    spent: Decimal = Decimal(0)
    at_risk: Decimal = Decimal(0)
    spent_here: Decimal = Decimal(0)
    remaining: Decimal | None = None
    reserved: Decimal = Decimal(0)
    budget: Decimal | None = None


class Started(msgspec.Struct, frozen=True):
    """The run starts with `selected` tasks to dispatch. `host` is set if it is not the default."""

    job: str
    output: str
    counts: Counts
    selected: int
    concurrency: int
    expected_cost: Decimal | None
    at: float
    host: str | None = None


class Dispatched(msgspec.Struct, frozen=True):
    """An attempt is about to be sent. `name` is the name of its output, without extension."""

    task: str
    prompt: str
    attempt: int
    at: float
    name: str = ""


class Accepted(msgspec.Struct, frozen=True):
    """The provider has given an attempt an id: it is waited for there.

    What an earlier run has sent is accepted without having been dispatched in this one.
    """

    task: str
    request_id: str
    at: float


class Landed(msgspec.Struct, frozen=True):
    """Nothing of an attempt is at the provider any more, with any outcome."""

    task: str
    at: float


class Retrying(msgspec.Struct, frozen=True):
    """An attempt failed. The task is tried again in `wait` seconds."""

    task: str
    error: str
    attempt: int
    wait: float
    at: float


class Finished(msgspec.Struct, frozen=True):
    """A record is durable. It ends the task, unless `last` is False: in doubt, and sent again.

    `name` is the name of the task's output, without extension, also if there is no output.
    """

    record: Record
    money: Money
    at: float
    last: bool = True
    name: str = ""


class Held(msgspec.Struct, frozen=True):
    """Dispatch is paused. `until` is when the pause is next reconsidered, None if unknown."""

    reason: Reason
    detail: str
    until: float | None
    at: float


class Resumed(msgspec.Struct, frozen=True):
    """A pause of `seconds` has ended. Dispatch continues if `going_on`; otherwise the run stops."""

    reason: Reason
    seconds: float
    at: float
    going_on: bool = True


class Stopping(msgspec.Struct, frozen=True):
    """Nothing more is dispatched. The `in_flight` requests are finished and saved.

    `accepted` are those that are not waited for: the next run asks for them by their ids. `until`
    is when the cap ends that stopped the run.
    """

    exit_code: ExitCode
    detail: str
    in_flight: int
    at: float
    accepted: int = 0
    until: float | None = None


class Standing(msgspec.Struct, frozen=True):
    """How a run that is going on stands, and by what settings. Money in US dollars.

    `state` is `running`, `paused` (by `pipeline control`), `waiting` or `stopping`; `reason` says
    for what, and `until` when that is next looked at, in Unix seconds, where it is known. The
    counts are those of the job's tasks. `in_flight` counts requests that have no id of the
    provider's. `changed` says what a request has changed, `next_run` names the keys of the job file
    that apply only to the next run.
    """

    job: str
    output: str
    state: str
    reason: str | None
    detail: str | None
    until: float | None
    concurrency: int
    rate: str | None
    budget: Decimal | None
    in_flight: int
    total: int
    succeeded: int
    failed: int
    in_doubt: int
    pending: int
    accepted: int
    spent: Decimal
    at_risk: Decimal
    remaining_credits: Decimal | None
    running: bool = True
    saved: int = 0
    changed: str | None = None
    warnings: tuple[str, ...] = ()
    next_run: tuple[str, ...] = ()


class Asked(msgspec.Struct, frozen=True):
    """The status of the run, on request."""

    standing: Standing
    at: float


class Reloaded(msgspec.Struct, frozen=True):
    """The job file was read again: the run has `selected` tasks now, of those that the job has."""

    counts: Counts
    selected: int
    detail: str
    at: float


class Warned(msgspec.Struct, frozen=True):
    """A warning. It stops nothing."""

    message: str
    at: float


class CapNear(msgspec.Struct, frozen=True):
    """The runs of the account have used 80 % of the cap of a `period`: "day" or "month".

    It is reported once in a period. The period ends at `ends`; `zone` says where.
    """

    period: str
    limit: Decimal
    used: Decimal
    ends: float
    zone: str
    at: float


class Recovered(msgspec.Struct, frozen=True):
    """A record of what an earlier run left: the output is here, or it is or was in doubt."""

    record: Record
    at: float


class Summary(msgspec.Struct, frozen=True):
    """How a run ended.

    `here` counts the tasks of this run by status, `left` those that it selected and did not finish.
    `price_left` is what those would cost, None if unknown. `until` is when the cap ends that
    stopped the run.
    """

    exit_code: ExitCode
    detail: str
    counts: Counts
    here: Counts
    left: int
    money: Money
    price_left: Decimal | None
    seconds: float
    output: str
    at: float
    until: float | None = None


Event = (
    Started
    | Dispatched
    | Accepted
    | Landed
    | Retrying
    | Finished
    | Held
    | Resumed
    | Stopping
    | Asked
    | Reloaded
    | Warned
    | CapNear
    | Recovered
    | Summary
)
Watcher = Callable[[Event], None]
