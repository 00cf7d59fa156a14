"""When a task is tried again."""

import statistics
from concurrent.futures import ThreadPoolExecutor

import pytest

from pipeline.backoff import Backoff, Retries
from pipeline.models import RetryPolicy


def test_waits_double_up_to_the_most() -> None:
    backoff = Backoff(1.0, 300.0)
    assert [backoff.after(n) for n in range(1, 11)] == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300]


def test_waits_stay_bounded_after_a_thousand_attempts() -> None:
    assert Backoff(1.0, 300.0).after(1149) == 300
    assert Backoff(1.0, 300.0, jitter=True).after(10**9) <= 300


@pytest.mark.parametrize("attempt", [1, 2, 5, 9])
def test_jitter_draws_the_upper_half_of_the_wait(attempt: int) -> None:
    backoff = Backoff(2.0, 100.0, jitter=True)
    ideal = min(2.0**attempt, 100.0)
    drawn = [backoff.after(attempt) for _ in range(300)]
    assert ideal / 2 <= min(drawn) <= max(drawn) <= ideal
    assert statistics.stdev(drawn) > ideal / 20


@pytest.mark.parametrize("attempts", [1, 2, 5])
def test_a_task_has_as_many_attempts_as_its_policy_says(attempts: int) -> None:
    retries = Retries(RetryPolicy(attempts=attempts))
    spent = [retries.exhausted(n) for n in range(1, attempts + 2)]
    assert spent == [False] * (attempts - 1) + [True, True]


def test_the_wait_is_bounded_but_never_sooner_than_the_server_asked_for() -> None:
    retries = Retries(RetryPolicy(wait=10, max_wait=30))
    assert 15 <= retries.wait(9, None) <= 30
    assert retries.wait(1, 120.0) == 120
    assert 5 <= retries.wait(1, 0.0) <= 10
    assert 15 <= retries.wait(9, 1.0) <= 30


def test_concurrent_tasks_do_not_share_their_counts() -> None:
    retries = Retries(RetryPolicy(attempts=3))
    with ThreadPoolExecutor(8) as pool:
        told = list(pool.map(retries.exhausted, [1, 3] * 500))
    assert told == [False, True] * 500


@pytest.mark.parametrize("first", [0.0, 0.001])
def test_a_wait_of_nothing_is_nothing(first: float) -> None:
    assert Retries(RetryPolicy(wait=first, max_wait=first)).wait(3, None) <= first
