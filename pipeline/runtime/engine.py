"""The slots of a run: each asks for a seat, takes the next task, and settles what came of it."""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial

import anyio

from pipeline.api.outcome import Decision, Fault, Outcome
from pipeline.engines.crew import Assignment, Crew
from pipeline.errors import ExitCode
from pipeline.ledger.history import TaskState
from pipeline.models import part_of
from pipeline.runtime.dispatch import Dispatch
from pipeline.runtime.following import Following
from pipeline.runtime.lifecycle import Attempt
from pipeline.runtime.lookups import Lookups
from pipeline.runtime.resuming import count_failed, resume
from pipeline.runtime.settle import Settle
from pipeline.runtime.state import RunState

_NO_MEMORY = (
    "this machine has no memory left for another answer. Hint: a lower --concurrency, or close"
    " other programs; what was in flight here may be in doubt"
)


class Engine:
    """One run at work. Not thread-safe: it lives on one event loop.

    The way of a task: `dispatch` chooses it, reserves its price and makes its claim durable; a
    worker attempts it; where the provider answers with an id, `following` waits for its output;
    `settle` turns the outcome into an output and a record, a retry, or a stop.
    """

    def __init__(
        self, state: RunState, lookups: Lookups, origins: Mapping[str, TaskState] = {}
    ) -> None:
        self.state = state
        self.settle = Settle(state)
        self.dispatch = Dispatch(state, self.settle.wind_up)
        self.following = Following(state)
        self.bugs: list[Exception] = []
        self._lookups, self._origins = lookups, origins

    async def run(self, crew: Crew) -> None:
        """Work until nothing more goes out and nothing is in flight."""
        async with self.state.poller:
            slots = min(crew.slots, len(self.state.queue))
            await self._work(list(self.state.flying.values()), slots, crew)
            while found := await self._lookups.again(self.state):
                count_failed(self.state, found.records, self._origins)
                await self._work(resume(self.state, found.claims, self._origins), 0, crew)
        if self.state.stopped is None:
            await self.settle.wind_up()
            await self.settle.close_books()

    async def _work(self, resumed: list[Attempt], slots: int, crew: Crew) -> None:
        async with anyio.create_task_group() as group:
            for attempt in resumed:
                group.start_soon(self._guarded, partial(self._resume, attempt))
            for _ in range(slots):
                group.start_soon(self._guarded, partial(self._attempt_all, crew))

    async def _guarded(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except MemoryError:
            self.state.stop(ExitCode.STORAGE, _NO_MEMORY)
        except Exception as bug:  # noqa: BLE001 - the others' requests are paid: they end well
            self.bugs.append(bug)
            said = self.state.session.endpoint.redact(f"{type(bug).__name__}: {bug}")
            self.state.stop(ExitCode.BUG, said)

    async def _attempt_all(self, crew: Crew) -> None:
        while await self._attempt_one(crew):
            self.state.check()

    async def _attempt_one(self, crew: Crew) -> bool:
        """Take one task from the queue to its record; False when nothing more goes out."""
        # A seat first: nothing is claimed for a worker that is not there.
        async with crew.seat() as seat:
            assignment = await self.dispatch.next()
            if assignment is None:
                return False
            attempt = self.state.flying[assignment.task.id]
            assert attempt.witness is not None
            outcome = await seat.attempt(assignment, attempt.witness)
        outcome = await self._lookups.look_up(self.state, attempt, outcome)
        if outcome.accepted is not None and self.settle.find(assignment) is attempt:
            await self.settle.accept(attempt, outcome)
            # What was found in a list may be over long since.
            return await self._follow(attempt, assignment, at_once=outcome.accepted.listed)
        await self.settle.settle(assignment, outcome)
        return True

    async def _resume(self, attempt: Attempt) -> None:
        """Ask for what an earlier run has sent."""
        assignment = Assignment(task=attempt.task, attempt=attempt.id, part=part_of(attempt.id))
        await self._follow(attempt, assignment, at_once=True)
        self.state.check()

    async def _follow(self, attempt: Attempt, assignment: Assignment, *, at_once: bool) -> bool:
        """Take an accepted request to its record; False where it stays accepted."""
        assert attempt.claim is not None
        outcome = await self.following.follow(attempt, at_once=at_once)
        if outcome is None:
            self.following.leave(attempt)
            return False
        if outcome.fault is Fault.GONE:
            self.state.lost.add((attempt.claim.task, attempt.claim.started_at))
        if self._ends_no_doubt(attempt, outcome):
            self.following.stays_in_doubt(attempt, outcome)
            return True
        await self.settle.settle(assignment, outcome)
        return True

    def _ends_no_doubt(self, attempt: Attempt, outcome: Outcome) -> bool:
        """Whether a doubt that has its record is no better known by this."""
        assert attempt.claim is not None
        if not attempt.claim.doubted:
            return False
        meaning = self.state.provider.judge(attempt.task, outcome)
        return meaning.decision is not Decision.SUCCEED and meaning.charged
