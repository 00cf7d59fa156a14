"""Gathers the report of a job from its files, and writes it beside the manifest."""

import time
from itertools import chain
from pathlib import Path

from pipeline.directory import Layout
from pipeline.manifest import read
from pipeline.models import Job, rfc3339
from pipeline.report import collect, write
from pipeline.standing import read_files

# A page of more clips than this is no page for people: `run` leaves it out.
MOST = 20_000


def write_report(job: Job, shown: Path, options: list[str]) -> Path:
    """Write `report.html`; returns its path.

    `shown` is the job file as the user named it, and `options` what its `run` needs besides:
    they make the commands that the page shows.

    Raises:
        DirectoryError: the output directory is another job's, or cannot be read.
        StorageError: the page cannot be written.
    """
    layout = Layout(job.output_dir)
    files = read_files(job)
    current, meta = {}, {}
    for task in map(files.history.known, job.tasks()):
        current[task.id], meta[task.id] = task.fingerprint, task.meta
    data = collect(
        chain(read(layout.manifest), files.doubtful),
        name=job.name,
        job=str(shown),
        options=options,
        generated_at=rfc3339(time.time()),
        current=current,
        meta=meta,
    )
    write(layout.report, data)
    return layout.report
