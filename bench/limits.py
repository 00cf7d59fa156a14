"""What an API lets in, and what a client that knew it all would need. Pure; times are in seconds.

The server of the benchmark keeps these limits, and `ideal` plays the same work against them.
"""

import heapq
import math
import random
from collections.abc import Iterator
from typing import Protocol

NEVER = math.inf


class Limit(Protocol):
    """A limit of an API."""

    def refuses(self, now: float, in_flight: int) -> float | None:
        """Let a request in (None), or return in how many seconds one may come.

        NEVER where that depends on what is in flight. `now` counts from the first request.
        """


class NoLimit:
    """Let all in."""

    def refuses(self, now: float, in_flight: int) -> float | None:  # noqa: ARG002 - as the others
        return None


class AtOnce:
    """So many in flight."""

    def __init__(self, most: int) -> None:
        self._most = most

    def refuses(self, now: float, in_flight: int) -> float | None:  # noqa: ARG002 - as the others
        return None if in_flight < self._most else NEVER


class Bucket:
    """A token bucket: `most` at first, and `most` more in each `seconds`, evenly."""

    def __init__(self, most: int, seconds: float) -> None:
        self._most, self._each = most, seconds / most
        self._tokens, self._at = float(most), 0.0

    def refuses(self, now: float, in_flight: int) -> float | None:  # noqa: ARG002 - as the others
        self._tokens = min(self._most, self._tokens + (now - self._at) / self._each)
        self._at = now
        if self._tokens > 1 - 1e-9:
            self._tokens -= 1
            return None
        return (1 - self._tokens) * self._each


class Window:
    """`most` in each fixed window. The first one ends after a third: a client cannot know when."""

    def __init__(self, most: int, seconds: float) -> None:
        self._most, self._seconds = most, seconds
        self._window, self._seen = 0, 0

    def refuses(self, now: float, in_flight: int) -> float | None:  # noqa: ARG002 - as the others
        shifted = now + self._seconds * 2 / 3
        # A time that was computed as the window's end is not before it.
        window = math.floor(shifted / self._seconds + 1e-9)
        if window != self._window:
            self._window, self._seen = window, 0
        if self._seen < self._most:
            self._seen += 1
            return None
        return (window + 1) * self._seconds - shifted


def limit(text: str) -> Limit:
    """Read `at-once:5`, `bucket:30/60`, `window:30/60`; an empty text is NoLimit."""
    kind, _, figures = text.partition(":")
    if kind == "at-once":
        return AtOnce(int(figures))
    if kind in {"bucket", "window"}:
        most, seconds = figures.split("/")
        return (Bucket if kind == "bucket" else Window)(int(most), float(seconds))
    if text:
        raise ValueError(text)
    return NoLimit()


def answers(
    latency: float, spread: float = 0.0, *, most: float = 0.0, errors: float = 0.0
) -> Iterator[tuple[float, bool]]:
    """Draw, for one request after the other, the seconds to its answer, and whether it is a 200.

    Without `most`: `latency` ± that part of it. With it: lognormal, 95 % and more between `latency`
    and `most`, and none outside. The same for each run.
    """
    draw = random.Random(7)
    while True:
        if most:
            low, high = math.log(latency), math.log(most)
            drawn = draw.lognormvariate((low + high) / 2, (high - low) / 4)
            seconds = min(max(drawn, latency), most)
        else:
            seconds = latency * (1 + spread * (2 * draw.random() - 1)) if spread else latency
        yield seconds, not errors or draw.random() >= errors


def ideal(limit: Limit, concurrency: int, count: int, drawn: Iterator[tuple[float, bool]]) -> float:
    """Schedule `count` answers of 200 without a refusal: each as soon as places and limit allow.

    Returns:
        The seconds from the first request to the last answer.
    """
    now, last, left = 0.0, 0.0, count
    ends: list[tuple[float, bool]] = []
    while left or ends:
        wait: float | None = NEVER
        if left and len(ends) < concurrency:
            wait = limit.refuses(now, len(ends))
        if wait is None:
            seconds, whole = next(drawn)
            heapq.heappush(ends, (now + seconds, whole))
            left -= 1
            continue
        now = min(now + wait, ends[0][0] if ends else NEVER)
        while ends and ends[0][0] <= now:
            last, whole = heapq.heappop(ends)
            left += not whole
    return last
