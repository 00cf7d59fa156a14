"""How many requests go after a 429: the pure rules, on a clock of numbers."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.runtime.limit import Limit

MANY = 50


def send(limit: Limit, task: str, now: float) -> None:
    assert limit.waits(now) is None
    limit.dispatched(task, now, MANY)
    limit.sent(task, now, MANY)


def burst(limit: Limit, refused: int, *, taken: int = 0, wait: float | None = None) -> None:
    """Send some at 0; those that are refused are so at 0.1."""
    names = [f"r{n}" for n in range(refused)]
    for name in (*names, *(f"t{n}" for n in range(taken))):
        send(limit, name, 0.0)
    for name in names:
        limit.refused(name, 0.1, wait)
        limit.landed(name, 0.1, MANY)


def sendable(limit: Limit, now: float) -> int:
    """Send all that may go at once; return how many."""
    count = 0
    while limit.waits(now) is None and count < 10 * MANY:
        send(limit, f"{now}:{count}", now)
        count += 1
    return count


def test_after_a_hold_one_goes_then_twice_as_many_each_quiet_second() -> None:
    limit = Limit()
    burst(limit, 20)
    assert limit.waits(0.1) == 1
    assert [sendable(limit, 1.1 + n) for n in range(7)] == [1, 1, 2, 4, 8, 16, 32]
    limit.dispatched("next", 8.1, MANY)
    assert not limit.active, "as many went as may be in flight, and none was refused"


def test_holds_grow_while_the_one_that_goes_is_refused_up_to_the_most() -> None:
    limit, now, holds = Limit(), 0.1, []
    burst(limit, 20)
    for number in range(10):
        wait = limit.waits(now)
        assert wait is not None
        holds.append(wait)
        now += wait
        send(limit, f"p{number}", now)
        limit.refused(f"p{number}", now, None)
        limit.landed(f"p{number}", now, MANY)
    assert holds == pytest.approx([min(1.5**n, 10) for n in range(10)])


def test_while_requests_are_in_flight_a_hold_may_be_as_long_as_one_takes() -> None:
    limit, now, longest = Limit(), 0.1, 0.0
    burst(limit, 3, taken=2)
    for number in range(12):
        wait = limit.waits(now)
        assert wait is not None
        longest, now = max(longest, wait), now + wait
        send(limit, f"p{number}", now)
        limit.refused(f"p{number}", now, None)
        limit.landed(f"p{number}", now, MANY)
        assert wait <= max(10, now)
    assert longest > 20


def test_an_answer_lets_one_go_in_the_hold() -> None:
    limit = Limit()
    burst(limit, 5, taken=2)
    limit.landed("t0", 0.3, MANY)
    assert sendable(limit, 0.3) == 1
    assert limit.waits(0.3) == pytest.approx(0.8), "and the hold goes on, no longer for it"


def test_answers_that_are_quicker_than_a_quiet_second_do_not_keep_it_from_opening() -> None:
    limit, most = Limit(), 0
    burst(limit, 20)
    flying: list[tuple[float, str]] = []
    for tick in range(11, 90):
        now = tick / 10
        while flying and flying[0][0] <= now:
            limit.landed(flying.pop(0)[1], now, MANY)
        while len(flying) < MANY and limit.waits(now) is None:
            name = f"{tick}:{len(flying)}"
            send(limit, name, now)
            flying.append((now + 0.3, name))
        most = max(most, len(flying))
    assert most == MANY, "1 + 1 + 2 + 4 + 8 + 16, then all, a second apart"
    assert not limit.active


def test_a_wave_that_has_not_left_is_waited_for_and_what_an_answer_lets_go_is_not() -> None:
    limit = Limit()
    burst(limit, 20)
    send(limit, "first", 1.1)
    limit.landed("first", 2.0, MANY)
    limit.dispatched("after an answer", 2.0, MANY)
    assert limit.waits(2.1) is None, "a quiet second has passed since the first one"
    limit.dispatched("of the second wave", 2.1, MANY)
    assert limit.waits(30.0) is not None
    limit.sent("after an answer", 30.0, MANY)
    assert limit.waits(30.0) is not None
    limit.sent("of the second wave", 31.0, MANY)
    assert limit.waits(32.0) is None


def test_a_429_lets_none_go() -> None:
    limit = Limit()
    burst(limit, 5, taken=2)
    assert limit.waits(0.2) is not None


def test_answers_before_a_named_time_let_go_one_by_one_from_then_on() -> None:
    limit = Limit()
    burst(limit, 5, taken=3, wait=60.0)
    for number in range(3):
        limit.landed(f"t{number}", 10.0 + number, MANY)
    assert limit.waits(20.0) == pytest.approx(40.1)
    assert [sendable(limit, 60.1 + n) for n in range(2)] == [1, 1]


def test_a_429_closes_what_was_given_and_not_sent() -> None:
    limit = Limit()
    for name in "abc":
        limit.dispatched(name, 0.0, MANY)
    limit.sent("a", 0.0, MANY)
    limit.refused("a", 0.1, None)
    assert not limit.admits("b", 0.1)
    for name in "abc":
        limit.landed(name, 0.1, MANY)
    assert limit.waits(0.1) == 1, "what was taken back had no place to leave"


def test_a_429_closes_what_a_quiet_second_had_given_too() -> None:
    limit = Limit()
    burst(limit, 5)
    assert [sendable(limit, 1.1 + n) for n in range(2)] == [1, 1]
    for name in "ab":
        limit.dispatched(name, 3.1, MANY)
    limit.sent("a", 3.1, MANY)
    limit.refused("a", 3.2, None)
    assert not limit.admits("b", 3.2)
    limit.landed("b", 3.2, MANY)
    assert limit.waits(3.2) is not None


def test_what_is_taken_back_gives_its_place_back() -> None:
    limit = Limit()
    burst(limit, 5)
    limit.dispatched("p", 1.1, MANY)
    assert limit.admits("p", 1.1)
    assert limit.waits(1.1) is not None
    limit.landed("p", 1.2, MANY)
    assert limit.waits(1.2) is None


def test_a_quiet_second_counts_from_when_the_request_was_sent() -> None:
    limit = Limit()
    burst(limit, 5)
    limit.dispatched("p", 1.1, MANY)
    assert limit.waits(30.0) is not None, "its turn of the rate has not come"
    limit.sent("p", 60.0, MANY)
    assert limit.waits(60.5) == pytest.approx(0.5)
    assert limit.waits(61.0) is None


def test_a_quiet_time_is_longer_than_a_429_takes() -> None:
    limit = Limit()
    send(limit, "a", 0.0)
    limit.refused("a", 4.0, None)
    limit.landed("a", 4.0, MANY)
    assert sendable(limit, 5.0) == 1
    assert limit.waits(5.0) == 6


def test_a_429_that_took_minutes_makes_a_quiet_time_no_longer_than_a_hold() -> None:
    limit = Limit()
    send(limit, "a", 0.0)
    limit.refused("a", 500.0, None)
    limit.landed("a", 500.0, MANY)
    assert sendable(limit, 501.0) == 1
    assert limit.waits(501.0) == 10


def test_however_long_requests_take_a_hold_ends_within_minutes() -> None:
    limit = Limit()
    burst(limit, 1, taken=1)
    now = 5000.0
    for number in range(30):
        send(limit, f"p{number}", now)
        limit.refused(f"p{number}", now, None)
        limit.landed(f"p{number}", now, MANY)
        now += limit.waits(now) or 0.0
    send(limit, "p", now)
    limit.refused("p", now, None)
    assert limit.waits(now) == 300


def test_it_is_open_once_all_places_are_taken_for_a_quiet_second() -> None:
    limit = Limit()
    for name in "abc":
        limit.dispatched(name, 0.0, 3)
        limit.sent(name, 0.0, MANY)
    limit.refused("a", 0.1, None)
    limit.landed("a", 0.1, 3)
    limit.dispatched("a", 1.1, 3)
    limit.sent("a", 1.1, MANY)
    limit.landed("b", 3.0, 3)
    assert not limit.active


def test_a_place_that_the_server_knows_late_is_tried_once_more() -> None:
    limit = Limit()
    burst(limit, 5, taken=2)
    limit.due = 50.0  # as after many holds in vain
    limit.landed("t0", 20.0, MANY)
    send(limit, "n", 20.0)
    limit.refused("n", 20.1, None)
    limit.landed("n", 20.1, MANY)
    assert limit.waits(20.1) == 1
    send(limit, "n", 21.1)
    limit.refused("n", 21.2, None)
    limit.landed("n", 21.2, MANY)
    assert limit.waits(21.2) == pytest.approx(10), "then it is no place that is missing"


def test_a_pause_that_was_long_enough_is_nearly_the_next_hold() -> None:
    """One request every 12 seconds, and no more at once."""
    limit, now, refused, taken = Limit(), 0.0, 0, [0.0]
    burst(limit, 1, taken=1)
    while len(taken) < 30:
        now += limit.waits(now) or 0.0
        name = f"{now}"
        send(limit, name, now)
        if now - taken[-1] >= 12:
            taken.append(now)
        else:
            refused += 1
            limit.refused(name, now, None)
            limit.landed(name, now, MANY)
    assert now < 29 * 12 * 1.2
    assert refused < 30 * 3


def test_a_pause_of_another_run_is_kept_and_one_goes_after_it() -> None:
    limit = Limit()
    limit.told(5.0, 60.0)
    assert limit.waits(5.0) == 60
    assert sendable(limit, 65.0) == 1


def test_a_run_that_has_places_lets_one_go_first_that_has_none() -> None:
    idle, busy = Limit(), Limit()
    send(busy, "a", 0.0)
    for limit in (idle, busy):
        limit.told(5.0, 10.0)
    assert idle.waits(15.0) is None
    assert busy.waits(15.0) == 0.25


@pytest.mark.parametrize(
    ("wait", "taken", "expected"),
    [(30.0, 0, 30.0), (30.0, 2, 30.0), (None, 0, 1.0), (None, 2, 0.0), (0.0, 2, 0.0)],
)
def test_all_runs_pause_until_a_named_time_or_where_this_one_has_no_place(
    wait: float | None, taken: int, expected: float
) -> None:
    limit = Limit()
    burst(limit, 3, taken=taken, wait=wait)
    assert limit.pauses_all(0.1) == pytest.approx(expected)


def test_a_compressed_clock_has_its_own_constants() -> None:
    limit = Limit(first=0.05, most=0.5, quiet=0.05)
    burst(limit, 5)
    assert limit.waits(0.1) == pytest.approx(0.05)


# -- what was prepared before -------------------------------------------------------------------


def prepared(limit: Limit, count: int) -> list[str]:
    """Prepare attempts, as while their claims are being written."""
    names = [f"p{number}" for number in range(count)]
    for name in names:
        limit.dispatched(name, 0.0, MANY)
    return names


def sent_of(limit: Limit, names: list[str], now: float) -> int:
    """Send those of them that may go, and take back the others; return how many went."""
    count = 0
    for name in names:
        if limit.admits(name, now):
            limit.sent(name, now, MANY)
            count += 1
        else:
            limit.landed(name, now, MANY)
    return count


def test_of_what_was_prepared_before_a_429_one_goes_after_the_hold() -> None:
    limit = Limit()
    send(limit, "a", 0.0)
    names = prepared(limit, 30)
    limit.refused("a", 0.1, None)
    limit.landed("a", 0.1, MANY)
    assert sent_of(limit, names, 1.2) == 1
    assert limit.waits(1.2) == pytest.approx(1.0)


def test_of_what_was_prepared_before_a_429_one_goes_for_each_response() -> None:
    limit = Limit()
    for name in ("a", "b"):
        send(limit, name, 0.0)
    names = prepared(limit, 30)
    limit.refused("a", 0.1, None)
    limit.landed("a", 0.1, MANY)
    limit.landed("b", 0.4, MANY)
    assert sent_of(limit, names, 0.5) == 1
    assert limit.waits(0.5) == pytest.approx(0.6)


def test_the_place_of_a_wave_that_is_taken_back_is_still_one_of_the_wave() -> None:
    limit = Limit()
    burst(limit, 5)
    limit.dispatched("a", 1.1, MANY)
    limit.landed("a", 1.2, MANY)
    send(limit, "b", 30.0)
    assert limit.waits(30.5) == pytest.approx(0.5)


def test_a_wave_that_is_half_sent_when_a_429_comes_leaves_nothing() -> None:
    limit = Limit()
    burst(limit, 5, taken=1)
    assert [sendable(limit, 1.1 + n) for n in range(2)] == [1, 1]
    send(limit, "of two", 3.1)
    limit.refused("of two", 3.2, None)
    limit.landed("of two", 3.2, MANY)
    due = 3.2 + (limit.waits(3.2) or 0.0)
    limit.landed("t0", 3.3, MANY)
    send(limit, "n", 3.3)
    assert 3.3 + (limit.waits(3.3) or 0.0) == pytest.approx(due), "it was the place of a response"


def test_a_pool_that_stays_full_while_another_run_is_refused_is_open_again() -> None:
    limit = Limit()
    for name in "abc":
        limit.dispatched(name, 0.0, 3)
        limit.sent(name, 0.0, MANY)
    limit.told(5.0, 1.0)
    limit.landed("a", 7.0, 3)
    assert limit.active
    limit.dispatched("d", 7.0, 3)
    limit.sent("d", 7.0, MANY)
    limit.landed("b", 8.0, 3)
    assert not limit.active


# -- whatever the API says ------------------------------------------------------------------------

STEPS = st.lists(
    st.tuples(
        st.sampled_from(["send", "refuse", "answer", "take back", "told"]),
        st.floats(0, 5),
        st.sampled_from([None, 0.0, 0.5, 7.0]),
    ),
    max_size=80,
)


@settings(max_examples=300, deadline=None)
@given(steps=STEPS, concurrency=st.integers(1, 6))
def test_between_a_429_and_the_next_quiet_second_or_answer_at_most_one_goes(
    steps: list[tuple[str, float, float | None]], concurrency: int
) -> None:
    limit, now, flying, count = Limit(), 0.0, list[str](), 0
    since_429, named, refused_at, quiet_from = 0, -math.inf, -math.inf, -math.inf
    for action, later, wait in steps:
        now += later
        if action == "send" and len(flying) < concurrency and limit.waits(now) is None:
            assert now >= named, "a time that the server has named"
            if now - max(refused_at, quiet_from) < 1.0 and math.isfinite(refused_at):
                since_429 += 1
                assert since_429 <= 1
            name, count = f"n{count}", count + 1
            limit.dispatched(name, now, concurrency)
            limit.sent(name, now, MANY)
            flying.append(name)
            quiet_from = now
        elif action == "refuse" and flying:
            name = flying.pop()
            limit.refused(name, now, wait)
            limit.landed(name, now, concurrency)
            refused_at, since_429 = now, 0
            named = max(named, now + (wait or 0.0)) if wait else named
        elif action == "answer" and flying:
            limit.landed(flying.pop(0), now, concurrency)
            refused_at = -math.inf  # one more may go
        elif action == "told":
            limit.told(now, wait or 0.0)
            named = max(named, now + wait) if wait else named
            refused_at, since_429 = now, 0


@dataclass
class Pool:
    """What a coordinator does with a limit: some attempts are prepared, others in flight."""

    concurrency: int
    limit: Limit = field(default_factory=Limit)
    now: float = 0.0
    ready: list[str] = field(default_factory=list)
    flying: list[str] = field(default_factory=list)
    count: int = 0

    def prepare(self, _: int) -> None:
        full = len(self.ready) + len(self.flying) >= self.concurrency
        if not full and self.limit.waits(self.now) is None:
            self.ready.append(f"n{self.count}")
            self.count += 1
            self.limit.dispatched(self.ready[-1], self.now, self.concurrency)

    def send(self, which: int) -> None:
        if not self.ready:
            return
        name = self.ready.pop(which % len(self.ready))
        if self.limit.admits(name, self.now):
            self.limit.sent(name, self.now, self.concurrency)
            self.flying.append(name)
        else:
            self.limit.landed(name, self.now, self.concurrency)

    def take_back(self, which: int) -> None:
        if self.ready:
            name = self.ready.pop(which % len(self.ready))
            self.limit.landed(name, self.now, self.concurrency)

    def answer(self, which: int) -> None:
        if self.flying:
            name = self.flying.pop(which % len(self.flying))
            self.limit.landed(name, self.now, self.concurrency)

    def refuse(self, which: int) -> None:
        if self.flying:
            name = self.flying[which % len(self.flying)]
            self.limit.refused(name, self.now, (None, 0.5, 3.0)[which % 3])
            self.answer(which)

    def tell(self, which: int) -> None:
        self.limit.told(self.now, 0.2 + which % 3)

    def recover(self) -> None:
        """Let all end, then answer each after 0.3 seconds until the pool is open."""
        while self.ready or self.flying:
            self.take_back(0)
            self.answer(0)
        ends, end = list[float](), self.now + 200.0  # a quiet time may be of 10 seconds
        while self.limit.active and self.now < end:
            while ends and ends[0] <= self.now:
                del ends[0]
                self.answer(0)
            wait = self.limit.waits(self.now)
            assert wait is None or wait > 0
            if wait is None and len(ends) < self.concurrency:
                self.prepare(0)
                self.send(0)
                ends.append(self.now + 0.3)
            else:
                self.now = min([self.now + (wait or 9.0), *ends[:1]])
        assert not self.limit.active


@settings(max_examples=300, deadline=None)
@given(
    steps=st.lists(
        st.tuples(
            st.sampled_from([Pool.prepare, Pool.send, Pool.take_back, Pool.refuse, Pool.answer])
            | st.sampled_from([Pool.prepare, Pool.tell]),
            st.sampled_from([0.0, 0.01, 0.1, 0.5, 1.0, 3.0]),
            st.integers(0, 100),
        ),
        max_size=120,
    ),
    concurrency=st.sampled_from([1, 2, 5, 20]),
)
def test_no_place_is_lost_or_given_twice_whatever_is_prepared_meanwhile(
    steps: list[tuple[Callable[[Pool, int], None], float, int]], concurrency: int
) -> None:
    pool = Pool(concurrency)
    for action, later, which in steps:
        pool.now += later
        action(pool, which)
    pool.recover()


@settings(max_examples=200, deadline=None)
@given(steps=STEPS)
def test_it_never_waits_for_ever(steps: list[tuple[str, float, float | None]]) -> None:
    limit, now, flying, count = Limit(), 0.0, list[str](), 0
    for action, later, wait in steps:
        now += later
        if action == "send" and limit.waits(now) is None:
            limit.dispatched(f"n{count}", now, 5)
            limit.sent(f"n{count}", now, MANY)
            flying.append(f"n{count}")
            count += 1
        elif action == "take back" and limit.waits(now) is None:
            limit.dispatched("b", now, 5)
            limit.landed("b", now, 5)
        elif action == "refuse" and flying:
            name = flying.pop()
            limit.refused(name, now, wait)
            limit.landed(name, now, 5)
        elif action == "answer" and flying:
            limit.landed(flying.pop(0), now, 5)
        elif action == "told":
            limit.told(now, wait or 0.0)
    waited = 0.0
    while (wait := limit.waits(now)) is not None:
        assert wait > 0
        now, waited = now + wait, waited + wait
        assert waited <= max(10.0, now) + 10.0
