"""`pipeline settle`."""

from pathlib import Path

import click

from pipeline.cli.asking import ask
from pipeline.cli.calling import called, spelled
from pipeline.cli.doubts import as_json, at_risk, still_open, table
from pipeline.cli.options import (
    NamedPath,
    base_url_option,
    debug_option,
    job_argument,
    load_job,
    output_option,
    tasks_option,
)
from pipeline.cli.output import message, show, write_json
from pipeline.cli.saying import take_exported, take_words
from pipeline.cli.several import Several
from pipeline.display.words import money
from pipeline.errors import DirectoryError, ExitCode, UsageError
from pipeline.settling.attempts import Doubt
from pipeline.state import read_files


@click.command(cls=Several)
@job_argument
@output_option
@tasks_option("--billed", help="You say that these were charged: their price counts as spent.")
@tasks_option("--not-billed", help="You say that these were not: a run sends them again.")
@click.option(
    "--from",
    "exported",
    type=NamedPath(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="A list of requests that you have exported from the page of your account.",
)
@base_url_option
@click.option("--json", "as_data", is_flag=True, help="For scripts: what is still in doubt.")
@debug_option
def settle(  # noqa: PLR0913, PLR0917 - the flags of the command
    job: Path,
    output: Path | None,
    billed: tuple[str, ...],
    not_billed: tuple[str, ...],
    exported: Path | None,
    base_url: str | None,
    *,
    as_data: bool,
    debug: bool,  # noqa: ARG001 - the edge reads it
) -> int:
    """Find out what became of the tasks of JOB.yaml that are in doubt. Sends no generation.

    By itself it asks the provider, which is free, and takes in what it finds. With --billed and
    --not-billed it records what you say, without key and network; with --from what a list says that
    you have exported. A TASK is a full name, an id, or a pattern; several may follow one option.
    Then it prints what is still in doubt. Exit codes: 0 nothing is in doubt any more, 1 something
    is, 2 refused.
    """
    says = bool(billed or not_billed)
    if says and exported is not None:
        raise UsageError("--from goes without --billed and --not-billed: call it once for each")
    loaded = load_job(job, output, to_send=False)
    files = read_files(loaded)
    if files.running:
        raise DirectoryError(
            f"{loaded.output_dir} is in use by a run, nothing was settled",
            hint="wait for its end: it looks for what is in doubt itself",
        )
    if says:
        take_words(loaded, billed=billed, not_billed=not_billed)
        asks = False
    elif exported is not None:
        asks = take_exported(loaded, exported, base_url)
    else:
        asks = bool(files.accepted or still_open(loaded))
    code = ask(loaded, base_url) if asks else ExitCode.OK
    doubts, waiting = still_open(loaded), len(read_files(loaded).accepted)
    if as_data:
        facts = {"in_doubt": len(doubts), "at_risk": at_risk(doubts), "accepted": waiting}
        write_json({**facts, "tasks": [as_json(doubt) for doubt in doubts]})
    else:
        _print(doubts, waiting)
    if code > ExitCode.SOME_FAILED and code not in _OF_THE_API:
        return code
    return ExitCode.SOME_FAILED if doubts else ExitCode.OK


# How the question to the provider may have ended: what is in doubt is so as before.
_OF_THE_API = (ExitCode.CREDITS, ExitCode.API_REFUSES, ExitCode.OUTAGE, ExitCode.WINDOW)


def _print(doubts: list[Doubt], waiting: int) -> None:
    """Print what is still in doubt, what the provider is still at, and what to do about it."""
    if waiting:
        message(f"{waiting} waiting at the provider: not in doubt, the next run asks for them")
    if not doubts:
        show("nothing is in doubt")
        return
    for line in table(doubts):
        show(line)
    command = spelled(*called(without={"billed", "not_billed", "exported", "as_data"}))
    message(
        f"{len(doubts)} in doubt, {money(at_risk(doubts))} at risk. Compare them with the list of"
        " requests on the page of your account, then say what you have found:\n"
        f"  {command} --billed TASK… --not-billed TASK…"
    )
