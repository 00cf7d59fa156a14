"""What came of an attempt, and what it means. Pure: it never sleeps, and sends nothing.

`TABLE` is the one place that turns an outcome into a decision. The first row that matches rules.
`docs/reference/outcomes.md` is printed from it. Sources: the vendor's page for the codes it
documents; published logs and third-party harvests for the rest.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any

from pipeline.api.wording import (
    about_money,
    judges_the_prompt,
    refuses_the_prompt,
    says_the_credits_are_gone,
    texts,
    without_echoes,
)
from pipeline.errors import ExitCode
from pipeline.models import Cause

# Characters in which an answer says what it means; a server may send more than is read in time.
_READ = 16_384


class Fault(StrEnum):
    """Why an attempt brought no whole answer, or one that is no output."""

    NOT_SENT = "not sent"  # evidence: no byte of the request was written
    TIMEOUT = "no answer in time"  # sent, and then silence for as long as the job waits
    NO_ANSWER = "no answer"  # sent, and then a reset or closed connection
    CUT = "cut"  # the answer began and did not arrive whole
    NOT_MEDIA = "not media"  # 200, but JSON, HTML, nothing, or unknown bytes
    BROKEN_MEDIA = "broken media"  # 200 and whole as sent, but the file is not
    TOO_LARGE = "too large"
    UNSAVED = "unsaved"  # the answer came and could not be written


class Decision(StrEnum):
    """What to do with the task."""

    SUCCEED = "succeed"
    RETRY = "retry"
    THROTTLE = "hold the pool, retry"
    FAIL = "fail"
    STOP = "stop the run"
    CREDITS = "ask the balance: stop, or fail"
    IN_DOUBT = "in doubt"


@dataclass(frozen=True, slots=True)
class Body:
    """A whole body in its part file: what it is, by its bytes."""

    size: int
    sha256: str
    extension: str
    content_type: str


@dataclass(frozen=True, slots=True)
class Balance:
    """The answer of the balance call: None for what it did not tell."""

    credits: Decimal | None = None
    simulated: bool | None = None
    detail: str = ""
    status: int | None = None


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one attempt brought, as plain data.

    `status` is the HTTP status where an answer began. `text` holds the first 64 KB of an answer
    that is no output, with the key removed. `retry_after` is in seconds from the answer. Times
    are Unix seconds, but `took` is by a clock that nobody sets. `location` is where a redirect
    leads. `hopeless` says of a request that was not sent that waiting alone mends nothing:
    nobody listens on this machine, no such name, a certificate that does not fit.
    """

    started: float
    finished: float
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
    simulated: bool = False
    took: float | None = None
    location: str | None = None
    hopeless: bool = False
    prompt: str = ""
    params: dict[str, Any] = field(default_factory=dict)

    @property
    def ok(self) -> bool:
        """Whether an answer of the 2xx kind began."""
        return self.status is not None and 200 <= self.status < 300  # noqa: PLR2004

    @property
    def seconds(self) -> float:
        """How long the attempt took."""
        return round(max(self.finished - self.started, 0.0) if self.took is None else self.took, 3)

    @property
    def sent(self) -> list[str]:
        """Every text of what was sent."""
        return [self.prompt, *texts(self.params)]

    @property
    def said(self) -> str:
        """The begin of the answer's text in lower case, without what was sent."""
        return without_echoes(self.text, self.sent)[:_READ]


# Codes that speak of the address, the model or the pace, whatever their text.
_NEVER_ABOUT_THE_PROMPT = frozenset({*range(300, 400), 404, 408, 410, 425, 429})
# Codes that speak of the key, the proxy or the server, unless the text is plain.
_SELDOM_ABOUT_THE_PROMPT = frozenset({401, 405, 407, *range(500, 600)})
_ABOUT_MONEY = frozenset({402, 406})
# Codes with another meaning, which some use for an empty account.
_PERHAPS_ABOUT_MONEY = frozenset({400, 403, 429})
# A gateway says that it has not reached the API.
_UNREACHED = frozenset({521, 523, 525, 526, 530})
_NEVER_PROCESSED = frozenset({500, 502, 503, *_UNREACHED})


def _may_have_worked(outcome: Outcome) -> bool:
    """Whether a server's error leaves it open if the work was done."""
    return outcome.status in range(500, 600) and outcome.status not in _NEVER_PROCESSED


def refused_by_moderation(outcome: Outcome) -> bool:
    """Say whether an answer that is no output refuses the prompt on safety grounds."""
    if (
        outcome.status is None
        or outcome.body
        or outcome.fault in {Fault.CUT, Fault.UNSAVED, Fault.TOO_LARGE}
        or outcome.status in _NEVER_ABOUT_THE_PROMPT
    ):
        return False
    if outcome.status in _SELDOM_ABOUT_THE_PROMPT:
        return judges_the_prompt(outcome.said)
    if outcome.status in _ABOUT_MONEY and means_no_credits(outcome):
        return False
    return refuses_the_prompt(outcome.said)


def means_no_credits(outcome: Outcome) -> bool | None:
    """Read a 406: True for credits or a spend limit, False for the request, None if unsure."""
    return about_money(outcome.said)


def _credits_are_gone(outcome: Outcome) -> bool:
    answered = outcome.status in _PERHAPS_ABOUT_MONEY or outcome.fault is Fault.NOT_MEDIA
    return answered and says_the_credits_are_gone(outcome.said, outcome.sent)


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. `outage` counts it towards an outage; `charged` says it may cost.

    `if_fell` says that it may have cost where the balance fell meanwhile. `reason` is the word for
    it in records, where it leads to one. `remedy` says, where the run stops, what a person can do.
    """

    name: str
    when: Callable[[Outcome], bool]
    decision: Decision
    why: str
    outage: bool = False
    charged: bool = False
    if_fell: bool = False
    reason: Cause | None = None
    exit_code: ExitCode | None = None
    remedy: str = ""


def _fault(*faults: Fault) -> Callable[[Outcome], bool]:
    return lambda outcome: outcome.fault in faults


def _status(*codes: int) -> Callable[[Outcome], bool]:
    return lambda outcome: outcome.status in codes


def _status_in(low: int, high: int) -> Callable[[Outcome], bool]:
    return lambda outcome: outcome.status is not None and low <= outcome.status <= high


def _ok(outcome: Outcome) -> bool:
    return outcome.body is not None and outcome.fault is None


def _refused(remedy: str) -> dict[str, Any]:
    return {"exit_code": ExitCode.API_REFUSES, "remedy": remedy}


_MEND_URL = "mend SEGMIND_BASE_URL or --base-url"
_MAY_COST: dict[str, Any] = {"charged": True}
_DOUBT: dict[str, Any] = {"charged": True, "outage": True}
_MODERATED: dict[str, Any] = {"reason": Cause.MODERATION}

TABLE: tuple[Row, ...] = (
    Row("2xx with whole media", _ok, Decision.SUCCEED, "the clip, by its bytes", charged=True),
    Row(
        "request not sent",
        _fault(Fault.NOT_SENT),
        Decision.RETRY,
        "no byte of it was written: refused or failed connect, name lookup, TLS",
        outage=True,
        reason=Cause.SERVER_ERROR,
    ),
    Row(
        "answer could not be saved",
        _fault(Fault.UNSAVED),
        Decision.STOP,
        "disk full or not writable: paid, and in doubt",
        charged=True,
        reason=Cause.UNSAVED,
        exit_code=ExitCode.STORAGE,
    ),
    Row(
        "no answer in time",
        _fault(Fault.TIMEOUT),
        Decision.IN_DOUBT,
        "silence for `timeout` after a byte was written: it may have been paid for",
        reason=Cause.TIMEOUT,
        **_DOUBT,
    ),
    Row(
        "no answer",
        _fault(Fault.NO_ANSWER),
        Decision.IN_DOUBT,
        "reset or close after a byte was written: it may have been paid for",
        reason=Cause.NO_ANSWER,
        **_DOUBT,
    ),
    Row(
        "2xx cut off or stalled",
        lambda o: o.fault is Fault.CUT and o.ok,
        Decision.IN_DOUBT,
        "the body did not arrive whole: it was probably paid for",
        reason=Cause.CUT,
        **_DOUBT,
    ),
    Row(
        "400, 403, 429, 2xx without media that say the credits are gone",
        _credits_are_gone,
        Decision.CREDITS,
        "words with no other meaning; of a 2xx only where the balance did not fall",
    ),
    Row(
        "2xx refused by moderation",
        lambda o: o.ok and refused_by_moderation(o),
        Decision.FAIL,
        "the text speaks of moderation or safety: the same prompt fails again; a 200 is billed",
        **_MAY_COST,
        **_MODERATED,
    ),
    Row(
        "504, 520, 522, 524, other 5xx refused by moderation",
        lambda o: _may_have_worked(o) and refused_by_moderation(o),
        Decision.FAIL,
        "the text says that the prompt, or what was made of it, was refused; it may have cost",
        **_MAY_COST,
        **_MODERATED,
    ),
    Row(
        "refused by moderation",
        refused_by_moderation,
        Decision.FAIL,
        "a 4xx that speaks of moderation or safety, a 5xx that says the prompt was refused",
        **_MODERATED,
    ),
    Row(
        "2xx without media",
        _fault(Fault.NOT_MEDIA, Fault.BROKEN_MEDIA, Fault.TOO_LARGE),
        Decision.FAIL,
        "JSON, HTML, nothing, unknown bytes, a broken file, or too many bytes; a 200 is billed",
        **_MAY_COST,
    ),
    Row(
        "401",
        _status(401),
        Decision.STOP,
        "missing or invalid key",
        **_refused("set SEGMIND_API_KEY to one that is valid"),
    ),
    Row("402", _status(402), Decision.CREDITS, "payment required: read like a 406"),
    Row(
        "403",
        _status(403),
        Decision.STOP,
        "the account may not use the model",
        **_refused("ask for access, or choose another model in the job file"),
    ),
    Row(
        "404",
        _status(404),
        Decision.STOP,
        "unknown model or wrong base URL",
        **_refused(f"mend `model` in the job file, or {_MEND_URL}"),
    ),
    Row(
        "405",
        _status(405),
        Decision.STOP,
        "method not allowed: wrong base URL",
        **_refused(_MEND_URL),
    ),
    Row(
        "406",
        _status(406),
        Decision.CREDITS,
        "out of credits or a spend limit stops the run; a parameter or content type fails the task",
    ),
    Row(
        "407",
        _status(407),
        Decision.STOP,
        "a proxy wants a password",
        **_refused("let this machine reach the API without it"),
    ),
    Row(
        "408, 425",
        _status(408, 425),
        Decision.RETRY,
        "the server says it did not process it",
        reason=Cause.SERVER_ERROR,
    ),
    Row(
        "410",
        _status(410),
        Decision.STOP,
        "the model is retired",
        **_refused("choose another model in the job file"),
    ),
    Row("429", _status(429), Decision.THROTTLE, "rate limit: costs the task no attempt"),
    Row(
        "other 4xx",
        _status_in(400, 499),
        Decision.FAIL,
        "the request is at fault: not charged",
        reason=Cause.REJECTED,
    ),
    Row(
        "500, 502, 503",
        _status(500, 502, 503),
        Decision.RETRY,
        "server error: not charged, often passing",
        outage=True,
        reason=Cause.SERVER_ERROR,
    ),
    Row(
        "521, 523, 525, 526, 530",
        _status(*_UNREACHED),
        Decision.RETRY,
        "the gateway says that it never reached the API: not charged",
        outage=True,
        reason=Cause.SERVER_ERROR,
    ),
    Row(
        "504, 522, 524",
        _status(504, 522, 524),
        Decision.IN_DOUBT,
        "the gateway gave up on an answer: it may have been paid for",
        reason=Cause.TIMEOUT,
        **_DOUBT,
    ),
    Row(
        "520, other 5xx",
        _status_in(500, 599),
        Decision.IN_DOUBT,
        "nobody says that it was not processed: it may have been paid for",
        reason=Cause.SERVER_ERROR,
        **_DOUBT,
    ),
    Row(
        "303",
        _status(303),
        Decision.STOP,
        "the work is done and its result lies elsewhere: in doubt, and not looked for there",
        reason=Cause.ELSEWHERE,
        **_MAY_COST,
        **_refused(_MEND_URL),
    ),
    Row(
        "307, 308",
        _status(307, 308),
        Decision.STOP,
        "redirects are not followed, they can replay a POST: wrong base URL",
        **_refused(_MEND_URL),
    ),
    Row(
        "other 3xx",
        _status_in(300, 399),
        Decision.STOP,
        "redirects are not followed; in doubt where it cost something: wrong base URL",
        if_fell=True,
        reason=Cause.ELSEWHERE,
        **_refused(_MEND_URL),
    ),
    Row(
        "anything else",
        lambda _: True,
        Decision.IN_DOUBT,
        "nobody knows what it means, so nobody knows what it cost",
        reason=Cause.UNKNOWN,
        **_DOUBT,
    ),
)
_OF_FAULTS = {
    Fault.NOT_MEDIA: Cause.NOT_MEDIA,
    Fault.BROKEN_MEDIA: Cause.BROKEN_MEDIA,
    Fault.TOO_LARGE: Cause.TOO_LARGE,
}


def decide(outcome: Outcome, *, solvent: bool = False) -> Row:
    """Find the row that rules an outcome. Every outcome has one.

    `solvent` says that the account has the money, whatever the answer says: the rows that ask for
    the balance do not apply.
    """
    rows = (row for row in TABLE if not (solvent and row.decision is Decision.CREDITS))
    return next(row for row in rows if row.when(outcome))


def cause(outcome: Outcome) -> Cause:
    """Name in one word what came of an attempt that brought no output."""
    return (
        decide(outcome, solvent=True).reason
        or (_OF_FAULTS.get(outcome.fault) if outcome.fault else None)
        or Cause.UNKNOWN
    )


def describe(outcome: Outcome, row: Row) -> str:
    """Say in one line, for people, what came of an attempt."""
    if row.name.endswith("refused by moderation"):
        head = f"refused by moderation (HTTP {outcome.status})"
    elif outcome.status is not None:
        goal = f" to {_first_words(outcome.location)}" if outcome.location else ""
        head = f"HTTP {outcome.status}{goal}" + (f", {outcome.fault}" if outcome.fault else "")
    else:
        head = str(outcome.fault or "unknown")
    said = outcome.detail or _first_words(outcome.text)
    return f"{head}: {said}" if said else head


def _first_words(text: str, most: int = 200) -> str:
    # No part of it looks at a place twice: a server may send what it likes.
    stripped = re.sub(
        r"<(script|style)\b.*?(</\1>|\Z)|<[^<>]*>", " ", text, flags=re.DOTALL | re.IGNORECASE
    )
    words = " ".join("".join(c if c.isprintable() else " " for c in stripped).split())
    return words if len(words) <= most else words[: most - 1] + "…"


def table_markdown() -> str:
    """Print the table as Markdown, as it stands in the documentation."""
    lines = ["| outcome | decision | why | may cost | counts as outage |", "|---|---|---|---|---|"]
    for row in TABLE:
        decision = f"{row.decision}" + (f" ({int(row.exit_code)})" if row.exit_code else "")
        cost = "yes" if row.charged else "where the balance fell" if row.if_fell else ""
        outage = "yes" if row.outage else ""
        lines.append(f"| {row.name} | {decision} | {row.why} | {cost} | {outage} |")
    return "\n".join(lines) + "\n"
