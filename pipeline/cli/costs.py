"""`pipeline costs`."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click

from pipeline.cli.options import distinct, load_job, output_option
from pipeline.cli.output import aligned, message, show, write_json
from pipeline.display.words import first_words, money
from pipeline.errors import JobFileError, UsageError
from pipeline.ledger.costs import FIXED, META, Costs, Key, Sums, dimension
from pipeline.ledger.history import History
from pipeline.ledger.manifest import spendings
from pipeline.ledger.picks import Picks
from pipeline.ledger.verdicts import read
from pipeline.models import Job
from pipeline.printable import printable
from pipeline.state import read_files
from pipeline.store.layout import Layout

_MOST = 2
_DATES = frozenset({"day", "month"})
_UNKNOWN = "\N{EN DASH}"
_HEAD = ("clips", "spent", "at risk", "a clip", "kept", "a kept clip")


class _By(click.ParamType[Any]):
    """What groups are made by."""

    name = "by"

    def convert(self, value: Any, param: Any, ctx: Any) -> str:
        text = str(value)
        if text in FIXED or (text.startswith(META) and text != META):
            return text
        known = f"{', '.join(FIXED)}, or meta.KEY, such as meta.channel"
        return self.fail(f"{text!r} is not one of {known}", param, ctx)


@click.command("costs")
@click.argument(
    "jobs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="JOB.yaml…"
)
@output_option
@click.option(
    "--by",
    multiple=True,
    type=_By(),
    metavar="model|day|month|account|meta.KEY",
    help="Show a line for each; twice for groups within groups.",
)
@click.option("--json", "as_data", is_flag=True, help="For scripts: every group, and the total.")
def costs(
    jobs: tuple[Path, ...], output: Path | None, by: tuple[str, ...], *, as_data: bool
) -> None:
    """Show what the jobs have cost together: spent, at risk, clips, kept clips, the cost of each.

    Reads their manifests, also during a run, and needs no key. A clip counts where its task is
    done. Days and months are those in which an attempt began, in the time zone of the job's
    schedule, otherwise of this machine.
    """
    if output is not None and len(jobs) > 1:
        raise UsageError("--output is for one job; leave it out, or name one job")
    by = tuple(dict.fromkeys(by))
    if len(by) > _MOST:
        raise UsageError(f"--by can be given {_MOST} times, not {len(by)}")
    loaded = distinct([load_job(job, output, to_send=False) for job in jobs])
    found = Costs()
    for job in loaded:
        _add(found, job, by)
    if as_data:
        write_json(_as_json(loaded, by, found))
    else:
        show("\n".join(_lines(loaded, by, found)))


def _add(costs: Costs, job: Job, by: Sequence[str]) -> None:
    """Count the records of a job, and what a killed run of it has left, as `status` does.

    Raises:
        DirectoryError: the output directory is another job's, or cannot be read.
    """
    zone = ZoneInfo(job.schedule.timezone) if job.schedule and job.schedule.timezone else None
    dimensions = [dimension(name, zone) for name in by]
    files, layout = read_files(job), Layout(job.output_dir)
    said, rows = read(layout.verdicts), _kept_by_rows(job, files.history)
    for offset, record in spendings(layout.manifest):
        is_last = files.history.is_last(record.task, offset)
        word = said.on(record.task, record.sha256) if is_last else None
        kept = record.task in rows if word is None else word.verdict == "kept"
        costs.add(record, dimensions, is_last=is_last, kept=kept)
    for doubt in files.doubtful:
        costs.add(doubt, dimensions, is_last=True)


def _kept_by_rows(job: Job, history: History) -> set[str]:
    """Return the tasks whose present clips are kept by what their rows say.

    What was spent is known without the sheet: where that cannot be read, only this is not.
    """
    picks = Picks(Layout(job.output_dir).manifest)
    try:
        known = map(history.recognising(), job.tasks())
        return {task.id for task in known if task.verdict and picks.of(task) == "kept"}
    except JobFileError as error:
        message(
            f"warning: {job.name}: the rows cannot be read, so clips that only a sheet keeps do not"
            f" count as kept: {str(error).splitlines()[0]}"
        )
        return set()


def _as_json(jobs: Sequence[Job], by: Sequence[str], found: Costs) -> dict[str, Any]:
    return {
        "jobs": [
            {"job": job.name, "output": str(job.output_dir), "timezone": _zone(job)} for job in jobs
        ],
        "by": by,
        "groups": [
            {"group": dict(zip(by, key, strict=True)), **sums.as_json()}
            for key, sums in found.groups()
            if by
        ],
        "total": found.total().as_json(),
    }


def _zone(job: Job) -> str | None:
    return job.schedule.timezone if job.schedule else None


def _lines(jobs: Sequence[Job], by: Sequence[str], found: Costs) -> Iterator[str]:
    """Yield the table, and what its days are."""
    total = ("total",) + ("",) * (len(by) - 1)
    rows = [(key, sums) for key, sums in found.groups() if by]
    cells = [[*by, *_HEAD] if by else ["", *_HEAD]]
    cells += [[*_named(key), *_cells(sums)] for key, sums in rows]
    yield from aligned(_right([*cells, [*total, *_cells(found.total())]], len(_HEAD)))
    if _DATES & set(by):
        yield ""
        for zone in dict.fromkeys(map(_zone, jobs)):
            names = ", ".join(printable(job.name) for job in jobs if _zone(job) == zone)
            whose = (
                f"of {zone}, the schedule's time zone" if zone else "in this machine's local time"
            )
            yield f"Days are {whose}: {names}"


def _named(key: Key) -> list[str]:
    return [_UNKNOWN if value is None else first_words(printable(value)) for value in key]


def _cells(sums: Sums) -> list[str]:
    each, each_kept = (
        _UNKNOWN if price is None else money(price) for price in (sums.per_clip, sums.per_kept_clip)
    )
    clips = [f"{sums.clips:,}", money(sums.spent), money(sums.at_risk), each]
    return [*clips, f"{sums.kept:,}", each_kept]


def _right(rows: list[list[str]], count: int) -> list[list[str]]:
    """Align the last `count` columns, which are figures, to the right."""
    widths = [max(map(len, column)) for column in zip(*(row[-count:] for row in rows), strict=True)]
    return [
        row[:-count] + [cell.rjust(w) for cell, w in zip(row[-count:], widths, strict=True)]
        for row in rows
    ]
