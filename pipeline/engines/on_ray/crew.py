"""The crew on a Ray cluster: the run pushes each attempt to a worker that stands, and waits.

Loss is one rule. An attempt whose worker is lost stays in its slot, with its place, reservation and
claim, for as long as its request may be at the API: meanwhile its answer may yet be heard, or be
found where workers bring answers home. Then it is in doubt.
"""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from anyio import to_thread

from pipeline.api.outcome import Fault, Outcome
from pipeline.api.provider import Witness
from pipeline.engines.crew import Assignment, Seat, Setting

# Seconds that one call may take longer than another: on two busy cores, measured, up to 20 ms.
_JITTER = 0.03
# Seconds between two heartbeats; without an answer a worker gets nothing new, and then is lost.
BEAT, _DOUBTFUL, SILENT = 1.0, 3.0, 30.0
# Seconds between two questions for what a lost worker has brought home, and to a worker that Ray
# cannot reach just now; and for how long a slot waits for a worker before the run hears of it.
_LOOK, _AGAIN, _NOBODY = 0.5, 0.5, 5.0


@dataclass(slots=True, eq=False)
class Member:
    """A worker as the run knows it.

    `flying` are the parts of the attempts that it is at, `given_up` of those that nobody waits for
    any more, and that it may bring home yet.
    """

    name: str
    handle: Any
    flying: set[str] = field(default_factory=set)
    given_up: set[str] = field(default_factory=set)
    recorded: list[str] = field(default_factory=list)
    lost: asyncio.Event = field(default_factory=asyncio.Event)
    dead: bool = False
    asked_at: float | None = None

    @property
    def stands(self) -> bool:
        """Whether it gets new attempts: one that is slow to answer may be frozen."""
        if self.dead or self.lost.is_set():
            return False
        return self.asked_at is None or time.monotonic() - self.asked_at < _DOUBTFUL

    def die(self) -> None:
        """Note that it will never answer."""
        self.dead = True
        self.lost.set()


class RayCrew:
    """Workers of a cluster: as a crew, and as every seat of it."""

    jitter = _JITTER

    def __init__(self, setting: Setting, exceptions: Any) -> None:
        self.slots = setting.job.concurrency
        self.members: list[Member] = []
        self.changed = asyncio.Event()
        self.bug: Exception | None = None
        self._setting, self._exceptions = setting, exceptions
        self._arrivals = setting.store.shelf.arrivals()
        self._answered: dict[str, tuple[str, Member]] = {}

    def resize(self, slots: int) -> None:
        """Make so many attempts at once: workers have room for more."""
        self.slots = slots

    def fail(self, bug: Exception) -> None:
        """Note a bug in what keeps the workers: the run hears of it at its next seat."""
        self.bug = self.bug or bug
        self.changed.set()

    def seat(self) -> AbstractAsyncContextManager[Seat]:
        """Wait for a worker; where none comes, an attempt says that nothing was sent.

        Raises:
            Exception: `fail` was told of it.
        """
        return self._seat()

    @asynccontextmanager
    async def _seat(self) -> AsyncIterator[Seat]:
        end = time.monotonic() + _NOBODY
        while self.bug is None and self._choose() is None and (left := end - time.monotonic()) > 0:
            self.changed.clear()
            try:
                async with asyncio.timeout(min(left, BEAT)):
                    await self.changed.wait()
            except TimeoutError:
                continue
        if self.bug is not None:
            raise self.bug
        yield self

    def _choose(self) -> Member | None:
        standing = (member for member in self.members if member.stands)
        return min(standing, key=lambda member: len(member.flying), default=None)

    async def attempt(self, assignment: Assignment, witness: Witness) -> Outcome:
        """Let a worker make an attempt. What it is given counts as sent."""
        began = time.monotonic()
        member = self._choose()
        if member is None:
            return _lost(began, Fault.NOT_SENT, "no worker of the cluster answers")
        try:
            witness.sending(member.name)
        except OSError as error:
            return _lost(began, Fault.NOT_SENT, str(error))
        member.flying.add(assignment.part)
        outcome = await self._outcome(member, assignment)
        member.flying.discard(assignment.part)
        if outcome is not None:
            self._answered[assignment.part] = assignment.attempt, member
            return outcome
        member.given_up.add(assignment.part)
        lost = _lost(began, Fault.NO_ANSWER, "its worker was lost, and brought nothing home")
        return replace(lost, orphaned=True)

    async def _outcome(self, member: Member, assignment: Assignment) -> Outcome | None:
        """Wait for an outcome; None where the worker was lost, and it did not come home in time."""
        call = asyncio.ensure_future(self._call(member, assignment))
        try:
            while True:
                losing = asyncio.ensure_future(member.lost.wait())
                try:
                    await asyncio.wait({call, losing}, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    losing.cancel()
                end = time.monotonic() + self._setting.limbo()
                while member.lost.is_set() or call.done():
                    if call.done() and (heard := call.result()) is not None:
                        return heard
                    if found := await to_thread.run_sync(self._arrivals.found, assignment.part):
                        return found
                    if time.monotonic() >= end:
                        return None
                    await asyncio.sleep(_LOOK)
        finally:
            call.cancel()

    async def _call(self, member: Member, assignment: Assignment) -> Outcome | None:
        """Call a worker, again where it cannot be reached: it makes each attempt once."""
        while True:
            try:
                outcome: Outcome = await member.handle.attempt.remote(assignment)
            except self._exceptions.ActorUnavailableError:
                await asyncio.sleep(_AGAIN)
            except self._exceptions.RayActorError:
                member.die()
                return None
            except self._exceptions.RayTaskError:
                raise  # a bug of ours, over there
            except self._exceptions.RayError:
                return None  # the answer was lost on its way
            else:
                return outcome

    async def mind(self, member: Member) -> None:
        """Hear of a worker each second, until Ray says that it is dead."""
        while not member.dead:
            member.asked_at = time.monotonic()
            known, member.recorded = member.recorded, []
            beat = asyncio.ensure_future(self._beat(member, known))
            try:
                await asyncio.wait({beat}, timeout=SILENT)
                if not beat.done():
                    member.lost.set()  # frozen, or cut off: Ray says nothing of the first
                await beat
            finally:
                beat.cancel()
            if not member.dead:
                member.asked_at = None
                member.lost.clear()
            self.changed.set()
            await asyncio.sleep(BEAT)

    async def _beat(self, member: Member, recorded: list[str]) -> None:
        while True:
            try:
                await member.handle.beat.remote(recorded)
            except self._exceptions.ActorUnavailableError:
                await asyncio.sleep(_AGAIN)
            except self._exceptions.RayActorError:
                member.die()
                return
            else:
                return

    async def tidy(self) -> None:
        """Remove what was brought home of attempts that have their records now."""
        store = self._setting.store
        closed = [p for p, (attempt, _) in self._answered.items() if not store.has_claim(attempt)]
        for part in closed:
            self._answered.pop(part)[1].recorded.append(part)
        if closed:
            await to_thread.run_sync(self._arrivals.forget, closed)


def _lost(began: float, fault: Fault, why: str) -> Outcome:
    return Outcome(took=time.monotonic() - began, fault=fault, detail=why)
