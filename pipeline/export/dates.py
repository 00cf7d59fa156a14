"""When a post goes out, as `publish` says it."""

from dataclasses import dataclass
from datetime import date, datetime, time, tzinfo
from typing import Any

_DATE = len("2026-12-01")


@dataclass(frozen=True, slots=True)
class Moment:
    """A day, the time of the day if it is known, and the zone if it is written."""

    day: date
    clock: time | None = None
    zone: tzinfo | None = None


def moment(value: Any) -> Moment | None:
    """Read a date such as `2026-12-01`, or one with a time: `2026-12-01 09:00`, `…T09:00Z`.

    Returns None for anything else: what could be read in two ways is not guessed.
    """
    text = value.strip() if isinstance(value, str) else ""
    # Python also reads 20261201 and week dates; nobody means those in a calendar.
    if len(text) < _DATE or text[4] != "-" or text[7] != "-":
        return None
    try:
        if len(text) == _DATE:
            return Moment(date.fromisoformat(text))
        found = datetime.fromisoformat(text)
    except ValueError:
        return None
    return Moment(found.date(), found.time(), found.tzinfo)
