"""Files of prompts, read as streams: one row, one item, nothing held.

Rows are numbered as sheets number them: a CSV's header is row 1.
"""

import codecs
from collections.abc import Callable, Container, Iterator
from functools import partial
from pathlib import Path
from typing import BinaryIO

from pipeline.errors import Problem
from pipeline.job.items import Item, Origin
from pipeline.job.problems import InvalidError, Report, nearest
from pipeline.job.yaml.opening import open_regular

LONGEST_LINE = 4 * 1024**2
BLOCK = 1 << 16
MOST_BYTES = 4 * 1000**3
SUFFIXES = (".csv", ".tsv", ".jsonl", ".ndjson", ".json", ".txt")

_SHEETS = (".csv", ".tsv")
_WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)


class StoppedError(InvalidError):
    """The rest of a file of rows cannot be read."""

    def __init__(self, line: int, message: str, hint: str | None = None) -> None:
        super().__init__(message, hint)
        self.line = line


def check_file(path: Path, others: Container[Path] = ()) -> None:
    """Make sure that a file of rows is there and of a kind that is known.

    Raises:
        InvalidError: when it is not.
    """
    if path.suffix.casefold() not in SUFFIXES:
        raise InvalidError(
            f"{path.name} is no .csv, .tsv, .jsonl, .json or .txt", "a sheet: save it as CSV"
        )
    try:
        there, regular = path.exists(), path.is_file()
        size = path.stat().st_size if regular else 0
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise InvalidError(f"{path} cannot be read: {reason}") from None
    if not there:
        near = _near(path)
        raise InvalidError(
            f"there is no file {path}",
            f"did you mean {near}?" if near else "relative to the job file",
        )
    if not regular:
        raise InvalidError(f"{path} is not a regular file")
    if size > MOST_BYTES:
        raise InvalidError(f"{path.name} is larger than 4 GB", "make several jobs of it")
    if path in others:
        raise InvalidError(f"{path.name} is there twice")


def _near(path: Path) -> str | None:
    try:
        names = [entry.name for entry in path.parent.iterdir() if entry.suffix in SUFFIXES]
    except (OSError, ValueError):
        return None
    return nearest(path.name, names)


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
    from pipeline.job.prompts.sheets import read_sheet  # noqa: PLC0415 - they import this module
    from pipeline.job.prompts.streams import read_json, read_text  # noqa: PLC0415

    if suffix in _SHEETS:
        return read_sheet
    return partial(read_text if suffix == ".txt" else read_json, variables=variables)


def lines(file: BinaryIO) -> Iterator[str]:
    """Yield the lines of a file, with their ends (LF, CRLF or CR), as strict UTF-8.

    Raises:
        StoppedError: where a line is no UTF-8, or too long to be a row.
    """
    for number, raw in enumerate(_raw_lines(file), 1):
        if number == 1:
            if raw.startswith(_WIDE):
                raise StoppedError(1, "the file is UTF-16", "save it as CSV UTF-8")
            raw = raw.removeprefix(codecs.BOM_UTF8)  # noqa: PLW2901
        if len(raw) > LONGEST_LINE:
            raise StoppedError(number, "the line is longer than 4 MB")
        try:
            yield raw.decode()
        except UnicodeDecodeError:
            raise StoppedError(number, "the line is not UTF-8", "save it as CSV UTF-8") from None


def _raw_lines(file: BinaryIO) -> Iterator[bytes]:
    """Cut a file into lines, a block at a time: `readline` knows no CR."""
    rest = b""
    while block := file.read(BLOCK):
        pieces = (rest + block).splitlines(keepends=True)
        # The last may go on in the next block, and its CR may have an LF there.
        rest = b"" if pieces[-1].endswith(b"\n") else pieces.pop()
        yield from pieces
        if len(rest) > LONGEST_LINE:
            break
    if rest:
        yield rest
