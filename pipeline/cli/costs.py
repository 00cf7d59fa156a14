"""`pipeline costs`."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import click

from pipeline.cli.options import distinct, load_job, output_option
from pipeline.cli.output import aligned, message, show, write_json
from pipeline.costing import add_costs
from pipeline.display.words import first_words, money
from pipeline.errors import UsageError
from pipeline.ledger.costs import FIXED, META, Costs, Key, Sums
from pipeline.models import Job
from pipeline.printable import printable

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
        add_costs(found, job, by, _warn)
    if as_data:
        write_json(_as_json(loaded, by, found))
    else:
        show("\n".join(_lines(loaded, by, found)))


def _warn(text: str) -> None:
    message(f"warning: {text}")


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
