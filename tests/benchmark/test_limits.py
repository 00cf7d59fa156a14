"""The limits of the benchmark's server, and the schedule that it calls ideal."""

from itertools import repeat

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bench.limits import NEVER, AtOnce, Bucket, NoLimit, Window, answers, ideal, limit

ALL_WELL = repeat((10.0, True))


def test_without_a_limit_the_ideal_is_one_wave_after_the_other() -> None:
    assert ideal(NoLimit(), 4, 12, ALL_WELL) == 30


def test_an_answer_that_failed_is_sent_again() -> None:
    assert ideal(NoLimit(), 1, 1, iter([(10.0, False), (5.0, True)])) == 15


def test_what_the_api_takes_at_once_counts_and_not_what_was_asked_for() -> None:
    assert ideal(AtOnce(2), 20, 6, ALL_WELL) == 30


def test_the_ideal_takes_each_token_as_it_comes() -> None:
    # Three at once, then one each 20 s; the last leaves after 60 s.
    assert ideal(Bucket(3, 60), 30, 6, ALL_WELL) == pytest.approx(70)


def test_the_ideal_waits_for_the_next_window() -> None:
    # The first window ends after a third of a minute, the next after 80 s.
    assert ideal(Window(3, 60), 30, 7, ALL_WELL) == pytest.approx(90)


def test_places_bound_the_ideal_where_tokens_do_not() -> None:
    assert ideal(Bucket(100, 60), 2, 6, ALL_WELL) == 30


def test_a_refusal_names_the_time_of_the_next_token() -> None:
    bucket = Bucket(1, 60)
    assert bucket.refuses(0, 0) is None
    assert bucket.refuses(15, 0) == pytest.approx(45)
    assert bucket.refuses(60, 0) is None


def test_a_refusal_names_the_end_of_the_window() -> None:
    window = Window(1, 60)
    assert window.refuses(0, 0) is None
    assert window.refuses(5, 0) == pytest.approx(15)
    assert window.refuses(20, 0) is None
    assert window.refuses(30, 0) == pytest.approx(50)


def test_when_a_place_is_free_again_is_unknown() -> None:
    assert AtOnce(1).refuses(0, 1) == NEVER
    assert AtOnce(1).refuses(0, 0) is None


@given(
    text=st.sampled_from(["", "at-once:5", "bucket:30/60", "window:30/60"]),
    count=st.integers(1, 90),
)
def test_no_schedule_is_shorter_than_its_answers(text: str, count: int) -> None:
    drawn = list(zip(range(2 * count + 10), answers(20, most=90, errors=0.02), strict=False))
    seconds = [each for _, (each, _) in drawn]
    least = ideal(limit(text), 20, count, iter([each for _, each in drawn]))
    assert least >= max(min(seconds), sum(sorted(seconds)[:count]) / 20)


def test_answers_are_the_same_in_each_run_and_within_their_bounds() -> None:
    one, other = (
        [each for _, each in zip(range(500), answers(20, most=90, errors=0.02), strict=False)]
        for _ in range(2)
    )
    assert one == other
    assert all(20 <= seconds <= 90 for seconds, _ in one)
    assert 0 < sum(not whole for _, whole in one) < 50


def test_a_limit_that_is_unknown_is_refused() -> None:
    with pytest.raises(ValueError, match="bucked"):
        limit("bucked:30/60")
