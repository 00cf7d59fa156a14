"""Who pays, as records name it, and whether a record or a claim names the account at hand."""

from collections.abc import Collection
from contextlib import suppress

from pipeline.account import places
from pipeline.account.errors import LedgerError
from pipeline.account.neighbours import accounts
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


def strangers(recorded: Collection[str | None], own: Collection[str | None]) -> set[str | None]:
    """Return which of the accounts that were recorded are surely not the one with the names `own`.

    A name that nobody knows may be one that it had before: what was spent counts.
    """
    unknown = {name for name in recorded if name is not None} - set(own)
    if not unknown:
        return set()
    others = set[str]()
    with suppress(LedgerError):  # else the names of the others stay unknown
        others = {each.name for each in accounts() if places.name_in(each.folder) not in own}
    return {name for name in unknown if name in others or places.is_hash(name)}
