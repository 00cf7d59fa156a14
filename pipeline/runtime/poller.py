"""Asks a provider about all accepted requests: one heap of due times, however many wait.

A question is free, so that it counts as no attempt and is asked again whatever comes. The first
comes soon, the next less and less often; a 429 slows them all.
"""

import heapq
import itertools
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Self

import anyio

from pipeline.api.outcome import Progress, RequestState
from pipeline.models import Handle

# Seconds between two questions for one request: the first wait, how it grows, and its end.
FIRST, SLOWER, LONGEST = 2.0, 1.5, 15.0
# A 429 may slow all questions by so many seconds.
_LONGEST_PAUSE = 600.0
_REFUSES = 400
# Seconds after which the heap is looked at again, whatever happens.
_LOOK = 15.0
# So many questions go out together, and then none for so many seconds: 200 a second at most. To
# wake up for each of them would cost more than the question. So many may be on their way at once.
_TOGETHER, _APART = 25, 0.125
_AT_ONCE = 32
# A list may lag: so often, over so many seconds, it must not know a request before that is final.
_GONE_TIMES, _GONE_SECONDS = 5, 60.0

# So often in a row an answer must say nothing of a request before people are told; so many kinds.
_ODD_TIMES, _MOST_KINDS = 3, 5
_ANSWERED_BY_NOBODY = frozenset({RequestState.REFUSED, RequestState.ELSEWHERE})

Ask = Callable[[Handle], Awaitable[Progress]]


@dataclass(slots=True, eq=False)
class _Waiting:
    """A request that is asked for, and whoever waits for it, until `end` (monotonic seconds)."""

    handle: Handle
    end: float
    interval: float
    gone: int = 0
    odd: int = 0
    gone_since: float = 0.0
    progress: Progress | None = None
    over: anyio.Event = field(default_factory=anyio.Event)


class Poller:
    """Asks for requests until their state is final. Use it as an async context manager.

    `every` sets both ends of the interval, in seconds. `warn` tells people, once for each kind,
    what the provider answers instead of a state that is known.
    """

    def __init__(
        self,
        ask: Ask,
        every: float | None = None,
        *,
        warn: Callable[[str], None] = lambda _: None,
    ) -> None:
        self._ask = ask
        self._warn = warn
        self._told = set[str]()
        self._first, self._most = (FIRST, LONGEST) if every is None else (every, every)
        self._due: list[tuple[float, int, _Waiting]] = []
        self._asked: set[_Waiting] = set()  # the question is on its way
        self._order = itertools.count()
        self._changed = anyio.Event()
        self._slots = anyio.CapacityLimiter(_AT_ONCE)
        self._not_before = 0.0
        self._bounded: dict[anyio.CancelScope, float] = {}
        self.ended = False

    async def __aenter__(self) -> Self:
        self._group = anyio.create_task_group()
        await self._group.__aenter__()
        self._group.start_soon(self._serve)
        return self

    async def __aexit__(self, *error: object) -> bool | None:
        self.end()
        self._group.cancel_scope.cancel()
        return await self._group.__aexit__(*error)  # type: ignore[arg-type]

    async def final(
        self, handle: Handle, *, patience: float, at_once: bool = False
    ) -> Progress | None:
        """Wait for the end of a request: DONE, FAILED, GONE, REFUSED or ELSEWHERE.

        None where it is not over within `patience`, in seconds, or the poller has ended; the
        request is as it was. With `at_once` the first question is asked now.
        """
        now = anyio.current_time()
        waiting = _Waiting(handle, now + patience, self._first)
        if self.ended or patience <= 0:
            return None
        self._put(waiting, now if at_once else now + self._first)
        await waiting.over.wait()
        return waiting.progress

    @contextmanager
    def bounding(self, seconds: float) -> Iterator[None]:
        """Cut off what goes on for longer than so many seconds after the end."""
        with anyio.CancelScope() as scope:
            self._bounded[scope] = seconds
            try:
                yield
            finally:
                del self._bounded[scope]

    def end(self) -> None:
        """Let everybody go who waits, also for an answer: nothing is asked any more."""
        self.ended = True
        for scope, seconds in self._bounded.items():
            scope.deadline = anyio.current_time() + seconds
        for waiting in (*self._asked, *(each for _, _, each in self._due)):
            waiting.over.set()
        self._due.clear()
        self._changed.set()

    def _put(self, waiting: _Waiting, when: float) -> None:
        if self.ended:
            waiting.over.set()
            return
        heapq.heappush(self._due, (min(when, waiting.end), next(self._order), waiting))
        if self._due[0][2] is waiting:
            self._changed.set()

    async def _serve(self) -> None:
        while not self.ended:
            now = anyio.current_time()
            self._postpone(now)
            wait = max(self._due[0][0], self._not_before) - now if self._due else _LOOK
            if self._due and wait <= 0:
                await self._ask_together(now)
                continue
            if self._due and self._not_before > now + 2 * _APART:  # a patience may end before
                wait = min(wait, max(self._due[0][0] - now, _APART))
            self._changed = anyio.Event()
            with anyio.move_on_after(min(wait, _LOOK)):
                await self._changed.wait()

    def _postpone(self, now: float) -> None:
        """Let those go whose patience ends during a long pause; who is due waits for its end."""
        if self._not_before <= now + 2 * _APART:
            return
        while self._due and self._due[0][0] <= now:
            _, _, waiting = heapq.heappop(self._due)
            if now >= waiting.end:
                waiting.over.set()
            else:
                self._put(waiting, self._not_before)

    async def _ask_together(self, now: float) -> None:
        """Ask for what is due, some at once."""
        for _ in range(_TOGETHER):
            if not self._due or self._due[0][0] > now:
                break
            _, _, waiting = heapq.heappop(self._due)
            if now >= waiting.end:
                waiting.over.set()
                continue
            self._asked.add(waiting)
            await self._slots.acquire_on_behalf_of(waiting)
            self._group.start_soon(self._question, waiting)
        self._not_before = max(self._not_before, now + _APART)

    async def _question(self, waiting: _Waiting) -> None:
        try:
            progress = await self._ask(waiting.handle)
        finally:
            self._slots.release_on_behalf_of(waiting)
            self._asked.discard(waiting)
        now, wait = anyio.current_time(), waiting.interval
        if progress.retry_after is not None:
            asked = min(progress.retry_after, _LONGEST_PAUSE)
            if (progress.status or 0) >= _REFUSES:
                self._not_before = max(self._not_before, now + asked)
            else:  # it is about this request alone
                wait = max(wait, asked)
        self._tell(waiting, progress)
        if self._is_final(waiting, progress, now):
            waiting.progress = progress
            waiting.over.set()
            return
        self._put(waiting, now + wait)
        waiting.interval = min(waiting.interval * SLOWER, self._most)

    def _tell(self, waiting: _Waiting, progress: Progress) -> None:
        """Tell people once what is answered again and again, and says nothing of a request."""
        is_odd = progress.state in {RequestState.WAITING, RequestState.UNREACHED}
        said = progress.detail if is_odd else ""
        waiting.odd = waiting.odd + 1 if said else 0
        if waiting.odd == _ODD_TIMES and said not in self._told and len(self._told) < _MOST_KINDS:
            self._told.add(said)
            self._warn(
                f"the provider's answers do not say where an accepted request is ({said}):"
                " it is asked for again until its patience ends"
            )

    @staticmethod
    def _is_final(waiting: _Waiting, progress: Progress, now: float) -> bool:
        if progress.state is not RequestState.GONE:
            waiting.gone = 0
            return progress.final or progress.state in _ANSWERED_BY_NOBODY
        if not waiting.gone:
            waiting.gone_since = now
        waiting.gone += 1
        return waiting.gone >= _GONE_TIMES and now - waiting.gone_since >= _GONE_SECONDS
