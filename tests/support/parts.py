"""The parts of a run by hand, so that a test can hand in what the composition root would not."""

from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Any

import anyio

from pipeline.account.shared import Apart
from pipeline.api.outcome import Outcome
from pipeline.api.provider import Witness
from pipeline.engines.crew import Assignment, Seat
from pipeline.engines.local import LocalCrew
from pipeline.ledger.plan import make
from pipeline.runtime.engine import Engine
from pipeline.runtime.lookups import Lookups
from pipeline.runtime.opening import take_in, take_store
from pipeline.runtime.options import Options
from pipeline.runtime.queue import Backlog, Queue
from pipeline.runtime.runner import compose
from pipeline.runtime.state import RunState
from pipeline.store.commit import inline
from support.night import FakeProvider, FakeSession, Night

Meddle = Callable[[RunState, Assignment], None]


@contextmanager
def opened(night: Night, **changes: Any) -> Iterator[Engine]:
    """Open a night's job, and give the engine that would run it; inside an event loop."""
    job = night.job(**changes)
    with ExitStack() as resources:
        store = take_store(job, resources, night.see, hop=inline, fsync=False)
        take_in(job, store)
        backlog = Backlog()
        resources.callback(backlog.close)
        plan = make(job, store.history, store.layout.manifest, store.shelf, take=backlog.add)
        backlog.seal()
        queue = Queue(backlog, plan.classes)
        session = FakeSession(night)
        provider = FakeProvider(session)
        state = compose(
            job=job,
            provider=provider,
            store=store,
            session=session,
            queue=queue,
            options=Options(),
            watch=night.see,
            accounts=Apart(),
        )
        yield Engine(state, Lookups(job, provider, store, session, night.see))


@dataclass
class MeddlingCrew:
    """Makes attempts as the local crew does, and meddles with the run after each."""

    local: LocalCrew
    state: RunState
    meddle: Meddle
    jitter: float = 0.0

    @property
    def slots(self) -> int:
        return self.local.slots

    def resize(self, slots: int) -> None:
        self.local.resize(slots)

    @asynccontextmanager
    async def seat(self) -> AsyncIterator[Seat]:
        yield self

    async def attempt(self, assignment: Assignment, witness: Witness) -> Outcome:
        outcome = await self.local.attempt(assignment, witness)
        self.meddle(self.state, assignment)
        return outcome


async def work(engine: Engine, meddle: Meddle = lambda *_: None) -> None:
    """Run an engine, with a crew that meddles."""
    state = engine.state
    spool = state.store.layout.inflight.joinpath
    crew = MeddlingCrew(LocalCrew(state.session, spool, state.job.concurrency), state, meddle)
    async with anyio.create_task_group() as beside:
        beside.start_soon(state.store.serve)
        try:
            await engine.run(crew)
        finally:
            state.store.stop()
