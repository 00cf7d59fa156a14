"""The chart of a night: what was in flight, what ended, and the balance, over time.

A manifest has many runs. Long pauses separate them, so that a retry on Thursday does not squeeze
Monday's night into a pixel.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

import msgspec

from pipeline.models import Record, Status

# A run waits for the end of an outage for two hours by default, so shorter pauses are within one.
PAUSE = 3 * 3600.0
MOST_BINS = 120
MOST_NIGHTS = 30
_DAY = 86_400
_STEPS = (10, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 28_800, _DAY)


class Span(NamedTuple):
    """One record on the time axis: Unix seconds, and the balance it reported (US dollars)."""

    start: float
    end: float
    status: Status
    balance: float | None


class Night(msgspec.Struct, frozen=True, kw_only=True):
    """One stretch of work, cut into bins of `step` seconds from `start` (Unix time).

    `in_flight` is the peak of each bin; the three counts are what ended in it; `balance` is the
    last one reported in it, or None.
    """

    start: float
    end: float
    step: int
    in_flight: list[int]
    succeeded: list[int]
    failed: list[int]
    in_doubt: list[int]
    balance: list[float | None]


def span(record: Record) -> Span | None:
    """Place a record on the time axis; None if it has no valid end.

    Without a measured duration it counts only as an end: a request whose process was killed was
    not in flight until the next run found its claim.
    """
    end = _seconds(record.finished_at)
    if end is None:
        return None
    start = end - max(record.duration_s or 0.0, 0.0)
    begun = _seconds(record.started_at)
    balance = record.remaining_credits
    return Span(
        start if begun is None else min(max(start, begun), end),
        end,
        record.status,
        None if balance is None else float(balance),
    )


def nights(spans: Iterable[Span]) -> tuple[Night, ...]:
    """Split the spans at long pauses and make each night; only the latest, oldest first."""
    in_order = sorted(spans, key=lambda one: one.start)
    return tuple(_night(part) for part in list(_parts(in_order))[-MOST_NIGHTS:])


def _seconds(moment: str) -> float | None:
    try:
        return datetime.fromisoformat(moment).timestamp()
    except ValueError:
        return None


def _parts(spans: Sequence[Span]) -> Iterator[list[Span]]:
    part: list[Span] = []
    latest = 0.0
    for one in spans:
        if part and one.start - latest > PAUSE:
            yield part
            part = []
        latest = max(latest, one.end) if part else one.end
        part.append(one)
    if part:
        yield part


def _night(spans: Sequence[Span]) -> Night:
    first, last = spans[0].start, max(one.end for one in spans)
    step = _step(last - first)
    start = first // step * step
    count = int((last - start) // step) + 1
    ended = {status: [0] * count for status in Status}
    balance: list[float | None] = [None] * count
    for one in sorted(spans, key=lambda each: each.end):
        place = int((one.end - start) // step)
        ended[one.status][place] += 1
        balance[place] = balance[place] if one.balance is None else one.balance
    return Night(
        start=start,
        end=last,
        step=step,
        in_flight=_peaks(spans, start, step, count),
        balance=balance,
        **{status.value: bins for status, bins in ended.items()},
    )


def _step(length: float) -> int:
    for step in _STEPS:
        if length / step < MOST_BINS:
            return step
    return _DAY * (1 + int(length / _DAY / MOST_BINS))


def _peaks(spans: Sequence[Span], start: float, step: int, count: int) -> list[int]:
    # At the same moment an end sorts before a start: a slot that is reused is not counted twice.
    changes = [(one.start, 1) for one in spans] + [(one.end, -1) for one in spans]
    peaks = [0] * count
    level = here = 0
    for moment, change in sorted(changes):
        place = int((moment - start) // step)
        for each in range(here, place + 1):
            peaks[each] = max(peaks[each], level)
        here, level = place, level + change
        peaks[place] = max(peaks[place], level)
    return peaks
