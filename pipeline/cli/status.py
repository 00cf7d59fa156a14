"""`pipeline status`."""

import sys
import time
from pathlib import Path

import click

from pipeline.cli.options import load_job, output_option
from pipeline.cli.output import show, write_json
from pipeline.display.words import duration, money
from pipeline.printable import printable
from pipeline.state import State, look


@click.command()
@click.argument("job", type=click.Path(path_type=Path), metavar="[JOB.yaml]", required=False)
@output_option
@click.option("--json", "as_json", is_flag=True, help="For scripts.")
@click.option("--watch", is_flag=True, help="Look again every two seconds.")
def status(job: Path | None, output: Path | None, *, as_json: bool, watch: bool) -> int:
    """Show where JOB.yaml stands, also while another process runs it.

    Without a job, show every run of the accounts on this machine. --watch ends with the run; on a
    terminal and without a job it fills the screen until Ctrl-C.
    """
    if job is not None:
        _status_of(job, output, as_json=as_json, watch=watch)
        return 0
    if output is not None:
        raise click.UsageError("--output is for the status of one job: name its job file too")
    from pipeline.cli.all_runs import show_all  # noqa: PLC0415 - see the module

    return show_all(as_json=as_json, watch=watch)


def _status_of(path: Path, output: Path | None, *, as_json: bool, watch: bool) -> None:
    loaded = load_job(path, output, to_send=False)
    while True:
        state = look(loaded)
        if as_json:
            write_json(state.as_json())
        else:
            if watch and sys.stdout.isatty():
                click.clear()
            show("\n".join(map(printable, _lines(state))))
        if not (watch and state.running):
            return
        from pipeline.cli.watching import EVERY  # noqa: PLC0415 - it can draw a whole screen

        time.sleep(EVERY)


def _lines(state: State) -> list[str]:
    c = state.counts
    now = f"running, {state.in_flight} in flight" if state.running else "not running"
    lines = [
        f"{state.job}: {now}",
        f"  succeeded  {c.succeeded:>7,} of {c.total:,}",
        f"  failed     {c.failed:>7,}",
        f"  in doubt   {c.in_doubt:>7,}",
        f"  to do      {c.pending:>7,}",
        f"  spent      {money(state.spent):>7}",
        f"  at risk    {money(state.at_risk):>7}",
        f"  credits    {money(state.remaining_credits):>7}  as last reported",
        f"  output     {state.output}",
    ]
    if c.accepted:
        lines.insert(4, f"  accepted   {c.accepted:>7,}  waiting at the provider")
    if c.saved:
        lines.insert(4, f"  saved      {c.saved:>7,}  rendered, and not in place: run again")
    if state.kept or state.rejected:
        lines.insert(2, f"  kept       {state.kept:>7,}  and {state.rejected:,} rejected")
    if state.missing:
        lines.append(f"  missing    {state.missing:>7,}  finished clips whose file is gone")
    doing = state.doing or {}
    if doing.get("hold"):
        left = max(float(doing.get("until") or 0) - time.time(), 0)
        next_look = f", next look in {duration(left)}" if doing.get("until") else ""
        lines.append(f"  waiting    {doing['hold']}{next_look}: {doing.get('detail', '')}")
    return lines
