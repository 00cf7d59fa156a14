"""The gate: whether the next request can be paid for, as far as anything received shows.

It never dispatches unless the budget covers what is spent, at risk and reserved with the price, and
the balance covers what is reserved with the price and leaves `credits.reserve`:

1. The budget does not cover it: it waits for what may come free here, else the gate is closed.
   So with the caps of the account, but that what other runs hold may come free, too.
2. The least that can be left covers it: it goes, beside others.
3. Something is in flight, here or in another run of the account: it waits.
4. The balance may be asked for: it is asked.
5. Alone, and with nobody left to ask: the most that can be left decides.

What the least and the most are, `balance` says. Pure and synchronous, so that nothing can slip
between the decision and the reservation; whoever dispatches does the waiting. All money is
`Decimal`, in US dollars.
"""

from collections.abc import Iterable
from decimal import Decimal
from enum import Enum

from pipeline.amounts import ZERO
from pipeline.models import CreditPolicy, Gate
from pipeline.money.account import NOBODY, Bid, Cap, Elsewhere, Holdings, Way
from pipeline.money.balance import Balance, Question
from pipeline.money.books import Books
from pipeline.money.budget import Budget, Ledger
from pipeline.money.learning import Learning
from pipeline.money.prices import PriceBook
from pipeline.money.reservation import Reservation, Retained
from pipeline.money.reservations import Reservations
from pipeline.money.settlement import Settlement

# Where a request may cost less than is known, there must be something left for it.
_LEAST = Decimal("0.000001")


class Verdict(Enum):
    """What the gate says of the next request."""

    GO = "go"
    WAIT = "wait"  # what is in flight may change it
    ASK = "ask"  # the balance first
    CLOSED = "closed"


class CreditGate:
    """Judges and reserves. One per run; not thread-safe, and never awaits.

    `ledger` counts what is recorded, and the gate what is between: what is in flight, retained for
    a retry, or posted and not yet recorded. `published` is the vendor's price, and `past` what the
    last request of an earlier run has cost. `elsewhere` is what other runs of the account do, as
    far as is known here; `balance` and `prices` may be those that they share.
    """

    def __init__(  # noqa: PLR0913 - what a gate judges by
        self,
        policy: CreditPolicy,
        ledger: Ledger,
        *,
        published: Decimal | None = None,
        past: Decimal | None = None,
        balance: Balance | None = None,
        prices: type[PriceBook] = PriceBook,
    ) -> None:
        self.ledger = ledger
        self.prices = prices(policy.cost, published, past, pricing=policy.pricing)
        self.budget = Budget(policy.budget, policy.cost, self.ledger)
        self.balance = balance or Balance()
        self.elsewhere: Elsewhere = NOBODY
        self.has_way = False  # other runs make way for a request that is not reserved yet
        self._policy = policy
        self._reservations = Reservations()
        self._learning = Learning(self.prices)
        self._settlement = Settlement(
            self.prices, self.balance, self._reservations, self._learning,
            reads_headers=policy.gate is not Gate.OFF,
        )  # fmt: skip
        self._books = Books(self.budget, self._reservations, self._settlement)
        self._spent_before = self.ledger.spent
        self._told = ZERO

    # -- may the next one go? -----------------------------------------------------------------

    def consider(self, name: str, retained: Retained | None = None) -> Verdict:
        """Say whether a request of price class `name` can be paid for now.

        `retained` is the money of a task that is sent again.
        """
        if not self._budget_covers(name, retained):
            may = self._reservations.may_come_free(retained)  # of the budget, only what is here
            return Verdict.WAIT if may else Verdict.CLOSED
        if self.closed_cap(name, retained) is not None:
            return self._wait_or_close(retained)
        if self._policy.gate is Gate.OFF or self._least_covers(name, retained):
            return Verdict.GO
        if not self.is_quiet:
            return Verdict.WAIT
        if self._may_ask:
            return Verdict.ASK
        return Verdict.GO if self._most_covers(name, retained) else self._wait_or_close(retained)

    @property
    def is_quiet(self) -> bool:
        """Whether nothing is in flight, neither here nor in another run of the account."""
        return not self._reservations.flying and not self.elsewhere.flying

    def _budget_covers(self, name: str, retained: Retained | None = None) -> bool:
        if self.budget.limit is None:
            return True
        book, ahead = self._reservations, self._reservations.ahead_of(retained)
        unpriced = self.ledger.unpriced + book.unpriced
        price, reserved = self.prices.estimate(name), ahead.reserved + book.unrecorded
        return self.budget.covers(price, reserved, ahead.requests + unpriced, unpriced)

    def still_covers(self, token: Reservation) -> bool:
        """Whether a request that is about to go can still be paid for, beside what is in flight.

        Since it was reserved, an answer may have shown another price, or another balance.
        """
        book, least = self._reservations, self.balance.least
        # One that went alone was judged by other rules, and what was retained is its task's.
        if token.alone or book.lone is token or token.replaces is not None:
            return True
        if not self._limits_cover(book.total):
            return False
        return self._policy.gate is Gate.OFF or least is None or self._left(least, None) >= ZERO

    @property
    def is_ample(self) -> bool:
        """Whether so much is left that what is set aside before its time is not missed.

        Each in flight may come to be in doubt, which the balance may show a second time, and be
        sent again; and there is the request that is set aside.
        """
        book, least = self._reservations, self.balance.least
        more = 3 * book.in_flight
        if not self._limits_cover(book.total + more):
            return False
        return self._policy.gate is Gate.OFF or least is None or self._left(least, None) >= more

    def _limits_cover(self, reserved: Decimal) -> bool:
        """Whether the budget and the caps of the account cover so much that is set aside."""
        # What was recorded since the account was told is in neither.
        more = reserved + self._settlement.handed_over - self._told
        if any(cap.used + more > cap.limit for cap in self.elsewhere.caps):
            return False
        return self.budget.covers(ZERO, reserved, tried=0, unpriced=0)

    def leave(self, token: Reservation) -> None:
        """Note that a request goes out now which was reserved a while ago.

        What was charged or read meanwhile was before it.
        """
        token.sent, token.before = self.balance.leave(), self.balance.reading

    def closed_cap(self, name: str, retained: Retained | None = None) -> Cap | None:
        """Return the cap of the account that does not cover a request of a price class."""
        if not self.elsewhere.caps:
            return None
        book, price = self._reservations, self.prices.estimate(name)
        reserved = book.reserved_ahead(retained) + book.unrecorded
        for cap in self.elsewhere.caps:
            used = cap.used + reserved + (price or ZERO)
            if used > cap.limit or (price is None and used == cap.limit):
                return cap
        return None

    def _least_covers(self, name: str, retained: Retained | None) -> bool:
        """Say whether it may go beside others; where nothing is ever reported, each may."""
        lone = self._reservations.lone is not None or self.elsewhere.lone
        if lone or not self._may_go_beside(name):
            return False
        least = self.balance.least
        return least is None or self._left(least, retained) >= self._price(name)

    def _may_go_beside(self, name: str) -> bool:
        """Say whether enough is known: the balance, and the price; or that neither ever will be."""
        known = self.balance.reading is not None and self.prices.of(name) is not None
        return known or self.balance.silent

    def _most_covers(self, name: str, retained: Retained | None) -> bool:
        """Say whether one request may be tried alone: to learn the balance, its price, or both."""
        if self.balance.most is None:
            return True
        left = self._left(self.balance.most, retained)
        if left > ZERO and self._may_cost_less(name):
            return True
        return left >= self._price(name) and (left > ZERO or self._may_go_beside(name))

    def _may_cost_less(self, name: str) -> bool:
        """Say whether the price is only inferred from other classes, or not yet measured well."""
        learning = not self._may_go_beside(name)
        if self.prices.known(name) is None:
            return learning or self.prices.guessed(name)
        return (learning or self.balance.call_works) and self.prices.may_be_less(name)

    def _wait_or_close(self, retained: Retained | None) -> Verdict:
        may = self._reservations.may_come_free(retained) or self.elsewhere.open > ZERO
        return Verdict.WAIT if may or self.elsewhere.flying else Verdict.CLOSED

    def _left(self, balance: Decimal, retained: Retained | None) -> Decimal:
        """Take off a balance what is not there for the task of `retained`."""
        reserved = self._reservations.reserved_ahead(retained) + self.elsewhere.held
        return balance - reserved - self._policy.reserve

    def _price(self, name: str) -> Decimal:
        return self.prices.estimate(name) or ZERO

    @property
    def _may_ask(self) -> bool:
        return self._policy.gate is Gate.AUTO and not self.balance.is_fresh

    def why_closed(self, name: str) -> str:
        """Say in words what the gate lacks for a request of price class `name`."""
        if (cap := self.closed_cap(name)) is not None:
            return cap.words
        if not self._budget_covers(name):
            unpriced = self.ledger.unpriced + self._reservations.unpriced
            return self.budget.why_not(self.prices.estimate(name), unpriced)
        reserve, held = self._policy.reserve, self.elsewhere.held
        less = f", of which {reserve:f} is reserved (credits.reserve)" if reserve else ""
        others = f", and other runs of the account hold {held:f}" if held else ""
        left = self.remaining or ZERO
        return f"{left:f} credits are left{less}{others}; the next task costs {self._price(name):f}"

    def budget_allows(self, classes: Iterable[str]) -> bool:
        """Whether budget and caps cover a request of any of these price classes."""
        return any(self._budget_covers(name) and self.closed_cap(name) is None for name in classes)

    def may_be_short(self, name: str) -> bool:
        """Whether the balance may not cover a request that the API has refused.

        A header shows it as it was before the charges that were on their way.
        """
        least = self.balance.least
        held = self._reservations.in_flight + self.elsewhere.held
        return least is None or least - held <= self._price(name)

    # -- setting money aside ------------------------------------------------------------------

    def reserve(self, name: str, rank: int = 0, retained: Retained | None = None) -> Reservation:
        """Set the price of one request aside, before it is dispatched; `retained` is used up."""
        self.has_way = False
        if retained is not None:
            self._reservations.use(retained)
        token = Reservation(
            price_class=name,
            price=self._price(name),
            rank=rank,
            sent=self.balance.tick(),
            before=self.balance.reading,
            alone=self.is_quiet,
            replaces=retained,
            _settlement=self._settlement,
        )
        self._reservations.add(token, lone=self._goes_alone(name))
        return token

    def resume(self, name: str, price: Decimal | None) -> Reservation:
        """Set aside the price of a request that an earlier run has sent, whatever there is left.

        None is the present price. What is at risk for it already needs nothing: 0.
        """
        token = Reservation(
            price_class=name,
            price=self._price(name) if price is None else price,
            rank=0,
            sent=self.balance.tick(),
            before=self.balance.reading,
            alone=False,
            replaces=None,
            _settlement=self._settlement,
        )
        self._reservations.resume(token)
        return token

    def _goes_alone(self, name: str) -> bool:
        """Say whether nothing may go beside it: too little is known, or there may be too little."""
        if self._reservations.flying or self._policy.gate is Gate.OFF or self.balance.silent:
            return False
        return not self._least_covers(name, None)

    def has_to_be_alone(self, name: str) -> bool:
        """Say whether too little is known for a request to go beside those of other runs."""
        return self._goes_alone(name) and not self._may_go_beside(name)

    def bid_for(
        self, name: str, retained: Retained | None = None, before: Holdings | None = None
    ) -> Bid:
        """Say what a request that was let through needs of the account, before it is reserved.

        The holdings in it are those `before`, without the request; by default the gate's own.
        """
        price = self.prices.estimate(name)
        before = self.holdings if before is None else before
        if self._policy.gate is Gate.OFF:
            return Bid(price, None, Way.UNCHECKED, before, before)
        ahead = self._reservations.reserved_ahead(retained) + self._policy.reserve
        if self._goes_alone(name):
            enough = ahead + (_LEAST if self._may_cost_less(name) else self._price(name))
            known = self._most_covers(name, retained)
            return Bid(price, enough if known else None, Way.ALONE, before, before)
        known = self.balance.reading is not None
        return Bid(price, ahead + self._price(name) if known else None, Way.BESIDE, before, before)

    @property
    def holdings(self) -> Holdings:
        """What this run has set aside, as other runs of the account are to know it."""
        book = self._reservations
        held, lone = book.in_flight + book.waiting, book.lone is not None or self.has_way
        return Holdings(held, book.unrecorded, len(book.flying) + self.has_way, lone)

    @property
    def handed_over(self) -> Decimal:
        """How much was recorded in all by this run."""
        return self._settlement.handed_over

    def hear(self, elsewhere: Elsewhere, told: Decimal = ZERO) -> None:
        """Take what other runs of the account do: what is in flight beside them teaches nothing.

        `told` of what was `handed_over` is in its caps.
        """
        self.elsewhere, self._told = elsewhere, told
        if elsewhere.flying:
            for token in self._reservations.flying:
                token.alone = False

    def strays(self, *, at_work: bool) -> None:
        """Note whether requests that nobody waits for may still be at work, and be charged."""
        self._learning.strays(self.balance.tick(), at_work=at_work)

    def reprice(self, name: str) -> None:
        """Set aside the present price, as another run has learned of it."""
        self._settlement.reprice(name)

    def retain_another(self, token: Reservation) -> Retained | None:
        """Set aside the price of sending again what may have been charged, where it is there."""
        name = token.price_class
        if self.consider(name) is not Verdict.GO:
            return None
        return self._reservations.retain(name, self._price(name), token.rank)

    def forgo_all(self) -> None:
        """Let go of what is retained for all that wait: nothing is sent any more."""
        for retained in list(self._reservations.retained):
            retained.forgo()

    # -- readings -----------------------------------------------------------------------------

    def processed(self) -> None:
        """Note that the API has answered for a request: what it has not reported stays unknown."""
        self.balance.processed()

    def ask(self) -> Question:
        """Note that the balance call is being sent."""
        return self.balance.ask(quiet=self.is_quiet)

    def answer(self, question: Question, value: Decimal | None) -> None:
        """Take the answer of the balance call; None where it reported no figure."""
        reading = self.balance.answer(question, value)
        same = question.asked.charged == self.balance.now.charged
        quiet = question.quiet and self.is_quiet and same
        taught = self._learning.answered(reading, quiet=quiet)
        if taught is not None:
            self._settlement.reprice(taught)

    @property
    def wants_a_reading(self) -> bool:
        """Whether a balance call now, with nothing in flight, would teach an unknown price."""
        return self.is_quiet and self._may_ask and self._learning.wants_a_reading

    def recheck(self) -> None:
        """Let the balance be asked once more, although nothing has changed here."""
        self.balance.change()

    # -- the books ----------------------------------------------------------------------------

    def check(self) -> None:
        """See that the books balance; it takes a few additions, so that each event can call it.

        Raises:
            BooksError: they do not, which is a bug: nothing new may go out.
        """
        self._books.check()

    def change_budget(self, limit: Decimal | None) -> None:
        """Let the job spend this much from now on; None: anything. What is reserved stays reserved.

        Raises:
            BooksError: the books do not balance.
        """
        self._books.check()  # up to here by the limit that there was
        self.budget.limit = limit

    @property
    def in_flight(self) -> int:
        """How many requests are in flight."""
        return len(self._reservations.flying)

    @property
    def reserved(self) -> Decimal:
        """What is in flight, retained for a retry, or posted and not yet recorded."""
        return self._reservations.total

    @property
    def remaining(self) -> Decimal | None:
        """The balance as last reported."""
        return self.balance.known

    @property
    def call_works(self) -> bool:
        """Whether the balance call reported a figure when last asked."""
        return self.balance.call_works

    @property
    def doubted(self) -> tuple[Decimal, Decimal] | None:
        """The last cost that an answer reported and that is not believed; what is known instead."""
        return self._settlement.doubted

    @property
    def spent(self) -> Decimal:
        """What the ledger counts as charged."""
        return self.ledger.spent

    @property
    def spent_here(self) -> Decimal:
        """The part of it that this run has charged."""
        return self.ledger.spent - self._spent_before

    @property
    def at_risk(self) -> Decimal:
        """What the ledger counts as perhaps charged."""
        return self.ledger.at_risk
