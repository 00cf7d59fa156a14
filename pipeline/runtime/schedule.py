"""When requests may be dispatched: a nightly window, and a time to be done by. Pure."""

from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from zoneinfo import ZoneInfo

from pipeline.models import Schedule


@dataclass(frozen=True, slots=True)
class Hours:
    """From when to when this run may dispatch, in Unix seconds; None is no bound.

    `length` is how long the whole window is, in seconds, where there is one.
    """

    opens: float | None = None
    closes: float | None = None
    length: float | None = None


def hours(schedule: Schedule | None, until: time | None, now: datetime) -> Hours:
    """Work out the hours of a run that starts at `now` (aware): the present window or the next."""
    zone = _zone(schedule)
    opens = closes = length = None
    if schedule is not None:
        opens, closes = _window(schedule, now, zone)
        length = (closes - opens).total_seconds()
    if until is not None:
        end = _next(until, max(now, opens or now), zone)
        closes = min(end, closes) if closes else end
    return Hours(
        opens.timestamp() if opens and opens > now else None,
        closes.timestamp() if closes else None,
        length,
    )


def _zone(schedule: Schedule | None) -> tzinfo | None:
    return ZoneInfo(schedule.timezone) if schedule and schedule.timezone else None


def _at(day: datetime, clock: time, zone: tzinfo | None, *, again: bool = False) -> datetime:
    """The moment of a wall-clock time. One that a change of clocks skips is as much later.

    `again` asks for the second one, where the clocks show it twice.
    """
    naive = datetime.combine(day, clock).replace(fold=int(again))
    local = naive.replace(tzinfo=zone) if zone else naive.astimezone()
    return local.astimezone(UTC)


def _window(schedule: Schedule, now: datetime, zone: tzinfo | None) -> tuple[datetime, datetime]:
    today = now.astimezone(zone)
    for days in (-1, 0, 1, 2):
        day = today + timedelta(days=days)
        overnight = schedule.end <= schedule.start
        start = _at(day, schedule.start, zone)
        end = _at(day + timedelta(days=overnight), schedule.end, zone)
        # On the night when clocks go forward a short window can vanish.
        if end > now and end > start:
            return start, end
    raise AssertionError("every window comes again within two days")


def _next(clock: time, after: datetime, zone: tzinfo | None) -> datetime:
    today = after.astimezone(zone)
    for days in (0, 1, 2):
        day = today + timedelta(days=days)
        first, second = (_at(day, clock, zone, again=again) for again in (False, True))
        # Of a time that is skipped, the other reading is earlier, and means nothing.
        for moment in (first, max(first, second)):
            if moment > after:
                return moment
    raise AssertionError("every time of day comes again within two days")
