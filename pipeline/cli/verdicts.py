"""The verdicts of a job, as `pick` lists them. `present` has the hash of each task's clip."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from pipeline.cli.output import aligned
from pipeline.ledger.verdicts import Verdict, Verdicts, Word
from pipeline.printable import printable

_HEAD = ("task", "verdict", "by", "at", "note")
_NONE = "\N{EN DASH}"


def present_word(there: Verdicts, present: Mapping[str, str], task: str) -> Word | None:
    """Return the verdict on the clip that a task has now."""
    said = there.on(task, present.get(task))
    return None if said is None else said.verdict


def listed(
    there: Verdicts, present: Mapping[str, str], named: Sequence[str] | None
) -> Iterator[Verdict]:
    """Yield what counts on the clip of each task; else the last word on one that it had."""
    for task in there if named is None else named:
        said = there.on(task, present.get(task)) or there.get(task)
        if said is not None:
            yield said


def as_json(one: Verdict, present: Mapping[str, str]) -> dict[str, Any]:
    """Write a verdict as `pick --json` does: `applies` says that it is on the present clip."""
    fields = {name: getattr(one, name) for name in Verdict.__struct_fields__}
    return {**fields, "applies": present.get(one.task) == one.sha256}


def table(
    there: Verdicts, present: Mapping[str, str], named: Sequence[str] | None
) -> Iterator[str]:
    """Yield the lines of the table: task, verdict, who, when, why."""
    rows = [_row(one, present) for one in listed(there, present, named)]
    if not rows:
        yield "no clip has a verdict yet"
        return
    yield from (line.rstrip() for line in aligned([_HEAD, *rows]))


def _row(one: Verdict, present: Mapping[str, str]) -> list[str]:
    older = "" if present.get(one.task) == one.sha256 else " (of an older clip)"
    at = one.at.partition(".")[0].replace("T", " ")
    cells = (one.task, f"{one.verdict or 'cleared'}{older}", one.by or _NONE, at, one.note or "")
    return [printable(cell) for cell in cells]
