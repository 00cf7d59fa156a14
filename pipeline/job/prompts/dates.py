"""Dates and times of a sheet, as ISO texts; a zone that is written stays."""

import re
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from functools import lru_cache
from typing import NamedTuple

from pipeline.job.problems import InvalidError, shown

_ISO = re.compile(
    r"(\d{4})([-/.])(\d{1,2})\2(\d{1,2})(?:[T ]+(.+?))?(?: ?(Z|UTC|[+-]\d\d:?\d\d))?", re.ASCII
)
_THREE = re.compile(r"(\d{1,2})([-/. ]|\. )(\d{1,2})\2(\d{4}|\d\d)(?:[,T]? +(.+))?", re.ASCII)
_SERIAL = re.compile(r"[2-7]\d{4}(?:[.,]\d+)?", re.ASCII)
_WEEKDAY = re.compile(r"(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*\.?,? +", re.IGNORECASE | re.ASCII)
_ORDINAL = re.compile(r"(?<=\d)(?:st|nd|rd|th)\b", re.IGNORECASE | re.ASCII)
_WORDED = ("%d %b %Y", "%d %B %Y", "%b %d %Y", "%B %d %Y", "%d-%b-%Y", "%d-%B-%Y", "%d-%b-%y")
_TIMES = (
    "%H:%M",
    "%H:%M:%S",
    "%I:%M %p",
    "%I:%M%p",
    "%I %p",
    "%I%p",
    "%H.%M",
    "%Hh%M",
    "%I:%M:%S %p",
)
_EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001 - of serial numbers, which have no zone
_DIRECTIVE = re.compile(r"%(.)")
_DIRECTIVES = frozenset("YymdbBHMSIpaA%")
_LONGEST = 100


class Ambiguous(InvalidError):  # noqa: N818 - it is caught, and said once
    """A date whose day and month could be swapped."""

    def __init__(self, text: str, orders: tuple[str, str]) -> None:
        super().__init__(f"{shown(text)} could be read month first or day first")
        self.orders = orders


class Moment(NamedTuple):
    """A date, perhaps with its time, and how it was read."""

    iso: str
    how: str | None = None


def checked_order(text: str) -> str:
    """Take an order of dates, such as `%m/%d/%Y`.

    Raises:
        InvalidError: it has no year, month or day, or something else.
    """
    found = _DIRECTIVE.findall(text)
    unknown = [one for one in found if one not in _DIRECTIVES]
    parts = (set("Yy"), set("mbB"), {"d"})
    if unknown or text.rstrip("%") != text or not all(part.intersection(found) for part in parts):
        raise InvalidError(
            f"{shown(text)} is not an order of year, month and day",
            'such as "%m/%d/%Y" for 12/31/2026, or "%d.%m.%Y" for 31.12.2026',
        )
    if len(set(found)) != len(found):
        raise InvalidError(f"{shown(text)} names a part twice")
    return text


def in_words(order: str) -> str:
    """Say which comes first."""
    places = {name: order.find(f"%{name}") for name in "YymdbB" if f"%{name}" in order}
    first = min(places, key=lambda name: places[name])
    return {"d": "day first", "Y": "year first", "y": "year first"}.get(first, "month first")


def read_date(text: str, order: str | None = None) -> Moment | None:
    """Read a date, by an order if one is given; None where it is not a date.

    Without an order only what can be read in one way is: ISO, names of months, serial numbers.

    Raises:
        Ambiguous: its day and month could be swapped.
    """
    made = _read(text.strip(), order)
    if isinstance(made, tuple) and not isinstance(made, Moment):
        raise Ambiguous(text, made)
    return made


@lru_cache(maxsize=4096)
def _read(text: str, order: str | None) -> "Moment | tuple[str, str] | None":
    if not text or len(text) > _LONGEST:
        return None
    if order is not None and (found := _by(text, order)):
        return Moment(found, f"{in_words(order)}, from dates:")
    if match := _ISO.fullmatch(text):
        return _iso(match)
    if _SERIAL.fullmatch(text):
        moment = _EPOCH + timedelta(days=float(text.replace(",", ".")))
        return Moment(iso_of(_to_second(moment)), "serial numbers")
    if match := _THREE.fullmatch(text):
        # With an order, only what has another form is read without it.
        return None if order is not None else _swappable(match)
    return _worded(text)


def _by(text: str, order: str) -> str | None:
    try:
        return iso_of(datetime.strptime(text, order))  # noqa: DTZ007 - timezone-free
    except ValueError:
        pass
    # A time after the date that the order does not name.
    head, _, clock = text.partition(" ")
    if "%H" in order or "%I" in order or " " in order or (read := read_time(clock)) is None:
        return None
    try:
        return f"{datetime.strptime(head.rstrip(','), order).date().isoformat()}T{read}"  # noqa: DTZ007
    except ValueError:
        return None


def _swappable(match: re.Match[str]) -> "Moment | tuple[str, str] | None":
    one, sign, other, year, clock = match.groups()
    full = int(year) + 2000 if len(year) == 2 else int(year)  # noqa: PLR2004
    first = _moment(full, int(one), int(other), clock, "month first")
    second = _moment(full, int(other), int(one), clock, "day first")
    if first is None or second is None:
        return first or second
    if first.iso == second.iso:
        return Moment(first.iso)
    letter = "Y" if len(year) == 4 else "y"  # noqa: PLR2004
    return sign.join(("%m", "%d", f"%{letter}")), sign.join(("%d", "%m", f"%{letter}"))


def _moment(
    year: int, month: int, day: int, clock: str | None, how: str | None = None
) -> Moment | None:
    try:
        made = date(year, month, day).isoformat()
    except ValueError:
        return None
    if not clock:
        return Moment(made, how)
    at = read_time(clock)
    return None if at is None else Moment(made if at == "00:00" else f"{made}T{at}", how)


def _worded(text: str) -> Moment | None:
    plain = _ORDINAL.sub("", _WEEKDAY.sub("", text, count=1)).replace(",", " ").replace(". ", " ")
    plain = " ".join(plain.split())
    for form in _orders(plain):
        try:
            return Moment(iso_of(datetime.strptime(plain, form)))  # noqa: DTZ007
        except ValueError:
            continue
    return None


def _orders(plain: str) -> Iterator[str]:
    if any(letter.isalpha() for letter in plain):
        yield from _WORDED
        yield from (f"{day} {clock}" for day in _WORDED for clock in _TIMES)


@lru_cache(maxsize=1024)
def read_time(text: str) -> str | None:
    """Read a time of the day; None where it is not one."""
    plain = " ".join(text.replace(".m.", "m").replace(".M.", "M").split()).upper()
    for form in _TIMES:
        try:
            return _clock(datetime.strptime(plain, form.replace("h", "H")).time())  # noqa: DTZ007
        except ValueError:
            continue
    try:
        share = float(plain.replace(",", "."))
    except ValueError:
        return _iso_time(plain)
    return _clock((_to_second(_EPOCH + timedelta(days=share))).time()) if 0 <= share < 1 else None


def _iso_time(text: str) -> str | None:
    try:
        return _clock(time.fromisoformat(text.rstrip("Z")).replace(tzinfo=None))
    except ValueError:
        return None


def _iso(match: re.Match[str]) -> Moment | None:
    year, _, month, day, clock, zone = match.groups()
    moment = _moment(int(year), int(month), int(day), clock)
    if moment is None or zone is None or "T" not in moment.iso:
        return moment
    return Moment(moment.iso + ("Z" if zone in {"Z", "UTC"} else f"{zone[:3]}:{zone[-2:]}"))


def _to_second(moment: datetime) -> datetime:
    """Round what a fraction of a day gives to a second."""
    return (moment + timedelta(microseconds=500_000)).replace(microsecond=0)


def _clock(at: time) -> str:
    return at.strftime("%H:%M:%S" if at.second else "%H:%M")


def iso_of(value: date | datetime) -> str:
    """Write a date; its time only where it has one."""
    if not isinstance(value, datetime):
        return value.isoformat()
    at = _clock(_to_second(value).time())
    day = _to_second(value).date().isoformat()
    return day if at == "00:00" else f"{day}T{at}"


def time_text(value: time | timedelta) -> str:
    """Write a time or a duration."""
    if isinstance(value, time):
        return _clock(value)
    return str(value)
