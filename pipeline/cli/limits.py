"""What holds for all runs on the key of a job, and where each limit is from: for `check`."""

from collections.abc import Iterator
from typing import Any

from pipeline.display.words import money
from pipeline.job.keys.account import SWITCH, variable
from pipeline.models import Job


def facts(job: Job) -> dict[str, Any]:
    """Return the limits that apply, as `check --json` shows them. Money is in US dollars."""
    account = job.account
    return {
        "shared": account.shared,
        "name": account.name,
        "key": account.key,
        "concurrency": account.concurrency,
        "rate": None if account.rate is None else str(account.rate),
        "day": account.day,
        "month": account.month,
        "timezone": _zone(job),
        "from_environment": sorted(map(variable, account.environment)),
        "priority": job.priority,
    }


def lines(job: Job) -> Iterator[str]:
    """Say which limits apply; nothing where there is none."""
    account = job.account
    if not account.shared:
        why = f"{SWITCH}=off" if "shared" in account.environment else "as the job says"
        yield f"Account: off ({why}): no limit of other runs counts, and they do not see this one."
        return
    limits = dict(_limits(job))
    if limits:
        listed = ", ".join(
            text + (f" ({variable(key)})" if key in account.environment else "")
            for key, text in limits.items()
        )
        yield f"All runs on this key, the least limit counts: {listed}."
    if account.day is not None or account.month is not None:
        yield f"Days and months are those of {_zone(job) or 'this machine, in local time'}."


def _limits(job: Job) -> Iterator[tuple[str, str]]:
    account = job.account
    if account.concurrency is not None:
        yield "concurrency", f"{account.concurrency:,} requests in flight"
    if account.rate is not None:
        yield "rate", str(account.rate)
    if account.day is not None:
        yield "day", f"{money(account.day)} a day"
    if account.month is not None:
        yield "month", f"{money(account.month)} a month"


def _zone(job: Job) -> str | None:
    return job.schedule.timezone if job.schedule else None
