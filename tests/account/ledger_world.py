"""Runs on one ledger, as tests start them: several in one process, on a clock of the test's."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from pipeline.account.ledger import Ledger
from pipeline.account.telling import Asked, Entry, News, Operation, Posting, Terms, Told
from pipeline.money.account import NOTHING, Bid, Holdings, Obstacle, Refusal, Way
from pipeline.money.balance import Balance, Moment

PRICE = Decimal("0.95")
ANY = Terms()
NOON = 1_780_056_000.0  # 2026-05-29 12:00 UTC


@dataclass
class Clock:
    """The time of a test: `now` as the loop's clock, `wall` as Unix time."""

    now: float = 1000.0
    started: float = NOON - 1000.0

    def wall(self) -> float:
        return self.started + self.now


@dataclass
class Member:
    """One run of the account: counts what it holds, as a coordinator does."""

    ledger: Ledger
    clock: Clock
    job: str = "/jobs/a"
    holdings: Holdings = NOTHING
    news: News = field(default_factory=lambda: News(Balance()))

    def register(self, terms: Terms = ANY, postings: Sequence[Posting] = ()) -> News:
        entry = Entry(self.job, Path(self.job).name, terms, postings, self.holdings)
        self.news = self.ledger.register(entry, now=self.clock.now)
        return self.news

    def tell(self, *operations: Operation, **more: object) -> News:
        told = Told(self.holdings, list(operations), **more)  # type: ignore[arg-type]
        self.news = self.ledger.transact(told, (), now=self.clock.now)
        return self.news

    def bid(
        self, price: Decimal | None = PRICE, need: Decimal | None = None, way: Way = Way.BESIDE
    ) -> Moment | Refusal:
        held, unrecorded, flying, lone, _ = self.holdings
        after = Holdings(held + (price or 0), unrecorded, flying + 1, lone or way is Way.ALONE)
        asked = Asked(Bid(price, need if need is not None else price, way, self.holdings, after))
        self.news = self.ledger.transact(Told(self.holdings), [asked], now=self.clock.now)
        assert isinstance(asked.answer, Moment | Refusal)
        if isinstance(asked.answer, Moment):
            self.holdings = after
        return asked.answer

    def starts(self, **bid: object) -> bool:
        return isinstance(self.bid(**bid), Moment)  # type: ignore[arg-type]

    def turn(self) -> float:
        asked = Asked()
        self.ledger.transact(Told(self.holdings), [asked], now=self.clock.now)
        assert isinstance(asked.answer, float)
        return asked.answer

    def ends(self, sent: Moment, cost: Decimal = PRICE) -> None:
        """One request is charged and recorded."""
        held, unrecorded, flying, *_ = self.holdings
        self.holdings = Holdings(held - cost, unrecorded, flying - 1)
        self.tell(
            Operation("charge", (cost, sent)),
            postings=[Posting(int(self.clock.wall() // 900), cost, Decimal(0))],
        )


def members(folder: Path, clock: Clock, *jobs: str) -> list[Member]:
    """Open the ledger once for each job."""
    return [Member(Ledger.open(folder, wall=clock.wall), clock, job) for job in jobs]


def read(amount: str) -> list[Operation]:
    """What the balance call reports."""
    balance = Balance()
    return [Operation("ask", ()), Operation("answer", (balance.ask(quiet=True), Decimal(amount)))]


def each(runs: Sequence[Member], times: int) -> Iterator[Member]:
    for _ in range(times):
        yield from runs


def refused(answer: Moment | Refusal) -> Obstacle:
    """Why a bid was refused."""
    assert isinstance(answer, Refusal), answer
    return answer.obstacle
