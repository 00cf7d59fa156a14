"""The crew on a Ray cluster: the run pushes each attempt to a worker that stands, and waits.

A call of Ray costs more than all else of an attempt. So what is handed over while another call is
on its way goes with the next, and one call a worker waits for news of all of its attempts; it is
the heartbeat too.

Loss is one rule. An attempt whose worker is lost stays in its slot, with its place, reservation and
claim, for as long as its request may be at the API: meanwhile its answer may yet be heard, or be
found where workers bring answers home. Then it is in doubt.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from anyio import to_thread
from msgspec.structs import replace

from pipeline.api.outcome import Fault, Outcome
from pipeline.api.provider import Witness
from pipeline.engines.crew import Assignment, Seat, Setting

# Seconds that one call may take longer than another: on two busy cores, measured, up to 20 ms.
_JITTER = 0.03
# Seconds after which a worker says that there is no news; without a word it gets nothing new, and
# then is lost.
BEAT, _DOUBTFUL, SILENT = 1.0, 3.0, 30.0
# Seconds between two questions for what a lost worker has brought home, and to a worker that Ray
# cannot reach just now; and for how long a slot waits for a worker before the run hears of it.
_LOOK, _AGAIN, _NOBODY = 0.5, 0.5, 5.0

_Answer = asyncio.Future[Outcome | None]


@dataclass(slots=True, eq=False)
class Member:
    """A worker as the run knows it.

    `flying` has the parts of the attempts that it is at, with what comes of them: None where that
    is given up. `given_up` are the parts that nobody waits for any more, and that it may bring home
    yet. `outbox` waits for the next call, `heard` and `recorded` go to it. `loss` is
    there while it is lost, another one each time.
    """

    name: str
    handle: Any
    flying: dict[str, _Answer] = field(default_factory=dict)
    given_up: set[str] = field(default_factory=set)
    outbox: list[Assignment] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)
    recorded: list[str] = field(default_factory=list)
    loss: object | None = None
    dead: bool = False
    asked_at: float | None = None
    sending: bool = False

    @property
    def stands(self) -> bool:
        """Whether it gets new attempts: one that is slow to answer may be frozen."""
        if self.dead or self.loss is not None:
            return False
        return self.asked_at is None or time.monotonic() - self.asked_at < _DOUBTFUL

    def tell(self, part: str, outcome: Outcome | None) -> None:
        """Let whoever waits for an attempt know what came of it; a second word changes nothing."""
        answer = self.flying.get(part)
        if answer is not None and not answer.done():
            answer.set_result(outcome)


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
        self.beside: set[asyncio.Task[None]] = set()

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
            Exception: `fail` has noted it.
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

    # -- an attempt ---------------------------------------------------------------------------

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
        part = assignment.part
        member.flying[part] = asyncio.get_running_loop().create_future()
        member.outbox.append(assignment)
        if not member.sending:
            member.sending = True
            self._start(self._send(member))
        # Whoever waits here may be cut off: it stays with its worker, which brings it home.
        outcome = await asyncio.shield(member.flying[part])
        del member.flying[part]
        if outcome is not None:
            self._answered[part] = assignment.attempt, member
            return outcome
        member.given_up.add(part)
        lost = _lost(began, Fault.NO_ANSWER, "its worker was lost, and brought nothing home")
        return replace(lost, orphaned=True)

    def _start(self, work: Any) -> None:
        """Do something beside the attempts; a bug in it is the run's."""
        task = asyncio.ensure_future(work)
        self.beside.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: "asyncio.Task[None]") -> None:
        self.beside.discard(task)
        if not task.cancelled() and isinstance(bug := task.exception(), Exception):
            self.fail(bug)

    async def _send(self, member: Member) -> None:
        """Hand over what has gathered, as long as there is any."""
        try:
            while member.outbox and not member.dead:
                batch, member.outbox = member.outbox, []
                await self._ask(member, partial(member.handle.give.remote, batch))
        finally:
            member.sending = False

    async def _ask(self, member: Member, call: Callable[[], Any]) -> Any:
        """Call a worker, again where it cannot be reached; None where it is dead."""
        while not member.dead:
            try:
                return await call()
            except self._exceptions.ActorUnavailableError:
                await asyncio.sleep(_AGAIN)
            except self._exceptions.RayActorError:
                self.bury(member)
            except self._exceptions.RayTaskError:
                raise  # a bug, over there
            except self._exceptions.RayError:
                await asyncio.sleep(_AGAIN)  # the answer was lost on its way
        return None

    # -- loss ---------------------------------------------------------------------------------

    def bury(self, member: Member) -> None:
        """Note that a worker will never answer."""
        member.dead = True
        for assignment in member.outbox:
            not_sent = _lost(time.monotonic(), Fault.NOT_SENT, "its worker has died before")
            member.tell(assignment.part, not_sent)
        self.lose(member)

    def lose(self, member: Member) -> None:
        """Begin the limbo of all that a worker is at; `back` ends it."""
        if member.loss is None:
            member.loss = object()
            for part in member.flying:
                self._start(self._limbo(member, part, member.loss))

    def back(self, member: Member) -> None:
        """Note that a worker answers."""
        member.loss = member.asked_at = None

    async def _limbo(self, member: Member, part: str, loss: object) -> None:
        """Look for what a lost worker brings home; in the end, give it up."""
        end = time.monotonic() + self._setting.limbo()
        while member.loss is loss and (answer := member.flying.get(part)) and not answer.done():
            if found := await to_thread.run_sync(self._arrivals.found, part):
                member.tell(part, found)
            elif time.monotonic() >= end and member.loss is loss:
                member.tell(part, None)
            else:
                await asyncio.sleep(_LOOK)

    # -- news ---------------------------------------------------------------------------------

    async def mind(self, member: Member) -> None:
        """Hear of a worker, each second at least, until Ray says that it is dead."""
        while not member.dead:
            member.asked_at = time.monotonic()
            heard, member.heard = member.heard, []
            known, member.recorded = member.recorded, []
            hear = partial(member.handle.hear.remote, heard, known, BEAT)
            news = asyncio.ensure_future(self._ask(member, hear))
            try:
                await asyncio.wait({news}, timeout=SILENT)
                if not news.done():
                    self.lose(member)  # frozen, or cut off: Ray says nothing of the first
                came: list[tuple[str, Outcome]] | None = await news
            finally:
                news.cancel()
            if came is not None:
                self.back(member)
                for part, outcome in came:
                    member.tell(part, outcome)
                    member.heard.append(part)
            self.changed.set()

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
