"""Who may be at the provider: a permit from just before the send until nothing of it is there.

A request that has its claim waits here, so that a place which comes free is filled at once and no
commit lies between two requests.
"""

import asyncio
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field

# Seconds without an answer after which those that came together are all there.
FILLING = 0.005


@dataclass(slots=True, eq=False)
class Permits:
    """Permits, by attempt. `most` says how many there may be now.

    `waiting` are those that have none yet, in turn, as long as one may come back: `kept` are those
    that this run does not get back.
    """

    most: Callable[[], int]
    kept: int = 0
    _freed_at: float = float("-inf")
    _taken: set[str] = field(default_factory=set)
    _passed: asyncio.Event | None = None
    _end: float = 0.0  # when those stop waiting who wait for that
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
        """Wait for a permit, in turn; False where the attempt is recalled, or none comes back."""
        if not self.are_out:
            self.take(attempt)
            return True
        if not self._taken:
            return False
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
            self._freed_at = asyncio.get_running_loop().time()
            self.grant()
            if not self._taken:
                self.recall()

    def are_passing(self, now: float) -> bool:
        """Whether permits are just coming back, and pass to those that wait for them."""
        return bool(self.waiting) and now - self._freed_at < FILLING

    async def passed(self, most: float) -> None:
        """Wait until no more permits pass, or for the fewest seconds that anybody waits for it."""
        loop = asyncio.get_running_loop()
        end = loop.time() + most
        if self._passed is None:
            self._passed, self._end = asyncio.Event(), end
            loop.call_later(FILLING, self._look, loop)
        self._end = min(self._end, end)
        await self._passed.wait()

    def _look(self, loop: asyncio.AbstractEventLoop) -> None:
        if (now := loop.time()) < self._end and self.are_passing(now):
            loop.call_later(FILLING, self._look, loop)
        elif self._passed is not None:
            self._passed.set()
            self._passed = None

    def are_filling(self, now: float) -> bool:
        """Whether answers are just coming and enough wait for their places: no more are needed."""
        return len(self.waiting) * 2 > self.most() and self.are_passing(now)

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
