"""Files of prompts, read as streams: one row, one item, none kept in memory.

Rows are numbered as sheets number them: a CSV's header is row 1.
"""

from collections.abc import Callable, Container, Iterator
from functools import partial
from pathlib import Path
from typing import BinaryIO

from pipeline.errors import Problem
from pipeline.job.files import nearest_file, open_regular, reason_of
from pipeline.job.items import Item, Origin
from pipeline.job.problems import InvalidError, Report, StoppedError
from pipeline.job.prompts.sheets import read_sheet
from pipeline.job.prompts.streams import read_json, read_text

MOST_BYTES = 4 * 1000**3
SUFFIXES = (".csv", ".tsv", ".jsonl", ".ndjson", ".json", ".txt")

_SHEETS = (".csv", ".tsv")


def check_file(path: Path, others: Container[Path] = ()) -> None:
    """Make sure that a file of rows is there and of a kind that is known.

    Raises:
        InvalidError: when it is not.
    """
    if path.suffix.casefold() not in SUFFIXES:
        raise InvalidError(
            f"{path.name} is not a .csv, .tsv, .jsonl, .json or .txt file", "save a sheet as CSV"
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
    if path in others:
        raise InvalidError(f"{path.name} is listed twice")


def read_rows(path: Path, report: Report, *, variables: bool = True) -> Iterator[Item]:
    """Yield the rows of a file; what is wrong with one is reported, and the next one read.

    `variables` says whether the job has some: a bare text is a template only then.
    """
    suffix = path.suffix.casefold()
    origin = Origin(path, is_rows=True, same_columns=suffix in _SHEETS)
    try:
        with open_regular(path) as file:
            yield from _reader(suffix, variables=variables)(origin, file, report)
    except StoppedError as error:
        report.note(Problem(path, error.line, "", error.message, error.hint))
    except InvalidError as error:
        report.note(Problem(path, None, "", error.message, error.hint))
    except OSError as error:
        report.note(Problem(path, None, "", f"the file cannot be read: {error.strerror}"))


def _reader(
    suffix: str, *, variables: bool
) -> Callable[[Origin, BinaryIO, Report], Iterator[Item]]:
    if suffix in _SHEETS:
        return read_sheet
    return partial(read_text if suffix == ".txt" else read_json, variables=variables)
