"""`pipeline control`."""

from pathlib import Path

import click

from pipeline.cli.calling import spelled
from pipeline.cli.options import job_argument, output_flag, output_option
from pipeline.cli.output import show, write_json
from pipeline.controlling.client import NoRunError, ask
from pipeline.controlling.requests import Action, read_request
from pipeline.display.words import standing
from pipeline.errors import JobFileError
from pipeline.job import place
from pipeline.printable import printable
from pipeline.store.layout import Layout


@click.command()
@job_argument
@click.argument("action", type=click.Choice([str(action) for action in Action]))
@click.argument("value", required=False)
@output_option
@click.option("--json", "as_json", is_flag=True, help="For scripts.")
def control(
    job: Path, action: str, value: str | None, output: Path | None, *, as_json: bool
) -> None:
    """Change a run of JOB.yaml while it runs, and show what stands now.

    \b
    pause             send nothing new; what is in flight finishes
    resume            continue after a pause
    concurrency N     at most N requests in flight
    rate R            such as 60/minute, or none
    budget X          in US dollars, or none
    reload            read the job file and its sheets again
    stop              stop as SIGTERM does
    status            change nothing

    Exit code 2 if no run is in progress, or if it refuses.
    """  # noqa: D301 - click's own mark
    read_request(action, value)  # before anything else: bad usage is bad usage
    # With --output nothing of the job file is needed, which may be half written just now.
    root = Path.cwd() / output if output is not None else _place(job)
    try:
        now = ask(Layout(root), action, value)
    except NoRunError as error:
        where = spelled("status", str(job), *output_flag(output))
        raise NoRunError(error.message, hint=f"where the last one stands: {where}") from error
    if as_json:
        write_json(now)
        return
    said = [f"warning: {warning}" for warning in now.warnings]
    if now.next_run:
        said.append(f"only from the next run on: {', '.join(now.next_run)}")
    lines = [*([now.changed] if now.changed else []), *said, *standing(now)]
    show("\n".join(map(printable, lines)))


def _place(job: Path) -> Path:
    try:
        return place(job)
    except JobFileError as error:
        error.hint = "--output DIR names the run without the job file"
        raise
