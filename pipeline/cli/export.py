"""`pipeline export`."""

import csv
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
import msgspec

from pipeline.cli.options import job_argument, load_job, output_option
from pipeline.models import Job

# What scheduling tools ask for stands first; every other key of meta follows.
_FIRST = ("publish", "channel", "caption")
_LAST = ("prompt", "cost", "sha256", "finished_at")


@click.command()
@job_argument
@output_option
@click.option("--to", "form", type=click.Choice(["csv", "json"]), default="csv", show_default=True)
def export(job: Path, output: Path | None, form: str) -> None:
    """List each finished clip with its publish date, channel, caption and file."""
    rows = list(_rows(load_job(job, output)))
    if form == "json":
        text = msgspec.json.format(msgspec.json.Encoder(decimal_format="number").encode(rows))
        click.echo(text)
        return
    lines = [_line(row) for row in rows]
    keys = dict.fromkeys(("task", "file", *_FIRST))
    keys.update(dict.fromkeys(key for line in lines for key in line if key not in _LAST))
    keys.update(dict.fromkeys(_LAST))
    writer = csv.DictWriter(sys.stdout, list(keys), lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines)


def _line(row: dict[str, Any]) -> dict[str, Any]:
    """Lay out a row flat; a key of meta that is called like a column of ours says whose it is."""
    own = {key: value for key, value in row.items() if key != "meta"}
    meta = {f"meta.{key}" if key in own else key: value for key, value in row["meta"].items()}
    return {**{key: _cell(value) for key, value in meta.items()}, **own}


def _cell(value: Any) -> str | None:
    """Write a value of meta: texts as they are, anything else as JSON."""
    return value if isinstance(value, str | None) else json.dumps(value, ensure_ascii=False)


def _rows(job: Job) -> Iterator[dict[str, Any]]:
    """Join the manifest with the job as it is now, in the order of the job."""
    from pipeline.directory import Layout  # noqa: PLC0415 - `--help` needs none of this
    from pipeline.manifest import Standing, last_records, replay  # noqa: PLC0415

    layout = Layout(job.output_dir)
    history = replay(layout.manifest)
    done = {
        record.task: record
        for record in last_records(layout.manifest, history)
        if record.output is not None
    }
    for task in job.tasks():
        record = done.get(task.id)
        if record is None or history.standing(task) is not Standing.DONE:
            continue
        yield {
            "task": task.id,
            "file": str(layout.root / (record.output or "")),
            "meta": task.meta,
            "prompt": task.prompt,
            "cost": record.cost,
            "sha256": record.sha256,
            "finished_at": record.finished_at,
        }
