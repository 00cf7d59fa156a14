"""Who may be at the provider: a permit from just before the send until nothing of it is there.

A request that has its claim waits here, so that a place which comes free is filled at once and no
commit lies between two requests.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

# As many may wait with their claims made, and as many as have come free within so many seconds.
AHEAD, _BURST = 64, 0.05


@dataclass(slots=True, eq=False)
class Permits:
    """Permits, by attempt. `most` says how many there may be now.

    `waiting` are those that have none yet, in turn. `kept` are those that this run does not get
    back, `burst` is how many of the last came free together.
    """

    most: Callable[[], int]
    kept: int = 0
    burst: int = 0
    _freed_at: float = float("-inf")
    _taken: set[str] = field(default_factory=set)
    waiting: deque[tuple[str, asyncio.Future[bool]]] = field(default_factory=deque)

    def __len__(self) -> int:
        return len(self._taken) + self.kept

    def take(self, attempt: str) -> None:
        """Give a permit, also where there is none left: what it is for is at the provider."""
        self._taken.add(attempt)

    @property
    def are_out(self) -> bool:
        """Whether one that asks now has to wait."""
        return bool(self.waiting) or len(self) >= self.most()

    async def wait(self, attempt: str) -> bool:
        """Wait for a permit, in turn; False where the attempt is recalled."""
        if not self.are_out:
            self.take(attempt)
            return True
        granted: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self.waiting.append(entry := (attempt, granted))
        try:
            return await granted
        finally:
            # Whoever gets an answer was taken out before: to look for it would cost a look at each.
            if (granted.cancelled() or not granted.done()) and entry in self.waiting:
                self.waiting.remove(entry)

    def free(self, attempt: str, *, keep: bool = False) -> None:
        """Take a permit back, or `keep` it from all others for good; without one, do nothing."""
        if attempt in self._taken:
            self._taken.remove(attempt)
            self.kept += keep
            self._note_burst()
            self.grant()

    def _note_burst(self) -> None:
        now = asyncio.get_running_loop().time()
        if now - self._freed_at > _BURST:
            self.burst, self._freed_at = 0, now
        self.burst += 1

    @property
    def ahead(self) -> int:
        """How many may be prepared before there is a permit for them.

        Where answers come in bursts, the next one takes as many at once.
        """
        return min(self.most(), max(self.burst, AHEAD))

    def grant(self) -> None:
        """Let those go on that wait, as far as there are permits."""
        while self.waiting and len(self) < self.most():
            attempt, granted = self.waiting.popleft()
            if not granted.done():
                self.take(attempt)
                granted.set_result(True)

    def recall(self) -> None:
        """Let nobody wait any longer: what they are prepared for has changed."""
        while self.waiting:
            _, granted = self.waiting.popleft()
            if not granted.done():
                granted.set_result(False)
