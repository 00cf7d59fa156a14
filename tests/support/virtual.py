"""A clock for asyncio that jumps: hours pass in milliseconds, in the order in which they would.

The loop's time stands still while anything can run. When nothing can, it jumps to the next timer.
`time.time` goes with it. Nothing may wait for a thread, a process or a socket of another: where
nothing is left to wait for, the program hangs, and that is said.
"""

import asyncio
import selectors
import time
from collections.abc import Coroutine, Mapping
from typing import Any, TypeVar
from unittest import mock

T = TypeVar("T")

# A Thursday without a change of clocks, 12:00 UTC.
NOON = 1_795_694_400.0


# What a look at the clock takes, in seconds.
INSTANT = 1e-9

# No run of a test lasts so long.
TOO_LONG = 7 * 86400.0


class DeadlockError(AssertionError):
    """Everything waits, and nothing will come."""


class _Jumping(selectors.DefaultSelector):
    """Waits for nothing: it tells the clock to jump instead."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        # A clock that stands still would let a timer of the next instant spin for ever.
        self.now += INSTANT
        ready = super().select(0)
        if ready:
            return ready
        if timeout is None:
            raise DeadlockError("every task waits, and no timer is set")
        self.now += max(timeout, 0.0)
        if self.now > TOO_LONG:
            raise DeadlockError("a week has passed")
        return []


class Clock(asyncio.SelectorEventLoop):
    """An event loop whose seconds cost nothing."""

    def __init__(self) -> None:
        self._jumping = _Jumping()
        super().__init__(self._jumping)

    def time(self) -> float:
        return self._jumping.now

    def skip(self, seconds: float) -> None:
        """Let time pass in which the loop does not run: a task keeps it."""
        self._jumping.now += seconds


def run(
    main: Coroutine[Any, Any, T], *, at: float = NOON, sleeps: Mapping[float, float] | None = None
) -> T:
    """Run `main` on virtual time, with the wall clock at `at` (Unix seconds) when it begins.

    `sleeps` says at which second of the run the machine sleeps, and for how long: the wall clock
    goes on meanwhile, the loop's does not.
    """
    with asyncio.Runner(loop_factory=Clock) as runner:
        clock = runner.get_loop()

        def wall() -> float:
            now = clock.time()
            if not sleeps:  # it is looked at for each task of a million
                return at + now
            return at + now + sum(long for when, long in sleeps.items() if when <= now)

        with mock.patch.object(time, "time", wall):
            return runner.run(main)
