from collections.abc import Callable
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.models import Record, Status, rfc3339
from pipeline.report.night import MOST_BINS, MOST_NIGHTS, Span, nights, span

MakeRecord = Callable[..., Record]
TEN = datetime(2026, 11, 21, 22, tzinfo=UTC).timestamp()


def done(
    start: float, end: float, status: Status = Status.SUCCEEDED, balance: float | None = None
) -> Span:
    return Span(TEN + start, TEN + end, status, balance)


def test_a_record_is_in_flight_while_its_last_attempt_lasted(a_record: MakeRecord) -> None:
    placed = span(
        a_record(
            started_at=rfc3339(TEN),
            finished_at=rfc3339(TEN + 300),
            duration_s=60.0,
            remaining_credits=Decimal("9.5"),
        )
    )
    assert placed == Span(TEN + 240, TEN + 300, Status.SUCCEEDED, 9.5)


def test_a_record_without_a_measured_duration_counts_only_as_an_end(a_record: MakeRecord) -> None:
    placed = span(
        a_record(started_at=rfc3339(TEN), finished_at=rfc3339(TEN + 30_000), duration_s=None)
    )
    assert placed is not None
    assert placed.start == placed.end == TEN + 30_000


def test_a_duration_never_reaches_back_before_the_start(a_record: MakeRecord) -> None:
    placed = span(a_record(started_at=rfc3339(TEN), finished_at=rfc3339(TEN + 10), duration_s=60.0))
    assert placed is not None
    assert placed.start == TEN


@pytest.mark.parametrize("finished_at", ["", "yesterday"])
def test_a_record_that_does_not_say_when_it_ended_is_left_out(
    a_record: MakeRecord, finished_at: str
) -> None:
    assert span(a_record(finished_at=finished_at)) is None


def test_a_record_that_does_not_say_when_it_began_goes_by_its_duration(
    a_record: MakeRecord,
) -> None:
    placed = span(a_record(started_at="", finished_at=rfc3339(TEN + 60), duration_s=60.0))
    assert placed is not None
    assert placed.start == TEN


def test_the_night_has_peaks_ends_and_the_last_balance_of_each_bin() -> None:
    (night,) = nights(
        [
            done(0, 60, balance=10.0),
            done(0, 65, balance=9.0),
            done(61, 95, Status.FAILED),
            done(70, 125, Status.IN_DOUBT, balance=8.0),
        ]
    )
    assert (night.start, night.end, night.step) == (TEN, TEN + 125, 10)
    assert night.in_flight == [2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1, 1, 1]
    assert [sum(bins) for bins in (night.succeeded, night.failed, night.in_doubt)] == [2, 1, 1]
    assert night.balance[6] == 9.0
    assert night.balance[12] == 8.0


def test_a_slot_handed_on_is_not_counted_twice() -> None:
    (night,) = nights([done(0, 60), done(60, 120)])
    assert max(night.in_flight) == 1


def test_a_long_pause_parts_two_nights_and_an_outage_does_not() -> None:
    two_hours, a_day = 7200, 86_400
    parts = nights([done(0, 60), done(two_hours, two_hours + 60), done(a_day, a_day + 60)])
    assert [sum(night.succeeded) for night in parts] == [2, 1]


def test_of_very_many_nights_the_latest_are_kept() -> None:
    days = [done(day * 86_400, day * 86_400 + 60) for day in range(MOST_NIGHTS + 5)]
    assert len(nights(days)) == MOST_NIGHTS
    assert nights(days)[-1].end == TEN + (MOST_NIGHTS + 4) * 86_400 + 60


@given(
    st.lists(
        st.builds(
            lambda start, length, *told: done(start, start + length, *told),
            st.floats(0, 400 * 86_400),
            st.floats(0, 86_400),
            st.sampled_from(Status),
            st.none() | st.floats(0, 1_000),
        ),
        max_size=60,
    )
)
def test_whatever_happened_every_end_is_drawn_once_and_the_picture_stays_small(
    spans: list[Span],
) -> None:
    drawn = nights(spans)
    if len(drawn) < MOST_NIGHTS:
        ends = sum(sum(n.succeeded) + sum(n.failed) + sum(n.in_doubt) for n in drawn)
        assert ends == len(spans)
    for night in drawn:
        assert len(night.in_flight) == len(night.balance) <= MOST_BINS + 1
        assert min(night.in_flight) >= 0
        assert max(night.in_flight) <= len(spans)
        assert night.start <= night.end < night.start + len(night.in_flight) * night.step


def test_a_run_of_a_year_still_fits() -> None:
    (night,) = nights([done(0, 400 * 86_400.0)])
    assert len(night.in_flight) <= MOST_BINS + 1
