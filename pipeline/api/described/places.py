"""Where a described provider is asked: its own addresses, and what answers tell. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from pipeline.api.described.description import Address, Description
from pipeline.api.described.expressions import Template
from pipeline.api.origin import Origin

# Letters of an address in an answer, which claims keep.
_LONGEST_ADDRESS = 2000


@dataclass(frozen=True, slots=True)
class Places:
    """The addresses of one endpoint; with another base URL than the usual one, all below that."""

    base: str
    is_usual: bool
    origins: frozenset[Origin]

    @classmethod
    def of(cls, description: Description, base_url: str) -> "Places":
        """Find the addresses for a base URL, which the endpoint has checked."""
        base = base_url.rstrip("/")
        is_usual = base == description.base_url
        own = Origin.of(base)
        assert own is not None
        hosts = description.hosts if is_usual else ()
        beside = {Origin.of(f"https://{host}") for host in hosts}
        return cls(base, is_usual, frozenset({own, *filter(None, beside)}))

    def at(self, template: Template, names: Mapping[str, Any]) -> str | None:
        """Return an address of the provider; None where a part of it is not known."""
        filled = template.fill(names)
        return None if filled is None else self.absolute(filled)

    def absolute(self, address: str) -> str:
        """Place a path, or one of the provider's URLs, at this endpoint."""
        if address.startswith(("http://", "https://")):
            if self.is_usual:
                return address
            parts = urlsplit(address)
            address = parts.path + (f"?{parts.query}" if parts.query else "")
        return self.base + address

    def own(self, told: Any) -> str | None:
        """Read an address that an answer told, if it is this provider's and may get the key."""
        if not isinstance(told, str) or not 0 < len(told) <= _LONGEST_ADDRESS:
            return None
        if told.startswith("/") and not told.startswith("//"):
            told = self.base + told
        return told if Origin.of(told) in self.origins else None

    def choose(self, address: Address, told: str | None, names: Mapping[str, Any]) -> str | None:
        """Choose between what was told and what can be built."""
        if address.told is not None and (usable := self.own(told)) is not None:
            return usable
        return None if address.built is None else self.at(address.built, names)
