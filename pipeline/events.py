"""What happens in a run, as it happens: frozen data for whoever watches.

Times are Unix seconds, money is in US dollars. A watcher is any callable that takes an event; it
must not block, and it must not raise.
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


@dataclass(frozen=True, slots=True)
class Counts:
    """How the tasks of a job stand. `pending` counts what a plain run would still render."""

    total: int = 0
    succeeded: int = 0
    failed: int = 0
    in_doubt: int = 0
    pending: int = 0


@dataclass(frozen=True, slots=True)
class Money:
    """What is spent and at risk over the manifest's life, and what is left."""

    spent: Decimal = Decimal(0)
    at_risk: Decimal = Decimal(0)
    spent_here: Decimal = Decimal(0)
    remaining: Decimal | None = None
    reserved: Decimal = Decimal(0)
    budget: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Started:
    """The run begins: it will dispatch `selected` tasks. `host` is named where it is unusual."""

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
    """An attempt goes out. `name` is what its file will be called, without extension."""

    task: str
    prompt: str
    attempt: int
    at: float
    name: str = ""


@dataclass(frozen=True, slots=True)
class Landed:
    """An attempt is over, whatever came of it."""

    task: str
    at: float


@dataclass(frozen=True, slots=True)
class Retrying:
    """An attempt failed, and the task will be tried again in `wait` seconds."""

    task: str
    error: str
    attempt: int
    wait: float
    at: float


@dataclass(frozen=True, slots=True)
class Finished:
    """A record is durable; with it the task ends, but where it is in doubt and sent again.

    `name` is what the task's file is called, or would be, without extension.
    """

    record: Record
    money: Money
    at: float
    last: bool = True
    name: str = ""


@dataclass(frozen=True, slots=True)
class Held:
    """Dispatch is held. `until` is when it is next reconsidered, where that is known."""

    reason: Reason
    detail: str
    until: float | None
    at: float


@dataclass(frozen=True, slots=True)
class Resumed:
    """A hold of `seconds` has ended: dispatch goes on, unless the run stops."""

    reason: Reason
    seconds: float
    at: float
    going_on: bool = True


@dataclass(frozen=True, slots=True)
class Stopping:
    """Nothing new is dispatched; `in_flight` requests are finished and saved."""

    exit_code: ExitCode
    detail: str
    in_flight: int
    at: float


@dataclass(frozen=True, slots=True)
class Asked:
    """Somebody asks how the run stands. `here` counts the tasks that this run took up."""

    here: Counts
    in_flight: int
    money: Money
    at: float


@dataclass(frozen=True, slots=True)
class Warned:
    """Something that a person should know, and that stops nothing."""

    message: str
    at: float


@dataclass(frozen=True, slots=True)
class Recovered:
    """A claim that a killed run left became a record: taken in, or in doubt."""

    record: Record
    at: float


@dataclass(frozen=True, slots=True)
class Summary:
    """How a run ended. `here` counts what this run did, `left` what it selected and left to do."""

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


Event = (
    Started
    | Dispatched
    | Landed
    | Retrying
    | Finished
    | Held
    | Resumed
    | Stopping
    | Asked
    | Warned
    | Recovered
    | Summary
)
Watcher = Callable[[Event], None]
