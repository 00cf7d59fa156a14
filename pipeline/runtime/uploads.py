"""Uploads of a run: whole bodies go to where outputs lie, beside everything else.

What waits here is durable on this machine, with its claim completed. So nothing of it can be lost,
it has no place at the provider any more, and it delays no claim.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import partial

import anyio
import anyio.to_thread

from pipeline.errors import BucketError, ExitCode
from pipeline.models import Claim, part_of
from pipeline.runtime.lifecycle import Attempt, Stage
from pipeline.runtime.state import RunState, clock
from pipeline.store.bringing import UPLOADS

# Seconds: for how long a bucket may be down where the job does not say it, and after a stop.
_PATIENCE, _LAST_SECONDS = 7200.0, 10.0
# Seconds between two tries: at first, and at most.
_AGAIN, _LONGEST_AGAIN = 1.0, 30.0
# Seconds between two looks at the place of outputs.
_TEND_EVERY = 60.0


class Uploads:
    """Brings whole bodies to where outputs lie, a few at a time.

    `saved` is called with each attempt whose body is durable here and can wait.
    """

    def __init__(self, state: RunState) -> None:
        self._state = state
        self.saved: Callable[[Attempt], None] = lambda _: None
        self._few = anyio.Semaphore(UPLOADS)
        self._threads = anyio.CapacityLimiter(UPLOADS)
        self._given_up: BucketError | None = None
        self._works_since, self._told = clock(), False

    async def bring(self, attempt: Attempt, claim: Claim) -> Claim:
        """Bring the body of an attempt; returns its claim, with the name that it has there.

        Raises:
            StorageError: it cannot be made durable here.
            BucketError: the bucket refuses, or was down for too long; the body stays here.
        """
        state = self._state
        if not state.store.shelf.far:
            return claim
        claim = await state.store.complete(attempt.id, claim)
        if attempt.stage is Stage.ANSWERED:
            attempt.to(Stage.SAVED)
        state.vacate(attempt, durable=True)
        self.saved(attempt)
        async with self._few:
            return await self._bring(attempt, claim)

    async def _bring(self, attempt: Attempt, claim: Claim) -> Claim:
        began, wait = clock(), _AGAIN
        while True:
            if self._given_up is not None:
                raise self._given_up
            try:
                await self._in_thread(partial(self._shelf_brings, attempt, claim))
            except FileExistsError:  # somebody else has that name in the bucket
                claim = await self._state.store.complete(attempt.id, claim)
            except BucketError as error:
                self._judge(error, began)
                await self._pause(wait)
                wait = min(wait * 2, _LONGEST_AGAIN)
            else:
                self._works_since, self._told = clock(), False
                return claim

    def _shelf_brings(self, attempt: Attempt, claim: Claim) -> None:
        self._state.store.shelf.bring(part_of(attempt.id), claim)

    async def _in_thread(self, blocking: Callable[[], None]) -> None:
        # A run that is cut off does not wait: an upload is made again by the next one.
        await anyio.to_thread.run_sync(blocking, limiter=self._threads, abandon_on_cancel=True)

    def _judge(self, error: BucketError, began: float) -> None:
        """Give up where trying again is of no use, or was for too long.

        Raises:
            BucketError: it is given up.
        """
        state, outage = self._state, self._state.job.retry.outage
        patience = _PATIENCE if outage is None else outage
        if state.stopped is not None:
            patience = min(patience, _LAST_SECONDS)
        if error.lasts or clock() - max(self._works_since, began) >= patience:
            self._given_up = error
            raise error
        if not self._told:
            self._told = True
            state.warn(f"{error.message}: what is finished stays here, and is tried again")

    async def _pause(self, seconds: float) -> None:
        """Wait before the next try; a stop cuts it short."""
        end = clock() + seconds
        while (left := end - clock()) > 0:
            if self._state.stopped is not None:
                await anyio.sleep(min(left, _AGAIN))
                return
            await self._state.wait(left)


@asynccontextmanager
async def tending(state: RunState) -> AsyncIterator[None]:
    """Look after the place of outputs, while the block lasts."""
    if not state.store.shelf.far:
        yield
        return
    async with anyio.create_task_group() as beside:
        beside.start_soon(_tend, state)
        yield
        beside.cancel_scope.cancel()


async def _tend(state: RunState) -> None:
    while True:
        await anyio.sleep(_TEND_EVERY)
        try:
            await anyio.to_thread.run_sync(state.store.shelf.tend, abandon_on_cancel=True)
        except BucketError as error:
            if error.lasts:  # else the uploads have more patience
                state.stop(ExitCode.STORAGE, error.message)
        state.store.report_warnings()
