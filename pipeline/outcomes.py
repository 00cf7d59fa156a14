"""What came of an attempt, and what it means. Pure: it never sleeps, and sends nothing.

`TABLE` is the one place that turns an outcome into a decision. The first row that matches rules.
`docs/faults.md` is printed from it. Sources: the vendor's page for the codes it documents;
published logs and third-party harvests for the rest.
"""

import html
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any

from pipeline.errors import ExitCode


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
    def said(self) -> str:
        """The answer's text without what was sent, which may itself speak of safety or credits."""
        text = self.text.casefold()
        for echo in {form for sent in (self.prompt, *_texts(self.params)) for form in _forms(sent)}:
            if echo in text:  # else no pattern is made of what may be a picture
                # Whole words: a prompt of one letter must not spoil the rest.
                text = re.sub(rf"(?<!\w){re.escape(echo)}(?!\w)", " ", text)
        return text


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict | list):
        for inner in value.values() if isinstance(value, dict) else value:
            yield from _texts(inner)


def _forms(sent: str) -> set[str]:
    """List how an answer may write what was sent: as it is, or escaped for JSON or HTML."""
    forms = (
        sent,
        json.dumps(sent)[1:-1],
        json.dumps(sent, ensure_ascii=False)[1:-1],
        html.escape(sent),
    )
    return {form.casefold() for form in forms if form.strip()}


_MODERATION = re.compile(
    r"moderat(ion|ed|or)|safety|nsfw|content.(polic|filter)|prohibited.content"
)
_BLOCKED = re.compile(r"\bblocked\b")
# Whoever is blocked here is the caller, not the prompt.
_CALLER = (
    r"\b(account|api.?key|ip|ip address|organi[sz]ation|team|user|subscription|plan|billing)\b"
)
_BLOCKED_CALLER = re.compile(rf"{_CALLER}[^.]{{0,30}}\bblocked\b|\bblocked\b[^.]{{0,20}}{_CALLER}")
_NO_CREDITS = re.compile(
    r"\b(not enough|insufficient|out of|no|low|lack\w*|exhaust\w*|exceed\w*)\b"
    r"[^.]{0,30}\b(credit|balance|fund)"
    r"|(\bnot|n't)\b[^.]{0,15}\b(enough|sufficient)\b[^.]{0,30}\b(credit|balance|fund)"
    r"|\b(credit|balance|fund)s?\b[^.]{0,30}"
    r"\b(insufficient|too low|exhaust|exceed|not enough|run out|required|needed)"
    r"|\b(credit|balance|fund)s?\b[^.]{0,10}\bmust be (at least|above|more|topped)"
    r"|\b(add|buy|purchase|recharge|refill)\b[^.]{0,20}\b(credit|balance|fund)"
    r"|\b(spend\w{0,10}|budget|usage|billing|credit) (limit|cap)"
    r"|limit (has been |was )?(reached|exceeded)"
    r"|\bquota\b[^.]{0,20}\b(exceed|exhaust|reach)"
    r"|payment required|top(ped)?.?up|\b0(\.0+)? credits"
)
# Says that nothing was paid, not that nothing is left.
_NOT_CHARGED = re.compile(
    r"\bno credits?\b[^.]{0,20}\b(charged|used|deducted|taken|consumed)\b"
    r"|\bnot (been )?(charged|billed|deducted)\b"
)
_BAD_REQUEST = re.compile(r"content.?type|parameter|\bparam\b|invalid|not supported|must be")
# Speaks of the request where nothing speaks of money.
_REFUSED = re.compile(r"unsupported|not allowed|out of range|rejected")
_TAG = re.compile(r"<[^<>]*>")
_HTML = re.compile(r"^\ufeff?\s*<(!doctype|!--|\?xml|html|head|body|title|h1)")

_ABOUT_MONEY = frozenset({402, 406})
# Codes that speak of the account or the pace: there, "blocked" says nothing about the prompt.
_NOT_ABOUT_THE_PROMPT = frozenset({401, 404, 405, 410, 429})


def refused_by_moderation(outcome: Outcome) -> bool:
    """Say whether an answer that is no output refuses the prompt on safety grounds."""
    if (
        outcome.status is None
        or outcome.body
        or outcome.fault in {Fault.CUT, Fault.UNSAVED, Fault.TOO_LARGE}
    ):
        return False
    said = outcome.said
    if _HTML.match(said) or (outcome.status in _ABOUT_MONEY and means_no_credits(outcome)):
        return False
    about_caller = outcome.status in _NOT_ABOUT_THE_PROMPT
    if _MODERATION.search(said):
        return not (about_caller and re.search(_CALLER, said))
    return not about_caller and bool(_BLOCKED.search(said)) and not _BLOCKED_CALLER.search(said)


def means_no_credits(outcome: Outcome) -> bool | None:
    """Read a 406: True for credits or a spend limit, False for the request, None if unsure."""
    # Without markup, whose "content-type" is no news, and with INSUFFICIENT_CREDITS as words.
    said = _NOT_CHARGED.sub(" ", _TAG.sub(" ", outcome.said).replace("_", " "))
    if _NO_CREDITS.search(said):
        return None if _BAD_REQUEST.search(said) else True
    return False if _BAD_REQUEST.search(said) or _REFUSED.search(said) else None


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. `outage` counts it towards an outage; `charged` says it may cost.

    `remedy` says, where the run stops, what a person can do.
    """

    name: str
    when: Callable[[Outcome], bool]
    decision: Decision
    why: str
    outage: bool = False
    charged: bool = False
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

TABLE: tuple[Row, ...] = (
    Row("2xx with whole media", _ok, Decision.SUCCEED, "the clip, by its bytes", charged=True),
    Row(
        "request not sent",
        _fault(Fault.NOT_SENT),
        Decision.RETRY,
        "no byte of it was written: refused or failed connect, name lookup, TLS",
        outage=True,
    ),
    Row(
        "answer could not be saved",
        _fault(Fault.UNSAVED),
        Decision.STOP,
        "disk full or not writable: paid, and in doubt",
        charged=True,
        exit_code=ExitCode.STORAGE,
    ),
    Row(
        "no answer",
        _fault(Fault.TIMEOUT, Fault.NO_ANSWER),
        Decision.IN_DOUBT,
        "timeout, reset or close after a byte was written: it may have been paid for",
        **_DOUBT,
    ),
    Row(
        "2xx cut off or stalled",
        lambda o: o.fault is Fault.CUT and o.ok,
        Decision.IN_DOUBT,
        "the body did not arrive whole: it was probably paid for",
        **_DOUBT,
    ),
    Row(
        "2xx refused by moderation",
        lambda o: o.ok and refused_by_moderation(o),
        Decision.FAIL,
        "the text speaks of moderation or safety: the same prompt fails again; a 200 is billed",
        **_MAY_COST,
    ),
    Row(
        "refused by moderation",
        refused_by_moderation,
        Decision.FAIL,
        "any code whose text speaks of moderation or safety: the same prompt fails again",
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
    Row("408, 425", _status(408, 425), Decision.RETRY, "the server says it did not process it"),
    Row(
        "410",
        _status(410),
        Decision.STOP,
        "the model is retired",
        **_refused("choose another model in the job file"),
    ),
    Row("429", _status(429), Decision.THROTTLE, "rate limit: costs the task no attempt"),
    Row("other 4xx", _status_in(400, 499), Decision.FAIL, "the request is at fault: not charged"),
    Row(
        "500, 502, 503",
        _status(500, 502, 503),
        Decision.RETRY,
        "server error: not charged, often passing",
        outage=True,
    ),
    Row(
        "504, 520, 524, other 5xx",
        _status_in(500, 599),
        Decision.IN_DOUBT,
        "the gateway gave up on an answer: it may have been paid for",
        **_DOUBT,
    ),
    Row(
        "3xx",
        _status_in(300, 399),
        Decision.STOP,
        "redirects are not followed, they can replay a POST: wrong base URL",
        **_refused(_MEND_URL),
    ),
    Row(
        "anything else",
        lambda _: True,
        Decision.IN_DOUBT,
        "nobody knows what it means, so nobody knows what it cost",
        **_DOUBT,
    ),
)


def decide(outcome: Outcome) -> Row:
    """Find the row that rules an outcome. Every outcome has one."""
    return next(row for row in TABLE if row.when(outcome))


def describe(outcome: Outcome, row: Row) -> str:
    """Say in one line, for people, what came of an attempt."""
    if row.name.endswith("refused by moderation"):
        head = f"refused by moderation (HTTP {outcome.status})"
    elif outcome.status is not None:
        head = f"HTTP {outcome.status}" + (f", {outcome.fault}" if outcome.fault else "")
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
        marks = " | ".join("yes" if mark else "" for mark in (row.charged, row.outage))
        lines.append(f"| {row.name} | {decision} | {row.why} | {marks} |")
    return "\n".join(lines) + "\n"
