"""How a task goes out: its money set aside, the account asked, its claim durable, its turn come."""

import asyncio
import time
from collections.abc import Awaitable, Callable

import anyio
import msgspec

from pipeline import events as ev
from pipeline.common.boot import boot_id
from pipeline.engines.crew import Assignment
from pipeline.errors import ExitCode, StorageError
from pipeline.ledger import records
from pipeline.models import Claim, Job, Rate, once_of, part_of, recorded, rfc3339
from pipeline.money.account import Bid, Refusal
from pipeline.money.errors import BooksError
from pipeline.runtime.choosing import Choosing
from pipeline.runtime.lifecycle import Attempt, Stage
from pipeline.runtime.pace import Pace
from pipeline.runtime.state import RunState, clock

# A request that is later than its turn by so many seconds takes another, at most so often.
_LATE, _TURNS = 0.004, 5


class Dispatch:
    """Hands out tasks, one caller at a time.

    `wind_up` ends the tasks that are parked.
    """

    def __init__(self, state: RunState, wind_up: Callable[[], Awaitable[None]]) -> None:
        self._state = state
        self._turn = asyncio.Lock()
        self._pace = Pace.of(state.job.rate)
        self._choosing = Choosing(state, self._pace, wind_up)

    async def next(self) -> Assignment | None:
        """Wait for the next task that may go; None when nothing more goes out."""
        while True:
            async with self._turn:
                attempt = await self._choosing.choose()
                if attempt is None:
                    return None
                bid = self._reserve(attempt)
                job = self._state.job
                paced = self._choosing.is_paced
                going = paced and await self._go_at_pace(attempt, bid)
            if not paced:
                # Outside the turn, so that many share one transaction, and claims one commit.
                going = await self._prepare(attempt, bid)
            # A rate was set meanwhile, or a run has come that keeps one.
            too_fast = not paced and self._choosing.is_paced
            if going and not too_fast and await self._is_let_go(attempt, job):
                return self._send(attempt)
            self._state.withdraw(attempt)

    def allow_for(self, jitter: float) -> None:
        """Keep requests further apart where they may take so many seconds more on their way."""
        self._pace.jitter = jitter
        self._pace.change(self._state.job.rate)

    def keep_pace(self, rate: Rate | None) -> None:
        """Keep another rate from now on."""
        self._pace.change(rate)
        self._state.recall()

    async def _prepare(self, attempt: Attempt, bid: Bid) -> bool:
        """Get the account's leave for a request, and make its claim durable."""
        if not await self._is_admitted(attempt, bid) or self._state.stopped:
            return False
        return await self._claim(attempt)

    async def _is_admitted(self, attempt: Attempt, bid: Bid) -> bool:
        """Whether the account lets a request go."""
        answer = await self._choosing.bid(bid)
        if isinstance(answer, Refusal):
            return False
        if answer is not None:
            attempt.money.sent = answer
        return True

    # -- going out ----------------------------------------------------------------------------

    def _reserve(self, attempt: Attempt) -> Bid:
        gate, state = self._state.gate, self._state
        bid = gate.bid_for(attempt.price_class, attempt.retained, state.holdings())
        attempt.reservation = gate.reserve(attempt.price_class, attempt.rank, attempt.retained)
        attempt.to(Stage.RESERVED)
        state.depart(attempt)
        return bid._replace(after=state.holdings())

    def _may_go(self, attempt: Attempt) -> bool:
        """Look once more: while a claim was written, the world may have changed."""
        state = self._state
        if state.stopped or state.paused or state.streak.full or state.pauses.window_closes():
            return False
        if state.held_since is not None:
            return False
        if len(state.permits) > max(state.job.concurrency, state.resumed):
            return False
        admitted = state.circuit.admits(attempt.task.id, clock())
        return admitted and state.gate.still_covers(attempt.money)

    async def _is_let_go(self, attempt: Attempt, job: Job) -> bool:
        """Wait for a place at the provider, and look once more.

        `job` has the concurrency by which the account was asked: with another one, also if that
        was in between, it may have been told since of fewer in flight than would be.
        """
        state, waits = self._state, self._state.permits.are_out
        if not waits:
            let_go = await state.permits.wait(attempt.id) and self._may_go(attempt)
            return let_go and state.job is job
        # First: what has stopped the run meanwhile may have recalled all others already.
        if not self._may_go(attempt) or not await state.permits.wait(attempt.id):
            return False
        # A run that has come meanwhile may keep a bound, which the account holds at each request;
        # and where an answer was no output, the others that come with it are to be seen first.
        if not self._choosing.is_calm or state.job is not job:
            return False
        try:
            state.check()  # what has left its place is not recorded yet
        except BooksError:
            state.withdraw(attempt)
            raise
        if not self._may_go(attempt):
            return False
        state.gate.leave(attempt.money)
        return True

    async def _go_at_pace(self, attempt: Attempt, bid: Bid) -> bool:
        """Wait for the rate's turn, or for a stop; then claim, and even out what that took."""
        if self._state.stopped:
            return False
        with anyio.CancelScope() as self._state.pacing:
            await self._pace.turn()
            if not self._may_go(attempt) or not await self._prepare(attempt, bid):
                return False
            await self._pace.apart()
            await self._await_turn()
            return True
        return False

    async def _await_turn(self) -> None:
        """Wait for the next place of the account's rate; late, a request would be too close."""
        for _ in range(_TURNS):
            due = clock() + await self._state.account.turn()
            await anyio.sleep(max(due - clock(), 0.0))
            if not self._state.account.paced or clock() - due < _LATE:
                return

    async def _claim(self, attempt: Attempt) -> bool:
        state, task = self._state, attempt.task
        attempt.claim = Claim(
            task=task.id,
            fingerprint=task.fingerprint,
            model=task.model,
            params=records.written(task.params),
            meta=task.meta,
            price=state.gate.prices.estimate(attempt.price_class),
            attempt=attempt.number + 1,
            output=task.output,
            started_at=rfc3339(time.time()),
            simulated=state.simulated,
            boot_id=boot_id(),
            provider=state.provider.name,
            base_url=state.session.endpoint.base_url,
            account=state.payer,
            inputs=recorded(task.inputs),
        )
        try:
            await state.store.claim(attempt.id, attempt.claim)
        except StorageError as error:
            state.stop(ExitCode.STORAGE, error.message)
            return False
        attempt.to(Stage.CLAIMED)
        return True

    def _send(self, attempt: Attempt) -> Assignment:
        """Hand an attempt to a worker."""
        state, task = self._state, attempt.task
        attempt.to(Stage.SENT)
        attempt.number += 1
        attempt.retained = None  # it is used up
        attempt.sent_at = clock()
        state.circuit.sent(task.id, attempt.sent_at)
        self._pace.went(attempt.sent_at)
        if state.sending is not None:
            state.sending.add(task.id)
        assert attempt.claim is not None
        # It may have been prepared seconds ago.
        started_at = rfc3339(time.time())
        attempt.claim = msgspec.structs.replace(attempt.claim, started_at=started_at)
        attempt.witness = state.store.noting(attempt.id, started_at, self._cannot_note)
        state.watch(ev.Dispatched(task.id, task.prompt, attempt.number, time.time(), task.output))
        if state.provider.traits.names_requests:
            task = msgspec.structs.replace(task, once=once_of(task.id, started_at))
        return Assignment(task=task, attempt=attempt.id, part=part_of(attempt.id))

    def _cannot_note(self, error: OSError) -> None:
        root = self._state.store.layout.root
        self._state.stop(ExitCode.STORAGE, f"{root}: a claim cannot be written: {error.strerror}")
