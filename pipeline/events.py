"""The events of a run, as they happen: frozen data for its watchers.

Times are Unix seconds, money is in US dollars. A watcher is any callable that takes an event. It
must neither block nor raise.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

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


@dataclass(frozen=True, slots=True)
class Counts:
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


@dataclass(frozen=True, slots=True)
class Money:
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


@dataclass(frozen=True, slots=True)
class Started:
    """The run starts with `selected` tasks to dispatch. `host` is set if it is not the default."""

    job: str
    output: str
    counts: Counts
    selected: int
    concurrency: int
    expected_cost: Decimal | None
    at: float
    host: str | None = None


@dataclass(frozen=True, slots=True)
class Dispatched:
    """An attempt is about to be sent. `name` is the name of its output, without extension."""

    task: str
    prompt: str
    attempt: int
    at: float
    name: str = ""


@dataclass(frozen=True, slots=True)
class Accepted:
    """The provider has given an attempt an id: it is waited for there.

    What an earlier run has sent is accepted without having been dispatched in this one.
    """

    task: str
    request_id: str
    at: float


@dataclass(frozen=True, slots=True)
class Landed:
    """Nothing of an attempt is at the provider any more, with any outcome."""

    task: str
    at: float


@dataclass(frozen=True, slots=True)
class Retrying:
    """An attempt failed. The task is tried again in `wait` seconds."""

    task: str
    error: str
    attempt: int
    wait: float
    at: float


@dataclass(frozen=True, slots=True)
class Finished:
    """A record is durable. It ends the task, unless `last` is False: in doubt, and sent again.

    `name` is the name of the task's output, without extension, also if there is no output.
    """

    record: Record
    money: Money
    at: float
    last: bool = True
    name: str = ""


@dataclass(frozen=True, slots=True)
class Held:
    """Dispatch is paused. `until` is when the pause is next reconsidered, None if unknown."""

    reason: Reason
    detail: str
    until: float | None
    at: float


@dataclass(frozen=True, slots=True)
class Resumed:
    """A pause of `seconds` has ended. Dispatch continues if `going_on`; otherwise the run stops."""

    reason: Reason
    seconds: float
    at: float
    going_on: bool = True


@dataclass(frozen=True, slots=True)
class Stopping:
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


@dataclass(frozen=True, slots=True)
class Standing:
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


@dataclass(frozen=True, slots=True)
class Asked:
    """The status of the run, on request."""

    standing: Standing
    at: float


@dataclass(frozen=True, slots=True)
class Reloaded:
    """The job file was read again: the run has `selected` tasks now, of those that the job has."""

    counts: Counts
    selected: int
    detail: str
    at: float


@dataclass(frozen=True, slots=True)
class Warned:
    """A warning. It stops nothing."""

    message: str
    at: float


@dataclass(frozen=True, slots=True)
class CapNear:
    """The runs of the account have used 80 % of the cap of a `period`: "day" or "month".

    It is reported once in a period. The period ends at `ends`; `zone` says where.
    """

    period: str
    limit: Decimal
    used: Decimal
    ends: float
    zone: str
    at: float


@dataclass(frozen=True, slots=True)
class Recovered:
    """A record of what an earlier run left: the output is here, or it is or was in doubt."""

    record: Record
    at: float


@dataclass(frozen=True, slots=True)
class Summary:
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
