"""Where the API is and the key to it, as flags, environment and `.env` files say."""

from pipeline.api.endpoint import Endpoint
from pipeline.cli.chosen import provider
from pipeline.cli.environment import find_access, key_variable
from pipeline.cli.output import remember_secret
from pipeline.errors import UsageError
from pipeline.models import Job


def endpoint(job: Job, base_url: str | None) -> tuple[Endpoint, Job]:
    """Find the API for a job; the job is given back with what a person should know of the key.

    Raises:
        UsageError: no key, or a URL that cannot be used or must not have the key.
    """
    renders = provider(job)
    variable = key_variable(job, renders) if job.account.key else None
    access = find_access(job.path, base_url, provider=renders, variable=variable)
    remember_secret(access.key)
    found = Endpoint(access.base_url, access.key)
    name = job.account.name
    if name is not None and found.redact(name) != name:
        raise UsageError(
            "the name of the account contains its key: records and messages would show it",
            hint="choose another name: account.name, or PIPELINE_ACCOUNT_NAME",
        )
    return found, job.warned(access.warnings)
