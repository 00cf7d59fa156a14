"""How many requests go after a 429: the pure rules, on a clock of numbers."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipeline.runtime.limit import Limit

MANY = 50


def send(limit: Limit, task: str, now: float) -> None:
    assert limit.waits(now) is None
    limit.dispatched(task, now, MANY)
    limit.sent(task, now)


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
    assert limit.waits(0.3) == pytest.approx(1.0), "and the hold goes on"


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
    limit.sent("a", 0.0)
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
    limit.sent("a", 3.1)
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
    limit.sent("p", 60.0)
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
        limit.sent(name, 0.0)
    limit.refused("a", 0.1, None)
    limit.landed("a", 0.1, 3)
    limit.dispatched("a", 1.1, 3)
    limit.sent("a", 1.1)
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
            limit.sent(name, now)
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


@settings(max_examples=200, deadline=None)
@given(steps=STEPS)
def test_it_never_waits_for_ever(steps: list[tuple[str, float, float | None]]) -> None:
    limit, now, flying, count = Limit(), 0.0, list[str](), 0
    for action, later, wait in steps:
        now += later
        if action == "send" and limit.waits(now) is None:
            limit.dispatched(f"n{count}", now, 5)
            limit.sent(f"n{count}", now)
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
