"""Asks for the balance, for `check --balance`. Imports HTTP, which a plain `check` does not."""

import anyio

from pipeline.api.outcome import Balance
from pipeline.cli.access import endpoint
from pipeline.cli.chosen import provider
from pipeline.cli.output import message
from pipeline.models import Job


def ask(job: Job, base_url: str | None) -> tuple[Balance, Job]:
    """Ask the API for the balance; the job returns with warnings about where the key comes from.

    Raises:
        UsageError: there is no key, or the URL must not have it.
    """
    access, job = endpoint(job, base_url)
    renders = provider(job)
    if host := access.host_unless(renders.base_url):
        message(f"asking {host} for the balance")

    async def get() -> Balance:
        session = renders.connect(access, timeout=job.timeout, max_size=job.max_size)
        async with session as connected:
            return await connected.balance()

    return anyio.run(get), job
