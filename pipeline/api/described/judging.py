"""What an outcome means, by a description's rules and then by the defaults of its phase. Pure.

What nothing explains is in doubt once a byte was sent: no code of an unknown API says that a
request was not processed, except those that refuse it by HTTP's own meaning.
"""

from msgspec.structs import replace

from pipeline.api import values
from pipeline.api.described.description import Description
from pipeline.api.described.rules import Rule, first
from pipeline.api.described.words import DECISIONS, Then
from pipeline.api.outcome import Decision, Fault, Judgement, Outcome
from pipeline.api.queries import without_queries
from pipeline.errors import ExitCode
from pipeline.models import Cause

_WORDS = 200
_FAULTS: dict[Fault, Judgement] = {
    Fault.NOT_SENT: Judgement(decision=Decision.RETRY, outage=True, reason=Cause.SERVER_ERROR),
    Fault.UNSAVED: Judgement(
        decision=Decision.STOP, charged=True, reason=Cause.UNSAVED, exit_code=ExitCode.STORAGE
    ),
    Fault.TIMEOUT: Judgement(
        decision=Decision.IN_DOUBT, charged=True, outage=True, reason=Cause.TIMEOUT
    ),
    Fault.NO_ANSWER: Judgement(
        decision=Decision.IN_DOUBT, charged=True, outage=True, reason=Cause.NO_ANSWER
    ),
    Fault.GONE: Judgement(decision=Decision.IN_DOUBT, charged=True, reason=Cause.GONE),
    Fault.BROKEN_MEDIA: Judgement(decision=Decision.FAIL, charged=True, reason=Cause.BROKEN_MEDIA),
    Fault.TOO_LARGE: Judgement(decision=Decision.FAIL, charged=True, reason=Cause.TOO_LARGE),
}
_CUT = Judgement(decision=Decision.IN_DOUBT, charged=True, outage=True, reason=Cause.CUT)
_DOUBT = Judgement(decision=Decision.IN_DOUBT, charged=True, outage=True, reason=Cause.UNKNOWN)
_REJECTED = Judgement(decision=Decision.FAIL, reason=Cause.REJECTED)
_NOT_PROCESSED = Judgement(decision=Decision.RETRY, reason=Cause.SERVER_ERROR)
_THROTTLED = Judgement(decision=Decision.THROTTLE)
_NO_MONEY = 402
_REDIRECTED = Judgement(decision=Decision.STOP, charged=True, reason=Cause.ELSEWHERE)


def judge(description: Description, outcome: Outcome, *, solvent: bool = False) -> Judgement:
    """Say what an outcome means; see `pipeline.api.provider.Provider.judge`."""
    if outcome.body is not None and outcome.fault is None:
        return Judgement(decision=Decision.SUCCEED, charged=True)
    if outcome.accepted is not None:
        return Judgement(decision=Decision.ACCEPT)
    meaning = _meaning(description, outcome, solvent=solvent)
    return replace(meaning, error=describe(outcome))


def _meaning(description: Description, outcome: Outcome, *, solvent: bool) -> Judgement:
    failure = outcome.failure
    if failure is not None:
        reason = Cause.MODERATION if failure.moderated else Cause.REJECTED
        failed = Judgement(decision=Decision.FAIL, charged=failure.charged, reason=reason)
        return _NOT_PROCESSED if failure.again else failed
    if outcome.fault in _FAULTS:
        return _FAULTS[outcome.fault]
    if outcome.status is None or (outcome.fault is Fault.CUT and outcome.ok):
        return _CUT if outcome.fault is Fault.CUT else _DOUBT
    rules = description.rules + (description.answer.rules if description.answer else ())
    rules = tuple(rule for rule in rules if not (solvent and rule.then is Then.CREDITS))
    rule = first(rules, outcome.status, values.read_json(outcome.text), outcome.text)
    if rule is not None:
        return by_rule(rule, outcome)
    return _default(description, outcome.status, solvent=solvent)


def by_rule(rule: Rule, outcome: Outcome) -> Judgement:
    """Say what a rule means for the answer to a submit."""
    decision = DECISIONS.get(rule.then, Decision.IN_DOUBT)
    charged, reason = rule.may_cost(outcome.status), Cause.REJECTED
    if rule.then is Then.MODERATED:
        reason = Cause.MODERATION
    if decision is Decision.IN_DOUBT:
        charged, reason = True, Cause.UNKNOWN
    elif decision in {Decision.RETRY, Decision.THROTTLE, Decision.CREDITS, Decision.STOP}:
        charged, reason = False, Cause.SERVER_ERROR
    if decision is Decision.CREDITS and outcome.ok:  # its own word, under whatever status
        return Judgement(decision=Decision.STOP, exit_code=ExitCode.CREDITS, advice=rule.why)
    return Judgement(
        decision=decision,
        charged=charged,
        reason=reason,
        outage=decision is Decision.RETRY and (outcome.status or 0) >= 500,  # noqa: PLR2004
        no_credits=True if decision is Decision.CREDITS else None,
        advice=rule.why,
    )


def _default(description: Description, status: int, *, solvent: bool) -> Judgement:
    """Say what a status means that no rule is about."""
    stops = {
        **dict.fromkeys((401, 403), f"set {description.env} to a valid key"),
        **dict.fromkeys(
            (404, 405, 410),
            f"correct `model` in the job file, or the address of {description.name}",
        ),
        407: "let this machine reach the API without that proxy",
    }
    if status in stops:
        return Judgement(
            decision=Decision.STOP, exit_code=ExitCode.API_REFUSES, advice=stops[status]
        )
    if status == _NO_MONEY and not solvent:
        return Judgement(decision=Decision.CREDITS, no_credits=True)
    usual = {408: _NOT_PROCESSED, 425: _NOT_PROCESSED, 429: _THROTTLED}
    groups = {3: _REDIRECTED, 4: _REJECTED}
    return usual.get(status) or groups.get(status // 100) or _DOUBT


def describe(outcome: Outcome) -> str:
    """Say in one line, for people, what came of an attempt."""
    if outcome.failure is not None:
        head = "refused by moderation" if outcome.failure.moderated else "failed at the provider"
    elif outcome.status is not None:
        head = f"HTTP {outcome.status}" + (f", {outcome.fault}" if outcome.fault else "")
    else:
        head = str(outcome.fault or "unknown")
    said = outcome.detail or without_queries(outcome.text[: 4 * _WORDS])
    said = " ".join("".join(c if c.isprintable() else " " for c in said).split())
    said = said if len(said) <= _WORDS else said[: _WORDS - 1] + "…"
    return f"{head}: {said}" if said else head


DEFAULTS: tuple[tuple[str, str, str], ...] = (
    ("2xx with an output, or with an id", "succeed, or ask for the output", ""),
    ("request not sent", "retry", ""),
    ("no answer, or one that was cut", "in doubt", "yes"),
    ("2xx with neither", "in doubt", "yes"),
    ("401, 403; 404, 405, 410; 407", "stop the run (4)", ""),
    ("402", "ask the balance: stop (3), or fail", ""),
    ("408, 425", "retry", ""),
    ("429", "pause the pool, retry", ""),
    ("other 4xx", "fail", ""),
    ("3xx", "stop the run (4)", "yes"),
    ("5xx, anything else", "in doubt", "yes"),
)
"""What the answer to a submit leads to where no rule is about it: outcome, decision, cost."""
