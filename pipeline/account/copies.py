"""The run's copies of what its account shares: the balance, and the prices that were observed.

What happens in this run counts in the copy at once, and is noted for the ledger, which replays it
in the common order of all runs.
"""

from dataclasses import dataclass, field
from decimal import Decimal

from pipeline.account.telling import Lesson, Operation
from pipeline.amounts import ZERO
from pipeline.money.balance import Balance, Moment, Question, Reading
from pipeline.money.prices import PriceBook


@dataclass(slots=True)
class SharedBalance(Balance):
    """The balance of an account, as far as this run has heard, and what it has yet to tell."""

    untold: list[Operation] = field(default_factory=list)

    def leave(self) -> Moment:
        """Note that a request leaves which was prepared before."""
        self.untold.append(Operation("tick", ()))
        return Balance.leave(self)

    def change(self) -> None:
        """Note that an answer came, or will not come."""
        self.untold.append(Operation("change", ()))
        Balance.change(self)

    def processed(self) -> None:
        """Note that the API has answered."""
        if not self.silent and self.reading is None:  # else it changes nothing
            self.untold.append(Operation("processed", ()))
        Balance.processed(self)

    def charge(self, amount: Decimal, sent: Moment) -> None:
        """Take a confirmed charge off."""
        self.untold.append(Operation("charge", (amount, sent)))
        Balance.charge(self, amount, sent)

    def risk(self, amount: Decimal) -> None:
        """Take what may have been charged off the least that can be left."""
        self.untold.append(Operation("risk", (amount,)))
        Balance.risk(self, amount)

    def ask(self, *, quiet: bool) -> Question:
        """Note that the balance call is being sent."""
        self.untold.append(Operation("tick", ()))
        return Balance.ask(self, quiet=quiet)

    def answer(self, question: Question, value: Decimal | None) -> Reading | None:
        """Take the answer of the balance call."""
        self.untold.append(Operation("answer", (question, value)))
        return Balance.answer(self, question, value)

    def header(self, value: Decimal, sent: Moment) -> None:
        """Take what an answer reports."""
        self.untold.append(Operation("header", (value, sent)))
        Balance.header(self, value, sent)

    def show(self, value: Decimal, sent: Moment) -> None:
        """Take what an answer reports for people alone."""
        self.untold.append(Operation("show", (value, sent)))
        Balance.show(self, value, sent)

    def hear(self, told: int, common: Balance) -> None:
        """Take the common balance, in which the first `told` of what was noted here counts."""
        del self.untold[:told]
        self.take(common)
        for operation in self.untold:
            getattr(Balance, operation.method)(self, *operation.arguments)


@dataclass(slots=True)
class SharedPrices(PriceBook):
    """The price book of a run, and what it has observed and yet to tell."""

    untold: list[Lesson] = field(default_factory=list)

    def report(self, name: str, cost: Decimal) -> None:
        """Take the cost that an answer has reported, and that is believed."""
        if self._look(name).is_news(cost):
            self.untold.append(Lesson("report", name, cost))
        PriceBook.report(self, name, cost)

    def fell(self, name: str, amount: Decimal, count: int = 1) -> None:
        """Take by how much the balance fell over some requests."""
        self.untold.append(Lesson("fell", name, amount, count))
        PriceBook.fell(self, name, amount, count)

    def stepped(self, name: str, amount: Decimal) -> None:
        """Take by how much the balance fell from one answer to the next."""
        if amount > ZERO and self._steps[amount] <= 1:
            self.untold.append(Lesson("stepped", name, amount))
        PriceBook.stepped(self, name, amount)

    def missed(self, lessons: int = 1) -> None:
        """Note lone requests that have not settled a price."""
        self.untold.append(Lesson("missed", "", ZERO, lessons))
        PriceBook.missed(self, lessons)

    def learn(self, lesson: Lesson) -> None:
        """Take what another run has observed."""
        name, amount = lesson.price_class, lesson.amount
        match lesson.method:
            case "report":
                PriceBook.report(self, name, amount)
            case "fell":
                PriceBook.fell(self, name, amount, lesson.times)
            case "stepped":
                PriceBook.stepped(self, name, amount)
            case _:
                PriceBook.missed(self, lesson.times)
