"""The balance is an interval: what was really left lies in it, whatever is late or out of order."""

from dataclasses import dataclass
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.money.balance import Balance, Moment, Question

PRICE = Decimal("0.95")


@dataclass
class Request:
    sent: Moment
    taken: bool = False  # by the account
    shown: Decimal | None = None  # in the header of its answer


class Account:
    """One account, its client, and requests and balance calls on their way between them.

    A header, like the answer of the balance call, shows the balance at some moment between question
    and answer.
    """

    def __init__(self, start: Decimal, draw: st.DataObject) -> None:
        self.left, self.draw, self.balance = start, draw, Balance()
        self.requests: list[Request] = []
        self.calls: list[tuple[Question, list[Decimal]]] = []

    def pick(self, many: list) -> object:
        return many[self.draw.draw(st.integers(0, len(many) - 1))]

    def send(self) -> None:
        self.requests.append(Request(self.balance.tick()))

    def take(self) -> None:
        if open_ := [one for one in self.requests if not one.taken]:
            one = self.pick(open_)
            one.taken = True
            self.left -= PRICE
        for _, shown in self.calls:
            shown.append(self.left)

    def show(self) -> None:
        if self.requests:
            self.pick(self.requests).shown = self.left

    def confirm(self) -> None:
        if taken := [one for one in self.requests if one.taken]:
            one = self.pick(taken)
            self.requests.remove(one)
            self.balance.change()
            self.balance.charge(PRICE, one.sent)
            if one.shown is not None:
                self.balance.header(one.shown, one.sent)

    def lose(self) -> None:
        """An answer is lost: nobody knows whether it was charged."""
        if self.requests:
            self.requests.remove(self.pick(self.requests))
            self.balance.change()
            self.balance.risk(PRICE)

    def call(self) -> None:
        self.calls.append((self.balance.ask(quiet=not self.requests), [self.left]))

    def answer(self) -> None:
        if self.calls:
            question, shown = call = self.pick(self.calls)
            self.calls.remove(call)
            self.balance.answer(question, self.pick([None, *shown]))

    @property
    def unconfirmed(self) -> Decimal:
        return PRICE * sum(one.taken for one in self.requests)


MOVES = [
    Account.send, Account.take, Account.show, Account.confirm, Account.lose, Account.call,
    Account.answer,
]  # fmt: skip


@settings(deadline=None, max_examples=40)
@given(st.data(), st.lists(st.sampled_from(MOVES), min_size=20, max_size=60))
def test_what_is_left_is_between_the_least_and_the_most(draw: st.DataObject, moves: list) -> None:
    account = Account(Decimal(20), draw)
    for move in moves:
        move(account)
        if account.balance.least is None:
            continue
        assert account.balance.least - account.unconfirmed <= account.left
        assert account.balance.least <= account.balance.most
        assert account.left <= account.balance.most


@settings(deadline=None, max_examples=40)
@given(st.data(), st.lists(st.sampled_from(MOVES), min_size=20, max_size=60))
def test_an_answer_to_what_was_asked_before_the_present_reading_came_never_raises(
    draw: st.DataObject, moves: list
) -> None:
    account = Account(Decimal(20), draw)
    for move in moves:
        balance = account.balance
        # Each bound has a reading of its own, and they come at different times.
        readings = [
            bound.reading for bound in (balance.at_least, balance.at_most, balance.reported)
        ]
        came = min(reading.came.tick if reading else 0 for reading in readings)
        least, most, known = balance.least, balance.most, balance.known
        sent = [one.sent.tick for one in account.requests]
        asked = [question.asked.tick for question, _ in account.calls]
        move(account)
        if least is not None and all(tick < came for tick in (*sent, *asked)):
            assert balance.least <= least
            assert balance.most <= most
            assert balance.known <= known


def test_the_least_is_never_above_the_most_whichever_readings_they_have() -> None:
    balance = Balance()
    first = balance.ask(quiet=False)
    balance.risk(PRICE)
    second = balance.ask(quiet=False)
    balance.answer(first, Decimal(20))
    third = balance.ask(quiet=False)
    # It lowers the most alone, so that the third, asked for in between, may raise the least alone.
    balance.answer(second, Decimal("19.50"))
    assert (balance.least, balance.most) == (Decimal("19.05"), Decimal("19.50"))
    balance.answer(third, Decimal(20))
    assert (balance.least, balance.most) == (Decimal("19.50"), Decimal("19.50"))


def test_a_header_never_raises_the_bounds_where_the_balance_call_works() -> None:
    balance = Balance()
    balance.answer(balance.ask(quiet=True), Decimal(5))
    balance.header(Decimal(9), balance.tick())
    assert (balance.least, balance.most, balance.known) == (5, 5, 9)
    balance.answer(balance.ask(quiet=True), None)
    balance.header(Decimal(9), balance.tick())
    assert (balance.least, balance.most, balance.known) == (9, 9, 9)


@pytest.mark.parametrize("call_works", [True, False])
def test_of_two_headers_that_overtake_each_other_the_lower_one_counts(call_works: bool) -> None:
    balance = Balance()
    balance.answer(balance.ask(quiet=True), Decimal(10) if call_works else None)
    first, second = balance.tick(), balance.tick()
    balance.charge(PRICE, second)
    balance.header(Decimal(10) - 2 * PRICE, second)
    before = balance.least, balance.most, balance.known
    balance.charge(PRICE, first)
    balance.header(Decimal(10) - PRICE, first)
    assert balance.least is not None
    assert balance.least <= before[0]
    assert (balance.most, balance.known) == before[1:]
