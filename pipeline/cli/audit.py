"""`pipeline audit`."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import anyio
import click

from pipeline.account.payer import is_payer
from pipeline.api.endpoint import Endpoint
from pipeline.cli.access import endpoint
from pipeline.cli.audit_words import lines
from pipeline.cli.chosen import provider
from pipeline.cli.options import (
    base_url_option,
    debug_option,
    distinct,
    load_job,
    output_option,
)
from pipeline.cli.output import message, show, write_json
from pipeline.errors import DirectoryError, ExitCode, UsageError
from pipeline.models import Job
from pipeline.settling.audit import Audit
from pipeline.settling.auditing import audit_jobs
from pipeline.settling.doubts import same_account

# Days; a list is asked for in windows of a month, and no account is older.
_EARLIEST = 3660


class _Date(click.ParamType[Any]):
    """A date, or a date and a time; in UTC, unless it says another zone. Unix seconds."""

    name = "DATE"

    def convert(self, value: Any, param: Any, ctx: Any) -> float:
        try:
            moment = datetime.fromisoformat(str(value).strip())
            at = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
        except (ValueError, OverflowError):
            self.fail(f"{value!r} is not a valid date, such as 2026-11-01", param, ctx)
        if not 0 <= time.time() - at <= _EARLIEST * 86_400:
            self.fail(f"{value!r} is not a date of the last ten years", param, ctx)
        return at


@click.command("audit")
@click.argument(
    "jobs", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="JOB.yaml…"
)
@output_option
@click.option(
    "--since",
    type=_Date(),
    help="From this date on, in UTC. Default: from the first request of the jobs to their last.",
)
@base_url_option
@click.option("--json", "as_data", is_flag=True, help="For scripts: both totals, each difference.")
@debug_option
def audit(  # noqa: PLR0913 - the flags of the command
    jobs: tuple[Path, ...],
    output: Path | None,
    since: float | None,
    base_url: str | None,
    *,
    as_data: bool,
    debug: bool,  # noqa: ARG001 - the edge reads it
) -> int:
    """Compare the records of the jobs with the provider's own list of what it has charged.

    It is free and changes nothing. Jobs that are compared together share an account. Exit codes:
    0 the books agree, 1 they do not, also where the list cannot be read, 2 refused.
    """
    if output is not None and len(jobs) > 1:
        raise UsageError("--output is for one job; leave it out, or name one job")
    loaded = distinct([load_job(job, output, to_send=False) for job in jobs])
    access, warned = _access(loaded, base_url)
    for warning in warned.warnings:
        message(f"warning: {warning}")
    found = _compare(loaded, access, since)
    if as_data:
        write_json({"jobs": [job.name for job in loaded], **found.as_json()})
    else:
        for line in lines(found, several=len(loaded) > 1):
            show(line)
    if not found.readable:
        message(f"error: the provider's list of requests cannot be read: {found.detail}")
    return ExitCode.OK if found.agrees else ExitCode.SOME_FAILED


def _access(jobs: Sequence[Job], base_url: str | None) -> tuple[Endpoint, Job]:
    """Find the one account of all jobs.

    Raises:
        UsageError: they have several, or there is no key.
    """
    first = jobs[0]
    access, warned = endpoint(first, base_url)
    for job in jobs[1:]:
        other, _ = endpoint(job, base_url)
        if other != access or not same_account(provider(job).name, provider(first).name):
            raise UsageError(
                f"{first.path.name} and {job.path.name} do not use the same account",
                hint="compare the jobs of each provider, key and URL in a call of their own",
            )
    return access, warned


def _compare(jobs: Sequence[Job], access: Endpoint, since: float | None) -> Audit:
    """Read the books and the list, and compare them.

    Raises:
        DirectoryError: an output directory is another job's, or cannot be read.
    """
    first = jobs[0]
    renders = provider(first)
    if host := access.host_unless(renders.base_url):
        message(f"asking {host} for its list of requests")

    def is_mine(job: Job, account: str | None) -> bool:
        return is_payer(account, job.account.name, access)

    async def read() -> Audit:
        session = renders.connect(access, timeout=first.timeout, max_size=first.max_size)
        async with session as connected:
            return await audit_jobs(jobs, connected, renders, since=since, is_mine=is_mine)

    try:
        return anyio.run(read)
    except OSError as error:
        raise DirectoryError(f"an output directory cannot be read: {error}") from error
