"""`--engine ray`: makes the crew of a run on a cluster, keeps it complete, and ends it."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import anyio
from anyio import to_thread

from pipeline.engines.crew import Setting
from pipeline.engines.on_ray import old_workers
from pipeline.engines.on_ray.cluster import ANSWER, Cluster, connected, in_thread
from pipeline.engines.on_ray.crew import BEAT, Member, RayCrew
from pipeline.engines.on_ray.worker import Hello, Program, Work, program
from pipeline.errors import UsageError
from pipeline.models import Job
from pipeline.printable import printable
from pipeline.store.commit import Store

# Seconds in which workers must find room; those that find it later join the run then.
_ROOM = 30.0
# Seconds before a worker is asked for in place of one that was lost, and for a last word to one.
_REPLACE, _LAST = 2.0, 5.0


@asynccontextmanager
async def ray_engine(address: str, workers: int | None = None) -> AsyncIterator["RayEngine"]:
    """Connect to a cluster, for one run. `workers` is how many there shall be.

    Raises:
        UsageError: there is no cluster at this address, or Ray is not installed.
    """
    async with connected(address) as cluster:
        yield RayEngine(cluster, workers)


@dataclass(slots=True, eq=False)
class RayEngine:
    """The engine of a cluster: `gather` and `crew` are ports of `runner.run`."""

    cluster: Cluster
    workers: int | None

    async def gather(self, job: Job, store: Store) -> None:
        """Wait for what workers of a killed run are at, and end them."""
        await old_workers.gather(self.cluster, job, store)

    @asynccontextmanager
    async def crew(self, setting: Setting) -> AsyncIterator[RayCrew]:
        """Make the crew of a run: each worker has proven its way to the API and home.

        Raises:
            UsageError: no worker finds room, or one of them cannot work.
        """
        cluster, arrivals = self.cluster, setting.store.shelf.arrivals()
        wanted = self.workers or await in_thread(cluster.nodes, ANSWER, "Ray")
        crew = RayCrew(setting, cluster.ray.exceptions)
        recruiting = _Recruiting(cluster, setting, await to_thread.run_sync(arrivals.announce))
        places = [asyncio.create_task(_guarded(crew, recruiting.fill(crew))) for _ in range(wanted)]
        tidying = asyncio.create_task(_guarded(crew, _tidy(crew)))
        try:
            await _start(crew, recruiting, wanted)
            yield crew
        finally:
            with anyio.CancelScope(shield=True):
                await _cancel([*places, tidying, *crew.beside])
                await crew.tidy()
                await to_thread.run_sync(arrivals.withdraw)
                try:
                    await asyncio.gather(*(_end(cluster, member) for member in crew.members))
                except UsageError as error:  # they end themselves
                    recruiting.say(f"workers may be left for a minute: {error}")
        if crew.bug is not None:
            raise crew.bug


async def _guarded(crew: RayCrew, work: Coroutine[Any, Any, None]) -> None:
    """Let the run hear of a bug in what is done beside it."""
    try:
        await work
    except Exception as bug:  # noqa: BLE001 - requests in flight are paid: the run ends well
        crew.fail(bug)


async def _start(crew: RayCrew, recruiting: "_Recruiting", wanted: int) -> None:
    """Wait for the workers, and continue with those that have found room."""
    end = asyncio.get_running_loop().time() + _ROOM
    while len(crew.members) < wanted and asyncio.get_running_loop().time() < end:
        if refusal := recruiting.refusal or crew.bug:
            raise refusal
        await asyncio.sleep(0.05)
    if not crew.members:
        raise UsageError(
            f"no worker found room on the cluster within {_ROOM:g} s: each needs one CPU",
            hint="`ray status` on its head shows what is used; nothing was sent",
        )
    recruiting.started = True
    if len(crew.members) < wanted:
        recruiting.say(
            f"{len(crew.members)} of {wanted} workers have found room; the others join the"
            " run when they do"
        )


@dataclass(slots=True, eq=False)
class _Recruiting:
    """Asks for workers. A worker that cannot work is refused before money is spent."""

    cluster: Cluster
    setting: Setting
    announced: str
    refusal: UsageError | None = None
    started: bool = False

    def say(self, text: str) -> None:
        store = self.setting.store
        store.warn(text)
        store.report_warnings()

    async def fill(self, crew: RayCrew) -> None:
        """Keep one place filled, for as long as the run lasts."""
        while True:
            try:
                member = await self._recruit()
            except (UsageError, self.cluster.ray.exceptions.RayError) as error:
                refusal = error if isinstance(error, UsageError) else _broken(error)
                self.refusal = self.refusal or refusal
                if self.started:
                    self.say(f"no worker in place of one that was lost: {refusal}")
            else:
                crew.members.append(member)
                await self._mind(crew, member)
                crew.members.remove(member)
                self.say(f"a worker was lost, with requests: {len(member.flying)}")
            await asyncio.sleep(_REPLACE)

    async def _mind(self, crew: RayCrew, member: Member) -> None:
        try:
            await crew.mind(member)
        except Exception:
            crew.lose(member)  # nobody would hear of its end
            raise

    async def _recruit(self) -> Member:
        """Ask for a worker, and wait until it has room and has proven that it can work."""
        make = partial(self.cluster.make, self.setting.job)
        name, handle = await in_thread(make, ANSWER, "Ray")
        try:
            await self._prove(handle)
        except BaseException:
            with anyio.CancelScope(shield=True):
                await in_thread(lambda: self.cluster.end(handle), ANSWER, "Ray")
            raise
        return Member(name, handle)

    async def _prove(self, handle: Any) -> None:
        theirs: Program = await handle.program.remote()
        if theirs != (ours := program()):
            raise UsageError(
                f"a worker runs pipeline {theirs.version} on Python {theirs.python}, and this is"
                f" pipeline {ours.version} on Python {ours.python}",
                hint="install the same on all nodes; nothing was sent",
            )
        setting = self.setting
        work = Work(
            setting.provider,
            setting.session.endpoint,
            setting.job.timeout,
            setting.job.max_size,
            setting.store.shelf.arrivals(),
        )
        hello: Hello = await handle.open.remote(work, self.announced)
        if hello.fault is not None:
            raise UsageError(
                f"a worker does not see {setting.job.output_dir}: {hello.fault}",
                hint="let it be a folder that all nodes share; nothing was sent",
            )
        # An outage is not the worker's fault.
        if hello.balance.status is None and (await setting.session.balance()).status is not None:
            raise UsageError(
                f"a worker does not reach {setting.session.endpoint.address}, and this process"
                f" does: {hello.balance.detail}",
                hint="let all nodes of the cluster reach it; nothing was sent",
            )


def _broken(error: Exception) -> UsageError:
    return UsageError(
        f"a worker of the cluster could not start: {printable(str(error).strip())[-500:]}",
        hint="install pipeline and its libraries on all nodes; nothing was sent",
    )


async def _tidy(crew: RayCrew) -> None:
    while True:
        await asyncio.sleep(BEAT)
        await crew.tidy()


async def _cancel(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def _end(cluster: Cluster, member: Member) -> None:
    """End a worker, or let it bring home what it is at: the next run takes that in."""
    if not (member.flying or member.given_up):
        await in_thread(lambda: cluster.end(member.handle), ANSWER, "Ray")
        return
    retiring = member.handle.retire.remote()
    await asyncio.wait({asyncio.wrap_future(retiring.future())}, timeout=_LAST)
