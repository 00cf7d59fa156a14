"""The plan of `pipeline check` in words."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from pipeline.cli import limits
from pipeline.cli.chosen import in_words as provider_in_words
from pipeline.cli.chosen import provider
from pipeline.cli.listing import Listing, Section
from pipeline.cli.planned import in_words
from pipeline.display.words import duration, money, tasks
from pipeline.models import Job

_MEANINGS = {
    "done": ("=", "done"),
    "kept": ("#", "kept, and changed since: left as they are; --include-kept renders them again"),
    "new": ("+", "new"),
    "changed": ("~", "changed, will be rendered again"),
    "again": ("*", "done, and rendered again as asked"),
    "failed": ("!", "failed; --retry failed renders them again"),
    "in_doubt": ("?", "in doubt, perhaps paid for; {doubts}"),
    "accepted": (">", "waiting at the provider: a run asks for them, and never sends them again"),
    "saved": (">", "rendered and on this machine: a run puts them in their place"),
    "missing": ("?", "done, but the file is gone; --retry missing renders it again"),
    "removed": ("-", "in the manifest, but no longer in the job"),
}
_INDENT = " " * 6


class Group(NamedTuple):
    """The tasks of one kind: how many, what that means, and those that are listed."""

    kind: str
    sign: str
    number: int
    meaning: str
    section: Section

    @property
    def summary(self) -> str:
        """The kind in a line."""
        section, what = self.section, ""
        if section.names and section.total > 1:
            counted = section.names.most_common(_MOST_NAMES)
            names = ", ".join(f"{name} in {number:,}" for name, number in counted)
            partly = section.compared < section.total
            what = f" ({names}{f'; of the first {section.compared:,}' if partly else ''})"
        return f"{self.sign} {self.number:>7,}  {self.meaning}{what}"

    @property
    def alike(self) -> Iterator[str]:
        """What changed in the same way in several tasks, as after a word that all of them have."""
        for change, number in self.section.alike.most_common(_MOST_ALIKE):
            if number > 1:
                yield f"in {number:,} alike: {change}"


# Changes that are listed because several tasks have them alike.
_MOST_ALIKE = 3
# Parameters that changed which a line counts.
_MOST_NAMES = 5


def groups(job: Job, facts: dict[str, Any], listing: Listing) -> Iterator[Group]:
    """Yield the kinds of tasks of which there are any; a kind of no known meaning by its name."""
    for kind in (*_MEANINGS, *(kind for kind in listing.kinds if kind not in _MEANINGS)):
        section = listing.of(kind)
        if count := facts.get(kind, section.total):
            sign, meaning = _MEANINGS.get(kind, ("·", kind.replace("_", " ")))
            yield Group(kind, sign, count, meaning.format(doubts=_doubts(job)), section)


def lines(
    job: Job, facts: dict[str, Any], listing: Listing, *, full: bool = False
) -> Iterator[str]:
    """Describe what a run would do, a line at a time; with `full` what changed is not cut."""
    yield from head(job, facts)
    hidden = False
    for group in groups(job, facts, listing):
        yield f"  {group.summary}"
        yield from (_INDENT + line for line in group.alike)
        for planned in group.section.rows():
            yield from (_INDENT + line for line in in_words(planned, full=full))
        yield from (_INDENT + line for line in listing.removed if group.kind == "removed")
        if (more := left_out(group, listing)) > 0:
            hidden = True
            yield f"{_INDENT}… and {more:,} more"
    yield from hints(listing, hidden=hidden, full=full)
    yield from foot(job, facts)


def left_out(group: Group, listing: Listing) -> int:
    """Return how many tasks of a kind are not listed; what is done is only counted."""
    if group.kind == "done":
        return 0
    return group.number - (len(listing.removed) if group.kind == "removed" else group.section.count)


def hints(listing: Listing, *, hidden: bool, full: bool) -> Iterator[str]:
    """Say what would show more."""
    flags = ["--all shows every task"] if hidden else []
    if listing.of("changed").count and not full:
        flags.append("--diff shows old and new texts in full")
    if flags:
        yield f"{_INDENT}({', '.join(flags)})"


def head(job: Job, facts: dict[str, Any]) -> Iterator[str]:
    """Say what the job is, and where its requests go."""
    yield f"{facts['job']}: {tasks(facts['total'])} of {job.model} → {facts['output']}"
    yield from _provider(job, facts)
    yield from limits.lines(job)
    yield from (f"{said}." for sheet in facts["sheets"] for said in sheet["said"])
    if facts["twins"]:
        twins = "1 prompt is" if facts["twins"] == 1 else f"{facts['twins']:,} prompts are"
        yield f"Twins: {twins} the same as an earlier one, and rendered once with it."
    yield ""


def foot(job: Job, facts: dict[str, Any]) -> Iterator[str]:
    """Say what a run would cost, and how long it would take."""
    yield ""
    yield f"A run renders {tasks(facts['to_do'])} for {_price(facts)}{_channels(facts)}."
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


def _channels(facts: dict[str, Any]) -> str:
    """Say how the tasks to do spread over channels, where these are a few."""
    channels = facts["channels"]
    if len(channels) < 2:  # noqa: PLR2004 - one needs no word
        return ""
    listed = (f"{name or 'no channel'} {count:,}" for name, count in channels.items())
    return f": {', '.join(listed)}"


def _provider(job: Job, facts: dict[str, Any]) -> Iterator[str]:
    """Say who renders, what is known of money there, and who gets the key."""
    yield f"Provider: {provider_in_words(job)}."
    if stops := provider(job).traits.stops:
        yield f"Money: {stops}."
    if facts["hosts"]:
        key = f"The key in {job.account.key}" if job.account.key else "The key"
        yield f"{key} goes to {' and '.join(facts['hosts'])}, and to no other host."


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
