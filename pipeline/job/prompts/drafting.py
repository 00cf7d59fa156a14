"""A job file for a sheet: what was found out about it, and what could not be known."""

import json
import os
import re
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from itertools import islice
from pathlib import Path

from pipeline.api import providers
from pipeline.job.items import Item
from pipeline.job.problems import Report, TooManyProblemsError, visible
from pipeline.job.prompts.headings import folded
from pipeline.job.prompts.rows import check_file, read_rows
from pipeline.job.prompts.source import WORKBOOKS, Finding, Source

_MOST_ROWS = 10_000
"""Rows that are looked at."""

_STATUS = ("status", "state", "stage", "production status")
_SUBJECTS = ("subject", "idea", "concept", "topic", "title", "theme", "description", "content")
_MOST_VALUES = 8
_NOT_A_NAME = re.compile(r"\W")


def draft(sheet: Path, job: Path) -> str:
    """Make a job file for a sheet, which is to be at `job`.

    Raises:
        InvalidError: the sheet is not a file of prompts.
        JobFileError: nothing of it can be read.
    """
    check_file(sheet)
    source = Source(sheet, plain=False)
    report, items = Report(sheet), list[Item]()
    with suppress(TooManyProblemsError):
        items += islice(read_rows(source, report), _MOST_ROWS)
    finding = source.found[0]
    if not items and finding.orders is None:
        report.raise_if_any()
    if finding.orders is not None:  # either will do to look at the rest
        again = Source(sheet, plain=False, dates=finding.orders[0])
        with suppress(TooManyProblemsError):
            items = list(islice(read_rows(again, Report(sheet)), _MOST_ROWS))
    written = os.path.relpath(sheet.resolve(), job.parent.resolve()).replace(os.sep, "/")
    return "\n".join(_lines(written, source.suffix, finding, items)) + "\n"


def _lines(written: str, suffix: str, finding: Finding, items: list[Item]) -> Iterator[str]:
    yield "# yaml-language-server: $schema=job.schema.json"
    yield "#"
    yield f"# A job for {visible(written)}. What could not be known from the sheet says so."
    yield ""
    yield f"model: {providers.EXAMPLE_MODEL}"
    yield ""
    yield "prompts_from:"
    yield f"  file: {_quoted(written)}"
    if suffix in WORKBOOKS:
        more = f"   # also: {visible(', '.join(finding.others))}" if finding.others else ""
        yield f"  sheet: {_quoted(finding.sheet or '')}{more}"
    if finding.header is not None:
        yield f"  header: {finding.header}   # the row of the headings"
    yield from _columns(finding)
    yield from _dates(finding)
    yield from _ids(finding, items)
    yield from _where(items)
    yield ""
    yield from _prompt(finding, items)
    yield from _params(items)
    yield "credits:"
    yield "  cost: 0.95   # price of one task, in US dollars; not known from the sheet"
    yield "  # budget: 5  # most that this job may ever cost"


def _columns(finding: Finding) -> Iterator[str]:
    if not finding.columns:
        return
    yield "  columns:   # recognised by their headings; take out what is wrong, or write off"
    for name, title in finding.columns.items():
        yield f"    {name}: {_quoted(title)}"


def _dates(finding: Finding) -> Iterator[str]:
    if finding.orders is not None:
        month, day = finding.orders
        yield "  # Not known: whether the month or the day comes first. Keep the right line."
        yield f'  # dates: "{month}"   # the month'
        yield f'  # dates: "{day}"   # the day'
    elif finding.dates:
        yield f"  # Dates were read {visible(', '.join(finding.dates))}."


def _ids(finding: Finding, items: list[Item]) -> Iterator[str]:
    if finding.ids is not None:
        yield f"  # No ids: {finding.ids}, so that a prompt can be edited. For others:"
        yield '  # id: "{{ publish }}-{{ channel | slug }}"'
    elif items and all(item.id is None for item in items):
        yield "  # No ids: a prompt that is edited is another one. Add a column id to change that."


def _where(items: list[Item]) -> Iterator[str]:
    title = _title(items, _STATUS)
    if title is None:
        return
    counts = Counter(str(item.meta.get(title, "")) for item in items)
    if len(counts) > _MOST_VALUES:
        return
    listed = ", ".join(f"{visible(value) or 'blank'} {n:,}" for value, n in counts.most_common())
    yield f"  # Not known: whether all rows are to be rendered. {visible(title)}: {listed}."
    value = next((value for value, _ in counts.most_common() if value), "ready")
    yield f"  # where: {_quoted(f'{_variable(title)} == {json.dumps(value)}')}"


def _prompt(finding: Finding, items: list[Item]) -> Iterator[str]:
    lacking = [item for item in items if item.prompt is None]
    if lacking:
        title = _title(items, _SUBJECTS) or _wordiest(finding, items)
        yield "# Not known: what rows without a prompt of their own show. This is a guess."
        yield f'prompt: "{{{{ {_variable(title)} }}}}"' if title else "# prompt: …"
        yield ""
    twins = Counter(item.prompt for item in items if item.id is None and item.prompt is not None)
    if twins and max(twins.values()) > 1:
        yield "duplicates: once   # some prompts are there twice; give rows ids to render each"
        yield ""


def _params(items: list[Item]) -> Iterator[str]:
    """Send the columns that are called like parameters."""
    taken = providers.get().model(providers.EXAMPLE_MODEL).parameters or {}
    titles = {folded(title): title for title in (items[0].meta if items else ())}
    found = [(name, titles[folded(name)]) for name in taken if folded(name) in titles]
    if found:
        yield "params:"
    for name, title in found:
        usual = json.dumps(taken[name].example)
        yield f"  {name}: '{{{{ {_variable(title)} | default({usual}, true) }}}}'"
    if found:
        yield ""


def _title(items: list[Item], names: tuple[str, ...]) -> str | None:
    titles = {folded(title): title for title in (items[0].meta if items else ())}
    found = (titles[folded(name)] for name in names if folded(name) in titles)
    return next(filter(_variable, found), None)


def _wordiest(finding: Finding, items: list[Item]) -> str | None:
    """Find the column with most to read, besides those that mean something else."""
    meant = set(finding.columns.values())
    titles = [t for t in (items[0].meta if items else ()) if t in finding.titles and t not in meant]
    lengths = {t: sum(len(str(item.meta.get(t, ""))) for item in items) for t in titles}
    return max(filter(_variable, lengths), key=lambda title: lengths[title], default=None)


def _variable(title: str) -> str | None:
    """Say what a template calls a column; None where it cannot name it."""
    name = _NOT_A_NAME.sub("_", title)
    return name if name.isidentifier() else None


def _quoted(text: str) -> str:
    """Write a text as YAML and JSON both do."""
    return json.dumps(text, ensure_ascii=not text.isprintable())
