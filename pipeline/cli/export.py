"""`pipeline export`."""

import csv
import io
import json
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import click

from pipeline.cli.options import job_argument, load_job, output_option, sign_option
from pipeline.cli.output import write, write_json
from pipeline.errors import UsageError
from pipeline.ledger.history import TaskState
from pipeline.ledger.manifest import last_records, replay
from pipeline.models import Job
from pipeline.store.layout import Layout, refuse_another_job, refuse_newer_files
from pipeline.store.shelf import open_shelf

# What scheduling tools ask for comes first; every other key of meta follows.
_FIRST = ("publish", "channel", "caption")
_LAST = ("prompt", "cost", "sha256", "finished_at")

# A spreadsheet evaluates a text that begins with one of these as a formula.
_FORMULA = ("=", "+", "-", "@", "\t", "\r")
_BOM = "\ufeff"


@click.command()
@job_argument
@output_option
@click.option("--to", "form", type=click.Choice(["csv", "json"]), default="csv", show_default=True)
@click.option(
    "--raw", is_flag=True, help="CSV: leave texts that a spreadsheet would read as formulas."
)
@sign_option
@click.option("--bom", is_flag=True, help="CSV: begin with the mark by which Excel knows UTF-8.")
def export(  # noqa: PLR0913 - the flags of the command
    job: Path, output: Path | None, form: str, sign: float | None, *, raw: bool, bom: bool
) -> None:
    """List each finished clip with its publish date, channel, caption and file.

    In a CSV a text that begins with = + - @, a tab or a CR gets a leading apostrophe, as a
    spreadsheet would read it as a formula; --raw leaves it out. JSON is never changed.
    """
    if bom and form != "csv":
        raise UsageError("--bom is for --to csv; leave it out with --to json")
    rows = list(_rows(load_job(job, output, to_send=False), sign))
    on_terminal = sys.stdout.isatty()
    if isinstance(sys.stdout, io.TextIOWrapper) and not on_terminal:
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
    if form == "json":
        write_json(rows, pretty=True)
    else:
        _write_csv(rows, raw=raw, bom=bom and not on_terminal)


def _write_csv(rows: list[dict[str, Any]], *, raw: bool, bom: bool) -> None:
    lines = [_line(row) for row in rows]
    keys = dict.fromkeys(("task", "file", *_FIRST))
    keys.update(dict.fromkeys(key for line in lines for key in line if key not in _LAST))
    keys.update(dict.fromkeys(_LAST))
    # With this line end the writer quotes CR and LF within a cell, each of them.
    writer = csv.writer(_Rows(_BOM if bom else ""), lineterminator=_Rows.END)
    writer.writerow(key if raw else _inert(key) for key in keys)
    for line in lines:
        cells = (line.get(key) for key in keys)
        writer.writerow(cells if raw else map(_inert, cells))


class _Rows:
    """The file of a CSV writer: writes each row as a line to standard output."""

    END = "\r\n"

    def __init__(self, before: str) -> None:
        self._before = before

    def write(self, row: str) -> None:
        write(self._before + row.removesuffix(self.END))
        self._before = ""


def _inert(cell: Any) -> Any:
    """Keep a spreadsheet from reading a text as a formula; numbers are left alone."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(_FORMULA) else cell


def _line(row: dict[str, Any]) -> dict[str, Any]:
    """Flatten a row; a key of meta named like a column of the export gets the prefix `meta.`."""
    own = {key: value for key, value in row.items() if key != "meta"}
    meta = {f"meta.{key}" if key in own else key: value for key, value in row["meta"].items()}
    return {**{key: _cell(value) for key, value in meta.items()}, **own}


def _cell(value: Any) -> Any:
    """Write a value of meta: text and numbers unchanged, anything else as JSON."""
    plain = isinstance(value, str | int | float | None) and not isinstance(value, bool)
    return value if plain else json.dumps(value, ensure_ascii=False)


def _rows(job: Job, sign: float | None) -> Iterator[dict[str, Any]]:
    """Join the manifest with the job as it is now, in the order of the job."""
    layout = Layout(job.output_dir)
    refuse_newer_files(layout)
    refuse_another_job(layout, job)
    shelf = open_shelf(job, layout)
    link = shelf.link if sign is None else partial(shelf.sign, seconds=sign)
    history = replay(layout.manifest)
    done = {
        record.task: record
        for record in last_records(layout.manifest, history)
        if record.output is not None
    }
    for task in map(history.known, job.rows()):
        record = done.get(task.id)
        if record is None or history.state_of(task) is not TaskState.DONE:
            continue
        yield {
            "task": task.id,
            "file": link(record.output or ""),
            "meta": task.meta,
            "prompt": task.prompt,
            "cost": record.cost,
            "sha256": record.sha256,
            "finished_at": record.finished_at,
        }
