"""The rate: one dispatch an interval, evenly spaced, with no burst after a pause."""

from dataclasses import dataclass

import anyio

from pipeline.models import Rate

# Connecting takes a little more or less time: requests must not arrive closer than they left.
_MARGIN = 0.005


@dataclass(slots=True, eq=False)
class Pace:
    """A virtual schedule of dispatches. `interval` is in seconds; 0 is no rate.

    `jitter` says how many seconds more a dispatch may take on its way than another.
    """

    interval: float = 0.0
    jitter: float = 0.0
    _next: float = float("-inf")
    _last: float = float("-inf")

    @classmethod
    def of(cls, rate: Rate | None) -> "Pace":
        """Make the pace of a job."""
        return cls() if rate is None else cls(rate.interval * 1.01 + _MARGIN)

    def change(self, rate: Rate | None) -> None:
        """Keep another rate: the next dispatch keeps its distance from the last."""
        self.interval = Pace.of(rate).interval + (self.jitter if rate else 0.0)
        self._next = self._last + self.interval

    async def turn(self) -> None:
        """Wait for the next place of the schedule, and take it."""
        now = anyio.current_time()
        place = max(self._next, now)
        self._next = place + self.interval
        await anyio.sleep(place - now)

    async def apart(self) -> None:
        """Wait until an interval has passed since the last dispatch.

        Writing a claim takes its time between a place of the schedule and the dispatch.
        """
        await anyio.sleep(max(self._last + self.interval - anyio.current_time(), 0.0))

    def went(self, now: float) -> None:
        """Note that one is dispatched now, in monotonic seconds."""
        self._last = now
