"""Who pays, as records name it, and whether a record or a claim names the account at hand."""

from pipeline.account import places
from pipeline.api.endpoint import Endpoint


def payer(name: str | None, endpoint: Endpoint) -> str:
    """Name the account of an endpoint: by `name`, otherwise by the first digits of its hash."""
    return endpoint.redact(name) if name else places.name(endpoint.base_url, endpoint.key)


def is_payer(recorded: str | None, name: str | None, endpoint: Endpoint) -> bool:
    """Return whether the account that was recorded can be this one.

    An account may have got its name since. One that was recorded with another name is another:
    asked with this key, its provider knows nothing of what it has accepted.
    """
    known = {None, payer(name, endpoint), places.name(endpoint.base_url, endpoint.key)}
    return recorded in known
