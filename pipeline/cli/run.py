"""`pipeline run`."""

import os
import sys
from collections.abc import Callable
from contextlib import ExitStack, suppress
from datetime import time
from decimal import Decimal, InvalidOperation
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import anyio
import click

from pipeline.cli.access import endpoint
from pipeline.cli.calling import called, page_commands, spelled
from pipeline.cli.chosen import provider
from pipeline.cli.engines import by_engine
from pipeline.cli.environment import key_variable
from pipeline.cli.flagged import Flagged
from pipeline.cli.options import (
    Clock,
    Duration,
    NamedPath,
    again_option,
    base_url_option,
    debug_option,
    include_kept_option,
    job_argument,
    load_job,
    only_option,
    output_flag,
    output_option,
    retry_option,
)
from pipeline.cli.output import message, secrets
from pipeline.cli.patterns import selection
from pipeline.cli.posters import NO_POSTERS, BesideRun
from pipeline.display import words
from pipeline.display.logfile import LogFile
from pipeline.display.plain import PlainLines
from pipeline.display.watchers import Watchers
from pipeline.errors import BucketError, ExitCode, PipelineError, UsageError
from pipeline.events import Counts, Event, Reloaded, Summary
from pipeline.hook import TIMEOUT, Command, Hook, without_secrets
from pipeline.ledger.plan import Plan, Retry
from pipeline.models import Job
from pipeline.notify import Notifier
from pipeline.printable import printable
from pipeline.runtime import runner
from pipeline.runtime.options import Options
from pipeline.store.layout import Layout
from pipeline.store.shelf import open_shelf

if TYPE_CHECKING:
    from rich.console import Console


class _Money(click.ParamType[Any]):
    name = "CREDITS"

    def convert(self, value: Any, param: Any, ctx: Any) -> Decimal:
        try:
            amount = Decimal(str(value))
        except InvalidOperation:
            amount = Decimal("NaN")
        if not amount.is_finite() or amount < 0:
            self.fail(f"{value!r} is not a valid amount of credits", param, ctx)
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
@click.option(
    "--engine",
    type=click.Choice(["local", "ray"]),
    default="local",
    help="Who sends the requests: this process, or workers of a Ray cluster.",
)
@click.option("--ray-address", metavar="HOST:PORT", help="The head of the Ray cluster.")
@click.option(
    "--workers",
    type=click.IntRange(1, 1000),
    metavar="N",
    help="Workers on the cluster; one a node without it.",
)
@retry_option
@only_option
@again_option
@include_kept_option
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
    help="Wait for a top-up (for at most DURATION) instead of stopping.",
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
@click.option(
    "--exec",
    "command",
    metavar="COMMAND",
    help="Run COMMAND for each finished clip: {file}, {path}, {task} and {sha256} are replaced.",
)
@click.option(
    "--exec-timeout",
    type=Duration(),
    default=TIMEOUT,
    metavar="DURATION",
    help="How long a COMMAND may take; 10m without it.",
)
@click.option("--no-fsync", is_flag=True, help="Faster, but a power loss may cost finished work.")
@click.option("--no-report", is_flag=True, help="Write no report.html at the end.")
@click.option(
    "--no-posters",
    is_flag=True,
    envvar=NO_POSTERS,
    help="Leave the still pictures of clips to `report` and `view`.",
)
@debug_option
def run(  # noqa: PLR0913, PLR0917 - the flags of the command
    job: Path,
    output: Path | None,
    concurrency: int | None,
    base_url: str | None,
    limit: int | None,
    engine: str,
    ray_address: str | None,
    workers: int | None,
    retries: tuple[str, ...],
    only: tuple[str, ...],
    again: tuple[str, ...],
    until: time | None,
    wait_for_credits: float | None,
    confirm_above: Decimal | None,
    log_file: Path | None,
    command: str | None,
    exec_timeout: float,
    *,
    include_kept: bool,
    no_wait: bool,
    no_fsync: bool,
    no_report: bool,
    no_posters: bool,
    debug: bool,  # noqa: ARG001 - the edge reads it
) -> int:
    """Render JOB.yaml, or continue where an earlier run stopped.

    What is done is not rendered again. What an earlier run has left in doubt (perhaps paid for) is
    looked for at the provider first. Failed tasks, and those that stay in doubt, are taken up only
    with --retry. A clip that was kept stands for its task, also where the job has changed since.
    The old clips of what --again renders move to superseded/. Exit codes: 0 all done, 1 some
    failed, in doubt or waiting at the provider, 2 refused, 3 credits, 4 the API refuses, 5 outage,
    6 window closed, 7 disk.
    """
    made_by = by_engine(engine, ray_address, workers)
    loaded = load_job(job, output, concurrency=concurrency)
    access, loaded = endpoint(loaded, base_url)
    options = Options(
        retry=frozenset(Retry(name) for name in retries),
        select=selection(only, again, include_kept=include_kept),
        limit=limit,
        until=until,
        keep_places=not no_wait,
        wait_for_credits=wait_for_credits,
        fsync=not no_fsync,
        handle_signals=True,
        confirm=partial(_confirm, above=confirm_above),
        reread=(present := _Present(partial(load_job, job, output, concurrency=concurrency))),
        defer=(deferred := list[Callable[[], str | None]]()).append,
    )
    flagged = Flagged(lambda: present.job or loaded)
    parsed = None if command is None else Command(command)
    with ExitStack() as resources:
        watchers = _watch(resources, loaded, log_file, report=not no_report)
        if not no_posters:
            watchers.add(resources.enter_context(BesideRun(loaded)))
        hook = None
        if parsed is not None:
            hook = resources.enter_context(_hook(parsed, loaded, watchers, exec_timeout))
            watchers.add(hook)
        watch = runner.both(present.see, runner.both(flagged, watchers))
        render = partial(runner.run, loaded, access, options=options, watch=watch)
        summary = anyio.run(made_by, partial(render, provider=provider(loaded)))
    with suppress(OSError):  # its reader may have gone
        if not no_report:
            write_report_at_end(present.job or loaded, job, output, summary.counts)
        _print_summary(summary)
        if hook is not None and hook.outcome is not None:
            message(f"  {hook.outcome}")
        if warning := flagged.warning(str(job)):
            message(warning)
    for call in deferred:  # last: until here a kill leaves the same command to be repeated
        if warning := call():
            message(f"warning: {warning}")
    return summary.exit_code


def _hook(command: Command, job: Job, watchers: Watchers, timeout: float) -> Hook:
    """Make what runs a command for each clip: it learns neither the key nor whom to notify."""
    named = [key_variable(job, provider(job)), *(job.notify.to if job.notify else ())]
    environment = without_secrets(os.environ, named, secrets())
    return Hook(
        command,
        open_shelf(job, Layout(job.output_dir)).link,
        watchers,
        environment,
        timeout=timeout,
    )


class _Present:
    """The job as the run has last taken it up; None where that was at its start only."""

    def __init__(self, load: Callable[[], Job]) -> None:
        self._load = load
        self._read: Job | None = None
        self.job: Job | None = None

    def __call__(self) -> Job:
        """Read the job again."""
        self._read = self._load()
        return self._read

    def see(self, event: Event) -> None:
        """Take an event: what was read may be refused."""
        if isinstance(event, Reloaded):
            self.job = self._read


def _confirm(plan: Plan, *, above: Decimal | None) -> None:
    """Ask before an expensive run; without a terminal nobody can answer, so refuse."""
    if above is None or plan.selected == 0 or (plan.price is not None and plan.price <= above):
        return
    limit, price = words.money(above), words.money(plan.price)
    what = f"{words.tasks(plan.selected)} would cost about {price}, above {limit}"
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise UsageError(what, hint="confirm on a terminal, or raise --confirm-above")
    if not click.confirm(printable(f"{what}. Go on?"), err=True):
        raise UsageError("not confirmed; nothing was sent")


def _watch(resources: ExitStack, job: Job, log_file: Path | None, *, report: bool) -> Watchers:
    """Assemble the watchers of a run: terminal or plain lines, log, notifications."""
    watchers = Watchers()
    console = _terminal()
    if console is None:
        watchers.add(PlainLines(sys.stderr))
    else:
        from pipeline.display.live import LiveDisplay  # noqa: PLC0415 - for terminals only

        watchers.add(resources.enter_context(LiveDisplay(console)))
    if log_file is not None:
        watchers.add(resources.enter_context(LogFile(log_file)))
    if job.notify is not None and job.notify.to:
        page = Layout(job.output_dir).report if report else None
        notifier = Notifier(job.name, job.notify, watchers, report=page)
        resources.callback(notifier.close)
        watchers.add(notifier)
    return watchers


def _terminal() -> "Console | None":
    """Return standard error as a console where it is a terminal that can move its cursor."""
    if not _may_be_terminal():
        return None
    from rich.console import Console  # noqa: PLC0415 - a third of what a run imports

    console = Console(stderr=True)
    return console if console.is_terminal and not console.is_dumb_terminal else None


def _may_be_terminal() -> bool:
    """Return whether there is a terminal, or a variable by which rich takes anything for one."""
    forced = os.environ.get("FORCE_COLOR") or os.environ.get("TTY_COMPATIBLE")
    return bool(forced) or sys.stderr.isatty()


def write_report_at_end(job: Job, shown: Path, output: Path | None, counts: Counts) -> None:
    """Write the report of a run that has ended; a failure here does not change its exit code."""
    from pipeline.report.build import MOST, write_report  # noqa: PLC0415 - not before the requests

    if counts.succeeded + counts.failed + counts.in_doubt > MOST:
        command = spelled("report", str(shown), *output_flag(output))
        message(f"  no report was written, for more than {MOST:,} clips; to write it: {command}")
        return
    try:
        again = called(without={"retries", "again"})  # what was asked is done
        flags = output_flag(output)
        path = write_report(job, page_commands(str(shown), flags, run=again, settle=_settle()))
    except BucketError as error:
        message(f"warning: report.html was written, and not copied: {error}")
    except PipelineError as error:
        message(f"warning: cannot write report.html: {error}")
    else:
        message(f"  report: {path}")


def _print_summary(summary: Summary) -> None:
    """Say how the run ended (the live display leaves that to here) and how to continue."""
    if console := _terminal():
        style = "green" if summary.exit_code is ExitCode.OK else "bold red"
        from rich.text import Text  # noqa: PLC0415 - for terminals only

        console.print(Text(printable(words.summary(summary)), style=style), soft_wrap=True)
    again = called(without={"retries"})
    for step in words.next_steps(summary):
        command = _settle() if step.command == "settle" else again
        message(f"  {step.what:<21} {spelled(*command, *step.flags)}{step.caution}")


def _settle() -> list[str]:
    """Return the arguments that settle the doubts of the present job."""
    return ["settle", *called(only={"output", "base_url"})[1:]]
