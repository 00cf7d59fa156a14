"""The data model: Job → Task → Claim → Record. Frozen plain data, no I/O.

Tasks, claims and records have a JSON form, so that they can be stored and sent unchanged.
"""

import hashlib
import uuid
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time
from decimal import Decimal
from enum import StrEnum
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

import msgspec

_ENCODER = msgspec.json.Encoder(decimal_format="number", order="sorted")


def canonical_json(value: Any) -> bytes:
    """Encode `value` as JSON with sorted keys, so that equal values give equal bytes."""
    return _ENCODER.encode(value)


def fingerprint(model: str, params: dict[str, Any], inputs: "Inputs | None" = None) -> str:
    """Return the SHA-256 of the model and its parameters as sent, in 64 hexadecimal digits.

    Where there are inputs, it is over what they contain too: not over their names or forms.
    """
    sent = [model, params, contents(inputs)] if inputs else [model, params]
    return hashlib.sha256(_ENCODER.encode(sent)).hexdigest()


def rfc3339(seconds: float) -> str:
    """Format Unix time as RFC 3339 in UTC with milliseconds, as in records."""
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
    """Which sources of the balance the gate uses."""

    AUTO = "auto"  # headers and the balance call
    HEADER = "header"  # headers only
    OFF = "off"  # none: the run stops only on a 406


class CostSource(StrEnum):
    """Where the cost of a task comes from, the most trusted source first."""

    REPORTED = "reported"  # a header of the response
    WRITTEN = "written"  # credits.cost in the job
    PUBLISHED = "published"  # the vendor's price list
    MEASURED = "measured"  # the decrease of the balance, seen twice
    ESTIMATED = "estimated"  # the decrease of the balance, seen once


class Cause(StrEnum):
    """Why a task has no output, in one word for scripts."""

    MODERATION = "moderation"  # the prompt, or its result, was refused on safety grounds
    REJECTED = "rejected"  # the API reports that the request is not valid: 400, 406, 422, …
    SERVER_ERROR = "server_error"  # the API failed, in each attempt
    NOT_MEDIA = "not_media"  # 2xx, but JSON, HTML, nothing, or unknown bytes
    BROKEN_MEDIA = "broken_media"  # 2xx, and the file is incomplete
    TOO_LARGE = "too_large"  # 2xx, and more bytes than `output.max_size`
    CUT = "cut"  # 2xx, and the body stalled or broke off
    TIMEOUT = "timeout"  # no response in time, here or at the gateway
    NO_ANSWER = "no_answer"  # sent, and the connection was lost
    ELSEWHERE = "elsewhere"  # a redirect, after the request was processed
    UNSAVED = "unsaved"  # it arrived, and could not be written
    KILLED = "killed"  # the run was killed while the request was in flight
    GONE = "gone"  # paid for or accepted, and the provider does not have it any more
    INPUT_CHANGED = "input_changed"  # a file to send is not what it was when the run was planned
    INPUT_UNAVAILABLE = "input_unavailable"  # what is at an address cannot be fetched, or sent
    UNKNOWN = "unknown"  # a response of unknown meaning


class Settled(StrEnum):
    """How a doubt has ended."""

    FOUND = "found"  # the provider's list of requests has it
    BILLED = "billed"  # a person says that it was charged
    NOT_BILLED = "not_billed"  # a person says that it was not


class InDoubt(StrEnum):
    """What a run does with a task that may have been paid for."""

    HOLD = "hold"
    RESEND = "resend"


@lru_cache(maxsize=4096)
def task_key(task: str) -> str:
    """Return a short name for a task's id that is safe in every file system."""
    return hashlib.sha256(task.encode()).hexdigest()[:20]


# The reason in a record that corrects the cost in an earlier record of the same attempt.
CORRECTION = "correction"


def part_of(attempt: str) -> str:
    """Name the part of an attempt: the file for the body of its answer."""
    return f"{attempt}.part"


class Form(StrEnum):
    """How an input is sent."""

    URL = "url"  # as an address, which the provider fetches
    DATA_URI = "data_uri"  # a file within the request: data:image/png;base64,…
    BASE64 = "base64"  # the same without what stands before the comma
    MULTIPART = "multipart"  # as it is, in a part of its own
    UPLOAD = "upload"  # uploaded before, which is free; the request has its address


class Input(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A file, or an address, that is sent beside the parameters.

    `path` is as the job says it, `file` where it lies: an absolute path without links. `sha256` is
    that of its bytes, of an address that of its text; `type` is by its bytes, such as image/png.
    """

    sha256: str
    form: Form
    path: str | None = None
    file: str | None = None
    url: str | None = None
    bytes: int | None = None
    type: str | None = None

    @property
    def written(self) -> dict[str, Any]:
        """What records say of it."""
        name = {"path": self.path} if self.url is None else {"url": self.url}
        return {**name, "sha256": self.sha256, "bytes": self.bytes}


Inputs = dict[str, Input | list[Input]]
"""Inputs by the names of their parameters."""


def contents(inputs: Inputs) -> dict[str, Any]:
    """Say what inputs contain, as it counts for a fingerprint."""
    return _each(inputs, lambda one: f"sha256:{one.sha256}")


def recorded(inputs: Inputs) -> dict[str, Any] | None:
    """Say of inputs what records and claims do; None where there are none."""
    return _each(inputs, lambda one: one.written) or None


def _each(inputs: Inputs, make: Callable[[Input], Any]) -> dict[str, Any]:
    return {
        name: [make(one) for one in value] if isinstance(value, list) else make(value)
        for name, value in inputs.items()
    }


class Task(msgspec.Struct, frozen=True, kw_only=True):
    """One request that the job expands to.

    `id` is its identity, unique in the job and stable across edits: the prompt's id (without one, a
    hash of the parameters), the matrix values and the take. `params` is exactly the body that is
    sent. `output` is a relative POSIX path without extension. A higher `priority` goes first.
    `inputs` are files and addresses that are sent with it, under names of their own. `line` is
    where the task is written, such as `calendar.csv:12`, relative to the job file; it is only
    shown. `former` is the same task as version 0.1 read its row, if that differs: see
    `History.known`. `once` is our id of one attempt at it, where its provider takes one. `verdict`
    is what its row says of its clip: see `ledger.picks`. `own_id` is the id of its prompt, empty
    where that has none. `post` is the same for all tasks of one prompt; `values` are those of the
    matrix and `take` the number of the take, from 1, by which they differ: 0 where there is one.
    """

    id: str
    model: str
    params: dict[str, Any]
    fingerprint: str
    output: str
    meta: dict[str, Any] = {}
    inputs: Inputs = {}
    priority: int = 0
    line: str = ""
    former: "Task | None" = None
    once: str = ""
    verdict: Literal["kept", "rejected"] | None = None
    own_id: str = ""
    post: str = ""
    values: dict[str, Any] = {}
    take: int = 0

    @property
    def prompt(self) -> str:
        """The prompt as sent, or an empty text."""
        return str(self.params.get("prompt", ""))

    @property
    def key(self) -> str:
        """The name of the task's claim and part, safe in every file system."""
        return task_key(self.id)


class Facts(msgspec.Struct, frozen=True, kw_only=True):
    """What the headers of a clip say of it; None is not known.

    `width` and `height` are in pixels, as it is shown. `codec` is that of the pictures, of a sound
    file that of the sound. `content_credentials` says whether there are some (C2PA), not whether
    they are valid.
    """

    width: int | None = None
    height: int | None = None
    duration_s: float | None = None
    codec: str | None = None
    audio: bool | None = None
    content_credentials: bool | None = None


_ATTEMPTS = uuid.UUID("5d2bb7f1-3c52-4be4-9c1b-6a3a30a4f7a9")


def once_of(task: str, started_at: str) -> str:
    """Return our id of an attempt: a UUID of what its claim and its record tell of it."""
    return str(uuid.uuid5(_ATTEMPTS, f"{task}\n{started_at}"))


class Record(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the manifest: how an attempt at a task ended.

    Money is in US dollars. `at_risk` is what may have been paid without an output. `attempts` is
    how often the task was sent in this run, including attempts that an outage or a rate limit
    rejected. `duration_s` is the time of the last attempt, from dispatch to the last byte.
    `simulated` marks responses of the sandbox; None if there was no response. `reason` is a
    `Cause`: why there is no output. `seed` is as the response reported it, otherwise as sent.
    `inputs` says of each file and address that was sent with it what it was, by name.
    `provider` is the API that rendered; None is the default of version 0.1. `account` names the
    account that paid, never its key. `settled` says how a
    doubt has ended; where that doubt has a record of its own, of the same `task` and `started_at`,
    `at_risk` is the negative of what that one has put at risk. `media` is what the output's
    headers say; None where they say nothing, and in records of earlier versions. `base_url` is
    where what is in doubt was sent to: nobody else can know of it.
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
    provider: str | None = None
    settled: Settled | None = None
    account: str | None = None
    media: Facts | None = None
    inputs: dict[str, Any] | None = None
    base_url: str | None = None


class Handle(msgspec.Struct, frozen=True, kw_only=True):
    """What a provider calls a request that it has accepted: it can be asked for by this.

    `id` is the provider's own. `status` and `result` are the addresses that its answer named, if it
    named some. `listed` says that it was found in the provider's list of requests, and is asked for
    there. `at` is when it was accepted or found (RFC 3339). `media` and `cost`, in US dollars, are
    what a list has said of its output that a person has exported: that is fetched before anybody
    is asked. `model` and `once` are those of its claim, where an address has to be built of them.
    """

    id: str
    status: str | None = None
    result: str | None = None
    listed: bool = False
    at: str = ""
    media: str | None = None
    cost: Decimal | None = None
    model: str | None = None
    once: str | None = None


class Completion(msgspec.Struct, frozen=True, kw_only=True):
    """What is added to a claim once the whole body has arrived and was checked."""

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
    simulated: bool | None
    seed: int | str | None = None
    cost_source: CostSource | None = None
    media: Facts | None = None


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    """An attempt in flight. It is durable before the request is sent.

    It contains exactly what is sent, so that it is still valid after the job was edited. `boot_id`
    identifies the boot of the machine (see `common.boot`). `provider` and `base_url` say where
    it is sent to, and `account` who pays for it, as in records. `handle` is there once the provider
    has accepted it: from then on nothing of it is in doubt, and it is never sent again. `doubted`
    says that it stands for a doubt that has a record already, which put `at_risk` at risk (None: it
    is not known how much). `sent` says that the request has left, and `started_at` then says when;
    `worker` names who has it, where that is not a task of the run's own process.
    """

    task: str
    fingerprint: str
    model: str
    params: dict[str, Any]
    meta: dict[str, Any]
    price: Decimal | None
    attempt: int
    output: str
    simulated: bool | None = None
    completion: Completion | None = None
    boot_id: str | None = None
    part: str = ""
    provider: str | None = None
    base_url: str | None = None
    account: str | None = None
    handle: Handle | None = None
    doubted: bool = False
    at_risk: Decimal | None = None
    inputs: dict[str, Any] | None = None
    format: int = 1
    started_at: str
    sent: bool = False
    worker: str | None = None

    @property
    def may_have_cost(self) -> Decimal | None:
        """What its response has reported, otherwise its price; in US dollars, None if unknown."""
        done = self.completion
        return done.cost if done and done.cost is not None else self.price


_UNITS = {1.0: "second", 60.0: "minute", 3600.0: "hour", 86400.0: "day"}


class Rate(msgspec.Struct, frozen=True):
    """At most `count` dispatches in `period` seconds, spaced evenly."""

    count: float
    period: float

    @property
    def interval(self) -> float:
        """Seconds between two dispatches."""
        return self.period / self.count

    def __str__(self) -> str:
        """Write it as a job file does, such as 60/minute."""
        return f"{self.count:g}/{_UNITS.get(self.period, f'{self.period:g}s')}"


class RetryPolicy(msgspec.Struct, frozen=True):
    """How often and how long to try again; times in seconds.

    `outage` is how long an outage may last; None is 2 hours, or 10 minutes before the first
    success.
    """

    attempts: int = 5
    wait: float = 1.0
    max_wait: float = 60.0
    outage: float | None = None
    in_doubt: InDoubt = InDoubt.HOLD


@dataclass(frozen=True, slots=True)
class CreditPolicy:
    """What may be spent, in US dollars.

    `cost` is the price of each task. `pricing` gives that of a price class instead, where the job
    has a template of its parameters; None for a class that it does not fit. Without both, the
    price is learned.
    """

    cost: Decimal | None = None
    budget: Decimal | None = None
    reserve: Decimal = Decimal(0)
    gate: Gate = Gate.AUTO
    pricing: Callable[[str], Decimal | None] | None = None


class AccountPolicy(msgspec.Struct, frozen=True):
    """What holds for all runs on one key together. Money in US dollars; None bounds nothing.

    `key` names the environment variable that has the key; None is the provider's own. `name` is
    what records call the account; None are eight digits of its hash. Where not `shared`, the run
    does not take part in the account's ledger. `environment` has the fields that come from
    the environment, and not from the job file.
    """

    concurrency: int | None = None
    rate: Rate | None = None
    day: Decimal | None = None
    month: Decimal | None = None
    key: str | None = None
    name: str | None = None
    shared: bool = True
    environment: frozenset[str] = frozenset()


class Schedule(msgspec.Struct, frozen=True):
    """The daily window in which requests may be dispatched. Without `timezone`, in local time."""

    start: time
    end: time
    timezone: str | None = None


class Notify(msgspec.Struct, frozen=True):
    """Whom to notify, and when. `to` names environment variables that contain Apprise addresses."""

    to: tuple[str, ...] = ()
    on: tuple[str, ...] = ("end", "stop", "outage", "cap")


class Presence(StrEnum):
    """Whether something is expected in a clip."""

    ANY = "any"
    YES = "yes"
    NO = "no"


class Expect(msgspec.Struct, frozen=True):
    """What the clips are expected to be like. Sides in pixels, durations in seconds.

    `aspect_ratio` is written as 16:9; True is the task's own parameter of that name.
    """

    aspect_ratio: str | bool | None = None
    min_duration: float | None = None
    max_duration: float | None = None
    min_width: int | None = None
    max_width: int | None = None
    min_height: int | None = None
    max_height: int | None = None
    audio: Presence = Presence.ANY
    content_credentials: Presence = Presence.ANY


@dataclass(frozen=True, slots=True)
class Job:
    """A job file that was read and checked. Times in seconds, sizes in bytes, paths absolute.

    `expand` yields the tasks in the order of the file, without keeping them in memory. It raises
    `JobFileError` with all problems of the rows. `provider` names the API; None is the default.
    `patience` is for how long a run waits for a request that the API has accepted, and `poll` the
    time between two questions for it; None begins with 2 s and goes up to 15 s.
    `bucket` is the address of the storage where outputs go; None is `output_dir`, where everything
    else lies. `public` is where people find an object of it, `{path}` standing for its name. Of
    several runs on one account, one with a higher `priority` goes first. `expect` says what the
    clips should be like; what is not is flagged, never rendered again. `sheets` says what was
    found out about each file of prompts, whole once `tasks` has read it; `said` are sentences.
    """

    path: Path
    name: str
    model: str
    output_dir: Path
    expand: Callable[[], Iterator[Task]] = field(repr=False, compare=False)
    concurrency: int = 5
    rate: Rate | None = None
    timeout: float = 600.0
    patience: float = 7200.0
    poll: float | None = None
    max_size: int = 2 * 1024**3
    retry: RetryPolicy = field(default_factory=RetryPolicy)
    credits: CreditPolicy = CreditPolicy()
    schedule: Schedule | None = None
    notify: Notify | None = None
    provider: str | None = None
    bucket: str | None = None
    public: str | None = None
    account: AccountPolicy = field(default_factory=AccountPolicy)
    priority: int = 0
    expect: Expect | None = None
    remarks: Callable[[], tuple[str, ...]] = field(default=tuple, repr=False, compare=False)
    expand_rows: Callable[[], Iterator[Task]] | None = field(
        default=None, repr=False, compare=False
    )
    count_twins: Callable[[], int] = field(default=int, repr=False, compare=False)
    sheets: Callable[[], tuple[dict[str, Any], ...]] = field(
        default=tuple, repr=False, compare=False
    )

    @property
    def warnings(self) -> tuple[str, ...]:
        """Warnings about the job file, and about the rows that `tasks` has read so far."""
        return self.remarks()

    def warned(self, texts: Iterable[str]) -> "Job":
        """Return the job with additional warnings."""
        return replace(self, remarks=lambda: (*self.remarks(), *texts))

    def tasks(self) -> Iterator[Task]:
        """Yield the tasks of the job, in the order of the file."""
        return self.expand()

    def rows(self) -> Iterator[Task]:
        """Yield a task for each prompt and row, in the order of the file.

        Of twins that are rendered once (`duplicates: once`) each is there, with its own `meta` and
        the same `id`.
        """
        return (self.expand_rows or self.expand)()

    @property
    def twins(self) -> int:
        """How many twins of other tasks the last reading of `tasks` has left out."""
        return self.count_twins()
