"""Where runs wait for each other, the highest priority goes first, and then the fewest starts."""

import random
from pathlib import Path

import pytest
from account.ledger_world import PRICE, Clock, Member, members, read, refused

from pipeline.account.telling import Terms
from pipeline.money.account import Holdings, Obstacle, Refusal, Way
from pipeline.money.balance import Moment


class World:
    """Runs that always want to send more, and look again when they were told to."""

    def __init__(self, runs: list[Member], clock: Clock, seed: int) -> None:
        self.runs, self.clock, self.random = runs, clock, random.Random(seed)
        self.next = {run.job: clock.now for run in runs}
        self.flying: list[tuple[float, Member]] = []
        self.starts = {run.job: 0 for run in runs}
        self.peak = 0

    def go(self, seconds: float, takes: float = 4.0) -> dict[str, int]:
        """Let time pass; returns how many each run has started meanwhile."""
        before, end = dict(self.starts), self.clock.now + seconds
        while (when := self._next()) < end:
            self.clock.now = max(self.clock.now, when)
            self._step(takes)
        self.clock.now = end
        return {job: count - before[job] for job, count in self.starts.items()}

    def _next(self) -> float:
        return min([*self.next.values(), *(when for when, _ in self.flying)])

    def _step(self, takes: float) -> None:
        now = self.clock.now
        for ended in [each for each in self.flying if each[0] <= now]:
            self.flying.remove(ended)
            ended[1].ends(Moment())
        for run in self.runs:
            if run.job in self.next and self.next[run.job] <= now:
                answer = run.bid()
                if isinstance(answer, Refusal):
                    self.next[run.job] = now + answer.wait * self.random.uniform(1, 1.2)
                    continue
                self.starts[run.job] += 1
                self.next[run.job] = now + 0.001 + (run.turn() if run.news.interval else 0)
                self.flying.append((now + takes * self.random.uniform(0.5, 1.5), run))
        self.peak = max(self.peak, len(self.flying))

    def join(self, run: Member) -> None:
        self.runs.append(run)
        self.next[run.job] = self.clock.now
        self.starts[run.job] = 0


def shared(starts: dict[str, int]) -> float:
    return min(starts.values()) / max(starts.values())


@pytest.mark.parametrize("terms", [Terms(concurrency=7), Terms(interval=1.0)], ids=str)
def test_runs_that_wait_share_the_starts(folder: Path, clock: Clock, terms: Terms) -> None:
    runs = members(folder, clock, "/a", "/b", "/c")
    for run in runs:
        run.register(terms)
    starts = World(runs, clock, 1).go(80)
    assert sum(starts.values()) > 60
    assert shared(starts) >= 0.9


@pytest.mark.variant
def test_a_newcomer_neither_starves_nor_is_starved(folder: Path, clock: Clock) -> None:
    one, two, three = members(folder, clock, "/a", "/b", "/c")
    world = World([one, two], clock, 2)
    one.register(Terms(concurrency=6)), two.register()
    world.go(40)
    three.register()
    world.join(three)
    world.go(5)  # until a place has come free for each
    assert shared(world.go(50)) >= 0.8


def test_a_run_that_was_idle_does_not_make_up_for_it(folder: Path, clock: Clock) -> None:
    one, two = members(folder, clock, "/a", "/b")
    world = World([one, two], clock, 3)
    one.register(Terms(concurrency=6)), two.register()
    world.next["/b"] += 40
    world.go(41)
    assert world.starts["/b"] <= 1
    world.go(5)
    assert shared(world.go(50)) >= 0.8


def test_the_run_that_was_alone_is_not_punished_for_what_it_started(
    folder: Path, clock: Clock
) -> None:
    one, two = members(folder, clock, "/a", "/b")
    world = World([one], clock, 4)
    one.register(Terms(concurrency=6))
    world.go(40)
    world.next["/a"] += 20  # it waits for something of its own
    world.go(19)
    two.register()
    world.join(two)
    world.go(5)
    assert shared(world.go(50)) >= 0.8


@pytest.mark.variant
def test_a_higher_priority_goes_first(folder: Path, clock: Clock) -> None:
    one, two, three = members(folder, clock, "/a", "/b", "/c")
    one.register(Terms(concurrency=3)), two.register(Terms(priority=5)), three.register()
    world = World([one, two, three], clock, 5)
    world.go(10)
    starts = world.go(50)
    assert starts["/a"] == starts["/c"] == 0
    assert starts["/b"] > 20


@pytest.mark.variant
def test_a_newcomer_of_high_priority_does_not_starve_its_peers(folder: Path, clock: Clock) -> None:
    low, high, new = members(folder, clock, "/low", "/high", "/new")
    low.register(Terms(concurrency=3)), high.register(Terms(priority=5))
    world = World([low, high], clock, 6)
    world.go(40)
    new.register(Terms(priority=5))
    world.join(new)
    world.go(5)
    starts = world.go(50)
    assert starts.pop("/low") == 0
    assert shared(starts) >= 0.8


def test_nobody_waits_for_a_run_that_has_stopped_asking(folder: Path, clock: Clock) -> None:
    one, two = members(folder, clock, "/a", "/b")
    one.register(Terms(concurrency=2)), two.register()
    assert one.starts()
    assert one.starts()
    assert not two.starts()
    one.holdings = Holdings()
    one.tell()
    assert one.starts()  # both were at the same level
    assert not one.starts()  # it is the turn of the other, which has fewer
    clock.now += 1.1
    assert one.starts()


def test_what_is_left_is_not_kept_for_a_run_that_is_suspended(folder: Path, clock: Clock) -> None:
    one, two = members(folder, clock, "/a", "/b")
    one.register(Terms(day=7 * PRICE / 2, zone="UTC"))
    two.holdings = Holdings(wanted=5)
    two.register()
    assert one.starts()
    assert one.starts()
    assert refused(one.bid()) is Obstacle.SHARE  # the other has fewer starts
    clock.now += 9
    assert refused(one.bid()) is Obstacle.SHARE
    two.tell()
    clock.now += 9
    assert refused(one.bid()) is Obstacle.SHARE
    clock.now += 2
    assert one.starts()


def test_nobody_waits_for_what_a_run_holds_that_is_suspended(folder: Path, clock: Clock) -> None:
    one, two = members(folder, clock, "/a", "/b")
    one.register(Terms(concurrency=1))
    two.register()
    two.tell(*read("1.50"))
    assert two.starts(way=Way.ALONE)
    clock.now += 659
    assert refused(one.bid()) is Obstacle.PLACES
    assert one.news.elsewhere.open == PRICE
    clock.now += 2  # longer than any request takes
    assert refused(one.bid()) is Obstacle.CREDITS
    assert one.news.elsewhere.open == 0
    assert one.news.elsewhere.held == PRICE
    two.tell()  # it goes on
    assert refused(one.bid()) is Obstacle.PLACES


def test_the_bound_is_kept_whoever_goes_first(folder: Path, clock: Clock) -> None:
    runs = members(folder, clock, "/a", "/b", "/c")
    for run in runs:
        run.register(Terms(concurrency=7))
    world = World(runs, clock, 7)
    world.go(20)
    assert world.peak == 7
