"""When the server wants to be asked again."""

from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.api.deadlines import retry_after as read

RESET_HEADER = "x-reset-at"
SERVER = datetime(2031, 5, 6, 7, 8, 9, tzinfo=UTC)  # not the time here
DATE = format_datetime(SERVER, usegmt=True)
LATER = SERVER + timedelta(seconds=90)


def retry_after(headers: dict[str, str]) -> float | None:
    return read(headers, RESET_HEADER)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0", 0),
        ("120", 120),
        (" 7 ", 7),
        ("1.5", 1.5),
        ("-5", 0),
        (format_datetime(LATER, usegmt=True), 90),
        ("Tuesday, 06-May-31 07:09:39 GMT", 90),
        (LATER.isoformat(), 90),
        (LATER.strftime("%Y-%m-%dT%H:%M:%SZ"), 90),
        (LATER.strftime("%Y-%m-%d %H:%M:%S"), 90),
        (LATER.strftime("%Y-%m-%d %H:%M:%S UTC"), 90),
        (LATER.strftime("%Y-%m-%dT%H:%M:%S.500000+00:00"), 90.5),
        ("2031-05-06T09:09:39+02:00", 90),
        (str(LATER.timestamp()), 90),
        (str(int(LATER.timestamp())), 90),
        (str(int(LATER.timestamp() * 1000)), 90),
        (str(int(LATER.timestamp()) * 1_000_000), 90),
        (str(int(LATER.timestamp()) * 1_000_000_000), 90),
        (format_datetime(SERVER - timedelta(hours=1), usegmt=True), 0),
        (str(int(SERVER.timestamp()) - 5), 0),
        ("1e300", 30 * 86400),
        ("Fri, 31 Dec 9999 23:59:59 -2300", 30 * 86400),
    ],
)
@pytest.mark.parametrize("name", ["retry-after", RESET_HEADER])
def test_a_time_is_read_however_it_is_written(name: str, text: str, seconds: float) -> None:
    assert retry_after({"date": DATE, name: text}) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "nan",
        "inf",
        "-inf",
        "1,2",
        "Mon, 99 Jan 2024",
        "12:30",
        "2024-02-30T00:00",
        "Mon, 1 Jan 2024 00:00:00 +9999999999999",
        "\x00",
        "[1]",
    ],
)
def test_what_cannot_be_read_counts_as_missing(text: str) -> None:
    assert retry_after({"retry-after": text}) is None
    assert retry_after({"retry-after": text, RESET_HEADER: "11"}) == 11


def test_without_headers_there_is_no_time() -> None:
    assert retry_after({}) is None


def test_retry_after_wins_over_the_vendor_s_header() -> None:
    assert retry_after({"retry-after": "3", RESET_HEADER: "900"}) == 3


@pytest.mark.parametrize("wrong", [timedelta(days=-400), timedelta(hours=-3), timedelta(days=90)])
def test_a_wrong_clock_here_does_no_harm(wrong: timedelta) -> None:
    server = datetime.now(UTC) + wrong
    headers = {
        "date": format_datetime(server, usegmt=True),
        "retry-after": format_datetime(server + timedelta(seconds=45), usegmt=True),
    }
    assert retry_after(headers) == pytest.approx(45)


@pytest.mark.parametrize("date", [None, "", "rubbish", "Mon, 1 Jan 2024 00:00:00 +99999999999"])
def test_without_a_readable_date_of_the_server_the_time_here_serves(date: str | None) -> None:
    then = format_datetime(datetime.now(UTC) + timedelta(seconds=60), usegmt=True)
    headers = {"retry-after": then} | ({} if date is None else {"date": date})
    assert retry_after(headers) == pytest.approx(60, abs=3)


@given(st.text(), st.text(), st.text())
def test_no_headers_can_make_it_fail(date: str, after: str, reset: str) -> None:
    wait = retry_after({"date": date, "retry-after": after, RESET_HEADER: reset})
    assert wait is None or 0 <= wait <= 30 * 86400


@given(st.floats(), st.datetimes(), st.integers())
def test_no_number_and_no_date_can_make_it_fail(a: float, b: datetime, c: int) -> None:
    for text in (str(a), b.isoformat(), format_datetime(b), str(c)):
        wait = retry_after({"date": format_datetime(b), "retry-after": text})
        assert wait is None or 0 <= wait <= 30 * 86400
