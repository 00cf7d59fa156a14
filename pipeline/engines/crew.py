"""The port between a run and whoever makes its attempts: tasks of this process, or other machines.

A run asks for a seat before it chooses a task, so that nothing is claimed for a worker that is not
there. What crosses is plain data.
"""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import msgspec

from pipeline.api.outcome import Outcome
from pipeline.api.provider import Session, Witness
from pipeline.models import Job, Task


class Assignment(msgspec.Struct, frozen=True, kw_only=True):
    """One attempt for a worker. `attempt` names it, `part` the file for the body of its answer."""

    task: Task
    attempt: str
    part: str


class Seat(Protocol):
    """A worker that is there."""

    async def attempt(self, assignment: Assignment, witness: Witness) -> Outcome:
        """Send one request, and bring its answer home. Never raises for what came of it.

        `witness` notes in the claim how far it has come, where the worker is on this machine.
        """


class Crew(Protocol):
    """Workers."""

    @property
    def slots(self) -> int:
        """How many attempts may be made at once."""

    def resize(self, slots: int) -> None:
        """Make so many attempts at once from now on, where that is more than now.

        Raises:
            UsageError: there is no room for so many.
        """

    def seat(self) -> AbstractAsyncContextManager[Seat]:
        """Wait for a worker that is there; it makes one attempt at a time."""


@dataclass(frozen=True, slots=True)
class Setting:
    """What a crew is made from. `spool` gives the local file of a part."""

    job: Job
    session: Session
    spool: Callable[[str], Path]


CrewFactory = Callable[[Setting], AbstractAsyncContextManager[Crew]]
