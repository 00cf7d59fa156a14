"""Asks for the balance, for `check --balance`. Imports HTTP, which a plain `check` does not."""

import anyio

from pipeline.api.client import Client
from pipeline.api.outcomes import Balance
from pipeline.cli.access import endpoint
from pipeline.cli.output import message
from pipeline.models import Job


def ask(job: Job, base_url: str | None) -> tuple[Balance, Job]:
    """Ask the API for the balance; the job returns with warnings about where the key comes from.

    Raises:
        UsageError: there is no key, or the URL must not have it.
    """
    access, job = endpoint(job, base_url)
    if access.unusual_host:
        message(f"asking {access.unusual_host} for the balance")

    async def get() -> Balance:
        async with Client(access) as client:
            return await client.balance()

    return anyio.run(get), job
