"""What `import pipeline` gives beside `run`: load a job, look at it, read its manifest."""

import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from pipeline import state
from pipeline.job import load as load_file
from pipeline.ledger import manifest
from pipeline.models import Job, Record
from pipeline.state import State
from pipeline.store.layout import Layout


def load(path: str | os.PathLike[str], *, output: str | os.PathLike[str] | None = None) -> Job:
    """Read and check a job file.

    `output` puts another output directory, relative to the working directory, in place of the
    job's own.

    Raises:
        JobFileError: with every problem at once, each with its line.
    """
    job = load_file(Path(path))
    return job if output is None else replace(job, output_dir=Path.cwd() / output)


def status(job: Job) -> State:
    """Say how a job stands, also while another process runs it.

    Raises:
        JobFileError: the rows of the job cannot be read.
        DirectoryError: the output directory is another job's, or cannot be read.
    """
    return state.look(job)


def read_manifest(job: Job) -> Iterator[Record]:
    """Yield every record of a job's manifest, in the order in which the attempts ended.

    Of several records of one task the last says how it stands; sums of money count them all.

    Raises:
        DirectoryError: a line cannot be read.
    """
    return manifest.read(Layout(job.output_dir).manifest)
