"""CSV and TSV: lines → records, whatever the delimiter and the program that wrote them."""

import csv
import itertools
import re
from collections.abc import Iterable, Iterator
from contextlib import suppress
from typing import NamedTuple

from pipeline.jobfile.rows import StoppedError

DELIMITERS = (",", ";", "\t", "|")
SAMPLE_LINES = 50
SAMPLE_LENGTH = 1_000_000

_SEPARATOR = re.compile(r'sep=([^\s"]|\t)\s*', re.IGNORECASE)
_IN_QUOTES = re.compile(r'"[^"]*"')
_WHOLE_IN_QUOTES = re.compile(r'"((?:[^"]|"")*)"')


class Record(NamedTuple):
    """One row: the line it begins on, its cells without space around them, and what 0.1 read.

    `former` is None where that was the same.
    """

    line: int
    cells: list[str]
    former: list[str] | None


def read_records(source: Iterator[str], *, is_tsv: bool) -> Iterator[Record]:
    """Cut the lines of a sheet into records, the header first.

    Raises:
        StoppedError: where the rest cannot be read.
    """
    sample = _sample(source)
    told = _SEPARATOR.fullmatch(sample[0]) if sample else None
    first = 2 if told else 1  # Excel's own line is no row
    sample = sample[first - 1 :]
    delimiter = told[1] if told else sniff([_ended(line) for line in sample])
    rest = itertools.chain(sample, source)
    if is_tsv and _is_tabbed(sample, delimiter):
        return tabbed(rest, first)
    return quoted(rest, delimiter, first)


def _sample(source: Iterator[str]) -> list[str]:
    sample: list[str] = []
    length = 0
    for line in source:
        sample.append(line)
        length += len(line)
        if len(sample) >= SAMPLE_LINES or length > SAMPLE_LENGTH:
            break
    return sample


def _is_tabbed(sample: list[str], delimiter: str) -> bool:
    """Say whether a .tsv is one: some are only called so, and some have one column."""
    header = sample[0] if sample else ""
    return delimiter == "\t" or "\t" in header or delimiter not in header


def sniff(sample: list[str]) -> str:
    """Find the delimiter: the one that cuts the sample into the most columns, evenly.

    `csv.Sniffer` guesses from letters, and takes a sheet of one column apart at any of them.
    """
    best, most = ",", (0.0, 1)
    for delimiter in DELIMITERS:
        widths = _widths(sample, delimiter)
        if not widths or widths[0] < 2:  # noqa: PLR2004 - one column is what comma gives as well
            continue
        even = sum(width == widths[0] for width in widths) / len(widths)
        if (even, widths[0]) > most:
            best, most = delimiter, (even, widths[0])
    return best


def _widths(sample: list[str], delimiter: str) -> list[int]:
    widths: list[int] = []
    with suppress(csv.Error):
        reader = csv.reader(sample, delimiter=delimiter, skipinitialspace=True)
        widths.extend(len(row) for row in reader if row)
    return widths


def quoted(source: Iterable[str], delimiter: str, first: int) -> Iterator[Record]:
    """Cut lines of CSV into records; blanks before a quote mean nothing.

    Raises:
        StoppedError: where a quote does not end as it should.
    """
    taken: list[str] = []

    def feed() -> Iterator[str]:
        for line in source:
            taken.append(line)
            yield _ended(line)

    reader = csv.reader(feed(), delimiter=delimiter, strict=True, skipinitialspace=True)
    line, blank = first, f"{delimiter} "
    try:
        for read in reader:
            cells = [cell.strip() for cell in read]
            doubtful = cells != read or len(taken) > 1 or _has_blank_cell(taken[0], blank)
            former = _as_before(taken, delimiter, cells) if doubtful else None
            yield Record(line, cells, former)
            line = first + reader.line_num
            taken.clear()
    except csv.Error as error:
        raise StoppedError(line, f"the row cannot be read: {error}", "check its quotes") from None


def _has_blank_cell(line: str, blank: str) -> bool:
    """Say whether a cell begins with a blank, that the reader has skipped."""
    if blank not in line:
        return line.startswith(" ")
    return line.startswith(" ") or blank in _IN_QUOTES.sub("", line)


def _as_before(taken: list[str], delimiter: str, cells: list[str]) -> list[str] | None:
    """Read a record as version 0.1 did: with the space around its cells, and its own line ends."""
    try:
        records = list(csv.reader(taken, delimiter=delimiter, strict=True))
    except csv.Error:
        return None
    return records[0] if len(records) == 1 and records[0] != cells else None


def tabbed(source: Iterable[str], first: int) -> Iterator[Record]:
    """Cut lines at their tabs. TSV has no quoting: a quote is a letter, and no cell spans lines.

    Only a cell that is quoted as a whole, as some programs write them, loses its quotes.

    Raises:
        StoppedError: where a cell seems to span lines.
    """
    opened: int | None = None
    for number, line in enumerate(source, first):
        read = [_unquoted(cell) for cell in line.rstrip("\r\n").split("\t")]
        if opened is not None and _closes(read[0]):
            message = f"a cell in quotes goes on to line {number}: a .tsv has no such cells"
            raise StoppedError(opened, message, "save the sheet as CSV")
        opened = number if _opens(read[-1]) else opened
        cells = [cell.strip() for cell in read]
        yield Record(number, cells, read if read != cells else None)


def _unquoted(cell: str) -> str:
    match = _WHOLE_IN_QUOTES.fullmatch(cell)
    return match[1].replace('""', '"') if match else cell


def _opens(cell: str) -> bool:
    return cell.startswith('"') and cell.count('"') % 2 == 1


def _closes(cell: str) -> bool:
    return cell.endswith('"') and cell.count('"') % 2 == 1


def _ended(line: str) -> str:
    """End a line as lines end here, whatever program wrote it."""
    if "\r" not in line:
        return line
    return line.removesuffix("\n").removesuffix("\r") + "\n"
