"""A worker on another machine: the actor that makes attempts. It runs in a process of Ray's.

It is detached, so that it outlives the run: what it is at is paid for, and it brings that home. It
ends itself once it has nothing to do and nobody has spoken to it for a minute.
"""

import asyncio
import os
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass
from functools import partial

from pipeline import __version__
from pipeline.api.endpoint import Endpoint
from pipeline.api.outcome import Balance, Outcome
from pipeline.api.provider import Provider, Session
from pipeline.engines.crew import Assignment
from pipeline.store.arrivals import Arrivals

# Seconds of silence after which a worker with nothing to do ends itself.
ALONE = 60.0
# Seconds in which news gathers for one answer.
_GATHER = 0.01
# Seconds that Ray has for that, which it cannot do where its part of the node is gone.
_LEAVING = 5.0


@dataclass(frozen=True, slots=True)
class Program:
    """What a process runs; a run and its workers must run the same."""

    version: str
    python: str


@dataclass(frozen=True, slots=True)
class Hello:
    """What a worker says before money is spent: its own look at the balance and the way home."""

    balance: Balance
    fault: str | None


@dataclass(frozen=True, slots=True)
class Work:
    """What a worker needs to know of a run.

    The key is in here: it crosses in a call, which Ray writes to no file, and never as an
    environment of Ray's, which it does.
    """

    provider: Provider
    endpoint: Endpoint
    timeout: float
    max_size: int
    arrivals: Arrivals


def program() -> Program:
    """Name what this process runs."""
    major, minor = sys.version_info[:2]
    return Program(__version__, f"{major}.{minor}")


def leave() -> None:
    """End the process of a worker, by Ray where it answers."""
    import ray  # noqa: PLC0415 - an extra

    late = threading.Timer(_LEAVING, os._exit, [0])
    late.daemon = True
    late.start()
    ray.kill(ray.get_runtime_context().current_actor)


class Worker:
    """Makes attempts, each once however often it is asked for.

    After `alone` seconds without work and without a word it leaves.
    """

    def __init__(self, alone: float = ALONE, leave: Callable[[], None] = leave) -> None:
        self._alone, self._leave = alone, leave
        self._attempts: dict[str, asyncio.Task[Outcome]] = {}
        self._news: dict[str, None] = {}  # parts, in order: what came of them goes to the run
        self._changed = asyncio.Event()
        self._resources = AsyncExitStack()
        self._session: Session | None = None
        self._arrivals: Arrivals | None = None
        self._heard = True
        self._retired = False
        self._watch: asyncio.Task[None] | None = None

    async def program(self) -> Program:
        """Say what runs here; first, as everything else may be another version's."""
        self._heard = True
        if self._watch is None:
            self._watch = asyncio.create_task(self._end_when_alone())
        return program()

    async def open(self, work: Work, announced: str) -> Hello:
        """Open a session, and try all that an attempt needs: nothing is sent that costs."""
        self._heard = True
        connection = work.provider.connect(
            work.endpoint, timeout=work.timeout, max_size=work.max_size
        )
        self._session = await self._resources.enter_async_context(connection)
        self._arrivals = work.arrivals
        fault = await asyncio.to_thread(work.arrivals.fault, announced)
        return Hello(await self._session.balance(), fault)

    async def give(self, assignments: Sequence[Assignment]) -> None:
        """Begin attempts, each once however often it is given."""
        self._heard = True
        for assignment in assignments:
            if assignment.part not in self._attempts:
                attempt = asyncio.create_task(self._make(assignment))
                self._attempts[assignment.part] = attempt
                attempt.add_done_callback(partial(self._note, assignment.part))

    def _note(self, part: str, _: object) -> None:
        self._news[part] = None
        self._changed.set()

    async def _make(self, assignment: Assignment) -> Outcome:
        """Send one request and bring its answer home, whoever waits for it."""
        assert self._session is not None
        assert self._arrivals is not None
        part = self._arrivals.spool(assignment.part)
        outcome = await self._session.attempt(assignment.task, part)
        return await asyncio.to_thread(self._arrivals.bring, assignment.part, outcome)

    async def hear(
        self, heard: Sequence[str], recorded: Sequence[str], seconds: float
    ) -> list[tuple[str, Outcome]]:
        """Tell what came of attempts, by their parts, once there is something to tell.

        It says so again until that is `heard`. After so many seconds there is no news. What is
        `recorded` is forgotten.
        """
        self._heard = True
        for part in heard:
            self._news.pop(part, None)
        await self._forget(recorded)
        self._changed.clear()
        if not self._news:
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._changed.wait()
                    await asyncio.sleep(_GATHER)  # others may come with it
        self._heard = True
        return [(part, self._attempts[part].result()) for part in self._news]

    async def _forget(self, recorded: Sequence[str]) -> None:
        # What is still at work was given up by the run: it is brought home all the same.
        known = [part for part in recorded if part not in self._news and self._is_done(part)]
        for part in known:
            del self._attempts[part]
        if known and self._arrivals is not None:
            await asyncio.to_thread(self._arrivals.forget, known)

    def _is_done(self, part: str) -> bool:
        attempt = self._attempts.get(part)
        return attempt is not None and attempt.done()

    async def beat(self) -> None:
        """Show that this worker lives."""
        self._heard = True

    async def drain(self) -> None:
        """Wait until nothing is in flight here."""
        while busy := [each for each in self._attempts.values() if not each.done()]:
            self._heard = True
            await asyncio.wait(busy)

    async def retire(self) -> None:
        """End as soon as nothing is in flight here; the run has gone."""
        self._retired = True

    async def _end_when_alone(self) -> None:
        """End this process when it is of no use. It counts its own seconds: frozen, it has none."""
        silent = 0.0
        while silent < self._alone:
            await asyncio.sleep(1.0)
            busy = not all(each.done() for each in self._attempts.values())
            if self._retired and not busy:
                break
            silent = 0.0 if busy or self._heard else silent + 1.0
            self._heard = False
        self._leave()
