"""Which provider a job uses, and why. Imports no HTTP, which a plain `check` does not need."""

from contextlib import suppress
from urllib.parse import urlsplit

from pipeline.api import providers
from pipeline.api.provider import Provider
from pipeline.cli.calling import host
from pipeline.cli.environment import find_base_url, key_variable
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


def hosts(job: Job, base_url: str | None) -> tuple[str, ...]:
    """List the hosts that get the key; none where the base URL cannot be read.

    Raises:
        UsageError: a `.env` cannot be read, or `account.key` names another secret.
    """
    chosen = provider(job)
    key_variable(job, chosen)
    if not chosen.traits.needs_key:
        return ()
    url = find_base_url(job.path, base_url, provider=chosen)
    if url.rstrip("/") == chosen.base_url:
        return chosen.hosts
    with suppress(ValueError):  # a run refuses it
        parts = urlsplit(url)
        name = parts.hostname or ""
        name = f"[{name}]" if ":" in name else name
        return (f"{name}:{parts.port}" if parts.port else name,)
    return ()
