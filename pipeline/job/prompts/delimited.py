"""CSV and TSV: lines → records, whatever the delimiter and the program that wrote them."""

import csv
import itertools
import re
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any, NamedTuple

from pipeline.job.problems import StoppedError

DELIMITERS = (",", ";", "\t", "|")
SAMPLE_LINES = 50
SAMPLE_LENGTH = 1_000_000
_MOST_LINES = 100  # of a cell of a .tsv

_SEPARATOR = re.compile(r'sep=([^\s"]|\t)\s*', re.IGNORECASE)
_WHOLE_IN_QUOTES = re.compile(r'"((?:[^"]|"")*)"')


class Record(NamedTuple):
    """One row: the line it begins on, its cells without space around them, and what 0.1 read.

    `former` is None where that was the same. Cells of CSV are texts, a workbook's JSON values.
    """

    line: int
    cells: list[Any]
    former: list[str] | None


def read_records(source: Iterator[str], *, is_tsv: bool) -> Iterator[Record]:
    """Cut the lines of a sheet into records, the header first.

    Raises:
        StoppedError: where the rest cannot be read.
    """
    sample = _sample(source)
    separator = _SEPARATOR.fullmatch(sample[0]) if sample else None
    first = 2 if separator else 1  # Excel's own line is not a row
    sample = sample[first - 1 :]
    delimiter = separator[1] if separator else sniff([_ended(line) for line in sample])
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
    line = first
    begins_blank = _finder_of_blanks(delimiter)
    while True:
        try:
            read = next(reader, None)
        except csv.Error as error:
            read = _repaired([_ended(one) for one in taken], delimiter)
            if read is None:
                message = f"the row cannot be read: {error}"
                raise StoppedError(line, message, "check its quotes") from None
        if read is None:
            return
        cells = [cell.strip() for cell in read]
        doubtful = cells != read or len(taken) > 1 or begins_blank(taken[0])
        former = _as_before(taken, delimiter, cells) if doubtful else None
        yield Record(line, cells, former)
        line = first + reader.line_num
        taken.clear()


def _repaired(lines: list[str], delimiter: str) -> list[str] | None:
    """Read a record whose quotes are not as they should be; None where it cannot be.

    Blanks after a quote that closes a cell mean nothing, as in `a, "text" , b`. Else one after a
    blank may be a letter: `A fox, "so called" by all`.
    """
    closed = re.compile(rf'"[ ]+(?={re.escape(delimiter)}|$)', re.MULTILINE)
    tidy = [closed.sub('"', line) for line in lines]
    return _as_csv(tidy, delimiter, skipinitialspace=True) or _as_csv(lines, delimiter)


def _finder_of_blanks(delimiter: str) -> Callable[[str], bool]:
    """Make what says whether a cell of a line begins with a blank, that the reader has skipped."""
    blank = f"{delimiter} "
    in_quotes = re.compile(rf'(?<![^{re.escape(delimiter)}])"(?:[^"]|"")*"')

    def begins_blank(line: str) -> bool:
        if blank not in line:
            return line.startswith(" ")
        return line.startswith(" ") or blank in in_quotes.sub("", line)

    return begins_blank


def _as_before(taken: list[str], delimiter: str, cells: list[str]) -> list[str] | None:
    """Read a record as version 0.1 did: with the space around its cells, and its own line ends."""
    read = _as_csv(taken, delimiter)
    return read if read != cells else None


def _as_csv(
    lines: list[str], delimiter: str, *, skipinitialspace: bool = False
) -> list[str] | None:
    """Read lines as one record; None where they are none, or several."""
    reader = csv.reader(lines, delimiter=delimiter, strict=True, skipinitialspace=skipinitialspace)
    try:
        records = list(reader)
    except csv.Error:
        return None
    return records[0] if len(records) == 1 else None


def tabbed(source: Iterable[str], first: int) -> Iterator[Record]:
    """Cut lines at their tabs. TSV has no quoting: a quote is a letter.

    Only a cell that is quoted as a whole, as some programs write them, loses its quotes. It may
    span lines, and hold tabs, where the whole is then one row no wider than the header.

    Raises:
        StoppedError: where a cell may span lines, or not.
    """
    opened, width = first, 0
    pending: list[str] = []  # from the line whose last cell opens a quote
    for number, line in enumerate(source, first):
        parts = _parts(line)
        closes = bool(pending) and _closes(parts[0])
        opens = _opens(parts[-1]) and not (closes and len(parts) == 1)
        if pending and not closes and (len(parts) > 1 or _is_no_cell(pending)):
            yield from _apart(opened, pending, width)
            pending.clear()
        opened = opened if pending else number
        pending.append(line)
        if opens or (len(pending) > 1 and not closes):
            continue
        record = _spanning(opened, pending, width) if closes else _cut(number, parts, width)
        width = width or len(record.cells)
        yield record
        pending.clear()
    yield from _apart(opened, pending, width)


def _is_no_cell(lines: list[str]) -> bool:
    return len(lines) >= _MOST_LINES or len(lines[-1]) > csv.field_size_limit()


def _spanning(opened: int, lines: list[str], width: int) -> Record:
    """Take lines from a quote that opens to one that closes for one row, where they are one."""
    cells, read = (_as_csv(ended, "\t") for ended in ([_ended(line) for line in lines], lines))
    if width == 1 or cells is None or len(cells) > (width or len(cells)):
        last = opened + len(lines) - 1
        message = (
            f"a cell in quotes continues to line {last}, and the row is not one of the header's"
        )
        raise StoppedError(opened, message, "save the sheet as CSV")
    stripped = [cell.strip() for cell in cells]
    return Record(opened, stripped, read if read != stripped else None)


def _apart(first: int, lines: list[str], width: int) -> Iterator[Record]:
    return (_cut(number, _parts(line), width) for number, line in enumerate(lines, first))


def _cut(number: int, parts: list[str], width: int) -> Record:
    read = [_unquoted(cell) for cell in parts]
    if width and any(parts[width:]):
        # There may be a tab in a cell that is quoted for it.
        quoted_row = _as_csv(["\t".join(parts)], "\t")
        read = quoted_row if quoted_row is not None and len(quoted_row) <= width else read
    cells = [cell.strip() for cell in read]
    return Record(number, cells, read if read != cells else None)


def _parts(line: str) -> list[str]:
    return line.rstrip("\r\n").split("\t")


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
