"""The gate beside the one before it: through very many random worlds, each verdict is the same.

GATE_WORLDS=100000 pytest tests/money/test_gate_lock_step.py
"""

import os
import random
from collections import Counter
from decimal import Decimal
from itertools import cycle
from typing import Any

import pytest
from support import gate_world, old_gate
from support.former_gate import Former
from support.gate_world import Header, Setting, World

from pipeline.models import CreditPolicy, Gate

WORLDS = int(os.environ.get("GATE_WORLDS", "100"))
SEED = int(os.environ.get("GATE_SEED", "0"))
ZERO, PRICE = Decimal(0), Decimal("0.95")
SUMS = (
    "reserved", "spent", "at_risk", "spent_here", "unpriced", "understated", "remaining",
    "in_flight", "call_works", "doubted", "wants_a_figure",
)  # fmt: skip
seen: Counter[str] = Counter()


class Pair:
    def __init__(self, old: Any, new: Any) -> None:
        self.old, self.new = old, new


def halves(values: Any, side: str) -> list[Any]:
    return [getattr(value, side) if isinstance(value, Pair) else value for value in values]


class Both:
    """Both gates: each call goes to each, and each answer and sum must be the same."""

    prices: Any

    def __init__(self, policy: CreditPolicy, **past: Any) -> None:
        self.old = old_gate.CreditGate(policy, **past)
        self.new = Former(policy, **past)
        self.prices = self.new.prices

    def __getattr__(self, name: str) -> Any:
        old, new = getattr(self.old, name), getattr(self.new, name)
        if not callable(old):
            assert old == new, name
            return new

        def call(*args: Any, **named: Any) -> Any:
            a = old(*halves(args, "old"), **named)
            b = new(*halves(args, "new"), **named)
            return self.compare(name, a, b)

        return call

    def compare(self, name: str, a: Any, b: Any) -> Any:
        for word in SUMS:
            one, other = getattr(self.old, word), getattr(self.new, word)
            assert one == other, (name, word, one, other)
        old, new = self.old, self.new
        assert (old._bound(old.figure) if old.figure else None) == new.balance.least
        most = None if old._believed is None else old._believed - old._since
        assert most == new.balance.most
        self.new.check()
        if isinstance(a, old_gate.Verdict):
            seen[a.name] += 1
            assert a.name == b.name, (name, a, b)
            return b
        if isinstance(a, old_gate.Reservation | old_gate.Question):
            if isinstance(a, old_gate.Reservation):
                assert (a.price, a.rank) == (b.price, b.rank)
            return Pair(a, b)
        assert a == b, (name, a, b)
        return b


def amount(draw: random.Random) -> Decimal:
    return Decimal(draw.randrange(0, 2500)) / 100


def a_world(draw: random.Random) -> Setting:
    prices = [Decimal("0.01"), Decimal("0.30"), PRICE, Decimal("1.20"), Decimal(4)]
    names = "abcd"[: draw.choice([1, 1, 1, 2, 4])]
    lies = [
        None,
        ZERO,
        Decimal("0.0095"),
        PRICE,
        Decimal("9.5"),
        Decimal(9) * 10**11,
        Decimal("1.9"),
    ]
    one = draw.choice(prices)
    return Setting(
        balance=amount(draw),
        prices={name: draw.choice(prices) for name in names},
        tasks=tuple(draw.choices(names, k=draw.randint(1, 40))),
        written=draw.choice([None, None, PRICE, one]),
        published=draw.choice([None, PRICE, one]),
        concurrency=draw.choice([1, 2, 4, 8, 30]),
        header=draw.choice(list(Header)),
        call=draw.random() < 0.6,
        at_accept=draw.random() < 0.5,
        x_cost=draw.random() < 0.4,
        lies=tuple(draw.choices(lies, k=3)) if draw.random() < 0.3 else (),
        gate=draw.choice([Gate.AUTO, Gate.AUTO, Gate.AUTO, Gate.HEADER, Gate.OFF]),
        budget=draw.choice([None, None, amount(draw)]),
        reserve=draw.choice([ZERO, ZERO, Decimal("0.01"), Decimal(5)]),
        top_ups=tuple(amount(draw) for _ in range(draw.choice([0, 0, 1, 2]))),
        spends=tuple(amount(draw) / 4 for _ in range(draw.choice([0, 0, 1, 3]))),
        troubles=tuple(
            draw.choices(["", "", "500", "lost", "lost paid", "withdrawn"], k=draw.randint(0, 12))
        ),
    )


def test_in_every_world_both_gates_say_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate_world, "CreditGate", Both)
    for number in range(WORLDS):
        draw = random.Random(f"{SEED} {number}")
        setting, tape = a_world(draw), draw.randbytes(300)
        try:
            World(setting, cycle(tape)).run()
        except AssertionError as error:
            raise AssertionError(f"world {number}: {setting}") from error
    assert seen["GO"] > WORLDS


class Chaos:
    """Calls in any order, with any figures: what no world would do, the gates do alike."""

    def __init__(self, draw: random.Random) -> None:
        self.draw = draw
        self.gate: Any = Both(
            CreditPolicy(
                cost=draw.choice([None, None, PRICE, ZERO]),
                budget=draw.choice([None, amount(draw)]),
                reserve=draw.choice([ZERO, ZERO, Decimal(1)]),
                gate=draw.choice([Gate.AUTO, Gate.AUTO, Gate.AUTO, Gate.HEADER, Gate.OFF]),
            ),
            published=draw.choice([None, PRICE]),
            past=draw.choice([None, Decimal("0.30")]),
            spent=draw.choice([ZERO, amount(draw)]),
            at_risk=draw.choice([ZERO, PRICE]),
            unpriced=draw.choice([0, 0, 1]),
            understated=draw.choice([ZERO, Decimal("0.10")]),
        )
        self.flying: list[Any] = []
        self.kept: list[Any] = []
        self.asked: list[Any] = []

    def figure(self) -> Decimal | None:
        draw = self.draw
        return draw.choice([None, amount(draw), amount(draw) / 5, PRICE, ZERO])

    def step(self) -> None:  # noqa: C901 - one of all moves
        draw, gate = self.draw, self.gate
        name, rank = draw.choice("aab"), draw.randrange(9)
        kept = draw.choice([None, *self.kept])
        move = draw.randrange(12)
        if move < 4:
            for other in "abc":
                gate.consider(other, kept)
            assert gate.may_be_short(name) in {True, False}
            gate.budget_allows([name])
            verdict = gate.consider(kept.new.price_class if kept else name, kept)
            if verdict.name == "GO":
                if kept:
                    self.kept.remove(kept)
                    name, rank = kept.new.price_class, kept.new.rank
                self.flying.append(gate.reserve(name, rank, kept))
            elif verdict.name == "ASK":
                self.ask()
        elif move < 9 and self.flying:
            self.end(self.flying.pop(draw.randrange(len(self.flying))))
        elif move == 9:
            gate.processed()
            if draw.random() < 0.2 and gate.new._policy.gate is Gate.AUTO:
                self.ask()
        elif move == 10 and self.asked:
            question = self.asked.pop(draw.randrange(len(self.asked)))
            gate.told(question, self.figure())
        elif kept and draw.random() < 0.3:
            gate.forgo(kept)
            self.kept.remove(kept)
        elif draw.random() < 0.1:
            gate.recheck()

    def ask(self) -> None:
        if not self.asked:  # a run has one question on its way at most
            self.asked.append(self.gate.ask())

    def end(self, held: Any) -> None:
        draw, gate = self.draw, self.gate
        header, cost = self.figure(), draw.choice([None, None, self.figure()])
        end = draw.randrange(10)
        if end < 5:
            booked = gate.charge(held, header, cost, learn=draw.random() < 0.9)
            if draw.random() < 0.2:
                gate.rebook(held, cost, booked)
        elif end == 5:
            gate.doubt(held, header, cost)
            if (again := gate.keep_another(held)) is not None:
                self.kept.append(again)
        elif end == 6:
            assert gate.credible(held, cost) in {None, cost}
            gate.release(held, header)
            gate.fell(held, self.figure(), header)
        elif end < 9:
            self.kept.append(gate.keep(held, header))
        else:
            gate.withdraw(held)


def test_whatever_is_called_and_reported_both_gates_say_the_same() -> None:
    for number in range(WORLDS):
        chaos = Chaos(random.Random(f"{SEED} chaos {number}"))
        try:
            for _ in range(60):
                chaos.step()
        except AssertionError as error:
            raise AssertionError(f"chaos {number}") from error
    assert seen["GO"] > WORLDS
