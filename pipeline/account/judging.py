"""Whether a request may go, as far as all runs of the account are concerned. Pure.

Looked at in this order: a pause, the places of the account, a request that has to be alone, the
rate, the balance, the caps, and whose turn it is. Money in millionths of a dollar.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_FLOOR, Decimal

from pipeline.account.periods import Calendar, Period
from pipeline.account.runs import Run, State
from pipeline.account.schema import amount_of, millionths
from pipeline.amounts import dollars
from pipeline.money.account import Bid, Cap, Obstacle, Refusal, Way
from pipeline.money.balance import Balance

# A run that was refused counts as waiting for so many seconds.
WAITS = 1.0
# One that has neither waited nor started anything for so long is at the level of the others when
# it comes back: what it did not use is not made up for, and what it had too much is forgotten.
IDLE = 10.0
# A request is prepared so many seconds before its turn.
AHEAD = 0.25
_SOON, _LATER = 0.05, 0.5
_MAKES_WAIT = {Obstacle.PLACES, Obstacle.SHARE, Obstacle.RATE, Obstacle.ALONE}
# What the state of another run may explain that has died since it was last looked at.
MAY_BE_OVER = {Obstacle.PLACES, Obstacle.SHARE, Obstacle.ALONE, Obstacle.CREDITS, Obstacle.CAP}


@dataclass(frozen=True, slots=True)
class Limit:
    """A cap, and what counts against it but what the run that asks has set aside itself."""

    kind: str
    limit: int
    used: int
    period: Period

    def as_cap(self) -> Cap:
        """Say it in dollars."""
        ends, zone = self.period.ends, self.period.zone
        return Cap(self.kind, amount_of(self.limit), amount_of(self.used), ends, zone)


@dataclass(frozen=True, slots=True)
class View:
    """The account as the transaction finds it. `others` are alive or dead."""

    now: float
    own: Run
    others: Sequence[Run]
    balance: Balance
    limits: Sequence[Limit]
    concurrency: int | None
    interval: float
    turn: float
    pause: float
    reason: str


def judge(bid: Bid, view: View) -> Refusal | None:
    """Say why a request may not go; None: it may."""
    for look in (_pause, _places, _alone, _rate, _credits, _caps, _share):
        if (refusal := look(bid, view)) is not None:
            return refusal
    return None


def note(run: Run, refusal: Refusal | None, now: float) -> None:
    """Count a start, or note that a run waits for others."""
    if refusal is None:
        run.level += 1
        run.active, run.waits = now, 0.0
    elif refusal.obstacle in _MAKES_WAIT:
        run.active, run.waits = now, now + WAITS
    else:
        run.waits = 0.0


def take_level(run: Run, others: Sequence[Run], now: float) -> None:
    """Put a run that comes, or comes back, to the least level of those that are active."""
    if now - run.active > IDLE:
        levels = [other.level for other in others if other.is_alive and now - other.active <= IDLE]
        run.level = min(levels, default=run.level)


def _pause(_bid: Bid, view: View) -> Refusal | None:
    wait = view.pause - view.now
    return Refusal(Obstacle.PAUSE, wait, view.reason) if wait > 0 else None


def _places(bid: Bid, view: View) -> Refusal | None:
    if view.concurrency is None:
        return None
    taken = sum(other.flying_at(view.now) for other in view.others)
    if taken + bid.after.flying <= view.concurrency:
        return None
    detail = f"the account allows {view.concurrency} requests in flight, and as many are"
    return Refusal(Obstacle.PLACES, _SOON, detail)


def _alone(bid: Bid, view: View) -> Refusal | None:
    alive = [other for other in view.others if other.is_alive]
    if any(other.lone for other in alive):
        detail = "a request of another run has to be the only one in flight"
        return Refusal(Obstacle.ALONE, _SOON, detail)
    if bid.way is Way.ALONE and any(other.flying for other in alive):
        detail = "it has to be the only request in flight, and other runs have some"
        return Refusal(Obstacle.ALONE, _SOON, detail)
    return None


def _rate(_bid: Bid, view: View) -> Refusal | None:
    wait = view.turn - view.now - AHEAD
    if view.interval <= 0 or wait <= 0:
        return None
    return Refusal(Obstacle.RATE, wait, "the rate of the account is used up")


def _credits(bid: Bid, view: View) -> Refusal | None:
    bound = {Way.BESIDE: view.balance.least, Way.ALONE: view.balance.most}.get(bid.way)
    if bound is None or bid.need is None:
        return None
    elsewhere = held_elsewhere(view.others)
    left = int((bound * 1_000_000).to_integral_value(ROUND_FLOOR)) - elsewhere
    if left >= millionths(bid.need):
        return None
    detail = (
        f"{dollars(bound)} is left, of which other runs hold {dollars(amount_of(elsewhere))};"
        f" {dollars(bid.need)} is needed"
    )
    return Refusal(Obstacle.CREDITS, _SOON, detail)


def _caps(bid: Bid, view: View) -> Refusal | None:
    own = bid.before if bid.price is None else bid.after
    aside = millionths(own.held + own.unrecorded)
    for limit in view.limits:
        used = limit.used + aside
        if used > limit.limit or (bid.price is None and used == limit.limit):
            before = limit.used + millionths(bid.before.held + bid.before.unrecorded)
            return Refusal(Obstacle.CAP, _LATER, _cap_text(limit, before, bid.price))
    return None


def _cap_text(limit: Limit, used: int, price: Decimal | None) -> str:
    more = "" if price is None else f", and the next request costs {dollars(price)}"
    return (
        f"the {limit.kind}'s cap of {dollars(amount_of(limit.limit))} for this account is reached:"
        f" {dollars(amount_of(used))} is spent, at risk or reserved{more};"
        f" the {limit.kind} ends at {limit.period.end_text()}"
    )


def _share(_bid: Bid, view: View) -> Refusal | None:
    """See that no other run that waits goes first: by priority, then by the fewest starts."""
    own = (-view.own.priority, view.own.level)
    for other in view.others:
        if other.waits > view.now and other.is_alive and (-other.priority, other.level) < own:
            return Refusal(Obstacle.SHARE, _SOON, "another run of the account goes first")
    return None


def held_elsewhere(others: Sequence[Run]) -> int:
    """Sum what other runs have set aside of the balance, and what dead ones have put at risk."""
    held = 0
    for other in others:
        if other.state == State.ALIVE:
            held += other.held
        elif other.state == State.DEAD:
            held += other.held + other.unrecorded
    return held


def concurrency(alive: Iterable[Run]) -> int | None:
    """Return how many requests may be in flight on the account; None: no bound."""
    return min((run.concurrency for run in alive if run.concurrency is not None), default=None)


def interval(alive: Iterable[Run]) -> float:
    """Return the seconds between two dispatches of the account; 0: no rate."""
    return max((run.interval for run in alive), default=0.0)


def limits(
    found: Iterable[Run],
    own: Run | None,
    wall: float,
    calendar: Calendar,
    since: Callable[[int], int],
) -> list[Limit]:
    """Return the least cap of each kind and zone that a run which is alive asks for.

    `since` says what is spent or at risk from a quarter on. What `own` has set aside is left out.
    """
    found = list(found)
    least: dict[tuple[str, str | None], int] = {}
    for run in found:
        for kind, limit in (("day", run.day), ("month", run.month)):
            if limit is not None and run.is_alive:
                least[kind, run.zone] = min(limit, least.get((kind, run.zone), limit))
    result = []
    for (kind, zone), limit in least.items():
        period = calendar.period(kind, zone, wall)
        aside = sum(
            run.held + run.unrecorded
            for run in found
            if run is not own and (run.is_alive or run.at >= period.starts)
        )
        result.append(Limit(kind, limit, since(period.quarter) + aside, period))
    return result
