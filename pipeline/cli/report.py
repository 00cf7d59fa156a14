"""`pipeline report`."""

import os
from pathlib import Path

import click

from pipeline.cli import bundling
from pipeline.cli.calling import page_commands, spelled
from pipeline.cli.options import (
    NamedPath,
    job_argument,
    load_job,
    output_flag,
    output_option,
    sign_option,
)
from pipeline.cli.output import write
from pipeline.cli.posters import made_for
from pipeline.errors import DirectoryError, UsageError
from pipeline.report.build import gather, write_report
from pipeline.store.layout import Layout


@click.command()
@job_argument
@output_option
@sign_option
@click.option(
    "--bundle", is_flag=True, help="Write one file that can be sent: pictures and films in it."
)
@click.option(
    "--out",
    type=NamedPath(path_type=Path),
    metavar="FILE",
    help="Of a bundle: where to write it; beside the manifest without it.",
)
@click.option(
    "--budget",
    type=bundling.Size(),
    metavar="SIZE",
    help=f"Of a bundle: how large it may be; {bundling.BUDGET} without it.",
)
def report(  # noqa: PLR0913 - the flags of the command
    job: Path,
    output: Path | None,
    sign: float | None,
    out: Path | None,
    budget: int | None,
    *,
    bundle: bool,
) -> None:
    """Write report.html beside the manifest: every clip, what failed and why, what it cost.

    With the extra `media`, still pictures of clips that have none are made first. --bundle writes
    one file instead, with those pictures and small films in it, for people who do not have the
    clips.
    """
    if not bundle and (out is not None or budget is not None):
        raise UsageError(f"{'--out' if out else '--budget'} is for --bundle")
    if bundle and sign is not None:
        raise UsageError("--sign is for links, and a bundle has none")
    loaded = load_job(job, output, to_send=False)
    layout = Layout(loaded.output_dir)
    if not os.path.exists(layout.manifest):  # noqa: PTH110 - never raises
        raise DirectoryError(
            f"there is no manifest in {loaded.output_dir}",
            hint=f"to make one, run: {spelled('run', str(job), *output_flag(output))}",
        )
    place = bundling.place_of(out, loaded) if bundle else layout.report
    made_for(loaded)
    commands = page_commands(str(job), output_flag(output))
    if bundle:
        bundling.write_bundle(place, loaded, gather(loaded, commands), budget)
        write(str(place))
    else:
        write(str(write_report(loaded, commands, sign=sign)))
