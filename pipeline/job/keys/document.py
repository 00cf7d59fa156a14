"""The job file's schema: every key, its type, its bounds and what it is for.

The JSON Schema that editors use is printed from these declarations; so is every check of a key.
"""

from datetime import time
from decimal import Decimal
from enum import StrEnum
from typing import Any, Self

from pipeline.api import providers
from pipeline.job.items import Duplicates, Given
from pipeline.job.keys.fields import (
    ACCOUNT_NAME,
    ASPECT_RATIO,
    COST,
    ENV_NAME,
    FREE,
    GATE,
    IN_DOUBT,
    KEY_NAME,
    MODEL,
    MONEY,
    NAME,
    NAME_PATTERN,
    OUTPUT_DIR,
    PRESENCE,
    PROSE,
    PROVIDER,
    PUBLIC,
    RATE,
    SECONDS,
    SIZE,
    TEXT,
    TIMEZONE,
    WHOLE,
    WINDOW,
    one_or_more,
    word,
)
from pipeline.job.keys.inputs import INPUTS
from pipeline.job.keys.mappings import (
    Fault,
    FaultsError,
    Kind,
    Strict,
    declare,
    listed,
    mapping,
)
from pipeline.job.keys.sources import SOURCES, Keys
from pipeline.job.nodes import kind_of
from pipeline.job.problems import InvalidError, shown
from pipeline.job.yaml.scalars import MOST_PRIORITY, boolean
from pipeline.models import CreditPolicy, Gate, InDoubt, Presence, Rate, RetryPolicy

MOST_IN_FLIGHT = 2_000
MOST_TAKES = 1_000
MOST_PATIENCE = 31 * 86_400  # seconds; no provider's list of requests reaches further back at once
LEAST_POLL, MOST_POLL = 0.1, 3_600

# Whose defaults are the job file's.
_RETRY, _CREDITS = RetryPolicy(), CreditPolicy()


class OutputKeys(Strict):
    """Where clips go, and what they are called."""

    dir: str | None = declare(
        OUTPUT_DIR,
        "Directory of clips and manifest, relative to the job file. Default: outputs/<name>. "
        "Or the address of a bucket, where clips go: s3://bucket/prefix, gs:// or az://.",
        default=None,
        examples=["../renders/spring", "~/renders", "s3://my-clips/spring"],
    )
    public: str | None = declare(
        PUBLIC,
        "Where people find an object of the bucket: {path} stands for its name below the prefix.",
        default=None,
        examples=["https://cdn.example.com/spring/{path}"],
    )
    name: str | None = declare(
        NAME,
        "Template of a clip's name, without extension; / makes folders. "
        "Default: a readable slug and a short hash.",
        default=None,
        examples=["{{ publish | date('%Y-%m-%d') }}-{{ channel }}-{{ id }}"],
    )
    max_size: int = declare(
        SIZE,
        "An answer larger than this is given up: bytes, or such as 500MB.",
        default=2 * 1024**3,
        least=1,
        examples=["2GiB", "500MB"],
    )


class RetryKeys(Strict):
    """What happens after a passing fault."""

    attempts: int = declare(
        WHOLE,
        "Attempts at a task, the first included.",
        default=_RETRY.attempts,
        least=1,
        most=100,
        examples=[5],
    )
    wait: float = declare(
        SECONDS,
        "First pause between attempts; it doubles.",
        default=_RETRY.wait,
        least=0.0,
        examples=[1, "2s"],
    )
    max_wait: float = declare(
        SECONDS,
        "Longest pause.",
        default=_RETRY.max_wait,
        least=0.0,
        examples=[60, "2m"],
    )
    outage: float | None = declare(
        SECONDS,
        "Patience with an outage before the run stops. "
        "Default: 2 hours, or 10 minutes while nothing has succeeded yet.",
        default=None,
        least=0,
        examples=["2h"],
    )
    in_doubt: InDoubt = declare(
        IN_DOUBT,
        "A request whose answer never arrived may have been paid for: "
        "hold waits for you, resend risks paying twice.",
        default=_RETRY.in_doubt,
        examples=["hold"],
    )


class CreditsKeys(Strict):
    """What may be spent, in US dollars."""

    cost: Decimal | str | None = declare(
        COST,
        "Price of one task, or a template of its parameters. Default: the published price, else "
        "learned from answers.",
        default=None,
        examples=[0.95, "{{ duration * 0.08 }}"],
    )
    budget: Decimal | None = declare(
        MONEY,
        "Most that this job may ever cost, over all its runs.",
        default=None,
        examples=[100],
    )
    reserve: Decimal = declare(
        MONEY,
        "Balance to leave untouched for others.",
        default=_CREDITS.reserve,
        examples=[5],
    )
    gate: Gate = declare(
        GATE,
        "Where the balance is learned: auto (answers and the balance call), "
        "header (answers alone), off (only a 406 stops).",
        default=_CREDITS.gate,
        examples=["auto"],
    )


class AccountKeys(Strict):
    """What holds for all runs on one key together, each with the least limits of all of them."""

    concurrency: int | None = declare(
        WHOLE,
        "Most requests in flight, over all runs on this key.",
        default=None,
        least=1,
        most=MOST_IN_FLIGHT,
        examples=[20],
    )
    rate: Rate | None = declare(
        RATE,
        "Most requests over time, over all runs on this key.",
        default=None,
        examples=["60/minute"],
    )
    day: Decimal | None = declare(
        MONEY,
        "Most that all jobs on this key may cost in a day, in US dollars; at 0 nothing "
        "is sent. Days are those of the schedule's time zone, otherwise of this machine's.",
        default=None,
        examples=[50],
    )
    month: Decimal | None = declare(
        MONEY,
        "Most that all jobs on this key may cost in a calendar month, in US dollars; "
        "at 0 nothing is sent.",
        default=None,
        examples=[600],
    )
    key: str | None = declare(
        KEY_NAME,
        "Name of the environment variable that holds the key, such as "
        f"{providers.get().key_variable}_ACME; one that is named for another service is refused. "
        "Default: the provider's own.",
        default=None,
        examples=[f"{providers.get().key_variable}_ACME"],
    )
    name: str | None = declare(
        ACCOUNT_NAME,
        "What records call the account. Default: 8 digits of a hash.",
        default=None,
        examples=["acme"],
    )


class AccountOff(AccountKeys):
    """`account: off`: the run is alone, whatever other runs do."""


def _account(value: object) -> AccountKeys:
    """Take a mapping, or one of YAML's words for no."""
    if isinstance(value, str):
        if boolean(value) is not False:
            raise InvalidError(
                f"a mapping or off is expected, not {shown(value)}",
                "such as {day: 50, month: 600}; off: this run is alone on its key",
            )
        return AccountOff()
    if isinstance(value, list):
        raise InvalidError(f"a mapping or off is expected, not {kind_of(value)}", "{day: 50}")
    return AccountKeys.read(value)


class ScheduleKeys(Strict):
    """When requests may be sent."""

    window: tuple[time, time] = declare(
        WINDOW,
        "Daily window; it may span midnight.",
        examples=["22:00-07:00"],
    )
    timezone: str | None = declare(
        TIMEZONE,
        "Time zone of the window. Default: this machine's.",
        default=None,
        examples=["Europe/London"],
    )


class ExpectKeys(Strict):
    """What clips should be like. What is not is flagged, and never rendered again."""

    aspect_ratio: str | bool | None = declare(
        ASPECT_RATIO,
        "The shape: true is the parameter aspect_ratio of each task. Sides may be rounded.",
        default=None,
        examples=[True, "16:9"],
    )
    min_duration: float | None = declare(
        SECONDS, "Shortest duration.", default=None, least=0, examples=["4s"]
    )
    max_duration: float | None = declare(
        SECONDS, "Longest duration.", default=None, above=0, examples=["1m"]
    )
    min_width: int | None = declare(
        WHOLE, "Least width, in pixels.", default=None, least=1, examples=[1280]
    )
    max_width: int | None = declare(
        WHOLE, "Largest width, in pixels.", default=None, least=1, examples=[1920]
    )
    min_height: int | None = declare(
        WHOLE, "Least height, in pixels.", default=None, least=1, examples=[720]
    )
    max_height: int | None = declare(
        WHOLE, "Largest height, in pixels.", default=None, least=1, examples=[1920]
    )
    audio: Presence = declare(
        PRESENCE, "Whether there is sound.", default=Presence.ANY, examples=["any", "yes", "no"]
    )
    content_credentials: Presence = declare(
        PRESENCE,
        "Whether there are content credentials (C2PA). They are not verified.",
        default=Presence.ANY,
        examples=["yes"],
    )

    @classmethod
    def read(cls, value: Any) -> Self:
        """Read a mapping, whose bounds leave something between them."""
        taken = super().read(value)
        faults = [
            Fault((f"max_{name}",), f"must be at least min_{name}, which is {least:g}")
            for name in ("duration", "width", "height")
            if (least := getattr(taken, f"min_{name}")) is not None
            and (most := getattr(taken, f"max_{name}")) is not None
            and most < least
        ]
        if faults:
            raise FaultsError(faults)
        return taken


class Event(StrEnum):
    """What a message can be about."""

    END = "end"
    STOP = "stop"
    OUTAGE = "outage"
    CAP = "cap"


class NotifyKeys(Strict):
    """Whom to notify. Addresses are secrets: they live in the environment, not here."""

    to: tuple[str, ...] = declare(
        one_or_more(ENV_NAME),
        "Names of environment variables that hold Apprise addresses.",
        examples=[["NOTIFY_URL"]],
    )
    on: tuple[Event, ...] = declare(
        one_or_more(word(Event)),
        "When: at the end, at a stop, in an outage, when 80 % of a cap is used.",
        default=tuple(Event),
        examples=[["end", "stop"]],
    )


class PromptKeys(Strict):
    """One prompt, with what belongs to it. A bare text is short for its `prompt` alone."""

    id: str | None = declare(
        TEXT,
        "A stable, unique name. With one, the prompt can be edited and its clip is "
        "rendered again; without, the prompt and its parameters are the identity.",
        default=None,
        examples=["hero", "2026-12-01-instagram"],
    )
    prompt: str | None = declare(
        PROSE,
        "What to render. A Jinja template where there are vars or a matrix. "
        "Default: the job's `prompt` template.",
        default=None,
        examples=["A lighthouse at dusk, camera orbit right"],
    )
    params: dict[str, Any] = declare(
        FREE,
        "Parameters of this prompt alone; they win over the job's and the matrix's.",
        default={},
        examples=[{"loop": True}],
    )
    inputs: dict[str, Given] = declare(
        INPUTS,
        "Files and addresses of this prompt alone; they win over the job's.",
        default={},
        examples=[{"start_image_url": "frames/hero.png"}],
    )
    vars: dict[str, Any] = declare(
        FREE,
        "Variables for templates; they win over the job's.",
        default={},
        examples=[{"mood": "calm"}],
    )
    meta: dict[str, Any] = declare(
        FREE,
        "Free to use, never sent; kept in the manifest.",
        default={},
        examples=[{"publish": "2026-12-01", "channel": "instagram"}],
    )
    priority: int = declare(
        WHOLE,
        "Higher goes first, so that a short balance buys it.",
        default=0,
        least=-MOST_PRIORITY,
        most=MOST_PRIORITY,
        examples=[10],
    )
    takes: int | None = declare(
        WHOLE,
        "How many renders of this prompt, in place of the job's `takes`.",
        default=None,
        least=1,
        most=MOST_TAKES,
        examples=[3],
    )

    @classmethod
    def read(cls, value: Any) -> "PromptKeys":
        """Read a mapping, or a bare text."""
        return super().read({"prompt": value} if isinstance(value, str) else value)


class Head(Strict):
    """Everything of a job file except its inline prompts."""

    name: str | None = declare(
        NAME,
        "The job's name. Default: the file's.",
        default=None,
        schema={"pattern": NAME_PATTERN},
        examples=["spring-campaign"],
    )
    model: str = declare(
        MODEL,
        "The model: the last part of its URL, or with its owner where the provider has owners.",
        examples=[*providers.get().models],
    )
    provider: str | None = declare(
        PROVIDER,
        "Which API renders, and how it is asked: segmind (v1: one call, whose answer "
        "is the clip) or segmind-v2 (the API accepts a request and is asked for the clip); another "
        "that is known (`pipeline providers`), or the file of a description, ./my-api.yaml. "
        "Default: segmind. Another provider renders nothing again.",
        default=None,
        examples=[*providers.names(), "./my-api.yaml"],
    )
    params: dict[str, Any] = declare(
        FREE,
        "Parameters sent with every prompt. `seed: auto` sends a seed made of the task's "
        "identity: always the same, and another one for each take.",
        default={},
        examples=[{"loop": False, "aspect_ratio": "16:9"}],
    )
    inputs: dict[str, Given] = declare(
        INPUTS,
        "Files to send with every prompt, by parameter: paths, relative to the job file, or "
        "http(s) addresses; templates; or lists. What a file contains counts, not its name. "
        "{file: …, form: …} says how it is sent: url, data_uri, base64. "
        "Default: as the provider takes it.",
        default={},
        examples=[
            {"start_image_url": "frames/{{ id }}.png"},
            {"image": {"file": "hero.png", "form": "base64"}},
        ],
    )
    matrix: dict[str, Any] = declare(
        FREE,
        "Lists of values of parameters: every prompt is rendered with every "
        "combination. `vars` has lists of words for templates, which are not sent. "
        "`exclude` lists combinations, or parts of them, to leave out.",
        default={},
        examples=[{"aspect_ratio": ["16:9", "9:16"], "exclude": [{"aspect_ratio": "9:16"}]}],
    )
    takes: int = declare(
        WHOLE,
        "How many renders of each, like takes of a scene.",
        default=1,
        least=1,
        most=MOST_TAKES,
        examples=[1, 3],
    )
    prompts_from: tuple[Keys, ...] = declare(
        SOURCES,
        "An .xlsx, .ods, .csv, .tsv, .jsonl, .json or .txt file of prompts, or a list of them, "
        "relative to the job file. Each row is a prompt; its columns are variables, and kept "
        "as meta. {job: stills.yaml}: each clip of another job is a row, with its file as output.",
        default=(),
        examples=[
            "calendar.csv",
            ["spring.csv", "extra.jsonl"],
            {"file": "plan.xlsx", "sheet": "December", "dates": "%m/%d/%Y"},
            {"job": "stills.yaml", "which": "kept"},
        ],
    )
    duplicates: Duplicates = declare(
        word(Duplicates),
        "What prompts without ids are that would send the same request: an error, or one task "
        "that is rendered once; `pipeline export` lists each.",
        default=Duplicates.ERROR,
        examples=["once"],
    )
    prompt: str | None = declare(
        PROSE,
        "Jinja template for rows and prompts that have no prompt of their own.",
        default=None,
        examples=["{{ subject }}, {{ mood }} light"],
    )
    vars: dict[str, Any] = declare(
        FREE,
        "Variables for the templates of every prompt.",
        default={},
        examples=[{"brand": "Nordlicht"}],
    )
    output: OutputKeys = declare(
        mapping(OutputKeys),
        "Where clips go, and what they are called.",
        default=OutputKeys(),
    )
    concurrency: int = declare(
        WHOLE,
        "Most requests in flight.",
        default=5,
        least=1,
        most=MOST_IN_FLIGHT,
        examples=[8],
    )
    rate: Rate | None = declare(
        RATE,
        "Most requests over time.",
        default=None,
        examples=["60/minute", "1/s", "5/10s"],
    )
    timeout: float = declare(
        SECONDS,
        "Seconds to wait for an answer to begin.",
        default=600.0,
        above=0.0,
        most=86_400.0,
        examples=[600, "10m"],
    )
    patience: float = declare(
        SECONDS,
        "How long a run waits for a request that the API has accepted. The next run "
        "asks for it again; it is never sent again.",
        default=7200.0,
        above=0.0,
        most=float(MOST_PATIENCE),
        examples=["2h", "30m"],
    )
    poll: float | None = declare(
        SECONDS,
        "Time between two questions for an accepted request. Default: from 2 seconds up to 15.",
        default=None,
        least=LEAST_POLL,
        most=MOST_POLL,
        examples=["1s", "30s"],
    )
    retry: RetryKeys = declare(
        mapping(RetryKeys),
        "What happens after a passing fault.",
        default=RetryKeys(),
    )
    credits: CreditsKeys = declare(
        mapping(CreditsKeys),
        "What may be spent, in US dollars.",
        default=CreditsKeys(),
    )
    account: AccountKeys = declare(
        Kind(_account, refers=AccountKeys),
        "What holds for all runs on one key together. With off, the run is alone.",
        default=AccountKeys(),
        examples=[{"concurrency": 20, "rate": "60/minute", "day": 50, "month": 600}],
    )
    priority: int = declare(
        WHOLE,
        "Of several runs on one key that wait, one with a higher priority goes first.",
        default=0,
        least=-MOST_PRIORITY,
        most=MOST_PRIORITY,
        examples=[10],
    )
    expect: ExpectKeys | None = declare(
        mapping(ExpectKeys),
        "What clips should be like. What is not is flagged, and never rendered again.",
        default=None,
    )
    schedule: ScheduleKeys | None = declare(
        mapping(ScheduleKeys),
        "When requests may be sent.",
        default=None,
    )
    notify: NotifyKeys | None = declare(
        mapping(NotifyKeys),
        "Whom to notify, and when.",
        default=None,
    )


class Document(Head):
    """A job for pipeline: what to render, with which model, and what it may cost."""

    prompts: tuple[PromptKeys, ...] = declare(
        listed(mapping(PromptKeys), lambda value: value),
        "What to render: texts, or mappings.",
        default=(),
        examples=[["A lighthouse at dusk, camera orbit right"]],
    )
