"""`pipeline run`."""

import sys
from collections.abc import Callable
from contextlib import ExitStack, suppress
from datetime import time
from decimal import Decimal, InvalidOperation
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipeline.cli.calling import called, spelled
from pipeline.cli.options import (
    Clock,
    Duration,
    NamedPath,
    base_url_option,
    debug_option,
    job_argument,
    load_job,
    output_flag,
    output_option,
    retry_option,
)
from pipeline.cli.output import tell
from pipeline.errors import ExitCode, PipelineError, UsageError
from pipeline.models import Job
from pipeline.printable import printable

if TYPE_CHECKING:
    from pipeline.events import Counts


class _Money(click.ParamType[Any]):
    name = "CREDITS"

    def convert(self, value: Any, param: Any, ctx: Any) -> Decimal:
        try:
            amount = Decimal(str(value))
        except InvalidOperation:
            amount = Decimal("NaN")
        if not amount.is_finite() or amount < 0:
            self.fail(f"{value!r} is no amount of credits", param, ctx)
        return amount


@click.command()
@job_argument
@output_option
@click.option(
    "--concurrency", type=click.IntRange(1, 2000), metavar="N", help="Requests in flight at once."
)
@base_url_option
@click.option(
    "--limit", type=click.IntRange(1), metavar="N", help="Render at most N of the tasks left."
)
@retry_option
@click.option("--until", type=Clock(), help="Dispatch nothing that would end after this time.")
@click.option(
    "--no-wait",
    is_flag=True,
    help="Do not wait for what a killed run may still have at the API.",
)
@click.option(
    "--wait-for-credits",
    type=Duration(),
    is_flag=False,
    flag_value=float("inf"),
    default=None,
    metavar="[DURATION]",
    help="Hold for a top-up (for at most DURATION) instead of stopping.",
)
@click.option(
    "--confirm-above",
    type=_Money(),
    metavar="CREDITS",
    help="Ask before a run that would cost more; refuse without a terminal.",
)
@click.option(
    "--log-file", type=NamedPath(path_type=Path, dir_okay=False), help="Also log as JSON lines."
)
@click.option("--no-fsync", is_flag=True, help="Faster, but a power loss may cost finished work.")
@click.option("--no-report", is_flag=True, help="Write no report.html at the end.")
@debug_option
def run(  # noqa: PLR0913, PLR0917 - the flags of the command
    job: Path,
    output: Path | None,
    concurrency: int | None,
    base_url: str | None,
    limit: int | None,
    retries: tuple[str, ...],
    until: time | None,
    wait_for_credits: float | None,
    confirm_above: Decimal | None,
    log_file: Path | None,
    *,
    no_wait: bool,
    no_fsync: bool,
    no_report: bool,
    debug: bool,  # noqa: ARG001 - the edge reads it
) -> int:
    """Render JOB.yaml, or go on where an earlier run of it stopped.

    What is done is not rendered again. Failed tasks, and those in doubt (perhaps paid for), are
    taken up only with --retry. Exit codes: 0 all done, 1 some failed or in doubt, 2 refused,
    3 credits, 4 the API refuses, 5 outage, 6 window closed, 7 disk.
    """
    import anyio  # noqa: PLC0415 - `--help` needs none of this

    from pipeline.cli.access import endpoint  # noqa: PLC0415
    from pipeline.ledger.plan import Retry  # noqa: PLC0415
    from pipeline.runtime.runner import Options  # noqa: PLC0415
    from pipeline.runtime.runner import run as render  # noqa: PLC0415

    loaded = load_job(job, output, concurrency=concurrency)
    access, loaded = endpoint(loaded, base_url)
    options = Options(
        retry=frozenset(Retry(name) for name in retries),
        limit=limit,
        until=until,
        keep_places=not no_wait,
        wait_for_credits=wait_for_credits,
        fsync=not no_fsync,
        handle_signals=True,
        confirm=partial(_confirm, above=confirm_above),
    )
    with ExitStack() as resources:
        watch = _watch(resources, loaded, log_file, report=not no_report)
        summary = anyio.run(partial(render, loaded, access, options=options, watch=watch))
    with suppress(OSError):  # whoever would read it may have left
        if not no_report:
            _write_report(loaded, job, output, summary.counts)
        _say_end(summary)
    return summary.exit_code


def _confirm(plan: Any, *, above: Decimal | None) -> None:
    """Ask before an expensive run; without a terminal nobody can answer, so refuse."""
    if above is None or (plan.price is not None and plan.price <= above):
        return
    from pipeline.display.words import money, tasks  # noqa: PLC0415

    what = f"{tasks(plan.selected)} would cost about {money(plan.price)}, above {money(above)}"
    if plan.selected == 0:
        return
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError(what, hint="confirm on a terminal, or raise --confirm-above")
    if not click.confirm(printable(f"{what}. Go on?"), err=True):
        raise UsageError("not confirmed; nothing was sent")


def _watch(
    resources: ExitStack, job: Job, log_file: Path | None, *, report: bool
) -> Callable[[Any], None]:
    """Put together who watches the run: terminal or plain lines, state file, log, messages."""
    from rich.console import Console  # noqa: PLC0415

    from pipeline.display.faces import Faces  # noqa: PLC0415
    from pipeline.display.live import LiveDisplay  # noqa: PLC0415
    from pipeline.display.logfile import LogFile  # noqa: PLC0415
    from pipeline.display.plain import PlainLines  # noqa: PLC0415
    from pipeline.display.state import StateFile  # noqa: PLC0415
    from pipeline.store.layout import Layout  # noqa: PLC0415

    faces = Faces()
    faces.add(StateFile(Layout(job.output_dir).state))
    console = Console(stderr=True)
    if console.is_terminal and not console.is_dumb_terminal:
        faces.add(resources.enter_context(LiveDisplay(console)))
    else:
        faces.add(PlainLines(sys.stderr))
    if log_file is not None:
        faces.add(resources.enter_context(LogFile(log_file)))
    if job.notify is not None and job.notify.to:
        from pipeline.notify import Notifier  # noqa: PLC0415

        page = Layout(job.output_dir).report if report else None
        notifier = Notifier(job.name, job.notify, faces, report=page)
        resources.callback(notifier.close)
        faces.add(notifier)
    return faces


def _write_report(job: Job, shown: Path, output: Path | None, counts: "Counts") -> None:
    """Write the report of a run that has ended; that it cannot is no fault of the run."""
    from pipeline.report.build import MOST, write_report  # noqa: PLC0415

    if counts.succeeded + counts.failed + counts.in_doubt > MOST:
        command = spelled("report", str(shown), *output_flag(output))
        tell(f"  more than {MOST:,} clips, so that no page was written: {command} writes it")
        return
    try:
        path = write_report(job, partial(spelled, *called(without={"retries"})))
    except PipelineError as error:
        tell(f"warning: report.html could not be written: {error}")
    else:
        tell(f"  report: {path}")


def _say_end(summary: Any) -> None:
    from rich.console import Console  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    from pipeline.display.words import next_steps  # noqa: PLC0415
    from pipeline.display.words import summary as in_words  # noqa: PLC0415

    console = Console(stderr=True)
    if console.is_terminal and not console.is_dumb_terminal:
        style = "green" if summary.exit_code is ExitCode.OK else "bold red"
        said = Text(printable(in_words(summary)), style=style)
        console.print(said, soft_wrap=True)
    again = called(without={"retries"})
    for what, flags, risk in next_steps(summary):
        tell(f"  {what:<21} {spelled(*again, *flags)}{risk}")
