"""A sheet of prompts: where its header is, what its columns mean, and its rows."""

import itertools
import re
import unicodedata
from collections.abc import Callable, Iterator
from operator import itemgetter
from typing import Any, BinaryIO

import msgspec

from pipeline.errors import Problem
from pipeline.job.identity import checked_id
from pipeline.job.items import Item, Origin
from pipeline.job.problems import InvalidError, Report, StoppedError, shown
from pipeline.job.prompts.cells import ERRORS, refuse_errors
from pipeline.job.prompts.delimited import Record, read_records
from pipeline.job.prompts.headings import MOST_ABOVE, folded, header_row, recognised
from pipeline.job.prompts.lines import lines
from pipeline.job.prompts.source import Finding, Source
from pipeline.job.template.filters import as_text

_SPECIAL = ("id", "prompt", "priority")
_NOT_A_NAME = re.compile(r"\W")
_WHOLE = re.compile(r"[-+]?[0-9]{1,15}")
_LONGEST_CELL = 131_072
"""Characters of a workbook's cell, as of CSV; Excel's own bound is a quarter of it."""


def read_delimited(
    source: Source, origin: Origin, file: BinaryIO, report: Report, finding: Finding
) -> Iterator[Item]:
    """Yield the rows of a CSV or TSV file below its header."""
    text = lines(file, said=finding.note)
    records = read_records(text, is_tsv=source.suffix == ".tsv")
    return read_table(source, origin, records, report, finding)


def read_table(
    source: Source, origin: Origin, records: Iterator[Record], report: Report, finding: Finding
) -> Iterator[Item]:
    """Yield the rows of a table below its header."""
    header, place, rest = _header(source, records)
    finding.header = place
    known = len(report.problems)
    columns = Columns(source, origin, header, report, finding)
    if len(report.problems) > known:
        return
    for number, record in enumerate(rest, place + 1):
        item = columns.item(number, record)
        if item is not None:
            yield item


def _header(source: Source, records: Iterator[Record]) -> tuple[Record, int, Iterator[Record]]:
    """Find the header: the row, its place from 1, and the rows below it."""
    if source.header is not None:
        header = next(itertools.islice(records, source.header - 1, None), None)
        if header is None or not any(cell != "" for cell in header.cells):
            message = f"there is nothing in row {source.header}, which header: names"
            raise StoppedError(header.line if header else 1, message, "name the row of headings")
        return header, source.header, records
    above = list(itertools.islice(records, MOST_ABOVE))
    if not above:
        raise StoppedError(1, "the file is empty", "its first row names the columns")
    place = 0 if source.keeps_0_1 and _was_header(above) else header_row([r.cells for r in above])
    if place is None:
        if source.keeps_0_1:
            place = 0
        else:
            message = f"none of the first {len(above)} rows looks like a header"
            raise StoppedError(1, message, "name the row of the headings: header: 1")
    return above[place], place + 1, itertools.chain(above[place + 1 :], records)


def _was_header(rows: list[Record]) -> bool:
    """Say whether version 0.1 could take the first row of a CSV for its header."""
    names = [str(cell) for cell in rows[0].cells]
    while names and not names[-1]:
        names.pop()
    distinct = len({name.casefold() for name in names}) == len(names)
    fits = all(not any(row.cells[len(names) :]) for row in rows)
    return bool(names) and all(names) and distinct and fits


class Columns:
    """What the columns of one sheet mean, worked out once."""

    def __init__(
        self,
        source: Source,
        origin: Origin,
        header: Record,
        report: Report,
        finding: Finding,
    ) -> None:
        self._origin = origin
        self._line = header.line
        self._row = finding.header or 1
        self._report = report
        self._typed = not source.keeps_0_1
        names = [unicodedata.normalize("NFC", as_text(cell)) for cell in header.cells]
        if not source.plain or self._typed:
            names = [" ".join(name.split()) for name in names]  # of several lines
        while names and not names[-1]:
            names.pop()
        self._width = len(names)
        self._all = names
        self._lenient = not source.plain or self._typed or self._row > 1
        self._check(names, finding)
        finding.titles = [name for name in names if name]
        special = _special(names, source)
        self._id, self._prompt, self._priority = (special.get(name) for name in _SPECIAL)
        gone = {at for name, at in special.items() if folded(names[at]) == name}
        kept = [at for at, name in enumerate(names) if name and at not in gone]
        self._names = [names[at] for at in kept]
        self._pick = _picker(kept)
        self._aliases = list(_aliases(self._names, lower=self._lenient))

    def _check(self, names: list[str], finding: Finding) -> None:
        seen = set()
        for place, name in enumerate(names, 1):
            if not name:
                if self._lenient:
                    finding.note(f"column {place} has no heading and is left out")
                else:
                    self._header_problem(f"column {place} has no name", "name it, or take it out")
                continue
            if name in ERRORS:
                message = f"column {place} is called {shown(name)}, which is a spreadsheet error"
                self._header_problem(message, "fix its formula, or name it")
            elif name.casefold() in seen:
                hint = "give one of them another heading" if self._lenient else None
                self._header_problem(f"two columns are called {shown(name)}", hint)
            elif name.casefold() == "params":
                self._header_problem(
                    "a sheet cannot have a params column",
                    "use .jsonl, or templates in the job's params",
                )
            seen.add(name.casefold())
        if not names:
            self._header_problem("the header is empty", "its first row names the columns")

    def _header_problem(self, message: str, hint: str | None = None) -> None:
        key = f"row {self._row}"
        self._report.note(Problem(self._origin.file, self._line, key, message, hint))

    def item(self, number: int, record: Record) -> Item | None:
        """Make a row's item; None for an empty row, and for one whose problems were reported."""
        line, cells = record.line, record.cells
        if len(cells) != self._width:
            cells = self._fitted(number, line, cells)
        if not any(cells) and all(cell == "" for cell in cells):  # 0 and false are something
            return None
        item = self._made(number, line, cells)
        if not self._identified(item, cells):
            return None
        if record.former is not None:
            before = (record.former + [""] * self._width)[: self._width]
            former = self._made(number, line, before)
            item.former = msgspec.structs.replace(former, id=item.id, priority=item.priority)
        return item

    def _made(self, number: int, line: int, cells: list[Any]) -> Item:
        meta = dict(zip(self._names, self._pick(cells), strict=True))
        item = Item(self._origin, number, line, None, None, {}, meta, meta, 0, templated=True)
        if self._aliases:
            item.vars = {**meta, **{alias: meta[name] for alias, name in self._aliases}}
        if self._prompt is not None:
            text = as_text(cells[self._prompt])
            item.prompt = None if not text or text.isspace() else text
        return item

    def _identified(self, item: Item, cells: list[Any]) -> bool:
        try:
            if self._typed:
                _refuse_long(cells)
            if not ERRORS.isdisjoint(cells):
                refuse_errors(dict(zip(self._all, cells, strict=True)))
            if self._id is not None and (text := as_text(cells[self._id])):
                item.id = checked_id(text)
            if self._priority is not None and (text := as_text(cells[self._priority])):
                item.priority = _priority(text)
        except InvalidError as error:
            self._report.note(item.problem(error.message, error.hint))
            return False
        return True

    def _fitted(self, number: int, line: int, cells: list[Any]) -> list[Any]:
        beyond = any(cell != "" for cell in cells[self._width :])
        if beyond and not self._typed:
            message = f"the row has {len(cells)} cells, the header {self._width}"
            hint = "quote a cell that contains the delimiter"
            self._report.note(Problem(self._origin.file, line, f"row {number}", message, hint))
            return []
        # What is beside the table in a workbook is a note of somebody's.
        return (cells + [""] * self._width)[: self._width]


def _special(names: list[str], source: Source) -> dict[str, int]:
    """Find the columns that make an item itself, among those that are not called otherwise."""
    if source.plain and source.keeps_0_1:
        folds = {name.casefold(): at for at, name in enumerate(names)}
        return {name: folds[name] for name in _SPECIAL if name in folds}
    said = source.columns
    known = {**recognised(names), "priority": "priority"}
    found = {}
    folds = {folded(name): at for at, name in reversed(list(enumerate(names)))}
    for name in _SPECIAL:
        title = said.get(name, known.get(name))
        if title is not None and folded(title) in folds:
            found[name] = folds[folded(title)]
    return found


def _refuse_long(cells: list[Any]) -> None:
    for cell in cells:
        if isinstance(cell, str) and len(cell) > _LONGEST_CELL:
            raise InvalidError(f"a cell has {len(cell):,} characters", f"at most {_LONGEST_CELL:,}")


def _priority(text: str) -> int:
    if not _WHOLE.fullmatch(text):
        raise InvalidError(f"the priority {shown(text)} is not a whole number")
    return int(text)


def _picker(kept: list[int]) -> Callable[[list[Any]], tuple[Any, ...]]:
    """Make the function that takes some cells of a row."""
    if len(kept) == 1:
        only = kept[0]
        return lambda cells: (cells[only],)
    return itemgetter(*kept) if kept else lambda _: ()


def _aliases(names: list[str], *, lower: bool) -> Iterator[tuple[str, str]]:
    """Return columns such as `Publish date` a name that a template can use: `Publish_date`.

    With `lower`, `publish_date` as well, where nothing else is called so.
    """
    taken = set(names)
    for name in names:
        alias = _NOT_A_NAME.sub("_", name)
        if alias not in names:
            taken.add(alias)
            yield alias, name
    for name in names if lower else ():
        alias = _NOT_A_NAME.sub("_", name).lower()
        if alias not in taken:
            taken.add(alias)
            yield alias, name
