"""What an outcome means, as the table says it. Pure."""

import re

from pipeline.api.outcome import Decision, Fault, Judgement, Outcome
from pipeline.api.queries import without_queries
from pipeline.api.segmind.answer import Answer, means_no_credits
from pipeline.api.segmind.table import TABLE, Row
from pipeline.errors import ExitCode
from pipeline.models import Cause, Task

_OF_FAULTS: dict[Fault | None, Cause] = {
    Fault.NOT_MEDIA: Cause.NOT_MEDIA,
    Fault.BROKEN_MEDIA: Cause.BROKEN_MEDIA,
    Fault.TOO_LARGE: Cause.TOO_LARGE,
}

_SUCCESS = Judgement(decision=Decision.SUCCEED, charged=True)


def judge(task: Task, outcome: Outcome, *, solvent: bool = False) -> Judgement:
    """Say what the outcome of a task means; see `pipeline.api.provider.Provider.judge`."""
    answer = Answer(task, outcome)
    row = rule(answer, solvent=solvent)
    if row.decision is Decision.SUCCEED:
        return _SUCCESS
    return Judgement(
        decision=row.decision,
        error=describe(outcome, row),
        reason=row.reason or _OF_FAULTS.get(outcome.fault, Cause.UNKNOWN),
        outage=row.outage,
        charged=row.charged,
        charged_if_fell=row.if_fell,
        no_credits=means_no_credits(answer) if row.decision is Decision.CREDITS else None,
        exit_code=row.exit_code or ExitCode.API_REFUSES,
        advice="; ".join(filter(None, (row.why, row.remedy))),
    )


def rule(answer: Answer, *, solvent: bool = False) -> Row:
    """Find the row that rules an answer. Every answer has one.

    With `solvent`, the rows that ask for the balance do not apply.
    """
    rows = (row for row in TABLE if not (solvent and row.decision is Decision.CREDITS))
    return next(row for row in rows if row.when(answer))


def describe(outcome: Outcome, row: Row) -> str:
    """Say in one line, for people, what came of an attempt."""
    if row.name.endswith("refused by moderation"):
        head = f"refused by moderation (HTTP {outcome.status})"
    elif outcome.status is not None:
        goal = f" to {_first_words(without_queries(outcome.location))}" if outcome.location else ""
        head = f"HTTP {outcome.status}{goal}" + (f", {outcome.fault}" if outcome.fault else "")
    else:
        head = str(outcome.fault or "unknown")
    said = outcome.detail or without_queries(_first_words(outcome.text))
    return f"{head}: {said}" if said else head


def _first_words(text: str, most: int = 200) -> str:
    # No part of it looks at a place twice: a server may send what it likes.
    stripped = re.sub(
        r"<(script|style)\b.*?(</\1>|\Z)|<[^<>]*>", " ", text, flags=re.DOTALL | re.IGNORECASE
    )
    words = " ".join("".join(c if c.isprintable() else " " for c in stripped).split())
    return words if len(words) <= most else words[: most - 1] + "…"
