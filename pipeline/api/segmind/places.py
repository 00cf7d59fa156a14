"""Where Segmind is asked: the addresses that get the key. Pure."""

from dataclasses import dataclass
from urllib.parse import quote

from pipeline.api.origin import Origin
from pipeline.api.segmind.hosts import BASE_URL, LISTING_URL, UPLOADS_URL
from pipeline.api.values import identifier


@dataclass(frozen=True, slots=True)
class Places:
    """The addresses of one endpoint; with another base URL than the usual one, all below that."""

    base: str
    listing: str
    uploads: str
    own: Origin
    origins: frozenset[Origin]

    @classmethod
    def of(cls, base_url: str) -> "Places":
        """Find the addresses for a base URL, which the endpoint has checked."""
        base = base_url.rstrip("/")
        own, usual = Origin.of(base), Origin.of(BASE_URL)
        assert own is not None
        is_usual = own == usual and base.count("/") == BASE_URL.count("/")
        above = LISTING_URL if is_usual else base
        beside = Origin.of(above)
        assert beside is not None
        listing = f"{above}/inference-request/request-history"
        uploads = f"{UPLOADS_URL if is_usual else base}/upload-asset"
        return cls(base, listing, uploads, own, frozenset({own, beside}))

    def listed(self, id_: str) -> str:
        """Return the address of one request in the list."""
        return f"{self.listing}/{quote(id_, safe='')}"

    def status(self, id_: str) -> str:
        """Return the address of the state of a request."""
        return f"{self.base}/v2/requests/{quote(id_, safe='')}/status"

    def result(self, id_: str) -> str:
        """Return the address of the result of a request."""
        return f"{self.base}/v2/requests/{quote(id_, safe='')}"

    def is_own(self, address: str | None) -> bool:
        """Whether an address that an answer told is at this provider, and may get the key."""
        return address is not None and Origin.of(address) == self.own

    @staticmethod
    def can_ask(id_: str) -> bool:
        """Whether an id can be part of an address."""
        return identifier(id_) is not None
