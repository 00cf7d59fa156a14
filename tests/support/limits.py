"""APIs that limit what they take, and how fast a scheduler would be that knew the limit.

Each has `take(at)`, which says for how many seconds a request is refused (None: it is taken), and
`starts(durations, places)`, the times at which that scheduler would send requests of so long.

night = limited(tmp_path, Places(5), tasks=60)
night.run(concurrency=20)
"""

import heapq
import math
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from support.night import Answer, Call

# Seconds until a refusal comes.
REFUSED_AFTER = 0.1


class Rule(Protocol):
    """A limit of an API."""

    def take(self, at: float, seconds: float) -> float | None:
        """Take a request of so many seconds (None), or say in how many it would be taken."""

    def earliest(self, at: float) -> float:
        """Return when a request may begin that could from `at` on, if it is the next one."""


@dataclass
class Places:
    """So many requests at once; `lag` seconds pass until a place is free that has ended."""

    places: int
    lag: float = 0.0
    _ends: list[float] = field(default_factory=list)

    def take(self, at: float, seconds: float) -> float | None:
        while self._ends and self._ends[0] <= at:
            heapq.heappop(self._ends)
        if len(self._ends) >= self.places:
            return self._ends[0] - at
        heapq.heappush(self._ends, at + seconds + self.lag)
        return None

    def earliest(self, at: float) -> float:
        return at


@dataclass
class Bucket:
    """A token bucket, full at first: one token every `interval` seconds, at most `most`."""

    interval: float
    most: int
    _tokens: float = math.nan
    _at: float = 0.0

    def _fill(self, at: float) -> None:
        known = self.most if math.isnan(self._tokens) else self._tokens
        self._tokens = min(self.most, known + (at - self._at) / self.interval)
        self._at = at

    def take(self, at: float, seconds: float) -> float | None:
        self._fill(at)
        if self._tokens < 1 - 1e-9:
            return (1 - self._tokens) * self.interval
        self._tokens -= 1
        return None

    def earliest(self, at: float) -> float:
        at = max(at, self._at)
        self._fill(at)
        return at + max(1 - self._tokens, 0.0) * self.interval


@dataclass
class Window:
    """So many requests in each window of so many seconds."""

    requests: int
    seconds: float
    _window: int = 0
    _taken: int = 0

    def take(self, at: float, seconds: float) -> float | None:
        window = int(at // self.seconds)
        if window != self._window:
            self._window, self._taken = window, 0
        if self._taken >= self.requests:
            return (window + 1) * self.seconds - at
        self._taken += 1
        return None

    def earliest(self, at: float) -> float:
        at = max(at, self._window * self.seconds)
        if self._taken < self.requests or int(at // self.seconds) != self._window:
            return at
        return (self._window + 1) * self.seconds


class NoLimit:
    """None."""

    def take(self, at: float, seconds: float) -> float | None:
        return None

    def earliest(self, at: float) -> float:
        return at


def lognormal(task: str) -> float:
    """Between 20 and 90 seconds, mostly about 45."""
    drawn = random.Random(task).lognormvariate(math.log(45), 0.4)
    return min(max(drawn, 20.0), 90.0)


Told = Callable[[float], float | None]


def untold(wait: float) -> float | None:
    return None


def told(wait: float) -> float | None:
    """In whole seconds, as `Retry-After` is written, from the answer on."""
    return float(math.ceil(max(wait - REFUSED_AFTER, 0.0)))


@dataclass
class Api:
    """An API with limits, which notes what it refuses."""

    rule: Rule
    also: Rule = field(default_factory=NoLimit)
    says: Told = untold
    seconds: Callable[[str], float] = lognormal
    refused_after: float = REFUSED_AFTER
    fails: Callable[[Call], bool] = lambda _: False
    refused: int = 0
    taken: int = 0

    def __call__(self, call: Call) -> Answer:
        seconds = self.seconds(call.task)
        wait = self.rule.take(call.at, seconds)
        if wait is None:
            wait = self.also.take(call.at, seconds)
        if wait is not None:
            self.refused += 1
            return Answer(429, self.refused_after, retry_after=self.says(wait))
        self.taken += 1
        if self.fails(call):
            return Answer(500, seconds)
        return Answer(200, seconds, body=b"clip")


def ideal(rule: Rule, durations: Sequence[float], places: int, also: Rule | None = None) -> float:
    """The makespan in seconds of a scheduler that knows the limits: nothing is ever refused."""
    rules = [rule, also or NoLimit()]
    places = min([places, *(one.places for one in rules if isinstance(one, Places))])
    free, end = [0.0] * places, 0.0
    for seconds in durations:
        at = heapq.heappop(free)
        for one in rules:
            at = max(at, one.earliest(at))
        for one in rules:
            if not isinstance(one, Places):
                assert one.take(at + 1e-9, seconds) is None
        heapq.heappush(free, at + seconds)
        end = max(end, at + seconds)
    return end
