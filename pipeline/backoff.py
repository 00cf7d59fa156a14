"""When a task is tried again. The strategies are tenacity's; nothing here sleeps."""

from tenacity import (
    RetryCallState,
    Retrying,
    stop_after_attempt,
    wait_exponential,
    wait_random_exponential,
)

from pipeline.models import RetryPolicy

# Seconds between the probes of an outage, and between balance calls while waiting for a top-up.
PROBE_FIRST, PROBE_MOST = 1.0, 300.0
TOP_UP_FIRST, TOP_UP_MOST = 5.0, 300.0


def _state(attempt: int) -> RetryCallState:
    # A new state for each call: a shared one would mix up the counts of concurrent tasks.
    state = RetryCallState(_NEVER_CALLED, None, (), {})
    state.attempt_number = attempt
    return state


_NEVER_CALLED = Retrying()


class Backoff:
    """Exponential waits in seconds: 1, 2, 4, … times `first`, at most `most`."""

    def __init__(self, first: float, most: float, *, jitter: bool = False) -> None:
        # Full jitter can wait zero seconds. Half of each wait is fixed, half is random.
        half = 2 if jitter else 1
        self._fixed = wait_exponential(multiplier=first / half, max=most / half)
        self._drawn = (
            wait_random_exponential(multiplier=first / 2, max=most / 2) if jitter else None
        )

    def after(self, attempt: int) -> float:
        """Return the seconds to wait after attempt number `attempt` failed, counted from 1."""
        state = _state(min(attempt, 64))
        return self._fixed(state) + (self._drawn(state) if self._drawn else 0.0)


class Retries:
    """The retry policy of a job: how many attempts a task has, and the wait between them."""

    def __init__(self, policy: RetryPolicy) -> None:
        self._stop = stop_after_attempt(policy.attempts)
        self._most = policy.max_wait
        self._backoff = Backoff(policy.wait, policy.max_wait, jitter=True)

    def exhausted(self, attempts: int) -> bool:
        """Return whether a task that failed `attempts` times has no attempt left."""
        return bool(self._stop(_state(attempts)))

    def wait(self, attempts: int, retry_after: float | None) -> float:
        """Return the seconds until the next attempt, at least `retry_after`."""
        return max(min(self._backoff.after(attempts), self._most), retry_after or 0.0)
