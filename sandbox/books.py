"""The books: every request, every charge, every balance. Pure: the time is passed in, no I/O.

Books are the sum of their events. Whoever keeps the events (see `journal`) can replay them and
has the same books again.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import msgspec

from sandbox.digests import digest


class Opened(msgspec.Struct, frozen=True, tag="opened"):
    """The books begin with this balance, in US dollars. Times are Unix time, in seconds."""

    credits: Decimal
    free: Decimal
    at: float


class Arrived(msgspec.Struct, frozen=True, tag="arrived"):
    """A POST came in."""

    request_id: str
    model: str
    body: dict[str, Any]
    at: float


class Charged(msgspec.Struct, frozen=True, tag="charged"):
    """A generation was paid for."""

    request_id: str
    price: Decimal
    at: float


class Ended(msgspec.Struct, frozen=True, tag="ended"):
    """A request is over: the status it was answered with, or a word for how else it ended."""

    request_id: str
    status: int | str
    at: float


class ToppedUp(msgspec.Struct, frozen=True, tag="topped_up"):
    """Credits were bought (or, if negative, taken away)."""

    amount: Decimal
    at: float


Event = Opened | Arrived | Charged | Ended | ToppedUp


@dataclass(slots=True)
class Entry:
    """One request in the books."""

    request_id: str
    model: str
    params: dict[str, Any]
    arrived: float
    price: Decimal | None = None
    charged_at: float | None = None
    before: Decimal | None = None  # the balance that its charge met
    status: int | str | None = None
    finished: float | None = None


def plain(amount: Decimal) -> str:
    """Write an amount without an exponent."""
    return format(amount, "f")


def _ignore(_event: Event) -> None:
    """Keep no journal."""


class Books:
    """A ledger. Every change goes through `record`, which also hands it to `keep`."""

    def __init__(self, keep: Callable[[Event], None] = _ignore) -> None:
        self._keep = keep
        self._entries: dict[str, Entry] = {}
        self._paid: list[Entry] = []
        self._times: list[float] = []  # of each change of the balance
        self._balances: list[Decimal] = []  # the balance since then
        self._seen: Counter[str] = Counter()
        self.credits = Decimal(0)
        self.free_credits = Decimal(0)
        self.charged = Decimal(0)
        self.in_flight = 0
        self.peak_in_flight = 0
        self.first_post: float | None = None

    @property
    def balance(self) -> Decimal:
        """What can be spent: bought and free credits."""
        return self.credits + self.free_credits

    def record(self, event: Event) -> None:
        """Take `event` into the books, and keep it."""
        self.apply(event)
        self._keep(event)

    def apply(self, event: Event) -> None:
        """Take `event` into the books, as a replay does."""
        match event:
            case Opened():
                self.credits, self.free_credits = event.credits, event.free
                self._note_balance(event.at)
            case Arrived():
                self._arrive(event)
            case Charged():
                self._charge(event)
            case Ended():
                self._end(event)
            case ToppedUp():
                self.credits += event.amount
                self._note_balance(event.at)

    def covers(self, price: Decimal) -> bool:
        """Return whether the balance covers `price`."""
        return self.balance >= price

    def times_seen(self, request_id: str) -> int:
        """Count how often the same model and parameters were asked for, this request included."""
        entry = self._entries[request_id]
        return self._seen[digest(entry.model, entry.params)]

    def is_open(self, request_id: str) -> bool:
        """Return whether the client still waits for this request."""
        return self._entries[request_id].finished is None

    def balance_at(self, at: float) -> Decimal:
        """Look up what the balance was at that time."""
        place = bisect_right(self._times, at) - 1
        return self._balances[max(place, 0)]

    def before_charge(self, request_id: str) -> Decimal:
        """Look up the balance before a request's own charge; without one, the balance."""
        entry = self._entries.get(request_id)
        return self.balance if entry is None or entry.before is None else entry.before

    def abandon(self, at: float) -> None:
        """End what an earlier life of the server left open."""
        for entry in list(self._entries.values()):
            if entry.finished is None:
                self.record(Ended(entry.request_id, "killed", at))

    def report(self) -> dict[str, Any]:
        """Write the books out; amounts as decimal strings, times as Unix time in seconds."""
        return {
            "posts": len(self._entries),
            "in_flight": self.in_flight,
            "peak_in_flight": self.peak_in_flight,
            "balance": plain(self.balance),
            "charged": plain(self.charged),
            "charges": [_charge_of(entry) for entry in self._paid],
            "requests": [_request_of(entry) for entry in self._entries.values()],
        }

    def _arrive(self, event: Arrived) -> None:
        entry = Entry(event.request_id, event.model, event.body, event.at)
        self._entries[event.request_id] = entry
        self._seen[digest(entry.model, entry.params)] += 1
        if self.first_post is None:
            self.first_post = event.at
        self.in_flight += 1
        self.peak_in_flight = max(self.peak_in_flight, self.in_flight)

    def _charge(self, event: Charged) -> None:
        entry = self._entries[event.request_id]
        entry.price, entry.charged_at, entry.before = event.price, event.at, self.balance
        from_free = min(self.free_credits, event.price)
        self.free_credits -= from_free
        self.credits -= event.price - from_free
        self.charged += event.price
        self._paid.append(entry)
        self._note_balance(event.at)

    def _end(self, event: Ended) -> None:
        entry = self._entries[event.request_id]
        entry.status, entry.finished = event.status, event.at
        self.in_flight -= 1

    def _note_balance(self, at: float) -> None:
        self._times.append(at)
        self._balances.append(self.balance)


def _charge_of(entry: Entry) -> dict[str, Any]:
    return {
        "request_id": entry.request_id,
        "model": entry.model,
        "params": entry.params,
        "price": None if entry.price is None else plain(entry.price),
        "at": entry.charged_at,
        "status": entry.status,
    }


def _request_of(entry: Entry) -> dict[str, Any]:
    return {
        "request_id": entry.request_id,
        "model": entry.model,
        "prompt": entry.params.get("prompt"),
        "params": entry.params,
        "status": entry.status,
        "arrived": entry.arrived,
        "finished": entry.finished,
    }
