"""The slots of a run: each asks for a seat, takes the next task, and settles what came of it."""

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING

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

if TYPE_CHECKING:
    from anyio.abc import TaskGroup

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
        self.is_over = False
        self._lookups, self._origins = lookups, origins
        self._group: TaskGroup | None = None
        self._crew: Crew | None = None
        self._slots = 0
        self._seated: set[str] = set()  # the attempts of slots
        self.settle.uploads.saved = self._replace_slot

    async def run(self, crew: Crew) -> None:
        """Work until nothing more goes out and nothing is in flight."""
        state, self._crew = self.state, crew
        self.dispatch.allow_for(crew.jitter)
        async with state.poller:
            await self._work(list(state.flying.values()))
            while True:
                resumed = []
                if found := await self._lookups.again(state):
                    count_failed(state, found.records, self._origins)
                    resumed = resume(state, found.claims, self._origins)
                elif not self._slots_to_add:
                    break
                await self._work(resumed)
            self.is_over = True
        if state.stopped is None:
            await self.settle.wind_up()
            await self.settle.close_books()

    async def _work(self, resumed: list[Attempt]) -> None:
        async with anyio.create_task_group() as group:
            self._group = group
            for attempt in resumed:
                group.start_soon(self._guarded, partial(self._resume, attempt))
            if not self.add_slots() and not resumed:
                self._group = None  # it does not wait for what would be started from now on
        self._group = None

    @property
    def _slots_to_add(self) -> int:
        """How many more slots there is work for. None for a place that a request has kept."""
        state = self.state
        if self._crew is None or state.stopped is not None or state.has_no_place:
            return 0
        if not state.queue.dispatchable:
            return 0
        # For each place one that is at the provider, one that is settled, and one that is prepared.
        most = 3 * self._crew.slots
        work = len(state.flying) + state.queue.dispatchable
        return max(min(most, work) - self._slots, 0)

    def add_slots(self) -> int:
        """Have as many slots as there is work for; return how many are new.

        There is more of it where rows were added, or the concurrency was raised.
        """
        if self._group is None:
            return 0
        new = self._slots_to_add
        for _ in range(new):
            self._group.start_soon(self._guarded, self._attempt_all)
        self._slots += new
        return new

    async def _guarded(self, work: Callable[[], Awaitable[None]]) -> None:
        try:
            await work()
        except MemoryError:
            self.state.stop(ExitCode.STORAGE, _NO_MEMORY)
        except Exception as bug:  # noqa: BLE001 - the others' requests are paid: they end well
            self.fail(bug)

    def fail(self, bug: Exception) -> None:
        """Stop for a bug of ours; what is in flight ends well."""
        self.bugs.append(bug)
        said = self.state.session.endpoint.redact(f"{type(bug).__name__}: {bug}")
        self.state.stop(ExitCode.BUG, said)

    async def _attempt_all(self) -> None:
        assert self._crew is not None
        while await self._attempt_one(self._crew):
            self.state.check()

    async def _attempt_one(self, crew: Crew) -> bool:
        """Take one task from the queue to its record; False when nothing more goes out."""
        # A seat first: nothing is claimed for a worker that is not there.
        async with crew.seat() as seat:
            assignment = await self.dispatch.next()
            if assignment is None:
                self._slots -= 1
                return False
            attempt = self.state.flying[assignment.task.id]
            self._seated.add(assignment.attempt)
            assert attempt.witness is not None
            outcome = await seat.attempt(assignment, attempt.witness)
        outcome = await self._lookups.look_up(self.state, attempt, outcome)
        is_open = self.settle.find(assignment) is attempt
        if is_open:
            outcome = self.settle.answers.disowned(attempt, outcome) or outcome
        if outcome.accepted is not None and is_open:
            await self.settle.accept(attempt, outcome)
            # What was found in a list may be over long since.
            await self._follow(attempt, assignment, at_once=outcome.accepted.listed)
        else:
            await self.settle.settle(assignment, outcome)
        if assignment.attempt not in self._seated:
            return False  # another slot has taken its place meanwhile
        self._seated.discard(assignment.attempt)
        return True

    def _replace_slot(self, attempt: Attempt) -> None:
        """Have another slot in place of one whose output waits for its upload."""
        if attempt.id in self._seated:
            self._seated.discard(attempt.id)
            self._slots -= 1
            self.add_slots()

    async def _resume(self, attempt: Attempt) -> None:
        """Ask for what an earlier run has sent."""
        assignment = Assignment(task=attempt.task, attempt=attempt.id, part=part_of(attempt.id))
        await self._follow(attempt, assignment, at_once=True)
        self.state.check()

    async def _follow(self, attempt: Attempt, assignment: Assignment, *, at_once: bool) -> None:
        """Take an accepted request to its record, or leave it to the next run."""
        assert attempt.claim is not None
        outcome = await self.following.follow(attempt, at_once=at_once)
        if outcome is None:
            self.following.leave(attempt)
            return
        if outcome.fault is Fault.GONE:
            self.state.lost.add((attempt.claim.task, attempt.claim.started_at))
        if self._ends_no_doubt(attempt, outcome):
            self.following.stays_in_doubt(attempt, outcome)
            self.add_slots()  # it may be sent again
            return
        await self.settle.settle(assignment, outcome)

    def _ends_no_doubt(self, attempt: Attempt, outcome: Outcome) -> bool:
        """Whether a doubt that has its record is no better known by this."""
        assert attempt.claim is not None
        if not attempt.claim.doubted:
            return False
        meaning = self.state.provider.judge(attempt.task, outcome)
        return meaning.decision is not Decision.SUCCEED and meaning.charged
