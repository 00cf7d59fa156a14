"""Gathers the report of a job from its files, and writes it beside the manifest."""

import time
from collections.abc import Callable
from itertools import chain
from pathlib import Path

from pipeline.ledger.manifest import read
from pipeline.models import Job, rfc3339
from pipeline.report import collect, write
from pipeline.state import read_files
from pipeline.store.layout import Layout
from pipeline.store.shelf import open_shelf

# With more clips than this, a page is too large to use, and `run` does not write it.
MOST = 20_000


def write_report(job: Job, command: Callable[..., str], settle: str = "") -> Path:
    """Write `report.html`; returns its path.

    `command` writes the command that continues the job, with these flags of `run` besides, and
    `settle` is the one that settles its doubts: the page shows them.

    Raises:
        DirectoryError: the output directory is another job's, or cannot be read.
        StorageError: the page cannot be written.
    """
    layout = Layout(job.output_dir)
    files = read_files(job)
    current, meta, names = {}, {}, {}
    for task in map(files.history.known, job.tasks()):
        current[task.id], meta[task.id] = task.fingerprint, task.meta
        names[task.id] = task.output
    data = collect(
        chain(read(layout.manifest), files.doubtful),
        name=job.name,
        command=command,
        generated_at=rfc3339(time.time()),
        current=current,
        meta=meta,
        names=names,
        balance=files.balance,
        accepted=files.accepted,
        settle=settle,
    )
    write(layout.report, data, open_shelf(job, layout))
    return layout.report
