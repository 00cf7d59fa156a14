"""Why nothing goes out just now: announced once when it begins, and once when it ends."""

import math
import time
from collections import deque

import anyio

from pipeline import events as ev
from pipeline.runtime.schedule import Hours

# With fewer past durations than this, the slowest of them counts.
_ENOUGH = 5


class Pauses:
    """Announces the pauses of a run, and knows its hours.

    `durations` are those of past requests, `longest` how long one can take; both in seconds.
    """

    def __init__(
        self, watch: ev.Watcher, hours: Hours, durations: deque[float], *, longest: float
    ) -> None:
        self._watch = watch
        self._hours = hours
        self._durations = durations
        self._longest = longest
        self._reason: ev.Reason | None = None
        self._since = 0.0
        self._announced_until = 0.0
        self._detail = ""

    def begin(self, reason: ev.Reason, detail: str, seconds: float) -> None:
        """Announce a pause, or its new end."""
        now = time.time()
        until = now + seconds if math.isfinite(seconds) else None
        if self._reason is not reason:
            self.end()
            self._reason, self._since = reason, anyio.current_time()
        elif until is None or abs(until - self._announced_until) < 1.0:
            return
        self._announced_until, self._detail = until or 0.0, detail
        self._watch(ev.Held(reason, detail, until, now))

    @property
    def present(self) -> tuple[ev.Reason, str, float | None] | None:
        """Why nothing goes out, in which words, until when (Unix seconds); None where it may."""
        if self._reason is None:
            return None
        return self._reason, self._detail, self._announced_until or None

    def end(self, *, going_on: bool = True) -> None:
        """Announce the end of a pause: dispatch goes on, or the run stops."""
        if self._reason is not None:
            lasted = anyio.current_time() - self._since
            self._watch(ev.Resumed(self._reason, lasted, time.time(), going_on))
            self._reason = None

    def until_window(self) -> float | None:
        """Seconds until the window opens; None where it is open."""
        if self._hours.opens is None:
            return None
        wait = self._hours.opens - time.time()
        if wait <= 0:
            return None
        self.begin(ev.Reason.WINDOW, "the time window has not opened", wait)
        return wait

    def window_closes(self) -> bool:
        """Whether a task that went out now would probably end after the window."""
        if self._hours.closes is None:
            return False
        return time.time() + self._slow() >= self._hours.closes

    def _slow(self) -> float:
        """The 95th percentile of past durations, in seconds.

        A clock that jumped or an edited manifest must not close the window for good: durations
        that cannot be are left out, and no task is expected to take more than half of the window.
        """
        known = sorted(taken for taken in self._durations if 0 <= taken <= self._longest)
        if not known:
            slow = self._longest if self._durations else 0.0
        else:
            slow = known[math.ceil(0.95 * len(known)) - 1 if len(known) >= _ENOUGH else -1]
        return min(slow, (self._hours.length or math.inf) / 2)
