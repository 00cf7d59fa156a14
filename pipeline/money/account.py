"""The port to what other runs on the same key hold. Alone on its key, a run asks nobody.

The gate judges by a copy of what the account knows, which may be a moment old. So a bid is judged
again where all runs meet, in one transaction; and before a run stops for want of money it looks
anew. All money is `Decimal`, in US dollars.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, tzinfo
from decimal import Decimal
from enum import Enum, StrEnum
from typing import NamedTuple, Protocol
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pipeline.amounts import ZERO, dollars
from pipeline.money.balance import Moment


class Way(Enum):
    """How a request may go, as the gate of its run has judged."""

    BESIDE = "beside"  # others may be in flight: the least that can be left must cover it
    ALONE = "alone"  # nothing may be in flight on the account: the most that can be left must
    UNCHECKED = "unchecked"  # the balance is not looked at


class Obstacle(StrEnum):
    """Why a bid was refused."""

    PLACES = "places"  # as many are in flight as the account allows
    SHARE = "share"  # another run that waits is to go first
    RATE = "rate"
    PAUSE = "pause"  # the API has asked one of the runs to wait
    CREDITS = "credits"  # what others hold leaves too little
    ALONE = "alone"  # one of the two has to go alone
    CAP = "cap"  # of the day or the month


class Holdings(NamedTuple):
    """What one run has set aside.

    `held` is the price of each request that is in flight or waits for a retry, `unrecorded` what
    was charged or may have been and has no durable record yet. `flying` counts the requests in
    flight; `lone` says that one of them must be the only one. `wanted` counts what it would still
    send: where too little is left for all, runs take turns.
    """

    held: Decimal = ZERO
    unrecorded: Decimal = ZERO
    flying: int = 0
    lone: bool = False
    wanted: int = 0


NOTHING = Holdings()


class Bid(NamedTuple):
    """The wish to send one request.

    `price` is what it costs, None where nobody knows. `need` is what must be left beside what
    other runs hold: its price, what goes before it in its own run, and the reserve. None: whatever
    is left. `before` and `after` are the run's holdings without and with it.
    """

    price: Decimal | None
    need: Decimal | None
    way: Way
    before: Holdings
    after: Holdings


def without(bid: Bid, refused: Iterable[Bid]) -> Bid:
    """Take from a bid what others of its run count in it that were refused meanwhile.

    Where its request makes no more in flight, as many are as may be: then the others may not count.
    """
    is_full = bid.after.flying == bid.before.flying
    for other in refused:
        held = other.after.held - other.before.held
        flying = 0 if is_full else other.after.flying - other.before.flying
        need = None if bid.need is None else bid.need - held
        before, after = (
            each._replace(held=each.held - held, flying=each.flying - flying)
            for each in (bid.before, bid.after)
        )
        bid = bid._replace(need=need, before=before, after=after)
    return bid


class Refusal(NamedTuple):
    """Why a bid may not go, and after how many seconds to look again."""

    obstacle: Obstacle
    wait: float
    detail: str


class Cap(NamedTuple):
    """What all runs together may spend in a period. `limit` is the least of all runs'.

    `used` is what the period's records have cost or put at risk, and what other runs have set
    aside. The period ends at `ends`, in Unix seconds; `zone` says where.
    """

    period: str  # "day" or "month"
    limit: Decimal
    used: Decimal
    ends: float
    zone: str

    @property
    def words(self) -> str:
        """Say that nothing more goes out before it ends."""
        ends = datetime.fromtimestamp(self.ends).astimezone(_zone(self.zone))
        return (
            f"the {self.period}'s cap of {dollars(self.limit)} for all runs of the account is"
            f" reached: {dollars(self.used)} is spent, at risk or reserved, and the"
            f" {self.period} ends at {ends:%Y-%m-%d %H:%M} ({self.zone})"
        )


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """What the other runs of the account do, as it was last looked at.

    `held` is what they have set aside, and what runs that died have put at risk. `open` is the
    part of it that may come free. `flying` counts requests of runs that are alive; one of them is
    to be alone where `lone`. `runs` counts those that are alive.
    """

    held: Decimal = ZERO
    open: Decimal = ZERO
    flying: int = 0
    lone: bool = False
    runs: int = 0
    caps: tuple[Cap, ...] = ()


NOBODY = Elsewhere()


def _zone(name: str) -> tzinfo | None:
    """Return the zone of that name; None, which is local time, for any other word."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return None


class Account(Protocol):
    """The account that pays, as far as its runs share one."""

    @property
    def paced(self) -> bool:
        """Whether the runs of the account have a common rate."""

    async def serve(self) -> None:
        """Carry out what is told and asked, beside the run, until `stop`."""

    def stop(self) -> None:
        """End `serve`: nothing more is asked."""

    async def bid(self, bid: Bid) -> Moment | Refusal | None:
        """Ask for leave to send a request; returns the moment of it, None for the gate's own."""

    async def sync(self) -> None:
        """Wait until the gate has what every run has told so far."""

    async def turn(self) -> float:
        """Take the next place of the common rate; returns the seconds to it, from now."""

    def changed(self) -> None:
        """Note that what this run has set aside has changed; it is told soon."""

    def recorded(self, quarter: int, cost: Decimal, at_risk: Decimal) -> None:
        """Note what a durable record says of money; `quarter` is the Unix time ÷ 900."""

    def throttled(self, seconds: float, reason: str) -> None:
        """Note that the API wants to be left alone for so long, by all runs."""


class Alone:
    """An account that no other run uses, as far as this one knows."""

    paced = False

    async def serve(self) -> None:
        """Do nothing."""

    def stop(self) -> None:
        """Do nothing."""

    async def bid(self, bid: Bid) -> Moment | Refusal | None:  # noqa: ARG002 - as the port
        """Let go whatever the gate has let through."""
        return None

    async def sync(self) -> None:
        """Know all there is."""

    async def turn(self) -> float:
        """Keep no rate beside the run's own."""
        return 0.0

    def changed(self) -> None:
        """Tell nobody."""

    def recorded(self, quarter: int, cost: Decimal, at_risk: Decimal) -> None:
        """Keep no books beside the run's own."""

    def throttled(self, seconds: float, reason: str) -> None:
        """Tell nobody."""
