"""What a workbook's sheets hold, looked at before a library opens them.

calamine keeps a sheet as one block, from its first cell to its last: two cells far apart would take
all memory, and what cannot be allocated ends the process. What it does not report is found here as
well: hidden rows, formulas without a value, errors.
"""

import posixpath
import re
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

from pipeline.job.problems import InvalidError, did_you_mean, shown
from pipeline.job.prompts.archive import MOST_SHEET, MOST_TEXTS, Archive, Attributes, Look, opened

MOST_CELLS = 5_000_000
"""Of a sheet as a block; each takes some 30 bytes, besides its text."""

_MOST_LISTED = 100_000
_MOST_REPEATED = 1 << 24
_NO_VALUE = "a formula without a value"
_ERROR = "an error in place of a value"
_REFERENCE = re.compile(r"\$?([A-Za-z]{1,3})\$?([0-9]{1,7})", re.ASCII)


@dataclass(slots=True)
class Sheet:
    """What a sheet has that its cells do not say. Rows and columns are counted from 1.

    `bad` has the first cell of a row that has no value, and why. `merged` are areas of several
    rows: first row, last row, column.
    """

    name: str
    visible: bool = True
    hidden: list[int] = field(default_factory=list)
    merged: list[tuple[int, int, int]] = field(default_factory=list)
    bad: dict[int, tuple[str, str]] = field(default_factory=dict)
    _first: tuple[int, int] = (1 << 30, 1 << 30)
    _last: tuple[int, int] = (0, 0)

    def reach(self, row: int, column: int) -> None:
        """Take note of a cell with a value.

        Raises:
            InvalidError: the block up to it is too large.
        """
        (top, left), (bottom, right) = self._first, self._last
        if top <= row <= bottom and left <= column <= right:
            return
        top, left = self._first = min(top, row), min(left, column)
        bottom, right = self._last = max(bottom, row), max(right, column)
        if (bottom - top + 1) * (right - left + 1) > MOST_CELLS:
            raise InvalidError(
                f"sheet {shown(self.name)} reaches from {_letters(left)}{top} to "
                f"{_letters(right)}{bottom}, which is more than {MOST_CELLS:,} cells",
                "take out the cells far from the table, or save the sheet as CSV",
            )

    def lacks(self, row: int, column: int, why: str) -> None:
        """Take note of a cell whose value is not there."""
        if len(self.bad) < _MOST_LISTED:
            self.bad.setdefault(row, (f"{_letters(column)}{row}", why))

    def hides(self, row: int) -> None:
        """Take note of a hidden row."""
        if len(self.hidden) < _MOST_LISTED:
            self.hidden.append(row)

    def merges(self, first: int, last: int, column: int) -> None:
        """Take note of merged cells."""
        if last > first and len(self.merged) < _MOST_LISTED:
            self.merged.append((first, last, column))


def examine(path: Path, wanted: str | None) -> tuple[Sheet, list[str]]:
    """Look at a workbook; return the sheet that is read, and the names of the other visible ones.

    Without a name that is the first visible one.

    Raises:
        InvalidError: it is not a workbook that can be read, or there is no such sheet.
    """
    about = path.stat()
    return _examined(path, wanted, (about.st_ino, about.st_size, about.st_mtime_ns))


@lru_cache(maxsize=8)
def _examined(path: Path, wanted: str | None, _state: tuple[int, ...]) -> tuple[Sheet, list[str]]:
    """Look at a workbook; a plan reads it twice, and looks at it once."""
    with opened(path) as archive:
        is_document = path.suffix.casefold() == ".ods"
        chosen, sheets = (_document if is_document else _office)(archive, wanted)
    return chosen, [sheet.name for sheet in sheets if sheet.visible and sheet is not chosen]


def _office(archive: Archive, wanted: str | None) -> tuple[Sheet, list[Sheet]]:
    parts = archive.parts
    if "xl/workbook.xml" not in parts:
        kind = "an OpenDocument file" if "content.xml" in parts else "not an Excel workbook"
        raise InvalidError(f"the file is {kind}, whatever its name says", "save it as .xlsx or CSV")
    listed: list[tuple[Sheet, str]] = []
    targets: dict[str, str] = {}

    def sheet(about: Attributes) -> None:
        link = next((value for key, value in about.items() if key.endswith(":id")), "")
        visible = about.get("state", "visible") == "visible"
        listed.append((Sheet(about.get("name", ""), visible), link))

    def relationship(about: Attributes) -> None:
        if about.get("Type", "").endswith("/worksheet"):
            targets[about.get("Id", "")] = about.get("Target", "")

    archive.show("xl/workbook.xml", {"sheet": sheet})
    archive.show("xl/_rels/workbook.xml.rels", {"Relationship": relationship})
    tables = [(sheet, targets[link]) for sheet, link in listed if link in targets]
    chosen = _chosen([sheet for sheet, _ in tables], wanted)
    target = next(target for sheet, target in tables if sheet is chosen)
    inside = target.lstrip("/") if target.startswith("/") else posixpath.join("xl", target)
    part = posixpath.normpath(inside).casefold()
    if part not in parts:
        raise InvalidError(f"the workbook is damaged: sheet {shown(chosen.name)} is missing")
    # What calamine reads besides: it knows no bounds.
    for name in ("xl/sharedstrings.xml", "xl/styles.xml", "[content_types].xml", "_rels/.rels"):
        archive.show(name, {}, MOST_TEXTS)
    archive.show(part, _Cells(chosen).look, MOST_SHEET)
    return chosen, [sheet for sheet, _ in tables]


class _Cells:
    """Follows the rows and cells of a sheet of an .xlsx."""

    def __init__(self, sheet: Sheet) -> None:
        self._sheet = sheet
        self._row = self._column = 0
        self._place: str | None = None  # of the cell, where it says so
        self._waits = False  # for the value of a formula
        self._is_text = False
        self.look: Look = {
            "row": self._take_row,
            "c": self._take_cell,
            "f": self._take_formula,
            "v": self._take_value,
            "is": self._take_value,
            "#text": self._take_text,
            "mergeCell": self._take_merge,
            "sheetData": self._close,
            "pageMargins": self._close,
        }

    def _at(self) -> tuple[int, int]:
        """Say where the cell is; one without a place is next to the one before."""
        if self._place is not None:
            self._row, self._column = _placed(self._place)
            self._place = None
        return self._row, self._column

    def _close(self, _about: Attributes) -> None:
        if self._waits:
            self._sheet.lacks(*self._at(), _NO_VALUE)
        self._waits = False

    def _take_row(self, about: Attributes) -> None:
        self._close(about)
        self._row, self._column, self._place = int(about.get("r") or self._row + 1), 0, None
        if about.get("hidden") in {"1", "true"}:
            self._sheet.hides(self._row)

    def _take_cell(self, about: Attributes) -> None:
        if self._waits:
            self._close(about)
        place = about.get("r")
        if place is None:
            self._at()
            self._column += 1
        self._place = place
        kind = about.get("t")
        self._is_text = kind == "str"
        if kind == "e":
            self._sheet.lacks(*self._at(), _ERROR)

    def _take_formula(self, _about: Attributes) -> None:
        self._waits = True

    def _take_value(self, _about: Attributes) -> bool:
        if self._waits and not self._is_text:
            return True  # it is none where it is empty; of a formula of text it may be
        self._take_text(_about)
        return False

    def _take_text(self, _about: Attributes) -> None:
        self._waits = False
        self._sheet.reach(*self._at())

    def _take_merge(self, about: Attributes) -> None:
        first, _, last = about.get("ref", "").partition(":")
        (top, left), (bottom, _) = _placed(first), _placed(last or first)
        self._sheet.merges(top, bottom, left)


def _document(archive: Archive, wanted: str | None) -> tuple[Sheet, list[Sheet]]:
    if "content.xml" not in archive.parts:
        raise InvalidError(
            "the file is not an OpenDocument sheet, whatever its name says",
            "save it as .ods or CSV",
        )
    archive.show("meta-inf/manifest.xml", {"encryption-data": _refuse_protected})
    tables = _Tables()
    archive.show("content.xml", tables.look, MOST_SHEET, bare=True)
    return _chosen(tables.sheets, wanted), tables.sheets


def _refuse_protected(_about: Attributes) -> None:
    raise InvalidError("the workbook is protected by a password", "save it without")


class _Tables:
    """Follows the tables of an .ods. Rows and cells are repeated; those with a value reach far."""

    def __init__(self) -> None:
        self.sheets: list[Sheet] = []
        self._row = self._rows = self._column = 0
        self._style = ""
        self._unseen: set[str] = set()
        self.look: Look = {
            "style": self._take_style,
            "table-properties": self._take_properties,
            "table": self._take_table,
            "table-row": self._take_row,
            "table-cell": self._take_cell,
            "covered-table-cell": self._take_cell,
        }

    def _take_style(self, about: Attributes) -> None:
        self._style = about.get("name", "")

    def _take_properties(self, about: Attributes) -> None:
        if about.get("display") == "false":
            self._unseen.add(self._style)

    def _take_table(self, about: Attributes) -> None:
        visible = about.get("style-name") not in self._unseen
        self.sheets.append(Sheet(about.get("name", ""), visible))
        self._row = self._rows = self._column = 0

    def _take_row(self, about: Attributes) -> None:
        self._row += self._rows
        self._rows, self._column = _times(about, "number-rows-repeated"), 0
        if about.get("visibility") in {"collapse", "filter"}:
            for row in range(self._row + 1, self._row + 1 + min(self._rows, 1000)):
                self.sheets[-1].hides(row)

    def _take_cell(self, about: Attributes) -> None:
        sheet, row, column = self.sheets[-1], self._row + 1, self._column + 1
        times = _times(about, "number-columns-repeated")
        if "value-type" in about:
            sheet.reach(row, column)
            sheet.reach(self._row + self._rows, self._column + times)
        elif "formula" in about:
            sheet.lacks(row, column, _NO_VALUE)
        sheet.merges(row, self._row + _times(about, "number-rows-spanned"), column)
        self._column += times


def _times(about: Attributes, name: str) -> int:
    return min(max(int(about.get(name, 1)), 1), _MOST_REPEATED)


def _chosen(sheets: list[Sheet], wanted: str | None) -> Sheet:
    if wanted is None:
        found = next((sheet for sheet in sheets if sheet.visible), None)
        if found is None:
            raise InvalidError("the workbook has no visible sheet", "name a hidden one with sheet:")
        return found
    names = [sheet.name for sheet in sheets]
    folds = [name.strip().casefold() for name in names]
    if wanted in names:
        return sheets[names.index(wanted)]
    if wanted.strip().casefold() in folds:
        return sheets[folds.index(wanted.strip().casefold())]
    raise InvalidError(f"the workbook has no sheet {shown(wanted)}", did_you_mean(wanted, names))


def _placed(reference: str) -> tuple[int, int]:
    """Read a reference such as `AB12`, as row and column."""
    match = _REFERENCE.fullmatch(reference)
    if match is None:
        raise InvalidError(f"the workbook is damaged: {shown(reference)} is not a cell")
    return int(match[2]), _number(match[1])


@lru_cache(maxsize=20_000)
def _number(letters: str) -> int:
    column = 0
    for letter in letters.upper():
        column = column * 26 + ord(letter) - 64
    return column


def _letters(column: int) -> str:
    letters = ""
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return letters
