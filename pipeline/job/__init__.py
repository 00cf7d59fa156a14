"""The job file: YAML → `Job` → tasks.

Importing this is cheap; reading a job file imports what that needs.
"""

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pipeline.models import Job

if TYPE_CHECKING:
    from pipeline.job.prompts.clips import Read

SCHEMA_NAME = "job.schema.json"


def load(path: Path, *, to_send: bool = True, clips: "Read | None" = None) -> Job:
    """Read and check a job file; `to_send` says whether its tasks may be sent, or are looked at.

    `Job.expand` streams its tasks; send none before the last one has come, because what is
    wrong with the rows is raised at the end. `clips` reads what other jobs have rendered, where
    their clips are rows of this one.

    Raises:
        pipeline.errors.JobFileError: with every problem at once, each with its line.
    """
    from pipeline.job import loading  # noqa: PLC0415 - YAML and templates

    return loading.load(path, to_send=to_send, clips=clips)


def place(path: Path) -> Path:
    """Return the output directory of a job file, whose prompts and rows need not be valid.

    Raises:
        pipeline.errors.JobFileError: the head of the file cannot be read.
    """
    from pipeline.job import loading  # noqa: PLC0415 - YAML and templates

    return loading.place(path)


def in_directory(job: Job, output: str | os.PathLike[str]) -> Job:
    """Return the job with all it writes in a directory, relative to the working directory."""
    return replace(job, output_dir=Path.cwd() / output, bucket=None, public=None)


def schema() -> dict[str, Any]:
    """Make the JSON Schema of the job file."""
    from pipeline.job.keys import schemas  # noqa: PLC0415 - seldom needed

    return schemas.schema()


def starter(path: Path) -> dict[str, str]:
    """Make what `pipeline init` writes, by name: a job file, and the schema that editors use."""
    from importlib import resources  # noqa: PLC0415 - seldom needed

    data = resources.files("pipeline") / "data"
    return {
        path.name: (data / "starter.yaml").read_text(encoding="utf-8"),
        SCHEMA_NAME: (data / SCHEMA_NAME).read_text(encoding="utf-8"),
    }


def drafted(sheet: Path, path: Path) -> dict[str, str]:
    """Make what `pipeline init --from` writes for a sheet, by name.

    Raises:
        pipeline.errors.JobFileError: the sheet cannot be read.
    """
    from pipeline.job.problems import InvalidError, Report  # noqa: PLC0415 - YAML and templates
    from pipeline.job.prompts import drafting  # noqa: PLC0415 - likewise

    report = Report(sheet)
    try:
        text = drafting.draft(sheet, path)
    except InvalidError as error:
        report.at(0, error.message, error.hint)
        raise report.error() from None
    return {path.name: text, SCHEMA_NAME: starter(path)[SCHEMA_NAME]}


__all__ = ["SCHEMA_NAME", "drafted", "in_directory", "load", "place", "schema", "starter"]
