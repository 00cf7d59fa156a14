"""Files of prompts, read as streams: one row, one item, none kept in memory.

Rows are numbered as sheets number them: a CSV's header is row 1.
"""

from collections.abc import Generator, Iterator, Mapping
from contextlib import ExitStack, closing, suppress
from dataclasses import replace
from pathlib import Path

from pipeline.errors import Problem
from pipeline.job.files import nearest_file, open_regular, reason_of
from pipeline.job.items import Item, Origin
from pipeline.job.problems import InvalidError, Report, StoppedError, TooManyProblemsError, shown
from pipeline.job.prompts.finishing import Finisher
from pipeline.job.prompts.headings import STANDARD
from pipeline.job.prompts.sheets import read_delimited, read_table
from pipeline.job.prompts.source import WORKBOOKS, Finding, Source
from pipeline.job.prompts.streams import read_json, read_text

MOST_BYTES = 4 * 1000**3
SUFFIXES = (".xlsx", ".ods", ".csv", ".tsv", ".jsonl", ".ndjson", ".json", ".txt")

_SHEETS = (".csv", ".tsv")
_JOBS = (".yaml", ".yml")
# What a file of text begins with that is something else, whatever its name says.
_KINDS = {
    b"PK\x03\x04": "a workbook, or another archive",
    b"\xd0\xcf\x11\xe0": "an old .xls",
    b"%PDF-": "a PDF",
    b"<!doctype html": "a web page",
    b"<html": "a web page",
}


def check_file(path: Path) -> None:
    """Make sure that a file of rows is there and of a kind that is known.

    Raises:
        InvalidError: when it is not.
    """
    if path.suffix.casefold() in _JOBS:
        raise InvalidError(
            f"{path.name} is a job, and not a file of prompts",
            f"for its clips write prompts_from: {{job: {path.name}}}",
        )
    if path.suffix.casefold() not in SUFFIXES:
        raise InvalidError(
            f"{path.name} is not an .xlsx, .ods, .csv, .tsv, .jsonl, .json or .txt file",
            "save a sheet as .xlsx or CSV",
        )
    try:
        there, regular = path.exists(), path.is_file()
        size = path.stat().st_size if regular else 0
    except (OSError, ValueError) as error:
        raise InvalidError(f"{path} cannot be read: {reason_of(error)}") from None
    if not there:
        near = nearest_file(path, SUFFIXES)
        raise InvalidError(
            f"there is no file {path}",
            f"did you mean {near}?" if near else "paths are relative to the job file",
        )
    if not regular:
        raise InvalidError(f"{path} is not a regular file")
    if size > MOST_BYTES:
        raise InvalidError(f"{path.name} is larger than 4 GB", "make several jobs of it")


def read_rows(
    source: Source, report: Report, *, variables: bool = True, finding: Finding | None = None
) -> Iterator[Item]:
    """Yield the rows of a file that are taken.

    What is wrong with one is reported, and the next one read. `variables` says whether the job has
    some: a bare text is a template only then. What was found out by then is in `finding`.
    """
    finding = finding or source.begin()
    finisher = Finisher(source, report, finding, _shared(source, variables=variables))
    yield from _rows(source, report, finding, finisher, variables=variables)


def _shared(source: Source, *, variables: bool) -> Mapping[str, int]:
    """Count the rows that an id made of columns would fit, those that `where` leaves out too."""
    if not source.own_ids or source.id is not None or source.suffix == ".txt":
        return {}
    every = replace(source, where=None, found=[])
    report, finding = Report(source.path), every.begin()  # the reading proper says what is wrong
    counting = Finisher(every, report, finding)
    with (
        suppress(TooManyProblemsError),
        closing(_rows(every, report, finding, counting, variables=variables)) as rows,
    ):
        for _ in rows:
            if finding.titles and "publish" not in finding.columns:
                break
    return counting.keys


def _rows(
    source: Source, report: Report, finding: Finding, finisher: Finisher, *, variables: bool
) -> Generator[Item, None, None]:
    path = source.path
    try:
        with ExitStack() as stack:
            yield from _read(source, report, finding, finisher, stack, variables=variables)
    except StoppedError as error:
        report.note(Problem(path, error.line, "", error.message, error.hint))
    except InvalidError as error:
        report.note(Problem(path, None, "", error.message, error.hint))
    except OSError as error:
        report.note(Problem(path, None, "", f"the file cannot be read: {error.strerror}"))


def _read(  # noqa: PLR0913 - what one reading has
    source: Source,
    report: Report,
    finding: Finding,
    finisher: Finisher,
    stack: ExitStack,
    *,
    variables: bool,
) -> Iterator[Item]:
    if source.clips is not None:
        return finisher.finish(source.clips.rows(source, report, finding))
    is_sheet = source.suffix in (*WORKBOOKS, *_SHEETS)
    origin = Origin(source.path, is_rows=True, same_columns=is_sheet)
    if source.suffix in WORKBOOKS:
        from pipeline.job.prompts.workbook import Rows  # noqa: PLC0415 - for workbooks only

        rows = Rows(source, finding)
        table = read_table(source, origin, rows.records(finding), report, finding)
        return finisher.finish(table, rows.bad, rows.hidden)
    file = stack.enter_context(open_regular(source.path))
    start = file.read(16).lower()
    file.seek(0)
    kind = next((name for mark, name in _KINDS.items() if start.startswith(mark.lower())), None)
    if kind is not None:
        raise InvalidError(f"the file is {kind}, whatever its name says", "save it as CSV UTF-8")
    if is_sheet:
        return finisher.finish(read_delimited(source, origin, file, report, finding))
    read = read_text if source.suffix == ".txt" else read_json
    items = read(origin, file, report, variables=variables, said=finding.note)
    return finisher.finish(items)


def check_keys(source: Source) -> Iterator[Problem]:
    """Find what a job says about a file that is not of a kind to have it."""
    if source.clips is not None:
        return
    if source.sheet is not None and source.suffix not in WORKBOOKS:
        message = f"{source.path.name} has no sheets"
        yield source.wrong(message, "sheet is for .xlsx and .ods", "sheet")
    if source.header is not None and source.suffix not in (*WORKBOOKS, *_SHEETS):
        message = f"{source.path.name} has no header"
        yield source.wrong(message, "header is for .xlsx, .ods, .csv and .tsv", "header")
    if source.suffix == ".txt":
        for name in source.columns.keys() & STANDARD.keys():
            message = f"a .txt has no columns, such as {shown(source.columns[name])}"
            yield source.wrong(message, "save it as CSV", "columns", name)
