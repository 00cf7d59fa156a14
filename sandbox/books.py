"""The books: every request, every charge, every balance. Pure: the time is passed in, no I/O.

Books are the sum of their events. Whoever keeps the events (see `journal`) can replay them and
has the same books again.
"""

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sandbox.digests import digest
from sandbox.events import (
    Arrived,
    Begun,
    Charged,
    Ended,
    Event,
    Fetched,
    Finished,
    KeySeen,
    Opened,
    State,
    ToppedUp,
    Wire,
)


@dataclass(slots=True)
class Entry:
    """One request in the books. `request_id` is that of its POST, `begun` its generation."""

    request_id: str
    model: str
    params: dict[str, Any]
    arrived: float
    wire: Wire = Wire.V1
    key: str = ""
    begun: Begun | None = None
    price: Decimal | None = None
    charged_at: float | None = None
    before: Decimal | None = None  # the balance that its charge met
    state: State | None = None
    error: str | None = None
    done: float | None = None  # when the generation came to its end
    status: int | str | None = None
    finished: float | None = None  # when its POST was over
    polls: int = 0

    @property
    def listed(self) -> str:
        """Its id in the request history."""
        return self.begun.listed if self.begun is not None else self.request_id

    @property
    def is_running(self) -> bool:
        """Return whether its generation is still under way."""
        return self.begun is not None and self.state is None

    @property
    def outlives_its_post(self) -> bool:
        """Return whether it is in flight until its generation ends, not its POST."""
        return self.wire is Wire.V2 and self.begun is not None


def plain(amount: Decimal) -> str:
    """Write an amount without an exponent."""
    return format(amount, "f")


def _ignore(_event: Event) -> None:
    """Keep no journal."""


class Books:
    """A ledger. Every change goes through `record`, which also hands it to `keep`.

    A request is `in_flight` until its POST is over, or in v2 its generation; a generation is
    `at_work` until it ends, whoever has left. `questions` counts what was asked, by kind, since the
    server started, and `hosts` who was asked, by the name in the request, and how often with
    a key: they are not kept.
    """

    def __init__(self, keep: Callable[[Event], None] = _ignore) -> None:
        self._keep = keep
        self._entries: dict[str, Entry] = {}
        self._listed: dict[str, Entry] = {}
        self._times: list[float] = []  # of each change of the balance
        self._balances: list[Decimal] = []  # the balance since then
        self._seen: Counter[str] = Counter()
        self._dead: defaultdict[str, set[int]] = defaultdict(set)
        self.paid: list[Entry] = []
        self.fetches: Counter[str] = Counter()
        self.keys_seen: list[KeySeen] = []
        self.questions: Counter[str] = Counter()
        self.hosts: Counter[tuple[str, bool]] = Counter()
        self.credits = Decimal(0)
        self.free_credits = Decimal(0)
        self.charged = Decimal(0)
        self.in_flight = 0
        self.peak_in_flight = 0
        self.at_work = 0
        self.peak_at_work = 0
        self.first_post: float | None = None

    @property
    def balance(self) -> Decimal:
        """What can be spent: bought and free credits."""
        return self.credits + self.free_credits

    @property
    def entries(self) -> Iterator[Entry]:
        """All requests, in the order in which they came."""
        return iter(self._entries.values())

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
            case Begun():
                self._begin(event)
            case Charged():
                self._charge(event)
            case Finished():
                self._finish(event)
            case Ended():
                self._end(event)
            case Fetched():
                self._fetch(event)
            case KeySeen():
                self.keys_seen.append(event)
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

    def entry(self, request_id: str) -> Entry:
        """Return the request of this POST."""
        return self._entries[request_id]

    def find(self, listed: str) -> Entry | None:
        """Find a request by its id in the request history."""
        return self._listed.get(listed)

    def address_of(self, listed: str) -> int:
        """Number the address where its media are now, from 1: one more for each found dead."""
        return 1 + len(self._dead[listed]) if listed in self._dead else 1

    def balance_at(self, at: float) -> Decimal:
        """Look up what the balance was at that time."""
        place = bisect_right(self._times, at) - 1
        return self._balances[max(place, 0)]

    def before_charge(self, request_id: str) -> Decimal:
        """Look up the balance before a request's own charge; without one, the balance."""
        entry = self._entries.get(request_id)
        return self.balance if entry is None or entry.before is None else entry.before

    def abandon(self, at: float) -> None:
        """End what an earlier life of the server left open; generations of v2 continue."""
        for entry in list(self._entries.values()):
            if entry.is_running and entry.wire is Wire.V1:
                lost = entry.price is None
                error = "The worker was lost." if lost else None
                state = State.FAILED if lost else State.COMPLETED
                self.record(Finished(entry.request_id, state, at, error))
            if entry.finished is None:
                self.record(Ended(entry.request_id, "killed", at))

    def _arrive(self, event: Arrived) -> None:
        entry = Entry(event.request_id, event.model, event.body, event.at, event.wire, event.key)
        self._entries[event.request_id] = entry
        self._seen[digest(entry.model, entry.params)] += 1
        if self.first_post is None:
            self.first_post = event.at
        self.in_flight += 1
        self.peak_in_flight = max(self.peak_in_flight, self.in_flight)

    def _begin(self, event: Begun) -> None:
        entry = self._entries[event.request_id]
        entry.begun = event
        self._listed[event.listed] = entry
        self.at_work += 1
        self.peak_at_work = max(self.peak_at_work, self.at_work)

    def _charge(self, event: Charged) -> None:
        entry = self._entries[event.request_id]
        entry.price, entry.charged_at, entry.before = event.price, event.at, self.balance
        from_free = min(self.free_credits, event.price)
        self.free_credits -= from_free
        self.credits -= event.price - from_free
        self.charged += event.price
        self.paid.append(entry)
        self._note_balance(event.at)

    def _finish(self, event: Finished) -> None:
        entry = self._entries[event.request_id]
        entry.state, entry.error, entry.done = event.state, event.error, event.at
        self.at_work -= 1
        if entry.outlives_its_post:
            self.in_flight -= 1

    def _end(self, event: Ended) -> None:
        entry = self._entries[event.request_id]
        entry.status, entry.finished = event.status, event.at
        if not entry.outlives_its_post:
            self.in_flight -= 1

    def _fetch(self, event: Fetched) -> None:
        self.fetches[event.listed] += 1
        if event.dead:
            self._dead[event.listed].add(event.address)

    def _note_balance(self, at: float) -> None:
        self._times.append(at)
        self._balances.append(self.balance)
