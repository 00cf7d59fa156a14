"""A copy of the job's own workbook, with how each row stands in new columns at its right."""

import io
import re
import warnings
import zipfile
import zlib
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from decimal import Decimal
from itertools import chain, count
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.errors import PipelineError, UsageError
from pipeline.export import thumbnails
from pipeline.export.rows import Row
from pipeline.export.workbook import MOST_COLUMNS, put
from pipeline.models import Job

if TYPE_CHECKING:
    from openpyxl import Workbook
    from openpyxl.worksheet.worksheet import Worksheet

HEADINGS = ("status", "file", "cost", "verdict")
THUMBNAIL = "thumbnail"

_LARGEST = 100 * 1000**2
_LARGEST_UNPACKED = 400 * 1000**2
_LARGEST_CELLS = 150 * 1000**2  # of XML: two million cells
_MOST_MERGED = 500_000
_MERGED = re.compile(
    rb"""<(?:\w+:)?mergeCell\s[^>]*?ref=["']([A-Z]{1,3}[0-9]{1,7}:[A-Z]{1,3}[0-9]{1,7})["']"""
)
_LOWEST_HEADER = 100
_HARMLESS = frozenset({"calcChain.xml", "printerSettings", "sharedStrings.xml", "metadata.xml"})


@dataclass(frozen=True, slots=True)
class Copy:
    """The copied workbook. `source` are the bytes of what it copies, `losses` for people."""

    book: "Workbook"
    source: bytes
    losses: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Source:
    """The workbook that rows come from; `tab` is the one that the job names, if it names one."""

    path: Path
    tab: str | None = None
    header: int | None = None


def copied(source: Source, rows: Sequence[Row], job: Job, *, raw: bool) -> Copy:
    """Copy the workbook of a job, and add columns to the tab with its rows.

    Raises:
        UsageError: it cannot be read, or there is no room at its right.
    """
    data = _read(source.path)
    with warnings.catch_warnings(record=True) as heard:
        warnings.simplefilter("always")
        book = _opened(source.path, data)
    sheet = _tab(book, source)
    _add(sheet, source, rows, job, raw=raw)
    # Values that formulas had are not kept; whoever opens the copy works them out again.
    book.calculation.fullCalcOnLoad = True
    return Copy(book, data, tuple(dict.fromkeys(str(one.message) for one in heard)))


def _read(path: Path) -> bytes:
    """Read a workbook, and check that it is not one that fills the memory."""
    try:
        with path.open("rb") as file:
            data = file.read(_LARGEST + 1)
        if len(data) > _LARGEST:
            raise _not_copied(path, f"it is larger than {_LARGEST // 1000**2} MB")
        with zipfile.ZipFile(io.BytesIO(data)) as parts:
            _check_sizes(path, parts)
            for name in parts.namelist():
                if name.startswith("xl/worksheets/") and name.endswith(".xml"):
                    _check_merged(path, parts.read(name))
    except (OSError, zipfile.BadZipFile, zlib.error, RuntimeError, NotImplementedError) as error:
        raise _not_copied(path, str(error)) from error
    return data


def _check_sizes(path: Path, parts: zipfile.ZipFile) -> None:
    sizes = {part.filename: part.file_size for part in parts.infolist()}
    cells = sum(size for name, size in sizes.items() if name.endswith(".xml"))
    if cells > _LARGEST_CELLS or sum(sizes.values()) > _LARGEST_UNPACKED:
        raise _not_copied(path, "it unpacks to more than can be held in memory")


def _check_merged(path: Path, sheet: bytes) -> None:
    """Refuse merged cells of whole columns: the library makes an object of each of their cells."""
    from openpyxl.utils import range_boundaries  # noqa: PLC0415 - only this export needs it

    # The library's parser reads other encodings too, in which nothing would be found here.
    if not sheet.removeprefix(b"\xef\xbb\xbf").lstrip().startswith(b"<") or b"\0" in sheet[:100]:
        raise _not_copied(path, "a sheet of it is not UTF-8")
    area = 0
    for match in _MERGED.finditer(sheet):
        left, top, right, bottom = range_boundaries(match[1].decode())
        area += (1 + (right or 0) - (left or 0)) * (1 + (bottom or 0) - (top or 0))
        if area > _MOST_MERGED:
            raise _not_copied(path, f"more than {_MOST_MERGED:,} of its cells are merged")


def _opened(path: Path, data: bytes) -> "Workbook":
    from openpyxl import load_workbook  # noqa: PLC0415 - only this export needs it

    try:
        return load_workbook(io.BytesIO(data), rich_text=True)
    except PipelineError:
        raise
    except Exception as error:  # whatever a foreign file makes a library raise
        raise _not_copied(path, f"{type(error).__name__}: {error}") from error


def _not_copied(path: Path, why: str) -> UsageError:
    return UsageError(
        f"{path} cannot be copied: {why}",
        hint='name columns with --columns "Caption={{ caption }},…" for a new workbook,'
        " or use --to csv",
    )


def _tab(book: "Workbook", source: Source) -> "Worksheet":
    sheets = {sheet.title: sheet for sheet in book.worksheets}
    if source.tab is not None:
        if source.tab not in sheets:
            raise _not_copied(source.path, f"it has no tab {source.tab!r}")
        return sheets[source.tab]
    if not sheets:
        raise _not_copied(source.path, "it has no tab with cells")
    shown = [sheet for sheet in book.worksheets if sheet.sheet_state == "visible"]
    return (shown or book.worksheets)[0]


def _add(sheet: "Worksheet", source: Source, rows: Sequence[Row], job: Job, *, raw: bool) -> None:
    """Fill the new columns; the clips of one row are lines of one cell, in the same order."""
    groups: dict[int, list[Row]] = {}
    for row in rows:
        groups.setdefault(row.place[1], []).append(row)
    header = source.header or _header(sheet, rows)
    left = _last_column(sheet)
    if left + len(HEADINGS) + 1 > MOST_COLUMNS:
        raise _not_copied(source.path, "there is no room for columns at its right")
    theirs = [str(value) for (row, _), value in _values(sheet) if row == header]
    for place, heading in enumerate(headings(theirs), left + 1):
        _head(sheet, header, place, heading)
    for number, found in groups.items():
        for place, value in enumerate(_cells(found), left + 1):
            put(sheet, number, place, value, raw=raw)
    numbers = [row.place[1] for row in rows]
    picture(sheet, job, rows, numbers, left + len(HEADINGS) + 1, header=header)


def headings(theirs: Iterable[str]) -> list[str]:
    """Name the new columns apart from those that are there: `clip status`, `clip status 2`."""
    taken = {heading.strip().casefold() for heading in theirs}
    named = []
    for heading in HEADINGS:
        clip = f"clip {heading}"
        wanted = chain([heading, clip], (f"{clip} {number}" for number in count(2)))
        named.append(next(name for name in wanted if name not in taken))
    return named


def picture(  # noqa: PLR0913, PLR0917 - where the pictures go
    sheet: "Worksheet",
    job: Job,
    rows: Sequence[Row],
    numbers: Sequence[int],
    column: int,
    header: int = 1,
) -> None:
    """Add a column of thumbnails where there are any: the first of each row of the sheet.

    `numbers` says in which row of the sheet each task is.
    """
    pictures = thumbnails.of(job, rows)
    placed = zip(reversed(numbers), reversed(rows), strict=True)
    first = {n: pictures[row.task.id] for n, row in placed if row.task.id in pictures}
    for number, found in sorted(first.items()):
        thumbnails.anchor(sheet, number, column, found)
    if first:
        _head(sheet, header, column, THUMBNAIL)


def _head(sheet: "Worksheet", row: int, column: int, heading: str) -> None:
    """Write a heading that looks like the one at its left."""
    cell: Any = put(sheet, row, column, heading, raw=True)
    if column > 1:
        left: Any = sheet.cell(row, column - 1)
        cell._style = copy(left._style)  # noqa: SLF001 - no other way


def _cells(found: Sequence[Row]) -> Iterator[Any]:
    """Yield the status, the files, the cost in dollars and the verdicts of the clips of a row."""
    yield _lines([row.status for row in found])
    yield _lines([row.file for row in found])
    costs = [row.record.cost for row in found if row.record and row.record.cost is not None]
    yield sum(costs, Decimal(0)) if costs else None
    yield _lines([row.verdict or "" for row in found])


def _lines(texts: Sequence[str]) -> str | None:
    """Write one text for all where they agree, else a line for each; None where all are empty."""
    if not any(texts):
        return None
    return texts[0] if len(set(texts)) == 1 else "\n".join(texts)


def _header(sheet: "Worksheet", rows: Sequence[Row]) -> int:
    """Find the row that names the columns: the one with most names that the rows have."""
    names = {name.strip() for row in rows[:100] for name in row.task.meta} | {"prompt", "id"}
    first = min((row.place[1] for row in rows), default=2)
    named = Counter(
        row
        for (row, _), value in _values(sheet)
        if row < min(first, _LOWEST_HEADER) and str(value).strip() in names
    )
    return named.most_common(1)[0][0] if named else max(1, first - 1)


def _last_column(sheet: "Worksheet") -> int:
    """Find the last column with a value or a merged cell; formats alone do not count."""
    merged = (int(merged.max_col) for merged in sheet.merged_cells.ranges)
    return max(chain([0], (column for (_, column), _ in _values(sheet)), merged))


def _values(sheet: "Worksheet") -> Iterator[tuple[tuple[int, int], Any]]:
    """Yield the cells that have a value, by row and column.

    The sheet's own rows would reach its last format, which may be in the last row there is.
    """
    cells: Mapping[tuple[int, int], Any] = sheet._cells  # noqa: SLF001 - see above
    return ((place, cell.value) for place, cell in cells.items() if cell.value is not None)


def missing_parts(source: bytes, saved: bytes) -> Iterator[str]:
    """Name the kinds of parts of a workbook that its copy has not, such as `ctrlProps`."""
    with zipfile.ZipFile(io.BytesIO(source)) as old, zipfile.ZipFile(io.BytesIO(saved)) as new:
        missing = _kinds(old) - _kinds(new) - _HARMLESS
    yield from sorted(f"{kind} is not kept" for kind in missing)


def _kinds(parts: zipfile.ZipFile) -> set[str]:
    names = (name.split("/") for name in parts.namelist() if name.startswith("xl/"))
    return {name[1] for name in names if len(name) > 1 and not name[1].startswith("_rels")}
