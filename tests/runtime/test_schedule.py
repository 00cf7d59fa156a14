"""When requests may go out: windows, deadlines, and both changes of the clocks in a year."""

import os
import time as clock
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.models import Schedule
from pipeline.runtime.schedule import Hours, hours

ZONES = [
    "UTC",
    "Europe/London",
    "Europe/Berlin",
    "America/New_York",
    "America/St_Johns",
    "Australia/Lord_Howe",  # its clocks change by half an hour
    "Asia/Kolkata",
    "Pacific/Auckland",
    "Africa/Casablanca",
]


def at(text: str) -> datetime:
    """A moment in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def window(span: str, zone: str | None = "Europe/London") -> Schedule:
    start, end = span.split("-")
    return Schedule(time.fromisoformat(start), time.fromisoformat(end), zone)


def written(moment: float | None) -> str | None:
    if moment is None:
        return None
    return datetime.fromtimestamp(moment, UTC).strftime("%m-%d %H:%M")


@pytest.mark.parametrize(
    ("span", "zone", "now", "opens", "closes"),
    [
        # An ordinary night, in winter and in summer.
        ("22:00-07:00", "Europe/London", "2026-01-15 12:00", "01-15 22:00", "01-16 07:00"),
        ("22:00-07:00", "Europe/London", "2026-07-15 12:00", "07-15 21:00", "07-16 06:00"),
        ("22:00-07:00", "Europe/London", "2026-01-15 23:30", None, "01-16 07:00"),
        ("22:00-07:00", "Europe/London", "2026-01-16 03:00", None, "01-16 07:00"),
        ("22:00-07:00", "Europe/London", "2026-01-16 07:00", "01-16 22:00", "01-17 07:00"),
        ("22:00-07:00", "Europe/London", "2026-01-15 22:00", None, "01-16 07:00"),
        # A window within one day, and one of a whole day.
        ("09:00-17:00", "America/New_York", "2026-01-15 12:00", "01-15 14:00", "01-15 22:00"),
        ("09:00-17:00", "America/New_York", "2026-01-15 23:00", "01-16 14:00", "01-16 22:00"),
        ("00:00-00:00", "UTC", "2026-01-15 12:00", None, "01-16 00:00"),
        # The day there is not the day here.
        ("22:00-07:00", "Pacific/Auckland", "2026-06-15 12:00", None, "06-15 19:00"),
        ("22:00-07:00", "Asia/Kolkata", "2026-06-15 12:00", "06-15 16:30", "06-16 01:30"),
        # Clocks go forward: the night is an hour shorter.
        ("22:00-07:00", "Europe/London", "2026-03-28 12:00", "03-28 22:00", "03-29 06:00"),
        ("22:00-07:00", "America/New_York", "2026-03-07 18:00", "03-08 03:00", "03-08 11:00"),
        ("22:00-07:00", "Pacific/Auckland", "2026-09-26 06:00", "09-26 10:00", "09-26 18:00"),
        ("22:00-07:00", "Australia/Lord_Howe", "2026-10-03 09:00", "10-03 11:30", "10-03 20:00"),
        # An hour that is skipped: a window within it vanishes for that night.
        ("01:00-02:00", "Europe/London", "2026-03-28 12:00", "03-30 00:00", "03-30 01:00"),
        ("02:15-02:45", "Europe/Berlin", "2026-03-29 00:00", "03-29 01:15", "03-29 01:45"),
        ("02:00-03:00", "America/New_York", "2026-03-08 05:00", "03-09 06:00", "03-09 07:00"),
        # A bound within the skipped hour is as much later.
        ("22:00-02:30", "Europe/Berlin", "2026-03-28 12:00", "03-28 21:00", "03-29 01:30"),
        ("02:30-07:00", "Europe/Berlin", "2026-03-28 23:00", "03-29 01:30", "03-29 05:00"),
        # Clocks go back: the night is an hour longer.
        ("22:00-07:00", "Europe/London", "2026-10-24 12:00", "10-24 21:00", "10-25 07:00"),
        ("22:00-07:00", "America/New_York", "2026-10-31 18:00", "11-01 02:00", "11-01 12:00"),
        ("22:00-07:00", "Pacific/Auckland", "2026-04-04 06:00", "04-04 09:00", "04-04 19:00"),
        # An hour that comes twice counts from its first time.
        ("01:30-07:00", "Europe/London", "2026-10-24 23:00", "10-25 00:30", "10-25 07:00"),
        ("22:00-01:30", "Europe/London", "2026-10-24 22:00", None, "10-25 00:30"),
    ],
)
def test_a_window_opens_and_closes_by_the_clock_on_the_wall(
    span: str, zone: str, now: str, opens: str | None, closes: str
) -> None:
    told = hours(window(span, zone), None, at(now))
    assert (written(told.opens), written(told.closes)) == (opens, closes)


@pytest.mark.parametrize(
    ("until", "zone", "now", "closes"),
    [
        ("07:30", "Europe/London", "2026-01-15 23:00", "01-16 07:30"),
        ("07:30", "Europe/London", "2026-07-15 23:00", "07-16 06:30"),
        ("23:30", "Europe/London", "2026-01-15 23:00", "01-15 23:30"),
        ("23:00", "Europe/London", "2026-01-15 23:00", "01-16 23:00"),
        ("07:30", "Europe/London", "2026-03-28 23:00", "03-29 06:30"),
        ("07:30", "Europe/London", "2026-10-24 23:00", "10-25 07:30"),
        ("01:30", "Europe/London", "2026-03-28 23:00", "03-29 01:30"),
        ("01:30", "Europe/London", "2026-10-24 22:00", "10-25 00:30"),
        ("02:30", "America/New_York", "2026-03-08 01:00", "03-08 07:30"),
        # The hour comes twice: the second one counts when the first has passed.
        ("01:30", "Europe/London", "2026-10-25 00:29", "10-25 00:30"),
        ("01:30", "Europe/London", "2026-10-25 00:45", "10-25 01:30"),
        ("01:30", "Europe/London", "2026-10-25 01:29", "10-25 01:30"),
        ("01:30", "Europe/London", "2026-10-25 01:30", "10-26 01:30"),
        ("02:30", "Europe/Berlin", "2026-10-25 00:30", "10-25 01:30"),
        ("01:30", "America/New_York", "2026-11-01 06:00", "11-01 06:30"),
        ("01:45", "Australia/Lord_Howe", "2026-04-04 14:50", "04-04 15:15"),
        # It is skipped: the one that is as much later counts, and no earlier one.
        ("01:30", "Europe/London", "2026-03-29 00:15", "03-29 01:30"),
    ],
)
def test_until_is_the_next_such_time(until: str, zone: str, now: str, closes: str) -> None:
    always = window(f"{until}-{until}", zone)
    assert written(hours(always, time.fromisoformat(until), at(now)).closes) == closes


@pytest.mark.parametrize(
    ("until", "now", "closes"),
    [
        ("05:00", "2026-01-15 12:00", "01-16 05:00"),  # within the window that is to come
        ("09:00", "2026-01-15 12:00", "01-16 07:00"),  # the window ends before
        ("23:00", "2026-01-15 12:00", "01-15 23:00"),
        ("21:00", "2026-01-15 12:00", "01-16 07:00"),  # not the one before the window opens
    ],
)
def test_the_earlier_of_window_and_until_closes(until: str, now: str, closes: str) -> None:
    told = hours(window("22:00-07:00"), time.fromisoformat(until), at(now))
    assert written(told.closes) == closes


def test_without_schedule_and_deadline_there_are_no_bounds() -> None:
    assert hours(None, None, at("2026-01-15 12:00")) == Hours(None, None)


@pytest.fixture
def in_berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """The machine's own time is Berlin's."""
    monkeypatch.setitem(os.environ, "TZ", "Europe/Berlin")
    clock.tzset()
    yield
    monkeypatch.undo()
    clock.tzset()


@pytest.mark.usefixtures("in_berlin")
@pytest.mark.parametrize(
    ("now", "closes"),
    [
        ("2026-01-15 12:00", "01-16 06:30"),
        ("2026-07-15 12:00", "07-16 05:30"),
        ("2026-03-28 22:00", "03-29 05:30"),
        ("2026-10-24 22:00", "10-25 06:30"),
    ],
)
def test_without_a_zone_the_machine_s_own_time_counts(now: str, closes: str) -> None:
    assert written(hours(None, time(7, 30), at(now)).closes) == closes
    assert written(hours(window("20:00-07:30", None), None, at(now)).closes) == closes


clocks = st.times().map(lambda t: t.replace(second=0, microsecond=0))


@given(
    start=clocks,
    end=clocks,
    zone=st.sampled_from(ZONES),
    now=st.datetimes(datetime(2025, 1, 2), datetime(2027, 12, 30)).map(  # noqa: DTZ001
        lambda t: t.replace(tzinfo=UTC)
    ),
    until=st.none() | clocks,
)
def test_whatever_the_night_the_window_is_the_present_or_the_next_one(
    start: time, end: time, zone: str, now: datetime, until: time | None
) -> None:
    told = hours(Schedule(start, end, zone), until, now)
    assert told.closes is not None
    begin = told.opens or now.timestamp()
    assert now.timestamp() <= begin < told.closes
    assert told.closes - begin <= 25 * 3600 + 1800
    assert begin - now.timestamp() <= 49 * 3600
    if told.opens is not None:
        local = datetime.fromtimestamp(told.opens, ZoneInfo(zone))
        skipped = local.replace(tzinfo=None) - datetime.combine(local, start)
        assert timedelta(0) <= skipped <= timedelta(hours=1)


@pytest.mark.usefixtures("in_berlin")
def test_of_the_hour_that_comes_twice_on_this_machine_the_second_counts_too() -> None:
    assert written(hours(None, time(2, 30), at("2026-10-25 00:15")).closes) == "10-25 00:30"
    assert written(hours(None, time(2, 30), at("2026-10-25 00:45")).closes) == "10-25 01:30"


def test_a_window_knows_how_long_it_is_all_in_all() -> None:
    assert hours(window("22:00-07:00"), None, at("2026-01-15 23:00")).length == 9 * 3600
    assert hours(None, time(7, 0), at("2026-01-15 23:00")).length is None
