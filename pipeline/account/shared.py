"""A run's seat in its account: what it tells the ledger, what it asks, and what it hears.

Nobody waits for the file on the event loop: what is told and asked gathers, and goes through one
transaction in a thread. Where the ledger fails, the run says so once and goes on with one in
memory, as if it were alone.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import anyio

from pipeline import events as ev
from pipeline.account.copies import SharedBalance, SharedPrices
from pipeline.account.errors import LedgerError
from pipeline.account.ledger import Ledger
from pipeline.account.telling import Asked, Entry, News, Operation, Pause, Posting, Told
from pipeline.amounts import ZERO
from pipeline.money.account import NOTHING, Account, Alone, Bid, Cap, Holdings, Refusal, without
from pipeline.money.balance import Balance, Moment
from pipeline.money.gate import CreditGate
from pipeline.money.prices import PriceBook

# Seconds between two looks at the ledger while other runs are there, and while none are known: one
# that comes sees by them that this one is not suspended.
_EVERY, _ALONE = 0.5, 5.0
# Seconds for which what is only told waits for something that is asked.
_GATHER = 0.05
# The share of a cap at which it is near.
_NEAR = Decimal("0.8")


@dataclass(frozen=True, slots=True)
class Member:
    """A run that joins its account. `holdings` and `entry` say what holds now.

    `notify` is called where what other runs do has changed. `hop` calls what blocks.
    """

    gate: CreditGate
    entry: Callable[[], Entry]
    holdings: Callable[[], Holdings]
    watch: ev.Watcher
    notify: Callable[[], None]
    hop: Callable[[Callable[[], None]], Awaitable[None]]


class Accounts(Protocol):
    """How a run joins its account: its books are made of `balance` and `prices`."""

    @property
    def balance(self) -> type[Balance]:
        """What the gate keeps the balance in."""

    @property
    def prices(self) -> type[PriceBook]:
        """What the gate keeps prices in."""

    def join(self, member: Member) -> AbstractAsyncContextManager[Account]:
        """Let a run join; it has left when this ends."""


class Apart:
    """No account that other runs share: `account: off`."""

    balance: type[Balance] = Balance
    prices: type[PriceBook] = PriceBook

    def join(self, member: Member) -> AbstractAsyncContextManager[Account]:  # noqa: ARG002 - port
        """Let a run be alone."""
        return nullcontext(Alone())


@dataclass(slots=True)
class _Waiting:
    """Somebody who waits for the next transaction."""

    asked: Asked | None
    done: asyncio.Future[Any]


class Shared:
    """Accounts with a ledger that all runs of this machine share."""

    balance: type[Balance] = SharedBalance
    prices: type[PriceBook] = SharedPrices

    def __init__(
        self,
        folder: Path,
        *,
        name: str = "",
        base_url: str = "",
        wall: Callable[[], float] = time.time,
    ) -> None:
        """Take what `Ledger.open` takes."""
        self._open = partial(Ledger.open, folder, name=name, base_url=base_url, wall=wall)
        self._open_alone = partial(Ledger.in_memory, folder, wall=wall)

    @asynccontextmanager
    async def join(self, member: Member) -> AsyncIterator[Account]:
        """Register a run with its account; at the end it says what it leaves."""
        account = SharedAccount(member, self._open, self._open_alone)
        try:
            await account.register()
            yield account
        finally:
            with anyio.CancelScope(shield=True):
                await account.leave()


@dataclass(slots=True, eq=False)
class SharedAccount:
    """The account of a run that is going on. It lives on one event loop."""

    member: Member
    open_ledger: Callable[[], Ledger]
    open_alone: Callable[[], Ledger]
    interval: float = 0.0
    _ledger: Ledger | None = None
    _waiting: list[_Waiting] = field(default_factory=list)
    _postings: list[Posting] = field(default_factory=list)
    _pause: Pause | None = None
    _near: set[tuple[str, float]] = field(default_factory=set)
    _arrived: anyio.Event = field(default_factory=anyio.Event)
    _turn: asyncio.Lock = field(default_factory=asyncio.Lock)
    _dirty: bool = False
    _known: Holdings = NOTHING  # to the ledger
    _told_of: Decimal = ZERO  # what the gate had recorded
    _heard_at: float = 0.0
    _asked_at: float = 0.0
    _serving: bool = False
    _stopped: bool = False

    # -- from its first word to its last ------------------------------------------------------

    async def register(self) -> None:
        """Enter the account, and hear what is known of it."""
        await self._enter(self.open_ledger)

    async def _enter(self, open_ledger: Callable[[], Ledger]) -> None:
        entry, heard = self.member.entry(), list[News]()
        self._told_of = self.member.gate.handed_over

        def enter() -> None:
            self._ledger = open_ledger()
            heard.append(self._ledger.register(entry, now=now))

        now = asyncio.get_running_loop().time()
        try:
            await self.member.hop(enter)
        except LedgerError as error:
            await self._go_on_alone(error)
            return
        self._hear(heard[0], told=Told(entry.holdings))

    async def _go_on_alone(self, error: LedgerError) -> None:
        """Go on as the only run, with the limits of this one."""
        self.member.watch(
            ev.Warned(
                f"{error}. This run goes on by itself: it does not see what other runs of the"
                " account spend, nor do they see it",
                time.time(),
            )
        )
        self._prices.blind = True
        if self._ledger is not None:
            await self.member.hop(self._ledger.close)
        known = Balance()
        known.take(self.member.gate.balance)
        self._balance.untold.clear()
        self._balance.untold.append(Operation("take", (known,)))
        self._postings.clear()  # they are in the entry
        await self._enter(self.open_alone)

    async def serve(self) -> None:
        """Carry out what is told and asked, until `stop`."""
        self._serving = True
        with anyio.CancelScope(shield=True):
            while self._waiting or not self._stopped:
                await self._arrival(self._every)
                if not (self._waiting or self._stopped):
                    self._arrived = anyio.Event()
                    await self._arrival(_GATHER)
                    if not (self._waiting or self._has_news()):
                        self._arrived, self._dirty = anyio.Event(), False
                        continue
                await self._tell()

    def _has_news(self) -> bool:
        """Whether the ledger does not know how this run stands, or this run how others do."""
        told = self._balance.untold or self._prices.untold or self._postings or self._pause
        due = asyncio.get_running_loop().time() - self._heard_at >= self._every
        return bool(told or due or self.member.holdings() != self._known)

    @property
    def _every(self) -> float:
        return _EVERY if self.member.gate.elsewhere.runs else _ALONE

    async def _arrival(self, seconds: float) -> None:
        """Wait until something is asked, or a first change is to be told."""
        with anyio.move_on_after(seconds):
            await self._arrived.wait()

    def stop(self) -> None:
        """End `serve` once everybody has an answer."""
        self._stopped = True
        self._arrived.set()

    async def leave(self) -> None:
        """Say what the run leaves behind, and close the ledger."""
        self._serving = False
        if self._ledger is None:  # cancelled before it was there
            return
        await self._tell()
        ledger, holdings = self._ledger, self.member.holdings()
        now = asyncio.get_running_loop().time()
        try:
            await self.member.hop(lambda: ledger.leave(holdings, now=now))
        except LedgerError as error:
            self.member.watch(ev.Warned(str(error), time.time()))

    # -- the port -----------------------------------------------------------------------------

    @property
    def paced(self) -> bool:
        """Whether the runs of the account have a common rate."""
        return self.interval > 0

    async def bid(self, bid: Bid) -> Moment | Refusal | None:
        """Ask for leave to send a request."""
        answer = await self._ask(Asked(bid))
        assert isinstance(answer, Moment | Refusal)
        return answer

    async def sync(self) -> None:
        """Wait until the gate has what every run has told so far."""
        await self._ask(None)

    async def turn(self) -> float:
        """Take the next place of the common rate."""
        if not self.paced:
            return 0.0
        answer = await self._ask(Asked())
        assert isinstance(answer, float)
        # It counts from when it was asked, and the ledger may have been waited for since.
        return self._asked_at + answer - asyncio.get_running_loop().time()

    def changed(self) -> None:
        """Note that what this run has set aside has changed."""
        if not self._dirty:  # one of many that gather is enough
            self._dirty = True
            self._arrived.set()

    def recorded(self, quarter: int, cost: Decimal, at_risk: Decimal) -> None:
        """Note what a durable record says of money."""
        self._postings.append(Posting(quarter, cost, at_risk))
        self.changed()

    def throttled(self, seconds: float, reason: str) -> None:
        """Note that the API wants to be left alone, by all runs."""
        self._pause = Pause(asyncio.get_running_loop().time() + seconds, reason)
        self.changed()

    # -- one transaction ----------------------------------------------------------------------

    async def _ask(self, asked: Asked | None) -> Moment | Refusal | float | None:
        waiting = _Waiting(asked, asyncio.get_running_loop().create_future())
        self._waiting.append(waiting)
        if self._serving:
            self._arrived.set()
            await waiting.done
        else:
            await self._tell()
        return None if asked is None else asked.answer

    async def _tell(self) -> None:
        async with self._turn:
            self._arrived, self._dirty = anyio.Event(), False
            waiting, self._waiting = self._waiting, []
            asked = [each.asked for each in waiting if each.asked is not None]
            try:
                await self._transact(asked)
            except LedgerError as error:
                await self._go_on_alone(error)
                await self._transact(asked)
            for each in waiting:
                if not each.done.done():
                    each.done.set_result(None)

    async def _transact(self, asked: Sequence[Asked]) -> None:
        told, heard = self._told(), list[News]()
        ledger, now = self._ledger, asyncio.get_running_loop().time()
        assert ledger is not None
        self._asked_at = now
        await self.member.hop(lambda: heard.append(ledger.transact(told, asked, now=now)))
        self._known = _holdings(told, asked)
        self._hear(heard[0], told)

    def _told(self) -> Told:
        prices = self._prices
        self._told_of = self.member.gate.handed_over
        told = Told(
            self.member.holdings(),
            operations=self._balance.untold.copy(),
            lessons=prices.untold,
            postings=self._postings,
            pause=self._pause,
        )
        prices.untold, self._postings, self._pause = [], [], None
        return told

    def _hear(self, news: News, told: Told) -> None:
        gate, before = self.member.gate, self.member.gate.elsewhere
        self._heard_at = asyncio.get_running_loop().time()
        self._prices.blind |= news.unseen
        self._balance.hear(len(told.operations), news.balance)
        for lesson in news.lessons:
            self._prices.learn(lesson)
        for name in {lesson.price_class for lesson in news.lessons if lesson.price_class}:
            gate.reprice(name)
        gate.hear(news.elsewhere, self._told_of)
        self.interval = news.interval
        for cap in news.elsewhere.caps:
            self._warn_if_near(cap, told.holdings)
        if before != news.elsewhere or news.lessons:
            self.member.notify()

    def _warn_if_near(self, cap: Cap, own: Holdings) -> None:
        used = cap.used + own.held + own.unrecorded
        if used >= cap.limit * _NEAR and (cap.period, cap.ends) not in self._near:
            self._near.add((cap.period, cap.ends))
            self.member.watch(
                ev.CapNear(cap.period, cap.limit, used, cap.ends, cap.zone, time.time())
            )

    @property
    def _balance(self) -> SharedBalance:
        balance = self.member.gate.balance
        assert isinstance(balance, SharedBalance)
        return balance

    @property
    def _prices(self) -> SharedPrices:
        prices = self.member.gate.prices
        assert isinstance(prices, SharedPrices)
        return prices


def _holdings(told: Told, asked: Sequence[Asked]) -> Holdings:
    """Return what the ledger knows of a run's holdings after a transaction."""
    bids = [each for each in asked if each.bid is not None]
    if not bids:
        return told.holdings
    last = bids[-1]
    assert last.bid is not None
    refused = [each.bid for each in bids if isinstance(each.answer, Refusal) and each.bid]
    lost = isinstance(last.answer, Refusal)
    bid = without(last.bid, refused[:-1] if lost else refused)
    return bid.before if lost else bid.after
