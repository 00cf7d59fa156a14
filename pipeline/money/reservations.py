"""All money that is set aside, and its sums. Pure."""

from bisect import bisect_left, insort
from dataclasses import dataclass, field
from decimal import Decimal
from typing import NamedTuple

from pipeline.amounts import ZERO
from pipeline.money.errors import BooksError, ReservationSpent
from pipeline.money.reservation import Reservation, Retained


class Ahead(NamedTuple):
    """What goes before a task: money that is set aside, and for how many requests."""

    reserved: Decimal
    requests: int


@dataclass(slots=True)
class _Ranks:
    """The ranks of what is retained, in order, by price: a look at each of thousands is too slow.

    After an outage all that was in flight waits, and each dispatch asks several times.
    """

    _ranks: dict[Decimal, list[int]] = field(default_factory=dict)

    def add(self, retained: Retained) -> None:
        insort(self._ranks.setdefault(retained.price, []), retained.rank)

    def remove(self, retained: Retained) -> None:
        ranks = self._ranks[retained.price]
        del ranks[bisect_left(ranks, retained.rank)]
        if not ranks:
            del self._ranks[retained.price]

    def behind(self, rank: int) -> Ahead:
        """Add up what does not go before this rank."""
        reserved, requests = ZERO, 0
        for price, ranks in self._ranks.items():
            count = len(ranks) - bisect_left(ranks, rank)
            reserved, requests = reserved + count * price, requests + count
        return Ahead(reserved, requests)

    def has_before(self, rank: int) -> bool:
        """Say whether anything goes before this rank."""
        return any(ranks[0] < rank for ranks in self._ranks.values())


@dataclass(slots=True)
class Reservations:
    """Every token that is counted, by what it waits for: an answer, a retry, a record.

    `unpriced` counts those to be recorded whose price nobody knows. `risen` is by how much what is
    in flight or posted has risen, since it was last set to nothing, over what was reserved for it.
    """

    flying: set[Reservation] = field(default_factory=set)
    retained: set[Retained] = field(default_factory=set)
    posted: set[Reservation] = field(default_factory=set)
    lone: Reservation | None = None  # in flight, and to be the only one
    in_flight: Decimal = ZERO
    waiting: Decimal = ZERO
    unrecorded: Decimal = ZERO
    unpriced: int = 0
    risen: Decimal = ZERO
    _prices: dict[str, Decimal] = field(default_factory=dict)  # at which a class is reserved
    _ranks: _Ranks = field(default_factory=_Ranks)  # of what is retained

    @property
    def total(self) -> Decimal:
        """All that is set aside."""
        return self.in_flight + self.waiting + self.unrecorded

    def __len__(self) -> int:
        return len(self.flying) + len(self.retained) + len(self.posted)

    def ahead_of(self, retained: Retained | None) -> Ahead:
        """Add up what is open for others than the task of `retained`.

        Of those that wait, the more important go first: what the others retain is not in its way.
        """
        requests, reserved = len(self.flying) + len(self.retained), self.in_flight + self.waiting
        if retained is None:  # it goes last
            return Ahead(reserved, requests)
        behind = self._ranks.behind(retained.rank)
        return Ahead(reserved - behind.reserved, requests - behind.requests)

    def reserved_ahead(self, retained: Retained | None) -> Decimal:
        """Add up the money of `ahead_of`."""
        if retained is None:
            return self.in_flight + self.waiting
        return self.ahead_of(retained).reserved

    def may_come_free(self, retained: Retained | None) -> bool:
        """Say whether something in flight, or retained for a more important task, may come free."""
        if self.flying or retained is None:
            return bool(self.flying or self.retained)
        return self._ranks.has_before(retained.rank)

    def add(self, token: Reservation, *, lone: bool) -> None:
        """Count a request that is about to be sent; `lone`: none may go beside it."""
        if len(self.flying) == 1:
            next(iter(self.flying)).alone = False
        self._prices[token.price_class] = token.price
        self.lone = token if lone else None
        self.flying.add(token)
        self.in_flight += token.price

    def resume(self, token: Reservation) -> None:
        """Count a request that was sent before the books were opened; it may exceed the budget."""
        self.flying.add(token)
        self.in_flight += token.price
        self.risen += token.price

    def remove(self, token: Reservation) -> None:
        """Count a request no more."""
        self.flying.remove(token)
        self.lone = None if self.lone is token else self.lone
        self.in_flight -= token.price

    def retain(self, name: str, price: Decimal, rank: int) -> Retained:
        """Set the price of a retry aside."""
        retained = Retained(name, price, rank, self)
        self.retained.add(retained)
        self._ranks.add(retained)
        self.waiting += price
        return retained

    def use(self, retained: Retained) -> None:
        """Let a retry have what was retained for it."""
        if retained not in self.retained:
            raise ReservationSpent("what was retained for a retry is gone already")
        self.forgo(retained)

    def forgo(self, retained: Retained) -> None:
        """Let go of what was retained, if it still is."""
        if retained in self.retained:
            self.retained.remove(retained)
            self._ranks.remove(retained)
            self.waiting -= retained.price

    def post(self, token: Reservation, amount: Decimal | None) -> None:
        """Count what is to be recorded: `amount`, or nobody knows how much."""
        before = (token.amount if token in self.posted else token.price) or ZERO
        self.unpost(token)
        token.amount = amount
        self.posted.add(token)
        self.unrecorded += amount or ZERO
        self.unpriced += amount is None
        self.risen += max((amount or ZERO) - before, ZERO)

    def unpost(self, token: Reservation) -> None:
        """Count it no more: it was recorded, or is posted anew."""
        if token in self.posted:
            self.posted.remove(token)
            self.unrecorded -= token.amount or ZERO
            self.unpriced -= token.amount is None

    def reprice(self, name: str, price: Decimal) -> None:
        """Set aside the present price for each request of a class."""
        if self._prices.get(name) == price:
            return
        self._prices[name] = price
        for token in [one for one in self.flying if one.price_class == name]:
            self.in_flight += price - token.price
            self.risen += max(price - token.price, ZERO)
            token.price = price
        for retained in [one for one in self.retained if one.price_class == name]:
            self.waiting += price - retained.price
            self._ranks.remove(retained)
            retained.price = price
            self._ranks.add(retained)

    def check(self) -> None:
        """See that the sums are those of the tokens.

        Raises:
            BooksError: they are not, or a token is negative.
        """
        for what, total, amounts in (
            ("in flight", self.in_flight, [one.price for one in self.flying]),
            ("retained", self.waiting, [one.price for one in self.retained]),
            ("to be recorded", self.unrecorded, [one.amount or ZERO for one in self.posted]),
        ):
            if total != sum(amounts, ZERO) or min(amounts, default=ZERO) < 0:
                raise BooksError(f"{total:f} is {what}, and the sum of {len(amounts)} is another")
