"""How long a wait may last: the time counts in which this process runs.

A process that was stopped (Ctrl-Z, a paused container, a laptop asleep) wakes up with every timer
overdue, while whole answers may lie in its sockets. So a wait begins anew where the loop stood
still, and what has come is looked at once more before a wait is called over.
"""

import asyncio
from typing import Self

from pipeline.api.timeouts import Timeouts


class Patience:
    """Cuts off what happens within it when its time, in seconds, is over.

    It cancels its task as `asyncio.timeout` does. A scope of anyio's costs four times as much, and
    an attempt has two of them.
    """

    def __init__(self, seconds: float, timeouts: Timeouts) -> None:
        self._timeouts = timeouts
        self._seconds = seconds
        self._stood = 0.0
        self._last_look = False
        self._cancels = 0

    def __enter__(self) -> Self:
        task = asyncio.current_task()
        assert task is not None
        self._task, self._loop = task, task.get_loop()
        self._cancels_before = task.cancelling()
        self._end = self._loop.time() + self._seconds
        self._timer = self._arm(self._end)
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> bool:
        self._timer.cancel()
        if not self._cancels:
            return False
        for _number in range(self._cancels):
            self._task.uncancel()
        # Somebody else may have cancelled the task too, and still waits for it to end.
        is_own = self._task.cancelling() <= self._cancels_before
        return is_own and kind is not None and issubclass(kind, asyncio.CancelledError)

    def clock(self) -> float:
        """Read the seconds of a clock that stands still when this process does."""
        return self._loop.time() - self._stood

    def allow(self, seconds: float) -> None:
        """Begin another wait; one of no time at all is over."""
        self._seconds, self._last_look = seconds, seconds <= 0
        self._end = self._loop.time() + seconds
        if self._end < self._due:  # else the timer finds out: chunks come one after another
            self._timer.cancel()
            self._timer = self._arm(self._end)

    def _arm(self, due: float) -> asyncio.Handle:
        # In pieces: that the process stood still shows in the middle of a wait too.
        self._due = min(due, self._loop.time() + self._timeouts.stood_still)
        return self._loop.call_at(self._due, self._look)

    def _look(self) -> None:
        now = self._loop.time()
        late = now - self._due
        if late > self._timeouts.stood_still:
            self._stood += late
            self.allow(self._seconds)
        if now >= self._end and self._last_look:
            # Whoever was woken by the same look at the sockets has its turn first: a cancelled task
            # would never read the answer that has come.
            self._timer = self._loop.call_soon(self._give_up)
            return
        self._last_look = now >= self._end
        self._timer = self._arm(now + self._timeouts.last_look if self._last_look else self._end)

    def _give_up(self) -> None:
        """Cancel the task; again, should something have swallowed that."""
        if not self._last_look and not self._cancels:  # something came, and began another wait
            self._timer = self._arm(self._end)
            return
        self._cancels += 1
        self._task.cancel()
        self._timer = self._loop.call_later(self._timeouts.last_look, self._give_up)
