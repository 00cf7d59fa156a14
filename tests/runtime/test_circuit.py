"""Poison or outage: the breaker, told the time."""

import pytest

from pipeline.events import Reason
from pipeline.runtime.circuit import PATIENCE, PATIENCE_AT_FIRST, Circuit


def open_(circuit: Circuit, now: float) -> bool:
    return circuit.waits(now) is None


def in_outage(concurrency: int = 3) -> Circuit:
    circuit = Circuit(concurrency)
    for number in range(circuit.threshold):
        circuit.failure(f"t{number}", 0.0, "HTTP 503")
    assert circuit.outage
    return circuit


@pytest.mark.parametrize(("concurrency", "needed"), [(1, 2), (2, 2), (3, 3), (6, 3), (2000, 3)])
def test_so_many_different_tasks_make_an_outage(concurrency: int, needed: int) -> None:
    circuit = Circuit(concurrency)
    for number in range(needed - 1):
        assert not circuit.failure(f"t{number}", 0.0, "x")
        assert open_(circuit, 0.0)
    assert circuit.failure("last", 0.0, "x")
    assert circuit.paused is Reason.OUTAGE
    assert not open_(circuit, 0.0)


def test_one_task_alone_never_makes_an_outage_however_often_it_fails() -> None:
    circuit = Circuit(1)
    assert not any(circuit.failure("t", float(n), "x") for n in range(1149))
    assert open_(circuit, 2000.0)


def test_a_success_between_failures_begins_the_count_anew() -> None:
    circuit = Circuit(3)
    for number in range(10):
        circuit.failure(f"a{number}", 0.0, "x")
        circuit.failure(f"b{number}", 0.0, "x")
        circuit.alive(0.0)
    assert not circuit.outage


def test_a_connect_that_fails_is_an_outage_by_itself() -> None:
    circuit = Circuit(6)
    assert circuit.failure("t", 0.0, "refused", unreachable=True)


def test_in_an_outage_one_probe_goes_and_no_other() -> None:
    circuit = in_outage()
    assert circuit.waits(0.0) == 1
    assert open_(circuit, 1.0)
    circuit.dispatched("probe", 0.0)
    assert circuit.waits(1.0) == float("inf")
    assert circuit.waits(10_000.0) == float("inf")


def test_a_failed_probe_doubles_the_wait_up_to_five_minutes() -> None:
    circuit, now, waits = in_outage(), 0.0, []
    for _ in range(12):
        wait = circuit.waits(now)
        assert wait is not None
        waits.append(wait)
        now += wait
        circuit.dispatched("probe", 0.0)
        assert not circuit.failure("probe", now, "x")
    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300, 300, 300]


def test_a_failure_of_what_was_sent_before_does_not_delay_the_probe() -> None:
    circuit = in_outage()
    circuit.failure("late", 0.9, "x")
    assert open_(circuit, 1.0)
    circuit.dispatched("probe", 0.0)
    circuit.failure("later", 1.5, "x")
    assert circuit.probing == "probe"


def test_a_probe_that_was_taken_back_lets_another_go() -> None:
    circuit = in_outage()
    circuit.dispatched("probe", 0.0)
    circuit.landed("other", 0.0)
    assert not open_(circuit, 1.0)
    circuit.landed("probe", 0.0)
    assert open_(circuit, 1.0)


def test_the_first_success_opens_the_pool() -> None:
    circuit = in_outage()
    circuit.dispatched("probe", 0.0)
    circuit.alive(5.0)
    assert circuit.paused is None
    assert open_(circuit, 5.0)


def test_only_a_failed_probe_proves_an_outage() -> None:
    circuit = in_outage()
    circuit.dispatched("probe", 0.0)
    assert not circuit.alive(1.0), "what failed before was poison"
    circuit = in_outage()
    circuit.dispatched("probe", 0.0)
    circuit.failure("probe", 1.0, "x")
    assert circuit.alive(3.0)
    assert not circuit.alive(4.0), "said once"


def test_what_was_sent_before_an_outage_proves_nothing() -> None:
    circuit = Circuit(1)
    assert circuit.proves(4.0)
    circuit.failure("a", 5.0, "x", unreachable=True)
    assert not circuit.proves(4.0)
    assert circuit.proves(6.0)
    circuit.alive(9.0)
    assert circuit.proves(4.0)


def test_an_outage_that_ends_in_a_429_is_still_an_outage_that_ended() -> None:
    circuit = in_outage()
    circuit.dispatched("probe", 0.0)
    circuit.failure("probe", 1.0, "x")
    circuit.dispatched("probe", 0.0)
    circuit.throttled("t", 3.0, 10.0, "429")
    assert circuit.paused is Reason.RATE_LIMIT
    assert circuit.waits(3.0) == 10
    assert circuit.alive(14.0)


def test_a_429_ends_the_wait_of_an_outage_at_its_own_time() -> None:
    circuit = in_outage()
    now = 0.0
    for _ in range(8):
        now += circuit.waits(now) or 0.0
        circuit.dispatched("probe", 0.0)
        circuit.failure("probe", now, "x")
    circuit.throttled("t", now, 5.0, "429")
    assert circuit.waits(now) == 5


def test_an_outage_does_not_shorten_the_time_of_a_429() -> None:
    circuit = Circuit(3)
    circuit.throttled("t", 0.0, 600.0, "429")
    for name in "abc":
        circuit.failure(name, 1.0, "x")
    assert circuit.outage
    assert circuit.waits(1.0) == 599


def test_a_probe_waits_as_long_as_the_server_asks() -> None:
    circuit = Circuit(1)
    circuit.failure("a", 0.0, "x", wait=120.0)
    circuit.failure("b", 0.0, "x", wait=120.0)
    assert circuit.waits(0.0) == 120


def test_of_two_429s_the_later_time_holds() -> None:
    circuit = Circuit(3)
    circuit.throttled("t", 0.0, 50.0, "429")
    circuit.throttled("t", 1.0, 10.0, "429")
    assert circuit.waits(1.0) == 49
    circuit.throttled("t", 2.0, 100.0, "429")
    assert circuit.waits(2.0) == 100


def test_429s_of_one_burst_that_name_no_time_back_off_once() -> None:
    circuit = Circuit(3)
    for _ in range(6):
        circuit.throttled("t", 0.0, None, "429")
    assert 1 <= (circuit.waits(0.0) or 0) <= 2


def test_a_success_of_what_was_sent_before_a_429_leaves_its_time() -> None:
    circuit = Circuit(3)
    circuit.throttled("t", 0.0, 50.0, "429")
    assert not circuit.alive(1.0)
    assert circuit.waits(1.0) == 49
    circuit.alive(50.0)
    assert circuit.paused is None


@pytest.mark.parametrize(
    ("patience", "answered", "expected"),
    [(None, False, PATIENCE_AT_FIRST), (None, True, PATIENCE), (30.0, False, 30), (30.0, True, 30)],
)
@pytest.mark.parametrize("kind", Reason)
def test_patience_counts_from_the_begin_of_the_hold(
    patience: float | None, answered: bool, expected: float, kind: Reason
) -> None:
    circuit = Circuit(1, patience)
    if answered:
        circuit.alive(0.0)
    if kind is Reason.OUTAGE:
        circuit.failure("t", 100.0, "x", unreachable=True)
    else:
        circuit.throttled("t", 100.0, 5.0, "x")
    assert circuit.patience_left(100.0) == expected
    assert not circuit.out_of_patience(100.0 + expected - 0.1)
    assert circuit.out_of_patience(100.0 + expected)


def test_an_outage_and_429s_in_turn_wear_out_one_patience() -> None:
    circuit = Circuit(1, 100.0)
    for begin in range(0, 100, 10):
        circuit.throttled("t", float(begin), 1.0, "429")
        circuit.failure("t", begin + 5.0, "x", unreachable=True)
    assert circuit.out_of_patience(100.0)


def test_without_a_hold_patience_has_no_end() -> None:
    assert not Circuit(3).out_of_patience(1e9)


def test_an_answer_under_a_limit_ends_its_pause_and_its_patience() -> None:
    """Whatever is waited for afterwards, a top-up or a window: it is not the rate limit."""
    circuit = Circuit(20)
    for name in "ab":
        circuit.dispatched(name, 0.0)
        circuit.sent(name, 0.0)
    circuit.throttled("a", 0.1, None, "429")
    circuit.alive(0.5)
    assert circuit.paused is None
    assert not circuit.out_of_patience(1e6)
    assert not open_(circuit, 0.5), "the hold goes on"


def test_the_probes_of_an_outage_do_not_lift_a_limit() -> None:
    circuit = Circuit(4)
    circuit.throttled("t", 0.0, 5.0, "429")
    now = 10.0
    for name in "abc":
        circuit.failure(name, now, "HTTP 503")
    assert circuit.outage
    for number in range(10):
        now += circuit.waits(now) or 0.0
        circuit.dispatched(f"p{number}", now)
        circuit.sent(f"p{number}", now)
        circuit.failure(f"p{number}", now + 1, "HTTP 503")
        circuit.landed(f"p{number}", now + 1)
    assert circuit.limit.active


def test_a_request_that_was_dispatched_before_a_429_does_not_go_out_after_it() -> None:
    circuit = Circuit(4)
    for name in "ab":
        circuit.dispatched(name, 0.0)
    circuit.sent("a", 0.0)
    assert circuit.admits("b", 0.0)
    circuit.throttled("a", 0.1, None, "429")
    assert not circuit.admits("b", 0.1)


def test_a_run_of_which_requests_are_in_flight_is_held_only_by_a_named_time() -> None:
    circuit = Circuit(4)
    for name in "abc":
        circuit.dispatched(name, 0.0)
        circuit.sent(name, 0.0)
    circuit.throttled("a", 0.1, None, "429")
    assert circuit.holds(0.1) is None
    circuit.throttled("b", 0.1, 30.0, "429")
    assert circuit.holds(0.1) is Reason.RATE_LIMIT
    assert circuit.out_of_patience(0.1 + 600, in_flight=1) is False
