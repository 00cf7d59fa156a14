"""What an answer of Segmind leads to: the table, whose first row that matches rules.

`docs/reference/outcomes.md` is printed from it. Sources: the vendor's page for the codes that it
documents; published logs and third-party harvests for the rest.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from pipeline.api.outcome import Decision, Fault
from pipeline.api.segmind.answer import (
    UNREACHED,
    Answer,
    credits_are_gone,
    may_have_worked,
    refused_by_moderation,
)
from pipeline.errors import ExitCode
from pipeline.models import Cause


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the table. `outage` counts it towards an outage; `charged` says it may cost.

    `if_fell` says that it may have cost where the balance fell meanwhile. `reason` is the word for
    it in records, where it leads to one. `remedy` says, where the run stops, what a person can do.
    """

    name: str
    when: Callable[[Answer], bool]
    decision: Decision
    why: str
    outage: bool = False
    charged: bool = False
    if_fell: bool = False
    reason: Cause | None = None
    exit_code: ExitCode | None = None
    remedy: str = ""


def _fault(*faults: Fault) -> Callable[[Answer], bool]:
    return lambda answer: answer.fault in faults


def _status(*codes: int) -> Callable[[Answer], bool]:
    return lambda answer: answer.status in codes


def _status_in(low: int, high: int) -> Callable[[Answer], bool]:
    return lambda answer: answer.status is not None and low <= answer.status <= high


def _ok(answer: Answer) -> bool:
    return answer.outcome.body is not None and answer.fault is None


def _refused(remedy: str) -> dict[str, Any]:
    return {"exit_code": ExitCode.API_REFUSES, "remedy": remedy}


_FIX_URL = "correct SEGMIND_BASE_URL or --base-url"
_MAY_COST: dict[str, Any] = {"charged": True}
_DOUBT: dict[str, Any] = {"charged": True, "outage": True}
_MODERATED: dict[str, Any] = {"reason": Cause.MODERATION}

TABLE: tuple[Row, ...] = (
    Row("2xx with whole media", _ok, Decision.SUCCEED, "the clip, by its bytes", charged=True),
    Row(
        "v2: 2xx with an id",
        lambda answer: answer.outcome.accepted is not None,
        Decision.ACCEPT,
        "the provider has the request: nothing of it is in doubt, and it is never sent again",
    ),
    Row(
        "accepted, and gone",
        _fault(Fault.GONE),
        Decision.IN_DOUBT,
        "the provider does not have the request, or its output, any more: probably paid for",
        reason=Cause.GONE,
        **_MAY_COST,
    ),
    Row(
        "request not sent",
        _fault(Fault.NOT_SENT),
        Decision.RETRY,
        "no byte of the request was written: the name lookup, connect or TLS failed",
        outage=True,
        reason=Cause.SERVER_ERROR,
    ),
    Row(
        "answer could not be saved",
        _fault(Fault.UNSAVED),
        Decision.STOP,
        "disk full or not writable: paid for, and in doubt",
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
        lambda a: a.fault is Fault.CUT and a.outcome.ok,
        Decision.IN_DOUBT,
        "the body did not arrive whole: it was probably paid for",
        reason=Cause.CUT,
        **_DOUBT,
    ),
    Row(
        "400, 403, 429, 2xx without media that say the credits are gone",
        credits_are_gone,
        Decision.CREDITS,
        "the text can mean nothing else; a 2xx counts only where the balance did not fall",
    ),
    Row(
        "2xx refused by moderation",
        lambda a: a.outcome.ok and refused_by_moderation(a),
        Decision.FAIL,
        "the text is about moderation or safety: the prompt would fail again; a 200 is billed",
        **_MAY_COST,
        **_MODERATED,
    ),
    Row(
        "504, 520, 522, 524, other 5xx refused by moderation",
        lambda a: may_have_worked(a) and refused_by_moderation(a),
        Decision.FAIL,
        "the text says that the prompt, or its result, was refused; it may have cost something",
        **_MAY_COST,
        **_MODERATED,
    ),
    Row(
        "refused by moderation",
        refused_by_moderation,
        Decision.FAIL,
        "a 4xx about moderation or safety, a 5xx that says that the prompt was refused",
        **_MODERATED,
    ),
    Row(
        "v2: 2xx without an id",
        _fault(Fault.NO_ID),
        Decision.IN_DOUBT,
        "JSON without `request_id`, HTML, or nothing: it may have been paid for",
        reason=Cause.UNKNOWN,
        **_DOUBT,
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
        **_refused("set SEGMIND_API_KEY to a valid key"),
    ),
    Row("402", _status(402), Decision.CREDITS, "payment required: treated like a 406"),
    Row(
        "403",
        _status(403),
        Decision.STOP,
        "the account may not use the model",
        **_refused("request access, or choose another model in the job file"),
    ),
    Row(
        "404",
        _status(404),
        Decision.STOP,
        "unknown model or wrong base URL",
        **_refused(f"correct `model` in the job file, or {_FIX_URL}"),
    ),
    Row(
        "405",
        _status(405),
        Decision.STOP,
        "method not allowed: wrong base URL",
        **_refused(_FIX_URL),
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
        "a proxy requires authentication",
        **_refused("let this machine reach the API without that proxy"),
    ),
    Row(
        "408, 425",
        _status(408, 425),
        Decision.RETRY,
        "the server says that it did not process the request",
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
        "the request is not valid, or (422) the generation failed: not charged",
        reason=Cause.REJECTED,
    ),
    Row(
        "500, 502, 503",
        _status(500, 502, 503),
        Decision.RETRY,
        "server error: not charged, often temporary",
        outage=True,
        reason=Cause.SERVER_ERROR,
    ),
    Row(
        "521, 523, 525, 526, 530",
        _status(*UNREACHED),
        Decision.RETRY,
        "the gateway says that it never reached the API: not charged",
        outage=True,
        reason=Cause.SERVER_ERROR,
    ),
    Row(
        "504, 522, 524",
        _status(504, 522, 524),
        Decision.IN_DOUBT,
        "the gateway gave up waiting: it may have been paid for",
        reason=Cause.TIMEOUT,
        **_DOUBT,
    ),
    Row(
        "520, other 5xx",
        _status_in(500, 599),
        Decision.IN_DOUBT,
        "it is unknown whether the request was processed: it may have been paid for",
        reason=Cause.SERVER_ERROR,
        **_DOUBT,
    ),
    Row(
        "303",
        _status(303),
        Decision.STOP,
        "the work is done and its result is at an address that is not followed: in doubt",
        reason=Cause.ELSEWHERE,
        **_MAY_COST,
        **_refused(_FIX_URL),
    ),
    Row(
        "307, 308",
        _status(307, 308),
        Decision.STOP,
        "redirects are not followed, they can replay a POST: wrong base URL",
        **_refused(_FIX_URL),
    ),
    Row(
        "other 3xx",
        _status_in(300, 399),
        Decision.STOP,
        "wrong base URL: redirects are not followed, and it is in doubt where it cost something",
        if_fell=True,
        reason=Cause.ELSEWHERE,
        **_refused(_FIX_URL),
    ),
    Row(
        "anything else",
        lambda _: True,
        Decision.IN_DOUBT,
        "unknown meaning: it may have been paid for",
        reason=Cause.UNKNOWN,
        **_DOUBT,
    ),
)


def table_markdown() -> str:
    """Print the table as Markdown, as it stands in the documentation."""
    lines = ["| outcome | decision | why | may cost | counts as outage |", "|---|---|---|---|---|"]
    for row in TABLE:
        decision = f"{row.decision}" + (f" ({int(row.exit_code)})" if row.exit_code else "")
        cost = "yes" if row.charged else "where the balance fell" if row.if_fell else ""
        outage = "yes" if row.outage else ""
        lines.append(f"| {row.name} | {decision} | {row.why} | {cost} | {outage} |")
    return "\n".join(lines) + "\n"
