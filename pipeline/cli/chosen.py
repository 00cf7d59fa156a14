"""Which provider a job uses, and why. Imports no HTTP, which a plain `check` does not need."""

from pipeline.api import providers
from pipeline.api.provider import Provider
from pipeline.cli.calling import host
from pipeline.models import Job


def provider(job: Job) -> Provider:
    """Return the provider of a job, in the present command."""
    return host().provider or providers.get(job.provider)


def in_words(job: Job) -> str:
    """Say which provider a job uses, how that one is asked, and why it is this one."""
    chosen = provider(job)
    why = "as the job says" if job.provider else "the default"
    if host().provider is not None:
        why = "as the program that started this command says"
    return f"{chosen.name} ({chosen.about}), {why}"
