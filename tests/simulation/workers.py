"""The workers: machines with places, which die with all that they hold, and are replaced."""

import asyncio
import random
from collections import deque
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from functools import partial
from typing import Self

import anyio

from pipeline.api.outcome import Fault, Outcome
from pipeline.api.provider import Witness
from pipeline.engines.crew import Assignment, Seat, Setting
from simulation.scenario import Scenario
from simulation.vendor import Vendor

Held = dict[asyncio.Future[Outcome | None], None]


class Place(AbstractAsyncContextManager[Seat]):
    """A seat: a place on one worker at a time."""

    __slots__ = ("_held", "_workers")

    def __init__(self, workers: "Workers") -> None:
        self._workers = workers

    async def __aenter__(self) -> Self:
        self._held = await self._workers.take()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._workers.give(self._held)

    async def attempt(self, assignment: Assignment, witness: Witness) -> Outcome:
        """Send one request; where the worker dies, wait in limbo until nothing of it is left."""
        workers, loop = self._workers, asyncio.get_running_loop()
        began = loop.time()
        answer: asyncio.Future[Outcome | None] = loop.create_future()
        self._held[answer] = None
        witness.sending()
        number = int(assignment.task.id)
        workers.vendor.generate(workers.job, number, partial(_bring, answer))
        outcome = await answer
        self._held.pop(answer, None)
        if outcome is not None:
            return outcome
        workers.lost += 1
        await anyio.sleep(began + workers.limbo - loop.time())
        return Outcome(took=loop.time() - began, fault=Fault.NO_ANSWER, detail="its worker died")


def _bring(answer: "asyncio.Future[Outcome | None]", outcome: Outcome) -> None:
    if not answer.done():  # its worker has died
        answer.set_result(outcome)


class Workers:
    """The crew of one job."""

    jitter = 0.0

    def __init__(self, scenario: Scenario, vendor: Vendor, job: int, seed: int) -> None:
        self.vendor, self.job, self.lost = vendor, job, 0
        self.slots = scenario.in_flight
        self.limbo = 1.5 * scenario.seconds + 0.1
        self._deaths = scenario.deaths
        self._chance = random.Random(f"{seed}-{job}")
        self._workers: list[Held] = [{} for _ in range(scenario.workers)]
        each = -(-self.slots // scenario.workers)
        places = [held for _ in range(each) for held in self._workers]
        self._free = deque(places[: self.slots])
        self._waiting: deque[asyncio.Future[Held]] = deque()

    def resize(self, slots: int) -> None:
        """Nobody asks for it here."""
        raise NotImplementedError

    def seat(self) -> Place:
        """Wait for a place."""
        return Place(self)

    async def take(self) -> Held:
        """Take a free place, in turn."""
        if self._free:
            return self._free.popleft()
        waiting: asyncio.Future[Held] = asyncio.get_running_loop().create_future()
        self._waiting.append(waiting)
        return await waiting

    def give(self, held: Held) -> None:
        """Give a place back."""
        while self._waiting:
            waiting = self._waiting.popleft()
            if not waiting.done():
                waiting.set_result(held)
                return
        self._free.append(held)

    @asynccontextmanager
    async def at_work(self, _: Setting) -> AsyncIterator["Workers"]:
        """Be the crew of a run."""
        async with anyio.create_task_group() as group:
            if self._deaths is not None:
                group.start_soon(self._die, self._deaths)
            yield self
            group.cancel_scope.cancel()

    async def _die(self, every: float) -> None:
        while True:
            await anyio.sleep(every)
            held = self._chance.choice(self._workers)
            for answer in list(held):
                if not answer.done():
                    answer.set_result(None)
            held.clear()
