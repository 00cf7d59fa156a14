"""The verdicts of a job, as `pick` lists them. `present` has the hash of each task's clip."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pipeline.cli.output import aligned
from pipeline.ledger.verdicts import Verdict, Verdicts, Word
from pipeline.printable import printable

_HEAD = ("task", "verdict", "by", "at", "note")
_NONE = "\N{EN DASH}"


def present_word(
    there: Verdicts, present: Mapping[str, str], rows: Mapping[str, Word], task: str
) -> Word | None:
    """Return the verdict on the clip that a task has now; `rows` are those of sheets, by task."""
    said = there.on(task, present.get(task))
    return rows.get(task) if said is None else said.verdict


def listed(
    there: Verdicts,
    present: Mapping[str, str],
    rows: Mapping[str, Word],
    named: Sequence[str] | None,
) -> Iterator[Verdict]:
    """Yield what counts on the clip of each task; else the last word on one that it had.

    What only a sheet says has no time.
    """
    for task in dict.fromkeys([*there, *rows]) if named is None else named:
        said = there.on(task, present.get(task))
        if said is None and task in rows:
            said = Verdict(task=task, verdict=rows[task], sha256=present[task], at="")
        said = said or there.get(task)
        if said is not None:
            yield said


def as_json(one: Verdict, present: Mapping[str, str]) -> dict[str, Any]:
    """Write a verdict as `pick --json` does.

    `applies` says that it is on the present clip, `source` whether `pick` or a `sheet` says it.
    """
    fields = {name: getattr(one, name) for name in Verdict.__struct_fields__}
    fields["at"] = one.at or None
    source = "pick" if one.at else "sheet"
    return {**fields, "applies": present.get(one.task) == one.sha256, "source": source}


def table(verdicts: Iterable[Verdict], present: Mapping[str, str]) -> Iterator[str]:
    """Yield the lines of the table: task, verdict, who, when, why."""
    rows = [_row(one, present) for one in verdicts]
    if not rows:
        yield "no clip has a verdict yet"
        return
    yield from (line.rstrip() for line in aligned([_HEAD, *rows]))


def _row(one: Verdict, present: Mapping[str, str]) -> list[str]:
    older = "" if present.get(one.task) == one.sha256 else " (of an older clip)"
    at = one.at.partition(".")[0].replace("T", " ") or _NONE
    who = one.by or (_NONE if one.at else "sheet")
    cells = (one.task, f"{one.verdict or 'cleared'}{older}", who, at, one.note or "")
    return [printable(cell) for cell in cells]
