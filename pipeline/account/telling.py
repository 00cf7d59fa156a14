"""What a run tells the ledger of its account, and what it hears. Plain data.

Money is `Decimal`, in US dollars. `now` is the clock of the event loop, which all processes of one
boot share; `wall` is Unix time.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, NamedTuple

from pipeline.money.account import NOBODY, NOTHING, Bid, Elsewhere, Holdings, Refusal
from pipeline.money.balance import Balance, Moment

# What a run has spent is kept by quarters of an hour: days begin at one of them, in every zone.
QUARTER = 900


class Terms(NamedTuple):
    """What one run wants to hold for all. `interval` is in seconds between two dispatches.

    `zone` is the time zone of its days and months, as in the job's schedule; None is local time.
    """

    concurrency: int | None = None
    interval: float = 0.0
    day: Decimal | None = None
    month: Decimal | None = None
    zone: str | None = None
    priority: int = 0


class Posting(NamedTuple):
    """What records of one job say of money, in the quarter of an hour (Unix time ÷ 900)."""

    quarter: int
    cost: Decimal
    at_risk: Decimal


@dataclass(frozen=True, slots=True)
class Entry:
    """A run that registers. `job` is the absolute path of its output directory.

    `postings` are all that its manifest says: they replace what the ledger knew of this job, and
    whatever a killed run of it has left. `longest` is how long one request can take, in seconds.
    """

    job: str
    name: str
    terms: Terms
    postings: Sequence[Posting] = ()
    holdings: Holdings = NOTHING
    longest: float = 660.0


class Operation(NamedTuple):
    """Something that has happened to the balance: a method of `Balance`, and what it is given."""

    method: str
    arguments: tuple[Any, ...]


class Lesson(NamedTuple):
    """Something that was observed of a price: a method of `PriceBook`, and what it is given.

    `price_class` is its first argument.
    """

    method: str  # "report", "fell", "stepped" or "missed"
    price_class: str
    amount: Decimal
    times: int = 1

    @property
    def is_fall(self) -> bool:
        """Whether the balance says so, which every run of the account lowers."""
        return self.method in {"fell", "stepped"}


class Pause(NamedTuple):
    """The API wants to be left alone by all runs, until a time of the event loop's clock."""

    until: float
    reason: str


@dataclass(slots=True)
class Told:
    """What a run tells at once. `holdings` are those after everything that is told."""

    holdings: Holdings
    operations: list[Operation] = field(default_factory=list)
    lessons: list[Lesson] = field(default_factory=list)
    postings: list[Posting] = field(default_factory=list)
    pause: Pause | None = None


@dataclass(slots=True)
class Asked:
    """What a run asks: leave for one request, or the next place of the common rate.

    Where `bid` is None it asks for a turn. The ledger sets `answer`: the moment of the request or
    the refusal; or the seconds until the turn.
    """

    bid: Bid | None = None
    answer: Moment | Refusal | float | None = None


@dataclass(frozen=True, slots=True)
class News:
    """What a run hears. `lessons` are those that other runs have learned since it last heard.

    `interval` is the longest of all runs that are alive; 0 is no rate. `unseen` says that a run was
    there which is not in the ledger, as it could not use it: what it spends is not seen.
    """

    balance: Balance
    elsewhere: Elsewhere = NOBODY
    lessons: tuple[Lesson, ...] = ()
    interval: float = 0.0
    unseen: bool = False


class Neighbour(NamedTuple):
    """A run of the account, as `status` shows it. `alive`: its process is there.

    `at` is when it last told anything, in Unix seconds.
    """

    job: str
    name: str
    pid: int
    alive: bool
    holdings: Holdings
    terms: Terms
    spent: Decimal
    at_risk: Decimal
    at: float
