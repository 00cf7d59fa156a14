"""When an account that has refused a request is asked again."""

from dataclasses import dataclass

from pipeline.money.account import Refusal
from pipeline.runtime.state import LONGEST_WAIT, RunState

# Seconds between two questions to the account, at most: more often where requests are short.
_SELDOM = 0.25
_PARTS = 20


@dataclass(slots=True)
class Refusals:
    """When the account may be asked again that has refused a request; in monotonic seconds.

    It is asked less and less often, one at a time, and at once where a request of this run has
    ended. `asking` says that an answer is awaited, `seldom` how many seconds lie between two
    questions at most.
    """

    asking: bool = False
    seldom: float = _SELDOM
    _since: float | None = None
    _until: float = 0.0
    _sent: int = 0
    _count: int = 0

    def suit(self, usual: float) -> None:
        """Ask as often as suits answers that take so many seconds."""
        self.seldom = min(usual / _PARTS, _SELDOM)

    def add(self, refusal: Refusal, now: float, *, sent: int) -> float:
        """Note a refusal while so many were `sent`; returns for how long it refuses."""
        self._since = now if self._since is None else self._since
        pause = max(refusal.wait, min(refusal.wait * 2**self._count, self.seldom))
        self._until, self._sent = now + pause, sent
        self._count = min(self._count + 1, 10)
        return now - self._since

    def end(self) -> None:
        """Note that a request was let go."""
        self._since, self._until, self._count = None, 0.0, 0

    def wait(self, now: float, state: RunState) -> float | None:
        """Return the seconds until the account may be asked; None: now."""
        if self._since is None:
            return None
        if self.asking:
            return LONGEST_WAIT
        return self._until - now if now < self._until and state.sent >= self._sent else None
