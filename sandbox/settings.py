"""What the sandbox simulates: one frozen object, checked when it is made."""

import ipaddress
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from pathlib import Path
from typing import Any

from sandbox.errors import SandboxError
from sandbox.faults import check_rates
from sandbox.media_faults import FINE, MediaRule


class Charge(StrEnum):
    """When a generation is paid for."""

    ACCEPT = "accept"
    COMPLETION = "completion"


class BalanceCall(StrEnum):
    """How the balance call answers."""

    JSON = "json"
    MISSING = "missing"  # 404, as for a user without credits
    GARBAGE = "garbage"  # 200 with an HTML page


class Clips(StrEnum):
    """What a generation is."""

    REAL = "real"  # a playable clip that shows its prompt
    TINY = "tiny"  # a valid MP4 of one frame, for load


class History(StrEnum):
    """How the request history answers."""

    JSON = "json"  # `request_body` is JSON in a text
    REPR = "repr"  # it is the text of a Python dictionary
    OBJECT = "object"  # it is an object
    MISSING = "missing"  # 404
    ERROR = "error"  # 500
    HTML = "html"  # 200 with an HTML page
    SHAPE = "shape"  # 200 with JSON that has none of the fields
    SLOW = "slow"  # as JSON, after `slow_seconds`


class Times(StrEnum):
    """How the request history writes times."""

    UTC = "utc"
    OFFSET = "offset"  # of another zone, which is written
    NAIVE = "naive"  # UTC, but no zone is written


class States(StrEnum):
    """Which states the status of a v2 request knows."""

    PLAIN = "plain"
    STRANGE = "strange"  # also one that is documented nowhere, for a while


class RequestIds(StrEnum):
    """How the `x-request-id` of v1 and the id in the request history go together."""

    SAME = "same"
    OTHER = "other"  # each has its own
    NONE = "none"  # an answer has none


class OutageKind(StrEnum):
    """What an outage looks like from outside."""

    SERVER_ERROR = "500"
    UNAVAILABLE = "503"
    RATE_LIMIT = "429"
    REFUSE = "refuse"  # nothing listens


@dataclass(frozen=True, slots=True)
class Outage:
    """A window without service: seconds since the first POST, and its length in seconds."""

    start: float
    length: float
    kind: OutageKind = OutageKind.UNAVAILABLE


@dataclass(frozen=True, slots=True)
class PriceOf:
    """A price in US dollars for tasks whose parameter `key` reads `value`."""

    key: str
    value: str
    price: Decimal

    def applies(self, model: str, body: Mapping[str, Any]) -> bool:
        """Return whether a request has this price; the key `model` means its model."""
        return _as_text(body.get(self.key, model if self.key == "model" else None)) == self.value


@dataclass(frozen=True, slots=True)
class Settings:
    """One sandbox. Times in seconds, money in US dollars, sizes in bytes.

    `wire` is the vendor that is simulated. `models` are names or shell patterns; without one they
    are the vendor's. `key` None takes any key. `faults` maps a kind to the
    fraction of POSTs that meet it. `header_late` is how old a balance the header shows. A `port`
    of 0 takes a free one. `body_size` pads clips up to that size. A request appears in the history
    `history_lag` after it came, with a row for each of its `outputs`; `strangers` are rows of
    others, `twins` rows of others with the body of a request. v2 forgets a request `record_life`
    after it came.
    """

    host: str = "127.0.0.1"
    port: int = 8765
    wire: str = "segmind"
    models: tuple[str, ...] = ()
    key: str | None = None
    credits: Decimal = Decimal(100)
    free_credits: Decimal = Decimal(0)
    price: Decimal = Decimal("0.95")
    prices: tuple[PriceOf, ...] = ()
    charge: Charge = Charge.COMPLETION
    header_lag: bool = False
    header_late: float = 0.0
    credit_header: bool = True
    balance_call: BalanceCall = BalanceCall.JSON
    cost_header: bool = False
    marked: bool = True
    latency: float = 1.0
    jitter: float = 0.3
    seed: int = 0
    faults: Mapping[str, float] = field(default_factory=dict)
    retry_after: int | None = None
    slow_seconds: float = 3.0
    outages: tuple[Outage, ...] = ()
    history: History = History.JSON
    history_lag: float = 0.0
    history_times: Times = Times.UTC
    outputs: int = 1
    strangers: int = 0
    twins: int = 0
    record_life: float = 3600.0
    media: MediaRule = FINE
    states: States = States.PLAIN
    request_ids: RequestIds = RequestIds.SAME
    books: Path | None = None
    clips: Clips = Clips.REAL
    body_size: int | None = None
    verbose: bool = False

    def __post_init__(self) -> None:
        if not is_loopback(self.host):
            raise SandboxError(
                f"the sandbox listens on loopback only, not on {self.host}",
                hint="use --host 127.0.0.1, ::1 or localhost",
            )
        check_rates(self.faults)

    def price_of(self, model: str, body: Mapping[str, Any]) -> Decimal:
        """Look up what a request costs: the last rule that applies, else the price of all."""
        for rule in reversed(self.prices):
            if rule.applies(model, body):
                return rule.price
        return self.price


def is_loopback(host: str) -> bool:
    """Return whether a host's name or address, without brackets, is this machine alone."""
    if host.lower() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _as_text(value: Any) -> str:
    """Write a JSON value as a command line has it."""
    return str(value).lower() if isinstance(value, bool) else str(value)
