"""The rows of a sheet of a workbook (.xlsx, .ods), as the sheet numbers them."""

from collections.abc import Iterable, Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

from pipeline.job.files import open_regular
from pipeline.job.problems import InvalidError
from pipeline.job.prompts.dates import iso_of, time_text
from pipeline.job.prompts.delimited import Record
from pipeline.job.prompts.extents import Sheet, examine
from pipeline.job.prompts.source import Finding, Source

_OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"  # of an old .xls, and of what has a password
_ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
_LARGEST = 500 * 1000**2


class Rows:
    """One sheet of a workbook, opened: its records, and what is wrong in some of them."""

    def __init__(self, source: Source, finding: Finding) -> None:
        _check_kind(source.path)
        self._sheet, others = examine(source.path, source.sheet)
        self._path = source.path
        finding.sheet = self._sheet.name
        finding.others = () if source.sheet else tuple(others)
        self.hidden = self._sheet.hidden
        self.bad = self._sheet.bad

    def records(self, finding: Finding) -> Iterator[Record]:
        """Yield every row, blank ones too.

        Raises:
            InvalidError: calamine cannot read it.
        """
        from python_calamine import CalamineError, CalamineWorkbook  # noqa: PLC0415 - a library

        try:
            with open_regular(self._path) as file:
                book = CalamineWorkbook.from_filelike(file)
                sheet = book.get_sheet_by_name(self._sheet.name)
                left = (sheet.start or (0, 0))[1]
                finding.merged = len(self._sheet.merged)
                yield from _filled(self._sheet, sheet.iter_rows(), left)
        except CalamineError as error:
            raise InvalidError(f"the workbook cannot be read: {error}", "save it again") from None


def _check_kind(path: Path) -> None:
    with open_regular(path) as file:
        start = file.read(1 << 16)
        if start.startswith(_OLE):
            rest = file.read(_LARGEST)
            if _ENCRYPTED in start or _ENCRYPTED in rest:
                raise InvalidError("the workbook is protected by a password", "save it without")
            raise InvalidError(
                "the file is an old .xls, whatever its name says", "save it as .xlsx"
            )
        if file.seek(0, 2) > _LARGEST:
            raise InvalidError("the workbook is larger than 500 MB", "save the sheet as CSV")
    if path.name.startswith("~$"):
        hint = f"name the workbook itself: {path.name[2:]}"
        raise InvalidError("this is the lock of a workbook that is open", hint)
    if not start:
        raise InvalidError("the file is empty")
    if not start.startswith(b"PK"):
        what = "a web page" if b"<html" in start[:4096].lower() else "not a workbook"
        raise InvalidError(
            f"the file is {what}, whatever its name says", "save it as .xlsx, or call it .csv"
        )


def _filled(sheet: Sheet, rows: Iterable[list[Any]], left: int) -> Iterator[Record]:
    """Repeat what is in a merged cell in each row that it spans."""
    opening: dict[int, list[tuple[int, int]]] = {}
    for first, last, column in sheet.merged:
        opening.setdefault(first, []).append((last, column - 1 - left))
    spans: dict[int, tuple[int, Any]] = {}
    for number, row in enumerate(rows, 1):
        cells = [_plain(cell) for cell in row]
        if spans:
            spans = {place: span for place, span in spans.items() if span[0] >= number}
            for place, (_, value) in spans.items():
                cells[place] = value
        for last, place in opening.get(number, ()):
            if 0 <= place < len(cells) and cells[place] != "":
                spans[place] = (last, cells[place])
        yield Record(number, cells, None)


def _plain(cell: Any) -> Any:
    """Make a JSON value of a cell: whole numbers have no point, dates are ISO texts."""
    if isinstance(cell, str):
        text = cell.strip()
        if "\r" in text:
            text = text.replace("\r\n", "\n").replace("\r", "\n")
        return text
    if isinstance(cell, float):
        return int(cell) if cell.is_integer() and abs(cell) < 1e15 else cell  # noqa: PLR2004
    if isinstance(cell, date | datetime):
        return iso_of(cell)
    return time_text(cell) if isinstance(cell, time | timedelta) else cell
