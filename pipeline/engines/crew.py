"""The port between a run and whoever makes its attempts: tasks of this process, or other machines.

A run asks for a seat before it chooses a task, so that nothing is claimed for a worker that is not
there. What crosses is plain data.
"""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import Protocol

import msgspec

from pipeline.api.outcome import Outcome
from pipeline.api.provider import Provider, Session, Witness
from pipeline.models import Job, Task
from pipeline.store.commit import Store


class Assignment(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt for a worker. `attempt` names it, `part` the file for the body of its answer."""

    task: Task
    attempt: str
    part: str


class Seat(Protocol):
    """A worker that is there."""

    async def attempt(self, assignment: Assignment, witness: Witness) -> Outcome:
        """Send one request, and bring its answer home. Never raises for what came of it.

        `witness` notes in the claim how far it has come: before a byte of it may leave.
        """


class Crew(Protocol):
    """Workers."""

    @property
    def slots(self) -> int:
        """How many attempts may be made at once."""

    @property
    def jitter(self) -> float:
        """How many seconds more an attempt may take on its way to a worker than another."""

    def resize(self, slots: int) -> None:
        """Make so many attempts at once from now on, where that is more than now.

        Raises:
            UsageError: there is no room for so many.
        """

    def seat(self) -> AbstractAsyncContextManager[Seat]:
        """Wait for a worker that is there; it makes one attempt at a time."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What a crew is made from.

    `limbo` says for how many seconds an attempt of a lost worker may still be at the API.
    """

    job: Job
    provider: Provider
    session: Session
    store: Store
    limbo: Callable[[], float]


CrewFactory = Callable[[Setting], AbstractAsyncContextManager[Crew]]

Gather = Callable[[Job, Store], Awaitable[None]]
"""Waits for what workers of a killed run are still at, and ends them. Called with the directory
locked, before anything of that run is taken in.
"""


async def of_nobody(job: Job, store: Store) -> None:
    """Wait for nobody: the workers of a run on one machine die with it."""
