"""The plan of `pipeline check` in words."""

from collections.abc import Iterator
from typing import Any

from pipeline.cli import limits
from pipeline.cli.chosen import in_words, provider
from pipeline.cli.listing import Listing
from pipeline.display.words import duration, money, tasks
from pipeline.models import Job

_SIGNS = (
    ("new", "+", "new"),
    ("changed", "~", "changed, will be rendered again"),
    ("kept", "=", "changed, but kept and left; --include-kept renders them again"),
    ("again", "^", "done, and rendered again; the old clip moves to superseded/"),
    ("done", "=", "done"),
    ("failed", "!", "failed; --retry failed renders them again"),
    ("in_doubt", "?", "in doubt, perhaps paid for; {doubts}"),
    ("accepted", ">", "waiting at the provider: a run asks for them, and never sends them again"),
    ("missing", "?", "done, but the file is gone; --retry missing renders it again"),
    ("removed", "-", "in the manifest, but no longer in the job"),
)
_INDENT = " " * 6


def lines(job: Job, facts: dict[str, Any], listing: Listing) -> Iterator[str]:
    """Describe what a run would do, a line at a time."""
    yield f"{facts['job']}: {tasks(facts['total'])} of {job.model} → {facts['output']}"
    yield f"Provider: {in_words(job)}."
    if facts["hosts"]:
        key = f"The key in {job.account.key}" if job.account.key else "The key"
        yield f"{key} goes to {' and '.join(facts['hosts'])}, and to no other host."
    yield from limits.lines(job)
    yield ""
    hidden = False
    for kind, sign, meaning in _SIGNS:
        if not facts[kind]:
            continue
        yield f"  {sign} {facts[kind]:>7,}  {meaning.format(doubts=_doubts(job))}"
        section = listing.of(kind)
        yield from (_INDENT + line for line in section.lines)
        if kind != "done" and (more := facts[kind] - section.count) > 0:
            hidden = True
            yield f"{_INDENT}… and {more:,} more"
    if hidden:
        yield f"{_INDENT}(--all shows every one)"
    yield ""
    yield f"A run renders {tasks(facts['to_do'])} for {_price(facts)}."
    if facts["to_do"]:
        yield _time(job, facts)
    if facts["spent"] or facts["at_risk"]:
        risk = f", {money(facts['at_risk'])} at risk" if facts["at_risk"] else ""
        yield f"Spent so far: {money(facts['spent'])}{risk}."
    if facts["budget"] is not None:
        yield f"Budget: {money(facts['budget'])} over the life of this manifest."
    if facts["balance"] is not None:
        yield f"Balance: {money(facts['balance'])}{_COVERS[facts['covered']]}."
    yield from (f"warning: {warning}" for warning in facts["warnings"])


def _doubts(job: Job) -> str:
    """Say what becomes of tasks in doubt."""
    again = "--retry in-doubt renders them again"
    return (
        f"a run looks for them at the provider; {again}" if provider(job).lists_requests else again
    )


_COVERS = {True: ", which covers it", False: ", which does not cover it", None: ""}


def _price(facts: dict[str, Any]) -> str:
    if facts["price"] is None:
        return "a price that is not known yet (set credits.cost, or the first request will show it)"
    return f"about {money(facts['price'])}"


def _time(job: Job, facts: dict[str, Any]) -> str:
    if facts["seconds"] is None:
        return f"How long a generation of {job.model} takes is not known yet."
    pace = "by past tasks" if facts["learned_pace"] else "by the published time of one clip"
    return f"It takes about {duration(facts['seconds'])} at {job.concurrency} at a time ({pace})."
