"""The equations of the books, which hold after each event. Pure."""

from decimal import Decimal

from pipeline.amounts import ZERO
from pipeline.money.budget import Budget
from pipeline.money.errors import BooksError
from pipeline.money.reservations import Reservations
from pipeline.money.settlement import Settlement


class Books:
    """Checks three equations, each in a few additions:

    - What has entered the ledger since the start is what reservations have handed over to it, and
      corrections.
    - What is reserved is the sum of the tokens. It is added up anew once there were as many checks
      as there are tokens: a few additions a check, on average.
    - What is spent, at risk, in flight and to be recorded is within the budget. Where it is above,
      it got there by what has a name: a budget that was lower than what was spent already, an
      answer that cost more than was reserved, a price that rose meanwhile, a correction. So from
      one check to the next it may rise above the budget by the sum of those, and by nothing else.
      What is retained for a retry goes out only after it was judged again: it is not in it.
    """  # noqa: D415 - the list ends the sentence

    def __init__(self, budget: Budget, reservations: Reservations, settlement: Settlement) -> None:
        self._budget, self._reservations, self._settlement = budget, reservations, settlement
        self._corrections = budget.ledger.corrections
        self._before = budget.used - self._corrections
        self._committed = budget.used
        self._checks = 0

    def check(self) -> None:
        """See that every equation holds.

        Raises:
            BooksError: one does not, which is a bug.
        """
        used = self._budget.used
        self._check_ledger(used)
        self._check_reservations()
        self._check_budget(used)

    def _check_ledger(self, used: Decimal) -> None:
        entered = used - self._budget.ledger.corrections - self._before
        handed = self._settlement.handed_over
        if entered != handed:
            raise BooksError(
                f"{entered:f} has entered the ledger, and {handed:f} was handed over to it"
            )

    def _check_reservations(self) -> None:
        book = self._reservations
        if min(book.in_flight, book.waiting, book.unrecorded) < ZERO or book.unpriced < 0:
            raise BooksError("less than nothing is reserved")
        self._checks += 1
        if self._checks >= len(book):
            self._checks = 0
            book.check()

    def _check_budget(self, used: Decimal) -> None:
        book, limit = self._reservations, self._budget.limit
        committed = used + book.in_flight + book.unrecorded
        corrections = self._budget.ledger.corrections
        risen = book.risen + max(corrections - self._corrections, ZERO)
        if limit is not None and committed > max(limit, self._committed) + risen:
            raise BooksError(
                f"{committed:f} is spent, at risk or reserved, and the budget is {limit:f}"
            )
        self._committed, self._corrections, book.risen = committed, corrections, ZERO
