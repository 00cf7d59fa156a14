"""Random worlds of two and three runs on one file: the bounds hold, and the books are equal."""

import tempfile
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from decimal import Decimal
from pathlib import Path

import pytest
from account.ledger_world import Clock, Member, members
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pipeline.account.ledger import Ledger
from pipeline.account.telling import Operation, Posting, Terms
from pipeline.money.account import NOTHING, Holdings, Refusal, Way
from pipeline.money.balance import Balance, Moment
from pipeline.money.balance import Question as Asked

ZERO = Decimal(0)
CENTS = st.integers(0, 300).map(lambda cents: Decimal(cents) / 100)
TERMS = st.builds(
    Terms,
    concurrency=st.none() | st.integers(1, 4),
    interval=st.sampled_from([0.0, 0.3]),
    day=st.none() | st.integers(1, 9).map(Decimal),
    month=st.none() | st.integers(3, 20).map(Decimal),
    zone=st.sampled_from(["UTC", "Asia/Kathmandu"]),
    priority=st.integers(0, 1),
)
STEPS = st.tuples(
    st.sampled_from(
        ["bid", "bid", "bid", "end", "end", "fail", "read", "die", "leave", "wait", "night", "turn"]
    ),
    st.integers(0, 2),
    CENTS,
    st.sampled_from([*Way, Way.BESIDE]),
)


@dataclass
class Model:
    """What everybody should see: all events in their order, in one place."""

    clock: Clock
    terms: dict[str, Terms]
    balance: Balance = field(default_factory=Balance)
    manifests: dict[str, list[Posting]] = field(default_factory=dict)
    holdings: dict[str, Holdings] = field(default_factory=dict)
    dead: dict[str, float] = field(default_factory=dict)
    flying: dict[str, list[tuple[Moment, Decimal, bool]]] = field(default_factory=dict)
    turns: list[float] = field(default_factory=list)

    def apply(self, operations: list[Operation]) -> None:
        for method, arguments in operations:
            getattr(self.balance, method)(*arguments)

    def alive(self) -> list[str]:
        return [job for job in self.holdings if job not in self.dead]

    def held(self, but: str) -> Decimal:
        return ZERO + sum(each.held for job, each in self.holdings.items() if job != but)

    def spent(self, since: float = 0.0) -> Decimal:
        postings = [posting for job in self.manifests.values() for posting in job]
        return ZERO + sum(p.cost + p.at_risk for p in postings if p.quarter * 900 >= since)

    def aside(self) -> Decimal:
        """What is set aside; the clocks of these worlds never pass a day with a dead run's."""
        return ZERO + sum(each.held + each.unrecorded for each in self.holdings.values())


class World:
    def __init__(self, folder: Path, terms: list[Terms]) -> None:
        self.folder, self.clock = folder, Clock()
        self.jobs = [str(folder.parent / job) for job in "abc"[: len(terms)]]
        for job in self.jobs:
            Path(job).mkdir()
        self.model = Model(self.clock, dict(zip(self.jobs, terms, strict=True)))
        self.runs = {run.job: run for run in members(folder, self.clock, *self.jobs)}
        for job in self.jobs:
            self.register(job)

    def register(self, job: str) -> None:
        model = self.model
        if not model.alive():
            model.balance = Balance()
        model.dead.pop(job, None)
        model.holdings[job], model.flying[job] = NOTHING, []
        postings = model.manifests.setdefault(job, [])
        self.runs[job].holdings = NOTHING
        self.runs[job].register(model.terms[job], postings)

    def step(self, kind: str, number: int, amount: Decimal, way: Way) -> None:
        job = self.jobs[number % len(self.jobs)]
        self.clock.now += 0.01
        if kind == "wait":
            self.clock.now += 1.2
        elif kind == "night":
            self.night()
        elif job not in self.model.holdings or job in self.model.dead:
            self.runs[job] = Member(Ledger.open(self.folder, wall=self.clock.wall), self.clock, job)
            self.register(job)
        else:
            getattr(self, kind)(job, amount, way)
        self.check()

    def night(self) -> None:
        """A day passes: all that is in flight ends before, and the dead are settled."""
        for job in self.model.alive():
            while self.model.flying[job]:
                self.end(job, ZERO, Way.BESIDE)
        for job in list(self.model.dead):
            self.runs[job] = Member(Ledger.open(self.folder, wall=self.clock.wall), self.clock, job)
            self.register(job)
        self.clock.now += 86_400

    def bid(self, job: str, amount: Decimal, way: Way) -> None:
        run, model = self.runs[job], self.model
        before = {each: model.holdings[each] for each in model.holdings}
        need = amount + Decimal("0.10")
        answer = run.bid(amount, need, way)
        if isinstance(answer, Refusal):
            return
        model.balance.tick()
        assert answer == model.balance.now
        self.allowed(job, need, way, before)
        model.holdings[job] = run.holdings
        model.flying[job].append((answer, amount, way is Way.ALONE))
        self.capped()

    def allowed(self, job: str, need: Decimal, way: Way, before: dict[str, Holdings]) -> None:
        """See that a request that goes breaks nothing that holds for all."""
        model = self.model
        others = [before[each] for each in model.alive() if each != job]
        bound = {Way.BESIDE: model.balance.least, Way.ALONE: model.balance.most}.get(way)
        assert bound is None or bound - model.held(job) >= need
        assert not any(other.lone for other in others)
        assert way is not Way.ALONE or not any(other.flying for other in others)
        places = [terms.concurrency for each, terms in model.terms.items() if each in model.alive()]
        flying = sum(each.flying for each in before.values()) + 1  # of dead runs too
        assert all(most is None or flying <= most for most in places)

    def capped(self) -> None:
        model = self.model
        aside = model.aside()
        for job in model.alive():
            terms = model.terms[job]
            day, month = self.starts(terms.zone)
            assert terms.day is None or model.spent(day) + aside <= terms.day
            assert terms.month is None or model.spent(month) + aside <= terms.month

    def starts(self, zone: str | None) -> tuple[float, float]:
        """When the day and the month began, where clocks never change."""
        ahead = timedelta(hours=5, minutes=45) if zone == "Asia/Kathmandu" else timedelta()
        now = datetime.fromtimestamp(self.clock.wall(), timezone(ahead))
        midnight = now.replace(hour=0, minute=0, second=0, microsecond=0)
        return midnight.timestamp(), midnight.replace(day=1).timestamp()

    def end(self, job: str, _: Decimal, __: Way) -> None:
        """The oldest request is charged and recorded."""
        self._over(job, charged=True)

    def fail(self, job: str, _: Decimal, __: Way) -> None:
        """The oldest request may have been charged."""
        self._over(job, charged=False)

    def _over(self, job: str, *, charged: bool) -> None:
        run, model = self.runs[job], self.model
        if not model.flying[job]:
            return
        sent, price, lone = model.flying[job].pop(0)
        held, unrecorded, flying, was_lone, _ = run.holdings
        run.holdings = Holdings(held - price, unrecorded, flying - 1, was_lone and not lone)
        model.holdings[job] = run.holdings
        quarter = int(self.clock.wall() // 900)
        money = (price, ZERO) if charged else (ZERO, price)
        posting = Posting(quarter, *money)
        operations = [
            Operation("charge", (price, sent)) if charged else Operation("risk", (price,))
        ]
        operations.append(Operation("change", ()))
        model.apply(operations)
        model.manifests[job].append(posting)
        run.tell(*operations, postings=[posting])

    def read(self, job: str, amount: Decimal, __: Way) -> None:
        asked = self.runs[job].tell(Operation("tick", ())).balance.now
        self.model.balance.tick()
        answer = Operation("answer", (Asked(asked, quiet=False), amount * 4))
        self.model.apply([answer])
        self.runs[job].tell(answer)

    def turn(self, job: str, _: Decimal, __: Way) -> None:
        interval = max(self.model.terms[each].interval for each in self.model.alive())
        turn = self.clock.now + self.runs[job].turn()
        if interval and self.model.turns:
            assert turn - self.model.turns[-1] >= interval
        self.model.turns = [turn] if interval else []

    def die(self, job: str, _: Decimal, __: Way) -> None:
        self.runs[job].ledger.close()
        self.model.dead[job] = self.clock.now
        self.clock.now += 1  # others look for it every half second
        self.model.turns = []

    def leave(self, job: str, _: Decimal, __: Way) -> None:
        run = self.runs[job]
        run.ledger.leave(run.holdings, now=self.clock.now)
        self.model.turns = []
        if run.holdings == NOTHING:
            del self.model.holdings[job]
        else:
            self.model.dead[job] = self.clock.now

    def check(self) -> None:
        """Whoever looks sees the same: the balance, what others hold, and all that is spent."""
        model = self.model
        for job in model.alive():
            news = self.runs[job].tell()
            assert news.balance == model.balance
            assert news.elsewhere.held == model.held(job)
            others = [model.holdings[each] for each in model.alive() if each != job]
            assert news.elsewhere.flying == sum(other.flying for other in others)
            own = sum(model.holdings[job][:2], ZERO)
            for cap in news.elsewhere.caps:
                start = self.starts(cap.zone)[cap.period == "month"]
                assert cap.used == model.spent(start) + model.aside() - own

    def close(self) -> None:
        for run in self.runs.values():
            run.ledger.close()


@pytest.mark.parametrize("runs", [2, 3])
@settings(
    max_examples=40,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_whatever_runs_do_the_bounds_hold_and_the_books_are_equal(
    tmp_path: Path, runs: int, data: st.DataObject
) -> None:
    with tempfile.TemporaryDirectory(dir=tmp_path) as place:
        terms = [data.draw(TERMS) for _ in range(runs)]
        world = World(Path(place) / "0123456789abcdef", terms)
        try:
            for kind, number, amount, way in data.draw(st.lists(STEPS, max_size=30)):
                world.step(kind, number, amount, way)
        finally:
            world.close()
