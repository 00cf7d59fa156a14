"""Where the API is and the key to it, as flags, environment and `.env` files say."""

from pipeline.cli.edge import remember_secret
from pipeline.client import DEFAULT_BASE_URL, Endpoint
from pipeline.environment import BASE_URL, find, find_key
from pipeline.models import Job


def endpoint(job: Job, base_url: str | None) -> Endpoint:
    """Find the API for a job.

    Raises:
        UsageError: no key, or a URL that cannot be used.
    """
    key = find_key(job.path)
    remember_secret(key)
    return Endpoint(base_url or find(BASE_URL, job.path) or DEFAULT_BASE_URL, key)
