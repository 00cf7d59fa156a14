"""Gathers the report of a job from its files, and writes it beside the manifest."""

import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import chain
from pathlib import Path

from pipeline.ledger.manifest import read
from pipeline.ledger.picks import Picks
from pipeline.models import Job, rfc3339
from pipeline.report import collect, write
from pipeline.report.data import ReportData
from pipeline.state import read_files
from pipeline.store.layout import Layout
from pipeline.store.posters import PosterIndex
from pipeline.store.shelf import Shelf, open_shelf

# With more clips than this, a page is too large to use, and `run` does not write it.
MOST = 20_000


def write_report(
    job: Job, command: Callable[..., str], settle: str = "", *, sign: float | None = None
) -> Path:
    """Write `report.html`; returns its path. Where outputs lie in a bucket, it is copied there.

    `command` writes the command that continues the job, with these flags of `run` besides, and
    `settle` is the one that settles its doubts: the page shows them. With `sign`, its links to
    clips in a bucket are valid for so many seconds, for anybody who has the page.

    Raises:
        DirectoryError: the output directory is another job's, or cannot be read.
        StorageError: the page cannot be written; `BucketError`: it is here, and not copied.
    """
    layout = Layout(job.output_dir)
    shelf = open_shelf(job, layout)
    if sign is not None and not shelf.far:
        shelf.sign(layout.report.name, sign)  # says that there is nothing to sign
    data = gather(job, command, settle, sign=sign, shelf=shelf)
    write(layout.report, data, shelf)
    if shelf.far and sign is None:  # a page with signed links is for whoever is given it
        shelf.publish(layout.report)
    return layout.report


def gather(
    job: Job,
    command: Callable[..., str],
    settle: str = "",
    *,
    sign: float | None = None,
    shelf: Shelf | None = None,
) -> ReportData:
    """Gather all that the page of a job says, from its files as they are now.

    The arguments are as in `write_report`; `shelf` has the clips, by default that of the job.

    Raises:
        DirectoryError: the output directory is another job's, or cannot be read.
    """
    layout = Layout(job.output_dir)
    files = read_files(job)
    current, meta, names = {}, {}, {}
    picks, kept = Picks(layout.manifest), set[str]()
    for task in map(files.history.recognising(), job.tasks()):
        current[task.id], meta[task.id] = task.fingerprint, task.meta
        if picks.of(task) == "kept":
            kept.add(task.id)
        names[task.id] = task.output
    data = collect(
        chain(read(layout.manifest), files.doubtful, files.successes),
        name=job.name,
        command=command,
        generated_at=rfc3339(time.time()),
        current=current,
        meta=meta,
        names=names,
        balance=files.balance,
        accepted=files.accepted,
        saved=files.saved,
        kept=kept,
        settle=settle,
    )
    data = replace(data, expect=job.expect, posters=PosterIndex(layout))
    shelf = shelf or open_shelf(job, layout)
    return replace(data, link=_linker(job, shelf, sign)) if shelf.far else data


def _linker(job: Job, shelf: Shelf, sign: float | None) -> Callable[[str], str | None] | None:
    """Return what makes the links of a page; without a public address, they are beside it."""
    if sign is not None:
        return partial(shelf.sign, seconds=sign)
    return shelf.link if job.public is not None else None
