"""A sheet of prompts: what its columns mean, and its rows."""

import re
import unicodedata
from collections.abc import Callable, Iterator
from operator import itemgetter
from typing import BinaryIO

import msgspec

from pipeline.errors import Problem
from pipeline.job.identity import checked_id
from pipeline.job.items import Item, Origin
from pipeline.job.problems import InvalidError, Report, StoppedError, shown
from pipeline.job.prompts.cells import ERRORS, refuse_errors
from pipeline.job.prompts.delimited import Record, read_records
from pipeline.job.prompts.lines import lines

_SPECIAL = ("id", "prompt", "priority")
_NOT_A_NAME = re.compile(r"\W")
_WHOLE = re.compile(r"[-+]?[0-9]{1,15}")


def read_sheet(origin: Origin, file: BinaryIO, report: Report) -> Iterator[Item]:
    """Yield the rows of a CSV or TSV file below its header."""
    records = read_records(lines(file), is_tsv=origin.file.suffix.casefold() == ".tsv")
    header = next(records, None)
    if header is None:
        raise StoppedError(1, "the file is empty", "its first row names the columns")
    known = len(report.problems)
    columns = Columns(origin, header, report)
    if len(report.problems) > known:
        return
    for number, record in enumerate(records, 2):
        item = columns.item(number, record)
        if item is not None:
            yield item


class Columns:
    """What the columns of one sheet mean, worked out once."""

    def __init__(self, origin: Origin, header: Record, report: Report) -> None:
        self._origin = origin
        self._line = header.line
        self._report = report
        names = [unicodedata.normalize("NFC", name) for name in header.cells]
        while names and not names[-1]:
            names.pop()
        self._width = len(names)
        self._all = names
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
            elif name in ERRORS:
                message = f"column {place} is called {shown(name)}, which is a spreadsheet error"
                self._header_problem(message, "fix its formula, or name it")
            elif name.casefold() in seen:
                self._header_problem(f"two columns are called {shown(name)}")
            elif name.casefold() == "params":
                self._header_problem(
                    "a sheet cannot have a params column",
                    "use .jsonl, or templates in the job's params",
                )
            seen.add(name.casefold())
        if not names:
            self._header_problem("the header is empty", "its first row names the columns")

    def _header_problem(self, message: str, hint: str | None = None) -> None:
        self._report.note(Problem(self._origin.file, self._line, "row 1", message, hint))

    def item(self, number: int, record: Record) -> Item | None:
        """Make a row's item; None for an empty row, and for one whose problems were reported."""
        line, cells = record.line, record.cells
        if len(cells) != self._width:
            cells = self._fitted(number, line, cells)
        if not any(cells):
            return None
        item = self._made(number, line, cells)
        if not self._identified(item, cells):
            return None
        if record.former is not None:
            before = (record.former + [""] * self._width)[: self._width]
            former = self._made(number, line, before)
            item.former = msgspec.structs.replace(former, id=item.id, priority=item.priority)
        return item

    def _made(self, number: int, line: int, cells: list[str]) -> Item:
        meta = dict(zip(self._names, self._pick(cells), strict=True))
        item = Item(self._origin, number, line, None, None, {}, meta, meta, 0, templated=True)
        if self._aliases:
            item.vars = {**meta, **{alias: meta[name] for alias, name in self._aliases}}
        if self._prompt is not None:
            text = cells[self._prompt]
            item.prompt = None if not text or text.isspace() else text
        return item

    def _identified(self, item: Item, cells: list[str]) -> bool:
        try:
            if not ERRORS.isdisjoint(cells):
                refuse_errors(dict(zip(self._all, cells, strict=True)))
            if self._id is not None and (text := cells[self._id]):
                item.id = checked_id(text)
            if self._priority is not None and (text := cells[self._priority]):
                item.priority = _priority(text)
        except InvalidError as error:
            self._report.note(item.problem(error.message, error.hint))
            return False
        return True

    def _fitted(self, number: int, line: int, cells: list[str]) -> list[str]:
        if any(cells[self._width :]):
            message = f"the row has {len(cells)} cells, the header {self._width}"
            hint = "quote a cell that contains the delimiter"
            self._report.note(Problem(self._origin.file, line, f"row {number}", message, hint))
            return []
        return (cells + [""] * self._width)[: self._width] if any(cells) else []


def _priority(text: str) -> int:
    if not _WHOLE.fullmatch(text):
        raise InvalidError(f"the priority {shown(text)} is not a whole number")
    return int(text)


def _picker(kept: list[int]) -> Callable[[list[str]], tuple[str, ...]]:
    """Make the function that takes some cells of a row."""
    if len(kept) == 1:
        only = kept[0]
        return lambda cells: (cells[only],)
    return itemgetter(*kept) if kept else lambda _: ()


def _aliases(names: list[str]) -> Iterator[tuple[str, str]]:
    """Return columns such as `Publish date` a name that a template can use: `Publish_date`."""
    for name in names:
        alias = _NOT_A_NAME.sub("_", name)
        if alias != name and alias not in names:
            yield alias, name
