"""When a task is tried again. Strategies of tenacity decide; nothing here sleeps."""

from tenacity import (
    RetryCallState,
    Retrying,
    stop_after_attempt,
    wait_exponential,
    wait_random_exponential,
)

from pipeline.models import RetryPolicy

# Probes in an outage, and asking for a top-up: from seconds to minutes.
PROBE_FIRST, PROBE_MOST = 1.0, 300.0
TOP_UP_FIRST, TOP_UP_MOST = 5.0, 300.0


def _state(attempt: int) -> RetryCallState:
    # A fresh state for each question: a shared one gives concurrent tasks each other's counts.
    state = RetryCallState(_NEVER_CALLED, None, (), {})
    state.attempt_number = attempt
    return state


_NEVER_CALLED = Retrying()


class Backoff:
    """Exponential waits in seconds: 1, 2, 4, … times `first`, bounded by `most`."""

    def __init__(self, first: float, most: float, *, jitter: bool = False) -> None:
        # Full jitter would also wait zero seconds: half is fixed, half is drawn.
        half = 2 if jitter else 1
        self._fixed = wait_exponential(multiplier=first / half, max=most / half)
        self._drawn = (
            wait_random_exponential(multiplier=first / 2, max=most / 2) if jitter else None
        )

    def after(self, attempt: int) -> float:
        """Seconds to wait after the failure of attempt number `attempt`, counted from 1."""
        state = _state(min(attempt, 64))
        return self._fixed(state) + (self._drawn(state) if self._drawn else 0.0)


class Retries:
    """The retry policy of a job: how many attempts a task has, and the wait between them."""

    def __init__(self, policy: RetryPolicy) -> None:
        self._stop = stop_after_attempt(policy.attempts)
        self._most = policy.max_wait
        self._backoff = Backoff(policy.wait, policy.max_wait, jitter=True)

    def exhausted(self, attempts: int) -> bool:
        """Whether a task that has failed `attempts` times has had its last attempt."""
        return bool(self._stop(_state(attempts)))

    def wait(self, attempts: int, retry_after: float | None) -> float:
        """Seconds until the next attempt; never sooner than the server asked for."""
        return max(min(self._backoff.after(attempts), self._most), retry_after or 0.0)
