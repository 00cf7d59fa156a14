"""A table as a workbook (.xlsx), and what every workbook has: safe cells, the same bytes."""

import io
import re
import zipfile
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from pipeline.export.delimited import plain
from pipeline.export.inert import inert
from pipeline.export.rows import Row

if TYPE_CHECKING:
    from openpyxl import Workbook
    from openpyxl.cell.cell import Cell
    from openpyxl.worksheet.worksheet import Worksheet

# The limits of the format; what is longer, spreadsheets refuse to open.
LONGEST_CELL = 32_767
MOST_ROWS = 1_048_576
MOST_COLUMNS = 16_384

_ILLEGAL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_MODIFIED = re.compile(rb"(<dcterms:modified[^>]*>)[^<]*(</dcterms:modified>)")
_TITLE = re.compile(r"[\[\]:*?/\\]")
_EARLIEST = (1980, 1, 1, 0, 0, 0)  # of a zip


def from_table(
    name: str, columns: Sequence[str], lines: Iterable[Sequence[Any]], *, raw: bool
) -> "Workbook":
    """Make a workbook of one sheet."""
    from openpyxl import Workbook  # noqa: PLC0415 - only this export needs it
    from openpyxl.styles import Font  # noqa: PLC0415 - likewise

    book = Workbook()
    sheet = book.worksheets[0]
    sheet.title = _TITLE.sub("-", name)[:31].strip("'") or "clips"
    for number, line in enumerate([columns, *lines], 1):
        for place, value in enumerate(line, 1):
            put(sheet, number, place, value, raw=raw)
    for place in range(1, len(columns) + 1):
        sheet.cell(1, place).font = Font(bold=True)
    sheet.freeze_panes = "A2"
    return book


def put(sheet: "Worksheet", row: int, column: int, value: Any, *, raw: bool) -> "Cell":
    """Write a cell: a text is a text, whatever it begins with, and never a formula."""
    cell: Any = sheet.cell(row, column)
    value = plain(value)
    if isinstance(value, str):
        text = _ILLEGAL.sub("\N{REPLACEMENT CHARACTER}", value if raw else inert(value))
        cell.value = text[:LONGEST_CELL]
        cell.data_type = "s"
    elif value is not None:
        cell.value = value
    return cell  # type: ignore[no-any-return]


def as_bytes(book: "Workbook", rows: Iterable[Row]) -> bytes:
    """Save a workbook; the same clips give the same bytes.

    The time of its last change is that of the last clip.
    """
    finished = max((row.record.finished_at for row in rows if row.record), default="")
    modified = _time(finished)
    if book.properties.created is None or book.properties.creator == "openpyxl":
        book.properties.creator = "pipeline"
        book.properties.created = modified
    saved = io.BytesIO()
    book.save(saved)
    return _same_bytes(saved, modified.strftime("%Y-%m-%dT%H:%M:%SZ").encode())


def _time(finished: str) -> datetime:
    try:
        found = datetime.fromisoformat(finished)
    except ValueError:
        return datetime(*_EARLIEST)  # noqa: DTZ001 - properties are in UTC, without a zone
    return (found.astimezone(UTC) if found.tzinfo else found).replace(tzinfo=None, microsecond=0)


def _same_bytes(saved: io.BytesIO, modified: bytes) -> bytes:
    """Pack a workbook again with fixed times: openpyxl writes the present one."""
    packed = io.BytesIO()
    with zipfile.ZipFile(saved) as old, zipfile.ZipFile(packed, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if name == "docProps/core.xml":
                data = _MODIFIED.sub(rb"\g<1>" + modified + rb"\g<2>", data)
            entry = zipfile.ZipInfo(name, _EARLIEST)
            entry.external_attr = 0o600 << 16
            new.writestr(entry, data, zipfile.ZIP_DEFLATED)
    return packed.getvalue()
