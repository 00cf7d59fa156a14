"""How a provider is spoken to: requests to send and answers to read. No I/O."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Protocol

from pipeline.models import Task


@dataclass(frozen=True, slots=True)
class Request:
    """A request to send; its length and what is the same for all are added on the way."""

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict, repr=False)  # one holds the key
    content: bytes = field(default=b"", repr=False)


@dataclass(frozen=True, slots=True)
class Reported:
    """What the headers of an answer report; texts are as they came."""

    remaining: Decimal | None = None
    cost: Decimal | None = None
    request_id: str | None = None
    seed: str | None = None
    retry_after: float | None = None


class Wire(Protocol):
    """Makes the requests of one provider, and reads its answers. It sends nothing itself."""

    def submit(self, task: Task) -> Request:
        """Make the request that pays for a task."""

    def balance(self) -> Request:
        """Make the request for the balance."""

    def read_balance(self, text: bytes) -> Decimal | None:
        """Read the balance, in US dollars; None where the answer does not say."""

    def read_headers(self, headers: Mapping[str, str]) -> Reported:
        """Read the headers of an answer; their names are case-insensitive."""
