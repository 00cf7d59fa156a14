"""The day and the month that a moment lies in, where their time zone is. Pure."""

from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from pipeline.account.telling import QUARTER

LOCAL = "local time"


class Period(NamedTuple):
    """A day or a month, in Unix seconds. `zone` says where, for people."""

    starts: float
    ends: float
    zone: str

    @property
    def quarter(self) -> int:
        """The quarter of an hour that it starts in."""
        return int(self.starts // QUARTER)

    def end_text(self) -> str:
        """Say when it ends."""
        end = _moment(self.ends, None if self.zone == LOCAL else self.zone)
        return f"{end:%Y-%m-%d %H:%M} {self.zone}"


@dataclass(slots=True)
class Calendar:
    """Remembers the present periods: working them out takes longer than a transaction."""

    _known: dict[tuple[str, str | None], Period] = field(default_factory=dict)

    def period(self, kind: str, zone: str | None, wall: float) -> Period:
        """Return the "day" or "month" of a moment in Unix seconds."""
        found = self._known.get((kind, zone))
        if found is None or not found.starts <= wall < found.ends:
            found = self._known[kind, zone] = period(kind, zone, wall)
        return found


def period(kind: str, zone: str | None, wall: float) -> Period:
    """Work out the "day" or "month" of a moment in a zone; None, or one that is unknown, is local.

    Where a change of clocks skips midnight, a day begins at the change; where they show midnight
    twice, at the first.
    """
    zone = zone if zone is None or _zone(zone) else None
    today = _moment(wall, zone).date()
    first, after = today, today + timedelta(days=1)
    if kind == "month":
        first = today.replace(day=1)
        after = (first + timedelta(days=32)).replace(day=1)
    return Period(_midnight(first, zone), _midnight(after, zone), zone or LOCAL)


def _zone(name: str | None) -> ZoneInfo | None:
    try:
        return ZoneInfo(name) if name else None
    except (OSError, ValueError):  # ZoneInfoNotFoundError is a KeyError on top
        return None
    except KeyError:
        return None


def _moment(wall: float, zone: str | None) -> datetime:
    return datetime.fromtimestamp(wall, UTC).astimezone(_zone(zone))


def _midnight(day: date, zone: str | None) -> float:
    """Return when a day begins: of a time that is skipped, the first reading is the change."""
    return datetime.combine(day, time(), _zone(zone)).timestamp()
