"""Gathers what a page shows of a job from its files, and writes the page beside the manifest."""

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import chain
from pathlib import Path

from msgspec.structs import replace as changed

from pipeline.ledger.history import History
from pipeline.ledger.manifest import Following
from pipeline.ledger.picks import Picks
from pipeline.models import Job, Task, rfc3339
from pipeline.report import versions
from pipeline.report.commands import Commands
from pipeline.report.data import ReportData, collect
from pipeline.report.render import looked_for, place
from pipeline.report.shortening import shortened_params
from pipeline.state import read_files
from pipeline.store.layout import Layout
from pipeline.store.posters import PosterIndex
from pipeline.store.shelf import Shelf, open_shelf

# With more clips than this, a page is too large to use, and `run` does not write it.
MOST = 20_000


def write_report(job: Job, commands: Commands, *, sign: float | None = None) -> Path:
    """Write `report.html`; returns its path. Where outputs lie in a bucket, it is copied there.

    With `sign`, its links to clips in a bucket are valid for so many seconds, for anybody who has
    the page.

    Raises:
        DirectoryError: the output directory is another job's, or cannot be read.
        StorageError: the page cannot be written; `BucketError`: it is here, and not copied.
    """
    layout = Layout(job.output_dir)
    shelf = open_shelf(job, layout)
    if sign is not None and not shelf.far:
        shelf.sign(layout.report.name, sign)  # says that there is nothing to sign
    data = gather(job, commands, sign=sign, shelf=shelf)
    place(layout.report, looked_for(data, shelf))
    if shelf.far and sign is None:  # a page with signed links is for whoever is given it
        shelf.publish(layout.report)
    return layout.report


def gather(
    job: Job, commands: Commands, *, sign: float | None = None, shelf: Shelf | None = None
) -> ReportData:
    """Gather all that the page of a job says, from its files as they are now.

    `sign` is as in `write_report`; `shelf` has the clips, by default that of the job. Whether the
    clips are in their places is `looked_for` afterwards.

    Raises:
        JobFileError: the rows of the job cannot be read.
        DirectoryError: the output directory is another job's, or cannot be read.
    """
    layout = Layout(job.output_dir)
    files, said = read_files(job), Picks(layout.manifest)
    current, tasks = _tasks(job, files.history)
    records = Following(layout.manifest)
    data = collect(
        chain(records, files.doubtful, files.successes),
        name=job.name,
        commands=commands,
        generated_at=rfc3339(time.time()),
        current=current,
        meta={name: task.meta for name, task in tasks.items()},
        names={name: task.output for name, task in tasks.items()},
        balance=files.balance,
        accepted=files.accepted,
        saved=files.saved,
        kept=[name for name, task in tasks.items() if said.of(task) == "kept"],
    )
    shelf = shelf or open_shelf(job, layout)
    by_row = {name: word for name, task in tasks.items() if (word := said.of_row(task))}
    data = replace(
        data,
        current=current,
        end=records.end,
        posters=PosterIndex(layout),
        expect=job.expect,
        timezone=job.schedule.timezone if job.schedule else None,
        tasks=tasks,
        verdicts=said.verdicts,
        by_row=by_row,
    )
    if shelf.far:
        data = replace(data, link=_linker(job, shelf, sign))
    else:
        data = replace(data, versions=versions.find(layout, data))
    return data


def _tasks(job: Job, history: History) -> tuple[dict[str, str], dict[str, Task]]:
    """Return the fingerprints of all tasks by their ids, and the tasks that the page shows.

    Those without a record are left out where there are more than `MOST` tasks. Of one that has a
    record, that says what was sent.
    """
    current, tasks = dict[str, str](), dict[str, Task]()
    for task in map(history.recognising(), job.tasks()):
        current[task.id] = task.fingerprint
        has_record = history.has(task.id)
        if has_record or len(current) <= MOST:
            params = {} if has_record else shortened_params(task.params)
            tasks[task.id] = changed(task, params=params, inputs={}, former=None)
    if len(current) > MOST:
        tasks = {name: task for name, task in tasks.items() if history.has(name)}
    return current, tasks


def _linker(job: Job, shelf: Shelf, sign: float | None) -> Callable[[str], str | None] | None:
    """Return what makes the links of a page; without a public address, they are beside it."""
    if sign is not None:
        return partial(shelf.sign, seconds=sign)
    return shelf.link if job.public is not None else None
