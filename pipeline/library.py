"""The functions of `import pipeline` besides `run`: load a job, its status, control its run."""

import os
from collections.abc import Iterator
from pathlib import Path

from pipeline import state
from pipeline.controlling.client import ask
from pipeline.events import Standing
from pipeline.job import in_directory
from pipeline.job import load as load_file
from pipeline.ledger import manifest
from pipeline.models import Job, Record
from pipeline.state import State
from pipeline.store import clips_of
from pipeline.store.layout import Layout


def load(path: str | os.PathLike[str], *, output: str | os.PathLike[str] | None = None) -> Job:
    """Read and check a job file.

    `output` replaces the output directory of the job; it is relative to the working directory.

    Raises:
        JobFileError: the file is not valid; the error lists all problems, each with its line.
    """
    job = load_file(Path(path), clips=clips_of)
    return job if output is None else in_directory(job, output)


def control(job: Job, action: str, value: object = None) -> Standing:
    """Change a run of a job while it runs, and return how it stands then; see `pipeline control`.

    `action` is `pause`, `resume`, `concurrency`, `rate`, `budget`, `reload`, `stop` or `status`.

    Raises:
        DirectoryError: no run is in progress.
        UsageError: it refuses, or does not answer.
    """
    return ask(Layout(job.output_dir), action, value)


def status(job: Job) -> State:
    """Return the status of a job, also while another process runs it.

    Raises:
        JobFileError: the rows of the job cannot be read.
        DirectoryError: the output directory belongs to another job, or cannot be read.
    """
    return state.look(job)


def read_manifest(job: Job) -> Iterator[Record]:
    """Yield every record of a job's manifest, in the order in which the attempts ended.

    The last record of a task has its status. Sums of money count all records.

    Raises:
        DirectoryError: a line cannot be read.
    """
    return manifest.read(Layout(job.output_dir).manifest)
