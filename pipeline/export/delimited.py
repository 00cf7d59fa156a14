"""A table as CSV."""

import csv
import json
from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any

from pipeline.export.inert import inert
from pipeline.export.rows import Row

# What scheduling tools ask for comes first; every other key of meta follows.
_FIRST = ("publish", "channel", "caption")
_LAST = ("prompt", "cost", "sha256", "finished_at")
_BOM = "\ufeff"


def as_objects(rows: Iterable[Row]) -> Iterator[dict[str, Any]]:
    """Make the object of each finished clip, as `--to json` lists it."""
    for row in rows:
        assert row.record is not None
        yield {
            "task": row.task.id,
            "file": row.file,
            "meta": row.task.meta,
            "prompt": str(row.record.params.get("prompt", "")),
            "cost": row.record.cost,
            "sha256": row.record.sha256,
            "finished_at": row.record.finished_at,
        }


def as_table(rows: Iterable[Row]) -> tuple[list[str], list[list[Any]]]:
    """Make the usual columns and their cells: each key of meta is a column."""
    lines = [_line(row) for row in as_objects(rows)]
    keys = dict.fromkeys(("task", "file", *_FIRST))
    keys.update(dict.fromkeys(key for line in lines for key in line if key not in _LAST))
    keys.update(dict.fromkeys(_LAST))
    return list(keys), [[line.get(key) for key in keys] for line in lines]


def _line(row: dict[str, Any]) -> dict[str, Any]:
    """Flatten a row; a key of meta named like a column of the export gets the prefix `meta.`."""
    own = {key: value for key, value in row.items() if key != "meta"}
    meta = {f"meta.{key}" if key in own else key: value for key, value in row["meta"].items()}
    return {**{key: plain(value) for key, value in meta.items()}, **own}


def plain(value: Any) -> Any:
    """Write a value of meta: text and numbers unchanged, anything else as JSON."""
    is_plain = isinstance(value, str | int | float | Decimal | None) and not isinstance(value, bool)
    return value if is_plain else json.dumps(value, ensure_ascii=False)


def lines(
    names: Sequence[str], cells: Iterable[Sequence[Any]], *, raw: bool, bom: bool
) -> Iterator[str]:
    """Write a table as CSV, a line at a time and without the line's end."""
    row = _Row()
    # With this line end the writer quotes CR and LF within a cell, each of them.
    writer = csv.writer(row, lineterminator=_Row.END)
    for number, line in enumerate([names, *cells]):
        writer.writerow(line if raw else map(inert, line))
        yield (_BOM if bom and not number else "") + row.text


class _Row:
    """The file of a CSV writer: has the row that was written last."""

    END = "\r\n"

    def __init__(self) -> None:
        self.text = ""

    def write(self, row: str) -> None:
        self.text = row.removesuffix(self.END)
