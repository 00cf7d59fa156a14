"""Days and months begin and end where their zone says so."""

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from pipeline.account.periods import Calendar, period


def unix(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def texts(kind: str, zone: str | None, moment: str) -> tuple[str, str]:
    found = period(kind, zone, unix(moment))
    return tuple(  # type: ignore[return-value]
        datetime.fromtimestamp(when, UTC).strftime("%Y-%m-%d %H:%M")
        for when in (found.starts, found.ends)
    )


@pytest.mark.parametrize(
    ("zone", "moment", "starts", "ends"),
    [
        ("UTC", "2026-11-26 10:00", "2026-11-26 00:00", "2026-11-27 00:00"),
        ("Europe/London", "2026-06-01 22:59", "2026-05-31 23:00", "2026-06-01 23:00"),
        ("Europe/London", "2026-06-01 23:00", "2026-06-01 23:00", "2026-06-02 23:00"),
        ("Asia/Kathmandu", "2026-11-26 10:00", "2026-11-25 18:15", "2026-11-26 18:15"),
        # 23 and 25 hours long
        ("Europe/Berlin", "2026-03-29 12:00", "2026-03-28 23:00", "2026-03-29 22:00"),
        ("Europe/Berlin", "2026-10-25 12:00", "2026-10-24 22:00", "2026-10-25 23:00"),
        # clocks go from 24:00 to 1:00: the day begins at the change
        ("Africa/Cairo", "2026-04-24 12:00", "2026-04-23 22:00", "2026-04-24 21:00"),
        # and from 24:00 back to 23:00, so that the day before has it twice
        ("Africa/Cairo", "2026-10-29 20:30", "2026-10-28 21:00", "2026-10-29 22:00"),
        ("Africa/Cairo", "2026-10-29 21:30", "2026-10-28 21:00", "2026-10-29 22:00"),
        ("Africa/Cairo", "2026-10-29 22:00", "2026-10-29 22:00", "2026-10-30 22:00"),
        # midnight comes twice: clocks go from 1:00 back to 0:00
        ("Atlantic/Azores", "2026-10-25 00:30", "2026-10-25 00:00", "2026-10-26 01:00"),
        # Samoa has no 30th
        ("Pacific/Apia", "2011-12-30 09:00", "2011-12-29 10:00", "2011-12-30 10:00"),
        ("Pacific/Apia", "2011-12-30 11:00", "2011-12-30 10:00", "2011-12-31 10:00"),
    ],
)
def test_days(zone: str, moment: str, starts: str, ends: str) -> None:
    assert texts("day", zone, moment) == (starts, ends)


@pytest.mark.parametrize(
    ("zone", "moment", "starts", "ends"),
    [
        ("UTC", "2026-02-28 23:59", "2026-02-01 00:00", "2026-03-01 00:00"),
        ("UTC", "2026-12-31 23:59", "2026-12-01 00:00", "2027-01-01 00:00"),
        ("America/New_York", "2026-03-01 04:59", "2026-02-01 05:00", "2026-03-01 05:00"),
        ("America/New_York", "2026-03-20 12:00", "2026-03-01 05:00", "2026-04-01 04:00"),
    ],
)
def test_months(zone: str, moment: str, starts: str, ends: str) -> None:
    assert texts("month", zone, moment) == (starts, ends)


@pytest.fixture
def new_york(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "America/New_York")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize("zone", [None, "Atlantis/Nowhere", "../../etc/passwd", "", "a\0b"])
def test_without_a_zone_that_is_known_it_is_local_time(zone: str | None, new_york: None) -> None:
    assert os.environ["TZ"] == "America/New_York"
    assert texts("day", zone, "2026-11-01 12:00") == ("2026-11-01 04:00", "2026-11-02 05:00")
    assert period("day", zone, unix("2026-11-01 12:00")).zone == "local time"


def test_a_period_is_worked_out_again_once_it_is_over_or_the_clock_jumps_back() -> None:
    calendar = Calendar()
    noon = unix("2026-11-26 12:00")
    today = calendar.period("day", "UTC", noon)
    assert calendar.period("day", "UTC", noon + 3600) is today
    assert calendar.period("day", "UTC", today.ends).starts == today.ends
    assert calendar.period("day", "UTC", noon) == today
    assert calendar.period("month", "UTC", noon).starts == unix("2026-11-01 00:00")


def test_a_period_begins_with_a_quarter_of_an_hour_and_says_when_it_ends() -> None:
    day = period("day", "Asia/Kathmandu", unix("2026-11-26 12:00"))
    assert day.quarter * 900 == day.starts
    assert day.end_text() == "2026-11-27 00:00 Asia/Kathmandu"
