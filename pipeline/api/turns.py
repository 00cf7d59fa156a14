"""Turns: of what comes together, one after another goes on.

The event loop lets all tasks that wake together go through each of their steps side by side, so
that the first is done when the last is. In turns, the first is done, and what it frees is used,
before the last is looked at. The work is the same.
"""

import asyncio
from collections import deque


class Turns:
    """Lets one task go on in each round of the event loop, in the order in which they came."""

    def __init__(self) -> None:
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._is_taken = False

    async def take(self) -> None:
        """Wait for a turn; where nobody had one in this round, for nothing."""
        loop = asyncio.get_running_loop()
        if self._is_taken:
            self._waiting.append(turn := loop.create_future())
            await turn
        else:
            self._is_taken = True
            loop.call_soon(self._give)

    def _give(self) -> None:
        """Begin another round."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():  # it may have been cancelled
                turn.set_result(None)
                turn.get_loop().call_soon(self._give)
                return
        self._is_taken = False
