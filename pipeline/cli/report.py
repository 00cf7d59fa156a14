"""`pipeline report`."""

import os
from functools import partial
from pathlib import Path

import click

from pipeline.cli.calling import of_page, spelled
from pipeline.cli.options import (
    job_argument,
    load_job,
    output_flag,
    output_option,
    sign_option,
)
from pipeline.cli.output import write
from pipeline.errors import DirectoryError
from pipeline.report.build import write_report
from pipeline.store.layout import Layout


@click.command()
@job_argument
@output_option
@sign_option
def report(job: Path, output: Path | None, sign: float | None) -> None:
    """Write report.html beside the manifest: every clip, what failed and why, what it cost."""
    loaded = load_job(job, output, to_send=False)
    if not os.path.exists(Layout(loaded.output_dir).manifest):  # noqa: PTH110 - never raises
        raise DirectoryError(
            f"there is no manifest in {loaded.output_dir}",
            hint=f"to make one, run: {spelled('run', str(job), *output_flag(output))}",
        )
    again = partial(spelled, "run", str(job), *output_flag(output))
    settle = spelled("settle", str(job), *output_flag(output))
    others = of_page(job, output_flag(output))
    write(str(write_report(loaded, again, settle, sign=sign, **others)))
