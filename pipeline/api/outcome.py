"""What came of an attempt, and what it means: plain data that any provider fills in. Pure."""

from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import Any

import msgspec

from pipeline.errors import ExitCode
from pipeline.models import Cause, Handle


class Fault(StrEnum):
    """Why an attempt brought no whole answer, or one that is not an output."""

    NOT_SENT = "not sent"  # evidence: no byte of the request was written
    TIMEOUT = "no answer in time"  # sent, and then silence for as long as the job waits
    NO_ANSWER = "no answer"  # sent, and then a reset or closed connection
    CUT = "cut"  # the answer began and did not arrive whole
    NOT_MEDIA = "not media"  # 200, but JSON, HTML, nothing, or unknown bytes
    BROKEN_MEDIA = "broken media"  # 200 and whole as sent, but the file is not
    TOO_LARGE = "too large"
    UNSAVED = "unsaved"  # the answer came and could not be written
    NO_ID = "no id"  # 2xx, and nothing to ask for the output by
    GONE = "gone"  # accepted or paid for, and the provider does not have it any more
    INPUT_CHANGED = "input changed"  # before a byte of the request was written
    INPUT_UNAVAILABLE = "input unavailable"  # likewise: it could not be fetched, or uploaded
    INPUT_CUT = "input changed while it was sent"  # the request was broken off before its end


class Decision(StrEnum):
    """What to do with the task."""

    SUCCEED = "succeed"
    ACCEPT = "ask for the output"
    RETRY = "retry"
    THROTTLE = "pause the pool, retry"
    FAIL = "fail"
    STOP = "stop the run"
    CREDITS = "ask the balance: stop, or fail"
    IN_DOUBT = "in doubt"


class Body(msgspec.Struct, frozen=True):
    """A whole body in its part file: what it is, by its bytes."""

    size: int
    sha256: str
    extension: str
    content_type: str


class Balance(msgspec.Struct, frozen=True):
    """The answer of the balance call: None for what it did not say."""

    credits: Decimal | None = None
    simulated: bool | None = None
    detail: str = ""
    status: int | None = None


class Failure(msgspec.Struct, frozen=True):
    """That a request has failed: whether it may cost, and why; with `again` it may go again."""

    charged: bool = False
    moderated: bool = False
    again: bool = False


class Outcome(msgspec.Struct, frozen=True, kw_only=True):
    """What one attempt brought, as plain data.

    `took` is its duration in seconds, by the monotonic clock of whoever attempted it: its date is
    for the run to give, as clocks of other machines may differ. `status` is the HTTP status where
    an answer began. `text` holds the first 64 KB of an answer that is not an output, with the key
    removed. `retry_after` is in seconds from the answer. `location` is where a redirect leads.
    `hopeless` says of a request that was not sent that waiting alone will not help: nothing listens
    on this machine, there is no such name, or a certificate does not match. `accepted` is set where
    the provider answers with an id of its own: the output is to be asked for. `orphaned` says that
    nobody waits for the attempt any more, and whoever has it may yet write its part. `failure` is
    what the provider's description says of a request that failed. `unkept` is how many more outputs
    the answer had. `simulated` says whether the sandbox has answered, None where nobody did, as a
    `status` may be that of a list.
    """

    took: float
    status: int | None = None
    fault: Fault | None = None
    detail: str = ""
    text: str = ""
    body: Body | None = None
    content_type: str | None = None
    remaining: Decimal | None = None
    cost: Decimal | None = None
    request_id: str | None = None
    seed: int | str | None = None
    retry_after: float | None = None
    simulated: bool | None = None
    location: str | None = None
    hopeless: bool = False
    accepted: Handle | None = None
    orphaned: bool = False
    failure: Failure | None = None
    unkept: int = 0

    @property
    def ok(self) -> bool:
        """Whether an answer of the 2xx kind began."""
        return self.status is not None and 200 <= self.status < 300  # noqa: PLR2004

    @property
    def seconds(self) -> float:
        """How long the attempt took, as records have it."""
        return round(max(self.took, 0.0), 3)


class RequestState(StrEnum):
    """Where a request is that the provider knows by an id."""

    WAITING = "waiting"  # accepted, and not yet at work; or a state that nobody knows
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"  # and not charged
    GONE = "gone"  # answered: there is none of that id
    REFUSED = "refused"  # the key may not ask: 401, 403
    ELSEWHERE = "elsewhere"  # no address of it is the provider's: nobody is asked
    UNREACHED = "unreached"  # no answer, or one that says nothing of it: ask again


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """What the provider says of one request; never an error of the run.

    `media` is the address of its output once it is DONE, without which it cannot be fetched. `cost`
    is in US dollars, `seconds` how long it took at the provider, `retry_after` in seconds from the
    answer. `error` is the provider's own text, where it FAILED. `detail` says in one line, for
    people, what came instead of a state. `failure` says what it means that it FAILED. Of what is
    `absent` it is proven that the provider has never had it. `simulated` says that the sandbox
    answered, None where nobody did. `unkept` is how many more outputs it has.
    """

    state: RequestState
    media: str | None = None
    cost: Decimal | None = None
    remaining: Decimal | None = None
    seconds: float | None = None
    retry_after: float | None = None
    seed: int | str | None = None
    error: str = ""
    detail: str = ""
    status: int | None = None
    failure: Failure | None = None
    absent: bool = False
    simulated: bool | None = None
    unkept: int = 0

    @property
    def final(self) -> bool:
        """Whether it will not change any more."""
        return self.state in {RequestState.DONE, RequestState.FAILED}


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One request in the provider's list, however the list writes it.

    `created` is in Unix seconds. `sent` is what was sent, None where that cannot be read. What the
    list does not say, or not readably, is None or empty. `status` and `result` are where it can be
    asked for, where its id alone does not say.
    """

    id: str
    model: str = ""
    sent: Mapping[str, Any] | None = None
    created: float | None = None
    progress: Progress = Progress(state=RequestState.WAITING)
    status: str | None = None
    result: str | None = None


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A request that is looked for: by which id of ours, what was sent, when, and to which address.

    `began` is in Unix seconds. Without a `base_url`, it is not known where it was sent, or under
    which id. `inputs` are as claims and records have them.
    """

    once: str
    params: Mapping[str, Any]
    began: float
    base_url: str | None = None
    inputs: Mapping[str, Any] | None = None


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """Which requests to list: of one model, created from `since` to `until` (Unix seconds).

    `asked` are those that are looked for, for who can be asked by an id of ours.
    """

    model: str
    since: float
    until: float
    asked: tuple[Asked, ...] = ()


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """One page of the list, the newest first. `readable` is False where none could be had.

    `more` says that there may be another page after it. `detail` says in one line, for people, why
    it is not readable.
    """

    rows: tuple[Row, ...] = ()
    more: bool = False
    readable: bool = True
    detail: str = ""


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """What an outcome means, as plain data.

    `error` says in one line, for people, what came of the attempt; `reason` is its word in
    records. `outage` counts it towards an outage. `charged` says that it may have cost something,
    `charged_if_fell` that it may have where the balance fell meanwhile. `no_credits` is what the
    answer itself says where the decision is CREDITS: True for credits or a spend limit, False for
    the request, None where it is unclear. `exit_code` and `advice`, what a person can do, are those
    of a stop.
    """

    decision: Decision
    error: str = ""
    reason: Cause = Cause.UNKNOWN
    outage: bool = False
    charged: bool = False
    charged_if_fell: bool = False
    no_credits: bool | None = None
    exit_code: ExitCode = ExitCode.API_REFUSES
    advice: str = ""
