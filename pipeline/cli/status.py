"""`pipeline status`."""

import sys
import time
from pathlib import Path

import click

from pipeline.cli.options import job_argument, load_job, output_option
from pipeline.cli.output import show, write_json
from pipeline.display.words import duration, money
from pipeline.printable import printable
from pipeline.state import State, look

# How often --watch looks again, in seconds.
_EVERY = 2.0


@click.command()
@job_argument
@output_option
@click.option("--json", "as_json", is_flag=True, help="For scripts.")
@click.option("--watch", is_flag=True, help="Look again every two seconds, until the run ends.")
def status(job: Path, output: Path | None, *, as_json: bool, watch: bool) -> None:
    """Show where JOB.yaml stands, also while another process runs it."""
    loaded = load_job(job, output, to_send=False)
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
        time.sleep(_EVERY)


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
    if state.missing:
        lines.append(f"  missing    {state.missing:>7,}  finished clips whose file is gone")
    doing = state.doing or {}
    if doing.get("hold"):
        left = max(float(doing.get("until") or 0) - time.time(), 0)
        next_look = f", next look in {duration(left)}" if doing.get("until") else ""
        lines.append(f"  waiting    {doing['hold']}{next_look}: {doing.get('detail', '')}")
    return lines
