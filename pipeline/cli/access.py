"""Where the API is and the key to it, as flags, environment and `.env` files say."""

from pipeline.api.endpoint import Endpoint
from pipeline.cli.chosen import provider
from pipeline.cli.environment import find_access
from pipeline.cli.output import remember_secret
from pipeline.models import Job


def endpoint(job: Job, base_url: str | None) -> tuple[Endpoint, Job]:
    """Find the API for a job; the job is given back with what a person should know of the key.

    Raises:
        UsageError: no key, or a URL that cannot be used or must not have the key.
    """
    access = find_access(job.path, base_url, provider=provider(job))
    remember_secret(access.key)
    return Endpoint(access.base_url, access.key), job.warned(access.warnings)
