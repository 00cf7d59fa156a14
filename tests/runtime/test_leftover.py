"""How long the places of a killed run's requests are kept."""

import pytest

from pipeline.models import rfc3339
from pipeline.runtime.leftover import places_kept

NOW = 1_795_694_400.0


def kept(
    *ages: float,
    durations: tuple[float, ...] = (),
    usual: float | None = None,
    timeout: float = 600.0,
) -> list[float]:
    sent = [rfc3339(NOW - age) for age in ages]
    return places_kept(sent, durations, usual=usual, timeout=timeout, now=NOW)


def test_a_place_is_kept_until_the_slowest_known_answer_would_have_come() -> None:
    assert kept(10, 50, durations=(60, 62, 40)) == pytest.approx([13, 53])


def test_without_a_known_answer_it_is_kept_for_the_timeout() -> None:
    assert kept(100) == pytest.approx([500])


def test_without_a_known_answer_a_model_whose_time_is_known_is_given_twice_that() -> None:
    assert kept(100, usual=62) == pytest.approx([25])
    assert kept(100, usual=62, durations=(20, 130)) == pytest.approx([31])


def test_no_place_is_kept_for_longer_than_the_timeout() -> None:
    assert kept(0, durations=(86_400,), timeout=90) == pytest.approx([90])


def test_an_old_request_keeps_no_place() -> None:
    assert kept(86_400, 63.1, durations=(62,)) == []


def test_a_clock_that_was_set_back_keeps_a_place_no_longer_than_a_clock_that_was_not() -> None:
    assert kept(-86_400, durations=(62,)) == pytest.approx([63])


@pytest.mark.parametrize("text", ["", "yesterday", "9999-99-99", "0001-01-01T00:00:00+23:59"])
def test_a_time_that_is_none_keeps_no_place(text: str) -> None:
    assert places_kept([text], (), usual=None, timeout=600, now=NOW) == []
