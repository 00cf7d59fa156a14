"""The nouns of the pipeline: frozen plain data, no I/O.

Job → Task → Claim → Record. Tasks, claims and records are JSON as they stand, so that they can
cross a file or a socket unchanged.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec

_ENCODER = msgspec.json.Encoder(decimal_format="number", order="sorted")


def canonical_json(value: Any) -> bytes:
    """Encode `value` as JSON with sorted keys: the same value, the same bytes."""
    return _ENCODER.encode(value)


def fingerprint(model: str, params: dict[str, Any]) -> str:
    """Digest what is sent: 64 hexadecimal digits over the model and its parameters."""
    return hashlib.sha256(_ENCODER.encode([model, params])).hexdigest()


def rfc3339(seconds: float) -> str:
    """Write Unix time as RFC 3339 in UTC with milliseconds, as records have it."""
    whole, milliseconds = divmod(round(seconds * 1000), 1000)
    return f"{_second(whole)}.{milliseconds:03}Z"


@lru_cache(maxsize=16)
def _second(seconds: int) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%S")


class Status(StrEnum):
    """How a task ended."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    IN_DOUBT = "in_doubt"


class Gate(StrEnum):
    """Where the gate learns the balance."""

    AUTO = "auto"  # headers and the balance call
    HEADER = "header"  # headers alone
    OFF = "off"  # nothing: only a 406 stops


class CostSource(StrEnum):
    """Who says what a task has cost, the most trusted first."""

    REPORTED = "reported"  # the answer's own header
    WRITTEN = "written"  # credits.cost in the job
    PUBLISHED = "published"  # the vendor's price list
    MEASURED = "measured"  # the fall of the balance, seen twice
    ESTIMATED = "estimated"  # the fall of the balance, seen once


class Cause(StrEnum):
    """Why a task has no output: one word, for scripts."""

    MODERATION = "moderation"  # the prompt, or what was made of it, was refused on safety grounds
    REJECTED = "rejected"  # the API says that the request is at fault: 400, 406, 422, …
    SERVER_ERROR = "server_error"  # it failed at the API, in each attempt
    NOT_MEDIA = "not_media"  # 2xx, but JSON, HTML, nothing, or unknown bytes
    BROKEN_MEDIA = "broken_media"  # 2xx, and the file is not whole
    TOO_LARGE = "too_large"  # 2xx, and more bytes than `output.max_size`
    CUT = "cut"  # 2xx, and the body stalled or broke off
    TIMEOUT = "timeout"  # no answer in time, here or at the gateway
    NO_ANSWER = "no_answer"  # sent, and the connection was lost
    ELSEWHERE = "elsewhere"  # a redirect, after the work was done
    UNSAVED = "unsaved"  # it came, and could not be written
    KILLED = "killed"  # the run was killed while it was on the wire
    UNKNOWN = "unknown"  # an answer that nobody knows


class InDoubt(StrEnum):
    """What a run does with a task that may have been paid for."""

    HOLD = "hold"
    RESEND = "resend"


@lru_cache(maxsize=4096)
def task_key(task: str) -> str:
    """Make a short name of a task's id that is safe in every file system."""
    return hashlib.sha256(task.encode()).hexdigest()[:20]


# The reason of a record that corrects what an earlier one of the same attempt has cost.
CORRECTION = "correction"


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """One request that the job expands to.

    `id` is its identity, unique in the job and stable across edits: the prompt's own id (else a
    hash of the parameters), the matrix values, the take. `params` is exactly the body that is
    sent. `output` is a relative POSIX path without extension. Higher `priority` goes first.
    `line` says where it is written, `calendar.csv:12`, relative to the job file; for people only.
    `former` is the same task as an earlier version read its row, where that was another text: see
    `History.known`.
    """

    id: str
    model: str
    params: dict[str, Any]
    fingerprint: str
    output: str
    meta: dict[str, Any] = {}
    priority: int = 0
    line: str = ""
    former: "Task | None" = None

    @property
    def prompt(self) -> str:
        """The prompt as sent, or nothing."""
        return str(self.params.get("prompt", ""))

    @property
    def key(self) -> str:
        """A short name that is safe in every file system: names claims and parts."""
        return task_key(self.id)


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the manifest: how an attempt at a task ended.

    Money is in US dollars. `at_risk` is what may have been paid without an output. `attempts` is
    how often the task was sent in this run, also where an outage or a rate limit turned it away.
    `duration_s` is the time of the last attempt, from dispatch to the last byte. `simulated` marks
    the sandbox's answers; it is None where no answer has told. `reason` is one word for scripts,
    a `Cause`: why there is no output. `seed` is as the answer reported it, else as sent.
    """

    task: str
    status: Status
    model: str
    params: dict[str, Any]
    fingerprint: str
    meta: dict[str, Any] = {}
    output: str | None = None
    bytes: int | None = None
    sha256: str | None = None
    content_type: str | None = None
    http_status: int | None = None
    attempts: int = 1
    cost: Decimal | None = None
    at_risk: Decimal | None = None
    remaining_credits: Decimal | None = None
    request_id: str | None = None
    error: str | None = None
    started_at: str = ""
    finished_at: str = ""
    duration_s: float | None = None
    simulated: bool | None = None
    reason: str | None = None
    seed: int | str | None = None
    cost_source: CostSource | None = None


class Completion(msgspec.Struct, frozen=True, kw_only=True):
    """What a claim is completed with once the whole body is there and checked."""

    output: str
    bytes: int
    sha256: str
    content_type: str | None
    http_status: int
    cost: Decimal | None
    remaining_credits: Decimal | None
    request_id: str | None
    finished_at: str
    duration_s: float
    simulated: bool
    seed: int | str | None = None
    cost_source: CostSource | None = None


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt on the wire, durable before its request leaves.

    It says exactly what was sent, so that it still means something after the job was edited.
    `boot_id` names the time since the machine was started (see `claims.boot_id`). `sent` is the
    last field, so that it can be overwritten in place just before the request's first byte.
    """

    task: str
    fingerprint: str
    model: str
    params: dict[str, Any]
    meta: dict[str, Any]
    price: Decimal | None
    attempt: int
    output: str
    started_at: str
    simulated: bool | None = None
    completion: Completion | None = None
    boot_id: str | None = None
    sent: bool = False


@dataclass(frozen=True, slots=True)
class Rate:
    """At most `count` dispatches in `period` seconds, spaced evenly."""

    count: float
    period: float

    @property
    def interval(self) -> float:
        """Seconds between two dispatches."""
        return self.period / self.count


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often and how long to try again; times in seconds.

    `outage` is the patience with an outage; None is 2 hours, or 10 minutes while nothing has
    succeeded yet.
    """

    attempts: int = 5
    wait: float = 1.0
    max_wait: float = 60.0
    outage: float | None = None
    in_doubt: InDoubt = InDoubt.HOLD


@dataclass(frozen=True, slots=True)
class CreditPolicy:
    """What may be spent, in US dollars. A `cost` of None is learned."""

    cost: Decimal | None = None
    budget: Decimal | None = None
    reserve: Decimal = Decimal(0)
    gate: Gate = Gate.AUTO


@dataclass(frozen=True, slots=True)
class Schedule:
    """The daily window in which requests may be dispatched. `timezone` None is local time."""

    start: time
    end: time
    timezone: str | None = None


@dataclass(frozen=True, slots=True)
class Notify:
    """Whom to tell, and when. `to` names environment variables that hold Apprise addresses."""

    to: tuple[str, ...] = ()
    on: tuple[str, ...] = ("end", "stop", "outage")


@dataclass(frozen=True, slots=True)
class Job:
    """A job file, read and checked. Times in seconds, sizes in bytes, paths absolute.

    `expand` yields the tasks in the order of the file, without holding them; it raises
    `JobFileError` with every problem of the rows at once.
    """

    path: Path
    name: str
    model: str
    output_dir: Path
    expand: Callable[[], Iterator[Task]] = field(repr=False, compare=False)
    concurrency: int = 5
    rate: Rate | None = None
    timeout: float = 600.0
    max_size: int = 2 * 1024**3
    retry: RetryPolicy = RetryPolicy()
    credits: CreditPolicy = CreditPolicy()
    schedule: Schedule | None = None
    notify: Notify | None = None
    remarks: Callable[[], tuple[str, ...]] = field(default=tuple, repr=False, compare=False)

    @property
    def warnings(self) -> tuple[str, ...]:
        """What a person should know; of the rows, what `tasks` has read so far."""
        return self.remarks()

    def warned(self, texts: Iterable[str]) -> "Job":
        """Give the job with some more warnings."""
        return replace(self, remarks=lambda: (*self.remarks(), *texts))

    def tasks(self) -> Iterator[Task]:
        """Expand the job into its tasks, in the order of the file."""
        return self.expand()
