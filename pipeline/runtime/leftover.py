"""Requests of a killed run that may still be at work at the API: they keep their places."""

from collections.abc import Collection, Iterable
from datetime import datetime

# Seconds between a claim's time and the leaving of its request, on a busy machine.
_MARGIN = 1.0
# So many times its usual time a slow answer of a model takes.
_SLOW = 2.0


def places_kept(
    sent: Iterable[str],
    durations: Collection[float],
    *,
    usual: float | None,
    timeout: float,
    now: float,
) -> list[float]:
    """Say for how many seconds from `now` each of these requests may still be at work.

    `sent` are the times of their claims (RFC 3339), `durations` what past answers took: the slowest
    of those rules. Where there is none it is twice what the model's answers `usual`ly take, and
    `timeout` where nobody knows that, or all of it is longer. A claim that seems to be of the
    future, for a clock was set, counts as one of now.
    """
    longest = slowest(durations, usual=usual, timeout=timeout)
    left = (min(_seconds(text) + longest - now, longest) for text in sent)
    return sorted(seconds for seconds in left if seconds > 0)


def slowest(durations: Collection[float], *, usual: float | None, timeout: float) -> float:
    """Say for how many seconds at most a request is at work; see `places_kept`."""
    unknown = _SLOW * usual if usual else timeout
    return min(max(durations, default=unknown) + _MARGIN, timeout)


def _seconds(rfc3339: str) -> float:
    try:
        return datetime.fromisoformat(rfc3339).timestamp()
    except (ValueError, OverflowError):
        return 0.0
