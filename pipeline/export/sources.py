"""The workbook that a job's rows come from, as its job file names it."""

import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from pipeline.api import providers
from pipeline.errors import UsageError
from pipeline.export.copy_of_sheet import Source
from pipeline.job.problems import Report
from pipeline.job.yaml.reader import read
from pipeline.models import Job, Task

_SUFFIX = ".xlsx"


def workbook(job: Job) -> Source | None:
    """Return the one workbook of a job; None where its prompts are elsewhere.

    Raises:
        JobFileError: the job file cannot be read any more.
        UsageError: there are several, so that there is no one to copy.
    """
    found = [one for one in _named(job) if one.path.suffix.casefold() == _SUFFIX]
    if len(found) > 1:
        raise UsageError(
            "the prompts are in several workbooks, and --to xlsx copies one",
            hint='name columns with --columns "Caption={{ caption }},…" for a new workbook',
        )
    return _as_read(job, found[0]) if found else None


def _as_read(job: Job, source: Source) -> Source:
    """Take the tab and the header's row that were read, where the job file leaves them open."""
    for fact in job.sheets():
        if fact.get("file") == source.path.name:
            tab, header = fact.get("sheet"), fact.get("header")
            return replace(source, tab=source.tab or tab, header=source.header or header)
    return source


def needed(job: Job, tasks: Iterable[Task]) -> Iterator[Path]:
    """Yield the files that a job cannot do without, sheets of which no row is taken too.

    Raises:
        JobFileError: the job file cannot be read any more.
    """
    yield job.path
    yield from (source.path for source in _named(job))
    yield from _jobs(job)
    if job.provider is not None and providers.is_file(job.provider):
        yield Path(job.provider)
    yield from (folder / ".env" for folder in (job.path.parent, Path()))
    for task in tasks:
        for value in task.inputs.values():
            several = value if isinstance(value, list) else [value]
            yield from (Path(one.file) for one in several if one.file is not None)


def _jobs(job: Job) -> Iterator[Path]:
    """Yield the other jobs whose clips are rows."""
    for one in _written(job):
        if isinstance(one, dict) and isinstance(one.get("job"), str):
            yield job.path.parent / str(one["job"])


def _written(job: Job) -> list[Any]:
    report = Report(job.path)
    tree = read(report, providers.EXAMPLE_MODEL)
    if tree is None:
        raise report.error()
    written: Any = tree.get("prompts_from")
    return written if isinstance(written, list) else [written]


def _named(job: Job) -> Iterator[Source]:
    for one in _written(job):
        if isinstance(one, str):
            yield Source(job.path.parent / one)
        elif isinstance(one, dict) and isinstance(one.get("file"), str):
            tab, header = one.get("sheet"), str(one.get("header", ""))
            yield Source(
                job.path.parent / str(one["file"]),
                str(tab) if isinstance(tab, str) else None,
                int(header) if header.isdecimal() else None,
            )


def is_in(source: Source, job: Job, place: str) -> bool:
    """Return whether a task is written in a workbook; `place` is relative to the job file."""
    here = os.path.relpath(source.path, job.path.parent)
    return place.startswith(here)
