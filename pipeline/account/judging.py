"""Whether a request may go, as far as all runs of the account are concerned. Pure.

Looked at in this order: a pause, the places of the account, a request that has to be alone, the
rate, the balance, the caps, whose turn it is, and who comes first where not all can. Money in
millionths of a dollar.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from pipeline.account.others import Limit, Others
from pipeline.account.runs import NEVER, Run
from pipeline.account.schema import amount_of, millionths
from pipeline.amounts import dollars
from pipeline.money.account import Bid, Obstacle, Refusal, Way
from pipeline.money.balance import Balance

# A run that was refused counts as waiting for so many seconds after it is to ask again.
WAITS = 1.0
# One that neither has nor wants anything in flight, nor had for so many seconds, comes back as a
# new one: what it did not use is not made up for, and what it had too much is forgotten.
IDLE = 10.0
# A request is prepared so many seconds before its turn.
AHEAD = 0.25
_SOON, _LATER = 0.05, 0.5
_MAKES_WAIT = {Obstacle.PLACES, Obstacle.SHARE, Obstacle.RATE, Obstacle.ALONE}
# What the state of another run may explain that has died since it was last looked at.
MAY_BE_OVER = {Obstacle.PLACES, Obstacle.SHARE, Obstacle.ALONE, Obstacle.CREDITS, Obstacle.CAP}


@dataclass(slots=True)
class View:
    """The account as the transaction finds it; `since` says what is used from a quarter on."""

    now: float
    own: Run
    others: Others
    limits: Sequence[Limit]
    since: Callable[[int], int]
    balance: Balance
    turn: float
    pause: float
    reason: str


def judge(bid: Bid, view: View) -> Refusal | None:
    """Say why a request may not go; None: it may."""
    return (
        _pause(view)
        or _places(bid, view)
        or _alone(bid, view)
        or _rate(view)
        or _credits(bid, view)
        or _caps(bid, view)
        or _share(view)
        or _scarce(bid, view)
    )


def note(run: Run, refusal: Refusal | None, now: float) -> None:
    """Count a start, or note that a run waits for others."""
    if refusal is None:
        run.level += 1
        run.active, run.waits = now, 0.0
    else:
        waits = refusal.obstacle in _MAKES_WAIT
        run.active, run.waits = now, now + refusal.wait + WAITS if waits else 0.0


def level(run: Run, alive: Sequence[Run]) -> None:
    """Put all runs to one level, as one comes or comes back.

    Starts are shared over the time in which all are there: what was before counts for nobody.
    """
    run.level = max((other.level for other in alive), default=run.level)
    for other in alive:
        other.level = run.level


def is_active(run: Run, now: float) -> bool:
    """Return whether a run takes part: it has or wants something, or did a moment ago."""
    if run.active <= NEVER:
        return False
    return bool(run.flying or run.wanted) or now - max(run.active, run.waits) <= IDLE


def _pause(view: View) -> Refusal | None:
    wait = view.pause - view.now
    detail = f"the API has asked a run of this account to wait: {view.reason}"
    return Refusal(Obstacle.PAUSE, wait, detail) if wait > 0 else None


def _places(bid: Bid, view: View) -> Refusal | None:
    bound = view.others.concurrency
    if bound is None or view.others.taken(view.now) + bid.after.flying <= bound:
        return None
    detail = f"the account allows {bound} requests in flight, and as many are"
    return Refusal(Obstacle.PLACES, _SOON, detail)


def _alone(bid: Bid, view: View) -> Refusal | None:
    if view.others.lone:
        detail = "a request of another run has to be the only one in flight"
        return Refusal(Obstacle.ALONE, _SOON, detail)
    if bid.way is Way.ALONE and view.others.flying:
        detail = "it has to be the only request in flight, and other runs have some"
        return Refusal(Obstacle.ALONE, _SOON, detail)
    return None


def _rate(view: View) -> Refusal | None:
    wait = view.turn - view.now - AHEAD
    if view.others.interval <= 0 or wait <= 0:
        return None
    return Refusal(Obstacle.RATE, wait, "the rate of the account is used up")


def _credits(bid: Bid, view: View) -> Refusal | None:
    if bid.way is Way.UNCHECKED or bid.need is None:
        return None
    bound = view.balance.least if bid.way is Way.BESIDE else view.balance.most
    if bound is None:
        return None
    elsewhere = view.others.held_amount
    if bound - elsewhere >= bid.need:
        return None
    detail = (
        f"{dollars(bound)} is left, of which other runs hold {dollars(elsewhere)};"
        f" {dollars(bid.need)} is needed"
    )
    return Refusal(Obstacle.CREDITS, _SOON, detail)


def _caps(bid: Bid, view: View) -> Refusal | None:
    if not view.limits:
        return None
    own = bid.before if bid.price is None else bid.after
    aside = millionths(own.held + own.unrecorded)
    for limit in view.limits:
        used = view.since(limit.quarter) + limit.aside
        if used + aside > limit.limit or (bid.price is None and used + aside == limit.limit):
            before = used + millionths(bid.before.held + bid.before.unrecorded)
            return Refusal(Obstacle.CAP, _LATER, _cap_text(limit, before, bid.price))
    return None


def _cap_text(limit: Limit, used: int, price: Decimal | None) -> str:
    more = "" if price is None else f", and the next request costs {dollars(price)}"
    return (
        f"the {limit.kind}'s cap of {dollars(limit.amount)} for this account is reached:"
        f" {dollars(amount_of(used))} is spent, at risk or reserved{more};"
        f" the {limit.kind} ends at {limit.period.end_text()}"
    )


def _share(view: View) -> Refusal | None:
    """See that no other run that waits goes first: by priority, then by the fewest starts."""
    priority, level = view.own.priority, view.own.level
    for other in view.others.alive:
        if other.waits > view.now and (
            other.priority > priority or (other.priority == priority and other.level < level)
        ):
            return Refusal(Obstacle.SHARE, _SOON, "another run of the account goes first")
    return None


def _scarce(bid: Bid, view: View) -> Refusal | None:
    """See that what is left goes round: those with fewer starts first, where it is not for all."""
    left = _room(bid, view)
    if left is None or not bid.price:
        return None
    own, behind = view.own, 0
    for other in view.others.alive:
        # One that tells nothing, as it is suspended, would keep what is left from all for ever.
        if other.wanted and view.now - other.told <= IDLE:
            ahead = other.priority > own.priority
            lag = own.level - other.level if other.priority == own.priority else 0
            behind += other.wanted if ahead else min(max(lag, 0), other.wanted)
    if behind * bid.price <= left:
        return None
    return Refusal(Obstacle.SHARE, _SOON, "what is left goes to another run of the account first")


def _room(bid: Bid, view: View) -> Decimal | None:
    """Return what the balance and the caps leave beside a request; None: they bound nothing."""
    rooms = [
        amount_of(limit.limit - view.since(limit.quarter) - limit.aside)
        - bid.after.held
        - bid.after.unrecorded
        for limit in view.limits
    ]
    if bid.way is Way.BESIDE and bid.need is not None and view.balance.least is not None:
        rooms.append(view.balance.least - view.others.held_amount - bid.need)
    return min(rooms, default=None)
