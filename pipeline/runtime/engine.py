"""The slots of a run: each asks for a seat, takes the next task, and settles what came of it."""

import anyio

from pipeline.engines.crew import Crew
from pipeline.errors import ExitCode
from pipeline.runtime.dispatch import Dispatch
from pipeline.runtime.settle import Settle
from pipeline.runtime.state import RunState

_NO_MEMORY = (
    "this machine has no memory left for another answer. Hint: a lower --concurrency, or close"
    " other programs; what was in flight here may be in doubt"
)


class Engine:
    """One run at work. Not thread-safe: it lives on one event loop.

    The way of a task: `dispatch` chooses it, reserves its price and makes its claim durable; a
    worker attempts it; `settle` turns the outcome into an output and a record, a retry, or a stop.
    """

    def __init__(self, state: RunState) -> None:
        self.state = state
        self.settle = Settle(state)
        self.dispatch = Dispatch(state, self.settle.wind_up)
        self.bugs: list[Exception] = []

    async def run(self, crew: Crew) -> None:
        """Work until nothing more goes out and nothing is in flight."""
        async with anyio.create_task_group() as slots:
            for _ in range(min(crew.slots, len(self.state.queue))):
                slots.start_soon(self._slot, crew)
        if self.state.stopped is None:
            await self.settle.wind_up()
            await self.settle.close_books()

    async def _slot(self, crew: Crew) -> None:
        try:
            while await self._attempt_one(crew):
                self.state.check()
        except MemoryError:
            self.state.stop(ExitCode.STORAGE, _NO_MEMORY)
        except Exception as bug:  # noqa: BLE001 - the others' requests are paid: they end well
            self.bugs.append(bug)
            said = self.state.session.endpoint.redact(f"{type(bug).__name__}: {bug}")
            self.state.stop(ExitCode.BUG, said)

    async def _attempt_one(self, crew: Crew) -> bool:
        """Take one task from the queue to its record; False when nothing more goes out."""
        # A seat first: nothing is claimed for a worker that is not there.
        async with crew.seat() as seat:
            assignment = await self.dispatch.next()
            if assignment is None:
                return False
            witness = self.state.flying[assignment.task.id].witness
            assert witness is not None
            outcome = await seat.attempt(assignment, witness)
        await self.settle.settle(assignment, outcome)
        return True
