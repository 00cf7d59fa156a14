"""When the server wants to be asked again, in seconds from its answer. Pure.

Times are read against the server's own `Date`, so that a wrong clock here does no harm.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

# No server means more: a longer wait is a broken header, and would overflow clocks.
_LONGEST = 30 * 86400.0

# Unix times in seconds are above this, and relative waits below.
_EPOCH_SECONDS = 1e9
_EPOCH_MILLISECONDS = 1e12


def retry_after(headers: Mapping[str, str], *others: str) -> float | None:
    """Seconds to wait by `Retry-After` (RFC 9110, 10.2.3), or by other headers of that meaning.

    None where neither is there and readable. A time that has passed is 0.
    """
    told = [text for name in ("retry-after", *others) if (text := headers.get(name))]
    if not told:
        return None
    now = _moment(headers.get("date", "")) or datetime.now(UTC)
    for text in told:
        wait = _wait(text.strip(), now)
        if wait is not None:
            return min(max(wait, 0.0), _LONGEST)
    return None


def clock_of(headers: Mapping[str, str]) -> float | None:
    """Read the server's clock, in Unix seconds; None where an answer does not say it."""
    moment = _moment(headers.get("date", ""))
    return None if moment is None else moment.timestamp()


def _wait(text: str, now: datetime) -> float | None:
    number = _number(text)
    if number is None:
        moment = _moment(text)
        return (moment - now).total_seconds() if moment else None
    while number >= _EPOCH_MILLISECONDS:  # or microseconds, or nanoseconds
        number /= 1000
    return number - now.timestamp() if number >= _EPOCH_SECONDS else number


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if number == number and abs(number) < float("inf") else None  # noqa: PLR0124


def _moment(text: str) -> datetime | None:
    """Read a date as HTTP or ISO 8601 writes it; a time without zone is UTC."""
    for parse in (parsedate_to_datetime, datetime.fromisoformat):
        try:
            moment = parse(text.removesuffix(" UTC"))
        except (ValueError, OverflowError):
            continue
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return None
