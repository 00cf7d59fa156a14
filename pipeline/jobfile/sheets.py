"""CSV: a sheet of prompts, whatever its delimiter."""

import csv
import itertools
import re
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import suppress
from operator import itemgetter
from typing import Any, BinaryIO

from pipeline.errors import Problem
from pipeline.jobfile.identity import checked_id
from pipeline.jobfile.items import Item, Origin
from pipeline.jobfile.problems import InvalidError, Report, shown
from pipeline.jobfile.rows import StoppedError, lines

DELIMITERS = (",", ";", "\t", "|")
SAMPLE_LINES = 50

_SPECIAL = ("id", "prompt", "priority")
_NOT_A_NAME = re.compile(r"\W")
_WHOLE = re.compile(r"[-+]?[0-9]{1,15}")


def read_sheet(origin: Origin, file: BinaryIO, report: Report) -> Iterator[Item]:
    """Yield the rows of a CSV file below its header."""
    source = lines(file)
    sample = list(itertools.islice(source, SAMPLE_LINES))
    reader = csv.reader(itertools.chain(sample, source), delimiter=sniff(sample), strict=True)
    records = _records(reader)
    header = next(records, None)
    if header is None:
        raise StoppedError(1, "the file is empty", "its first row names the columns")
    known = len(report.problems)
    columns = Columns(origin, header[1], report)
    if len(report.problems) > known:
        return
    for number, (line, cells) in enumerate(records, 2):
        item = columns.item(number, line, cells)
        if item is not None:
            yield item


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
        widths.extend(len(row) for row in csv.reader(sample, delimiter=delimiter) if row)
    return widths


def _records(reader: Any) -> Iterator[tuple[int, list[str]]]:
    """Yield first line and cells of each record; the last line is where a record ends."""
    line = 1
    try:
        for cells in reader:
            yield line, cells
            line = reader.line_num + 1
    except csv.Error as error:
        raise StoppedError(line, f"the row cannot be read: {error}", "check its quotes") from None


class Columns:
    """What the columns of one sheet mean, worked out once."""

    def __init__(self, origin: Origin, header: list[str], report: Report) -> None:
        self._origin = origin
        self._report = report
        names = [unicodedata.normalize("NFC", name).strip() for name in header]
        while names and not names[-1]:
            names.pop()
        self._width = len(names)
        self._check(names)
        special = {name.casefold(): place for place, name in enumerate(names)}
        self._id, self._prompt, self._priority = (special.get(name) for name in _SPECIAL)
        kept = [place for place, name in enumerate(names) if name.casefold() not in _SPECIAL]
        self._names = [names[place] for place in kept]
        self._pick = _picker(kept)
        self._aliases = list(_aliases(self._names))

    def _check(self, names: list[str]) -> None:
        seen = set()
        for place, name in enumerate(names, 1):
            if not name:
                self._header_problem(f"column {place} has no name", "name it, or take it out")
            elif name.casefold() in seen:
                self._header_problem(f"two columns are called {shown(name)}")
            elif name.casefold() == "params":
                self._header_problem(
                    "a sheet carries no params", "use .jsonl, or templates in the job's params"
                )
            seen.add(name.casefold())
        if not names:
            self._header_problem("the header is empty", "its first row names the columns")

    def _header_problem(self, message: str, hint: str | None = None) -> None:
        self._report.note(Problem(self._origin.file, 1, "row 1", message, hint))

    def item(self, number: int, line: int, cells: list[str]) -> Item | None:
        """Make a row's item; None for an empty row, and for one whose problems were reported."""
        width = self._width
        if len(cells) != width:
            cells = self._fitted(number, line, cells)
        if not any(cells):
            return None
        meta = dict(zip(self._names, self._pick(cells), strict=True))
        item = Item(self._origin, number, line, None, None, {}, meta, meta, 0, templated=True)
        if self._aliases:
            item.vars = {**meta, **{alias: meta[name] for alias, name in self._aliases}}
        if self._prompt is not None:
            text = cells[self._prompt]
            item.prompt = None if not text or text.isspace() else text
        return item if self._identified(item, cells) else None

    def _identified(self, item: Item, cells: list[str]) -> bool:
        try:
            if self._id is not None and (text := cells[self._id].strip()):
                item.id = checked_id(text)
            if self._priority is not None and (text := cells[self._priority].strip()):
                item.priority = _priority(text)
        except InvalidError as error:
            self._report.note(item.problem(error.message, error.hint))
            return False
        return True

    def _fitted(self, number: int, line: int, cells: list[str]) -> list[str]:
        extra = [cell for cell in cells[self._width :] if cell.strip()]
        if extra:
            message = f"the row has {len(cells)} cells, the header {self._width}"
            hint = "quote a cell that contains the delimiter"
            self._report.note(Problem(self._origin.file, line, f"row {number}", message, hint))
            return []
        return (cells + [""] * self._width)[: self._width] if any(cells) else []


def _priority(text: str) -> int:
    if not _WHOLE.fullmatch(text):
        raise InvalidError(f"the priority {shown(text)} is no whole number")
    return int(text)


def _picker(kept: list[int]) -> Callable[[list[str]], tuple[str, ...]]:
    """Make the function that takes some cells of a row."""
    if len(kept) == 1:
        only = kept[0]
        return lambda cells: (cells[only],)
    return itemgetter(*kept) if kept else lambda _: ()


def _aliases(names: list[str]) -> Iterator[tuple[str, str]]:
    """Give columns such as `Publish date` a name that a template can use: `Publish_date`."""
    for name in names:
        alias = _NOT_A_NAME.sub("_", name)
        if alias != name and alias not in names:
            yield alias, name
