"""The job file's schema: every key, its type, its bounds and what it is for.

The JSON Schema that editors use is made from these models; so is every check of a key.
"""

from enum import StrEnum
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from pipeline.api import providers
from pipeline.job.items import Duplicates
from pipeline.job.keys.fields import (
    NAME_PATTERN,
    AccountName,
    EnvName,
    GateWord,
    InDoubtWord,
    KeyName,
    ModelName,
    Money,
    Name,
    Prose,
    ProviderName,
    RateField,
    Seconds,
    Size,
    Text,
    Timezone,
    Whole,
    Window,
    kind,
    one_of,
    one_or_more,
)
from pipeline.job.problems import InvalidError, shown
from pipeline.job.yaml.scalars import MOST_PRIORITY, boolean
from pipeline.models import CreditPolicy, RetryPolicy

MOST_IN_FLIGHT = 2_000
MOST_TAKES = 1_000
MOST_PATIENCE = 31 * 86_400  # seconds; no provider's list of requests reaches further back at once
LEAST_POLL, MOST_POLL = 0.1, 3_600

# Whose defaults are the job file's.
_RETRY, _CREDITS = RetryPolicy(), CreditPolicy()


class Strict(BaseModel):
    """A mapping of known keys; a key whose value is null counts as absent."""

    # Only what is validated is built: start-up counts.
    model_config = ConfigDict(extra="forbid", frozen=True, defer_build=True)

    @model_validator(mode="before")
    @classmethod
    def _absent(cls, value: Any) -> Any:
        if isinstance(value, dict) and None in value.values():
            # An unknown key stays: it is reported whether or not it has a value.
            known = cls.model_fields
            return {k: item for k, item in value.items() if item is not None or k not in known}
        return value


class OutputKeys(Strict):
    """Where clips go, and what they are called."""

    dir: Name | None = Field(
        default=None,
        description="Directory of clips and manifest, relative to the job file. "
        "Default: outputs/<name>.",
        examples=["../renders/spring", "~/renders"],
    )
    name: Name | None = Field(
        default=None,
        description="Template of a clip's name, without extension; / makes folders. "
        "Default: a readable slug and a short hash.",
        examples=["{{ publish | date('%Y-%m-%d') }}-{{ channel }}-{{ id }}"],
    )
    max_size: Size = Field(
        default=2 * 1024**3,
        ge=1,
        description="An answer larger than this is given up: bytes, or such as 500MB.",
        examples=["2GiB", "500MB"],
    )


class RetryKeys(Strict):
    """What happens after a passing fault."""

    attempts: Whole = Field(
        default=_RETRY.attempts,
        ge=1,
        le=100,
        description="Attempts at a task, the first included.",
        examples=[5],
    )
    wait: Seconds = Field(
        default=_RETRY.wait,
        ge=0,
        description="First pause between attempts; it doubles.",
        examples=[1, "2s"],
    )
    max_wait: Seconds = Field(
        default=_RETRY.max_wait, ge=0, description="Longest pause.", examples=[60, "2m"]
    )
    outage: Seconds | None = Field(
        default=None,
        ge=0,
        description="Patience with an outage before the run stops. "
        "Default: 2 hours, or 10 minutes while nothing has succeeded yet.",
        examples=["2h"],
    )
    in_doubt: InDoubtWord = Field(
        default=_RETRY.in_doubt,
        description="A request whose answer never arrived may have been paid for: "
        "hold waits for you, resend risks paying twice.",
        examples=["hold"],
    )


class CreditsKeys(Strict):
    """What may be spent, in US dollars."""

    cost: Money | None = Field(
        default=None,
        description="Price of one task. Default: the published price, else learned from answers.",
        examples=[0.95],
    )
    budget: Money | None = Field(
        default=None,
        description="Most that this job may ever cost, over all its runs.",
        examples=[100],
    )
    reserve: Money = Field(
        default=_CREDITS.reserve, description="Balance to leave untouched for others.", examples=[5]
    )
    gate: GateWord = Field(
        default=_CREDITS.gate,
        description="Where the balance is learned: auto (answers and the balance call), "
        "header (answers alone), off (only a 406 stops).",
        examples=["auto"],
    )


class AccountKeys(Strict):
    """What holds for all runs on one key together, each with the least limits of all of them."""

    concurrency: Whole | None = Field(
        default=None,
        ge=1,
        le=MOST_IN_FLIGHT,
        description="Most requests in flight, over all runs on this key.",
        examples=[20],
        json_schema_extra={"minimum": 1, "maximum": MOST_IN_FLIGHT},
    )
    rate: RateField | None = Field(
        default=None,
        description="Most requests over time, over all runs on this key.",
        examples=["60/minute"],
    )
    day: Money | None = Field(
        default=None,
        description="Most that all jobs on this key may cost in a day, in US dollars; at 0 nothing "
        "is sent. Days are those of the schedule's time zone, otherwise of this machine's.",
        examples=[50],
    )
    month: Money | None = Field(
        default=None,
        description="Most that all jobs on this key may cost in a calendar month, in US dollars; "
        "at 0 nothing is sent.",
        examples=[600],
    )
    key: KeyName | None = Field(
        default=None,
        description="Name of the environment variable that holds the key, such as "
        f"{providers.get().key_variable}_ACME; one that is named for another service is refused. "
        "Default: the provider's own.",
        examples=[f"{providers.get().key_variable}_ACME"],
    )
    name: AccountName | None = Field(
        default=None,
        description="What records call the account. Default: 8 digits of a hash.",
        examples=["acme"],
    )


class AccountOff(AccountKeys):
    """`account: off`: the run is alone, whatever other runs do."""


def _account(value: object) -> object:
    """Take a mapping, or one of YAML's words for no."""
    if isinstance(value, str):
        if boolean(value) is not False:
            raise InvalidError(
                f"a mapping or off is expected, not {shown(value)}",
                "such as {day: 50, month: 600}; off: this run is alone on its key",
            )
        return AccountOff()
    if isinstance(value, list):
        raise InvalidError(f"a mapping or off is expected, not {kind(value)}", "{day: 50}")
    return value


class ScheduleKeys(Strict):
    """When requests may be sent."""

    window: Window = Field(
        description="Daily window; it may span midnight.", examples=["22:00-07:00"]
    )
    timezone: Timezone | None = Field(
        default=None,
        description="Time zone of the window. Default: this machine's.",
        examples=["Europe/London"],
    )


class Event(StrEnum):
    """What a message can be about."""

    END = "end"
    STOP = "stop"
    OUTAGE = "outage"
    CAP = "cap"


class NotifyKeys(Strict):
    """Whom to notify. Addresses are secrets: they live in the environment, not here."""

    to: Annotated[tuple[EnvName, ...], BeforeValidator(one_or_more)] = Field(
        description="Names of environment variables that hold Apprise addresses.",
        examples=[["NOTIFY_URL"]],
    )
    on: Annotated[
        tuple[Annotated[Event, BeforeValidator(one_of(Event))], ...], BeforeValidator(one_or_more)
    ] = Field(
        default=tuple(Event),
        description="When: at the end, at a stop, in an outage, when 80 % of a cap is used.",
        examples=[["end", "stop"]],
    )


class PromptKeys(Strict):
    """One prompt, with what belongs to it. A bare text is short for its `prompt` alone."""

    id: Text | None = Field(
        default=None,
        description="A stable, unique name. With one, the prompt can be edited and its clip is "
        "rendered again; without, the prompt and its parameters are the identity.",
        examples=["hero", "2026-12-01-instagram"],
    )
    prompt: Prose | None = Field(
        default=None,
        description="What to render. A Jinja template where there are vars or a matrix. "
        "Default: the job's `prompt` template.",
        examples=["A lighthouse at dusk, camera orbit right"],
    )
    params: dict[str, Any] = Field(
        default_factory=dict,
        description="Parameters of this prompt alone; they win over the job's and the matrix's.",
        examples=[{"loop": True}],
    )
    vars: dict[str, Any] = Field(
        default_factory=dict,
        description="Variables for templates; they win over the job's.",
        examples=[{"mood": "calm"}],
    )
    meta: dict[str, Any] = Field(
        default_factory=dict,
        description="Free to use, never sent; kept in the manifest.",
        examples=[{"publish": "2026-12-01", "channel": "instagram"}],
    )
    priority: Whole = Field(
        default=0,
        ge=-MOST_PRIORITY,
        le=MOST_PRIORITY,
        description="Higher goes first, so that a short balance buys it.",
        examples=[10],
    )

    @model_validator(mode="before")
    @classmethod
    def _bare(cls, value: Any) -> Any:
        return {"prompt": value} if isinstance(value, str) else value


class Head(Strict):
    """Everything of a job file except its inline prompts."""

    name: Name | None = Field(
        default=None,
        description="The job's name. Default: the file's.",
        examples=["spring-campaign"],
        json_schema_extra={"pattern": NAME_PATTERN},
    )
    model: ModelName = Field(
        description="The model: the last part of its URL.",
        examples=[*providers.get().models],
    )
    provider: ProviderName | None = Field(
        default=None,
        description="Which API renders, and how it is asked: segmind (v1: one call, whose answer "
        "is the clip) or segmind-v2 (the API accepts a request and is asked for the clip). "
        "Default: segmind. Another provider renders nothing again.",
        examples=[*providers.names()],
    )
    params: dict[str, Any] = Field(
        default_factory=dict,
        description="Parameters sent with every prompt.",
        examples=[{"loop": False, "aspect_ratio": "16:9"}],
    )
    matrix: dict[str, Any] = Field(
        default_factory=dict,
        description="Lists of values of parameters: every prompt is rendered with every "
        "combination. `exclude` lists combinations, or parts of them, to leave out.",
        examples=[{"aspect_ratio": ["16:9", "9:16"], "exclude": [{"aspect_ratio": "9:16"}]}],
    )
    takes: Whole = Field(
        default=1,
        ge=1,
        le=MOST_TAKES,
        description="How many renders of each, like takes of a scene.",
        examples=[1, 3],
    )
    prompts_from: Annotated[tuple[Name, ...], BeforeValidator(one_or_more)] = Field(
        default=(),
        description="A .csv, .tsv, .jsonl, .json or .txt file of prompts, or a list of them, "
        "relative to the job file. Each row is a prompt; its columns are variables, and kept "
        "as meta.",
        examples=["calendar.csv", ["spring.csv", "extra.jsonl"]],
    )
    duplicates: Annotated[Duplicates, BeforeValidator(one_of(Duplicates))] = Field(
        default=Duplicates.ERROR,
        description="What prompts without ids are that would send the same request: "
        "an error, or rendered once.",
        examples=["once"],
    )
    prompt: Prose | None = Field(
        default=None,
        description="Jinja template for rows and prompts that have no prompt of their own.",
        examples=["{{ subject }}, {{ mood }} light"],
    )
    vars: dict[str, Any] = Field(
        default_factory=dict,
        description="Variables for the templates of every prompt.",
        examples=[{"brand": "Nordlicht"}],
    )
    output: OutputKeys = Field(
        default_factory=OutputKeys, description="Where clips go, and what they are called."
    )
    concurrency: Whole = Field(
        default=5, ge=1, le=MOST_IN_FLIGHT, description="Most requests in flight.", examples=[8]
    )
    rate: RateField | None = Field(
        default=None, description="Most requests over time.", examples=["60/minute", "1/s", "5/10s"]
    )
    timeout: Seconds = Field(
        default=600.0,
        gt=0,
        le=86_400,
        description="Seconds to wait for an answer to begin.",
        examples=[600, "10m"],
        json_schema_extra={"exclusiveMinimum": 0, "maximum": 86_400},
    )
    patience: Seconds = Field(
        default=7200.0,
        gt=0,
        le=MOST_PATIENCE,
        description="How long a run waits for a request that the API has accepted. The next run "
        "asks for it again; it is never sent again.",
        examples=["2h", "30m"],
        json_schema_extra={"exclusiveMinimum": 0, "maximum": MOST_PATIENCE},
    )
    poll: Seconds | None = Field(
        default=None,
        ge=LEAST_POLL,
        le=MOST_POLL,
        description="Time between two questions for an accepted request. "
        "Default: from 2 seconds up to 15.",
        examples=["1s", "30s"],
        json_schema_extra={"minimum": LEAST_POLL, "maximum": MOST_POLL},
    )
    retry: RetryKeys = Field(
        default_factory=RetryKeys, description="What happens after a passing fault."
    )
    credits: CreditsKeys = Field(
        default_factory=CreditsKeys, description="What may be spent, in US dollars."
    )
    account: Annotated[AccountKeys, BeforeValidator(_account)] = Field(
        default_factory=AccountKeys,
        description="What holds for all runs on one key together. With off, the run is alone.",
        examples=[{"concurrency": 20, "rate": "60/minute", "day": 50, "month": 600}],
    )
    priority: Whole = Field(
        default=0,
        ge=-MOST_PRIORITY,
        le=MOST_PRIORITY,
        description="Of several runs on one key that wait, one with a higher priority goes first.",
        examples=[10],
    )
    schedule: ScheduleKeys | None = Field(default=None, description="When requests may be sent.")
    notify: NotifyKeys | None = Field(default=None, description="Whom to notify, and when.")


class Document(Head):
    """A job for pipeline: what to render, with which model, and what it may cost."""

    prompts: tuple[PromptKeys, ...] = Field(
        default=(),
        description="What to render: texts, or mappings.",
        examples=[["A lighthouse at dusk, camera orbit right"]],
    )
