"""What happens in the sandbox: the books are the sum of these. Times are Unix time, in seconds."""

from decimal import Decimal
from enum import StrEnum
from typing import Any

import msgspec


class Wire(StrEnum):
    """How a request was made, and its output comes."""

    V1 = "v1"  # the answer is the output
    V2 = "v2"  # the answer is an id


class State(StrEnum):
    """How a generation ended."""

    COMPLETED = "COMPLETED"
    FAILED = "FAILED"
    CANCELLED = "CANCELLED"  # at a vendor that can


class Opened(msgspec.Struct, frozen=True, tag="opened"):
    """The books begin with this balance, in US dollars."""

    credits: Decimal
    free: Decimal
    at: float


class Arrived(msgspec.Struct, frozen=True, tag="arrived"):
    """A POST came in. `key` is a digest of the key it came with: whoever reads this has no key."""

    request_id: str
    model: str
    body: dict[str, Any]
    at: float
    wire: Wire = Wire.V1
    key: str = ""


class Begun(msgspec.Struct, frozen=True, tag="begun"):
    """A generation was accepted, or listed as one that failed.

    `listed` is its id in the request history, and in v2. `latency` is what it takes, in seconds,
    `fault` what it or its answer meets, `nth` how often the same was asked for.
    """

    request_id: str
    listed: str
    latency: float
    fault: str | None
    nth: int
    at: float


class Charged(msgspec.Struct, frozen=True, tag="charged"):
    """A generation was paid for."""

    request_id: str
    price: Decimal
    at: float


class Finished(msgspec.Struct, frozen=True, tag="finished"):
    """A generation has come to its end, whatever its client saw of it."""

    request_id: str
    state: State
    at: float
    error: str | None = None


class Ended(msgspec.Struct, frozen=True, tag="ended"):
    """A POST is over: the status it was answered with, or a word for how else it ended."""

    request_id: str
    status: int | str
    at: float


class Fetched(msgspec.Struct, frozen=True, tag="fetched"):
    """The `address`-th address of a request's media was asked; `dead`: it will never serve them."""

    listed: str
    address: int
    dead: bool
    at: float


class KeySeen(msgspec.Struct, frozen=True, tag="key_seen"):
    """A key came to where none belongs."""

    path: str
    header: str
    at: float


class ToppedUp(msgspec.Struct, frozen=True, tag="topped_up"):
    """Credits were bought (or, if negative, taken away)."""

    amount: Decimal
    at: float


Event = Opened | Arrived | Begun | Charged | Finished | Ended | Fetched | KeySeen | ToppedUp
