"""The crew on a cluster, with workers that the test plays: what is lost, heard late, or found."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, Self

import pytest
from msgspec.structs import replace

from pipeline.api.endpoint import Endpoint
from pipeline.api.outcome import Balance, Fault, Outcome
from pipeline.api.segmind import Segmind
from pipeline.engines.crew import Assignment, Setting
from pipeline.engines.on_ray.cluster import parsed
from pipeline.engines.on_ray.crew import Member, RayCrew
from pipeline.engines.on_ray.worker import Work, Worker
from pipeline.errors import UsageError
from pipeline.models import Rate, Task
from pipeline.runtime.pace import Pace
from pipeline.store.arrivals import SharedFolder

TASK = Task(id="a", model="m", params={"prompt": "a"}, output="a", fingerprint="f")
ASSIGNMENT = Assignment(task=TASK, attempt="a.1", part="a.1.part")
ANSWER = Outcome(took=1.0, status=500)


class RayError(Exception):
    """As Ray says that something went wrong."""


class TaskError(RayError):
    """As Ray says that a method of a worker has raised."""


class ActorDiedError(RayError):
    """As Ray says that a worker will never answer."""


class UnavailableError(ActorDiedError):
    """As Ray says that it cannot reach it just now."""


EXCEPTIONS = SimpleNamespace(
    RayError=RayError,
    RayTaskError=TaskError,
    RayActorError=ActorDiedError,
    ActorUnavailableError=UnavailableError,
)


@dataclass
class Witness:
    """A claim, and whether there is room to note in it."""

    full: bool = False
    workers: list[str | None] = field(default_factory=list)

    def sending(self, worker: str | None = None) -> None:
        if self.full:
            raise OSError("no room")
        self.workers.append(worker)

    def answered(self, outcome: Outcome, length: int | None) -> None: ...


class World:
    """A crew whose workers do what the test says."""

    def __init__(self, folder: Path, limbo: float = 30.0) -> None:
        self.home = SharedFolder(str(folder))
        store = SimpleNamespace(
            shelf=SimpleNamespace(arrivals=lambda: self.home), has_claim=lambda _: False
        )
        job = SimpleNamespace(concurrency=4)
        setting: Any = Setting(job, None, None, store, lambda: limbo)  # type: ignore[arg-type]
        self.crew = RayCrew(setting, EXCEPTIONS)
        self.witness = Witness()

    def add(self, name: str, attempt: Callable[[], Awaitable[Outcome]]) -> Member:
        """Let a worker stand that answers so."""
        remote = SimpleNamespace(remote=lambda _: attempt())
        member = Member(name, SimpleNamespace(attempt=remote))
        self.crew.members.append(member)
        return member

    async def attempt(self, part: str = ASSIGNMENT.part) -> Outcome:
        return await self.crew.attempt(replace(ASSIGNMENT, part=part), self.witness)


async def never() -> Outcome:
    await asyncio.Event().wait()
    raise AssertionError


async def died() -> Outcome:
    raise ActorDiedError


async def test_the_claim_names_the_worker_before_it_is_called(tmp_path: Path) -> None:
    world = World(tmp_path)

    async def attempt() -> Outcome:
        assert world.witness.workers == ["w1"]
        return ANSWER

    world.add("w1", attempt)
    assert await world.attempt() is ANSWER


async def test_without_a_note_in_the_claim_no_worker_is_called(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.add("w1", died)
    world.witness.full = True
    assert (await world.attempt()).fault is Fault.NOT_SENT


async def test_without_a_worker_nothing_is_sent(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.add("w1", died).die()
    assert (await world.attempt()).fault is Fault.NOT_SENT
    assert world.witness.workers == []


async def test_a_worker_that_is_slow_to_answer_gets_nothing_new(tmp_path: Path) -> None:
    world = World(tmp_path)
    member = world.add("w1", died)
    member.asked_at = time.monotonic() - 10
    assert (await world.attempt()).fault is Fault.NOT_SENT


def test_the_rate_allows_for_the_way_to_a_worker() -> None:
    pace, rate = Pace.of(Rate(1, 1.0)), Rate(1, 1.0)
    before, pace.jitter = pace.interval, RayCrew.jitter
    pace.change(rate)
    assert pace.interval - before == pytest.approx(RayCrew.jitter)
    pace.change(None)
    assert pace.interval == 0.0  # no rate


async def test_a_worker_that_ray_cannot_reach_is_asked_again(tmp_path: Path) -> None:
    world, calls = World(tmp_path), []

    async def attempt() -> Outcome:
        calls.append(1)
        if len(calls) == 1:
            raise UnavailableError
        return ANSWER

    world.add("w1", attempt)
    assert await world.attempt() is ANSWER
    assert world.witness.workers == ["w1"]


async def test_a_lost_attempt_is_in_doubt_only_after_its_limbo(tmp_path: Path) -> None:
    world = World(tmp_path, limbo=1.0)
    world.add("w1", died)
    began = asyncio.get_running_loop().time()
    outcome = await world.attempt()
    assert outcome.fault is Fault.NO_ANSWER
    assert asyncio.get_running_loop().time() - began >= 1.0


async def test_what_a_dead_worker_has_brought_home_is_found(tmp_path: Path) -> None:
    world = World(tmp_path)
    world.add("w1", died)
    attempt = asyncio.create_task(world.attempt())
    await asyncio.sleep(0.2)
    world.home.bring(ASSIGNMENT.part, ANSWER)
    assert await asyncio.wait_for(attempt, 20) == ANSWER


async def test_a_silent_worker_is_still_heard_in_limbo(tmp_path: Path) -> None:
    world, thawed = World(tmp_path), asyncio.Event()

    async def attempt() -> Outcome:
        await thawed.wait()
        return ANSWER

    member = world.add("w1", attempt)
    waiting = asyncio.create_task(world.attempt())
    await asyncio.sleep(0.05)
    member.lost.set()
    await asyncio.sleep(0.05)
    thawed.set()
    assert await asyncio.wait_for(waiting, 20) is ANSWER


async def test_a_worker_that_is_back_ends_the_limbo(tmp_path: Path) -> None:
    world, thawed = World(tmp_path, limbo=0.7), asyncio.Event()

    async def attempt() -> Outcome:
        await thawed.wait()
        return ANSWER

    member = world.add("w1", attempt)
    waiting = asyncio.create_task(world.attempt())
    await asyncio.sleep(0.05)
    member.lost.set()
    await asyncio.sleep(0.1)
    member.lost.clear()
    await asyncio.sleep(1.5)
    assert not waiting.done()
    thawed.set()
    assert await asyncio.wait_for(waiting, 20) is ANSWER


async def test_the_worker_with_the_fewest_attempts_gets_the_next(tmp_path: Path) -> None:
    world = World(tmp_path)
    for name in ("w1", "w2"):
        world.add(name, never)
    attempts = [asyncio.create_task(world.attempt(f"{each}.part")) for each in range(4)]
    await asyncio.sleep(0.05)
    assert sorted(map(str, world.witness.workers)) == ["w1", "w1", "w2", "w2"]
    for each in attempts:
        each.cancel()
    await asyncio.gather(*attempts, return_exceptions=True)
    # What was cut off stays with its worker, which brings it home.
    assert [len(member.flying) for member in world.crew.members] == [2, 2]


async def test_what_has_its_record_is_forgotten(tmp_path: Path) -> None:
    world = World(tmp_path)

    async def attempt() -> Outcome:
        return world.home.bring(ASSIGNMENT.part, ANSWER)

    member = world.add("w1", attempt)
    await world.attempt()
    await world.crew.tidy()
    assert world.home.found(ASSIGNMENT.part) is None
    assert member.recorded == [ASSIGNMENT.part]


# -- a worker ---------------------------------------------------------------------------------


class Api(Segmind):
    """A provider that answers after a while, and counts."""

    def __init__(self) -> None:
        super().__init__()
        self.requests = 0
        self.release: asyncio.Event | None = None

    def connect(self, *_: Any, **__: Any) -> Any:
        return self

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None: ...

    async def balance(self) -> Balance:
        return Balance(status=200)

    async def attempt(self, task: Task, part: Path, witness: Any = None) -> Outcome:
        self.requests += 1
        await (self.release.wait() if self.release else asyncio.sleep(0.1))
        return ANSWER


@pytest.fixture
def api() -> Api:
    return Api()


@pytest.fixture
async def worker(api: Api, tmp_path: Path) -> Worker:
    worker, home = Worker(), SharedFolder(str(tmp_path))
    work = Work(api, Endpoint("http://127.0.0.1:1", "key"), 60, 1000, home)
    hello = await worker.open(work, home.announce())
    assert (hello.fault, hello.balance.status) == (None, 200)
    return worker


async def test_an_attempt_that_is_asked_for_twice_is_made_once(
    worker: Worker, api: Api, tmp_path: Path
) -> None:
    first = asyncio.create_task(worker.attempt(ASSIGNMENT))
    await asyncio.sleep(0)
    first.cancel()  # whoever asked has gone
    assert await worker.attempt(ASSIGNMENT) == ANSWER
    assert api.requests == 1
    assert SharedFolder(str(tmp_path)).found(ASSIGNMENT.part) == ANSWER


async def test_an_old_worker_is_drained(worker: Worker, tmp_path: Path) -> None:
    asking = asyncio.create_task(worker.attempt(ASSIGNMENT))
    await asyncio.sleep(0)
    await worker.drain()
    assert SharedFolder(str(tmp_path)).found(ASSIGNMENT.part) == ANSWER
    await asking


async def test_a_worker_leaves_when_it_is_idle_and_alone_and_no_sooner(
    api: Api, tmp_path: Path
) -> None:
    left, release = asyncio.Event(), asyncio.Event()
    worker, home = Worker(alone=2.0, leave=left.set), SharedFolder(str(tmp_path))
    api.release = release
    await worker.program()
    await worker.open(Work(api, Endpoint("http://127.0.0.1:1", "key"), 60, 1000, home), "")
    asking = asyncio.create_task(worker.attempt(ASSIGNMENT))
    await asyncio.sleep(4.0)  # alone for long, and at work
    assert not left.is_set()
    release.set()
    assert await asking == ANSWER
    await asyncio.wait_for(left.wait(), 20)


async def test_a_worker_that_is_retired_leaves_once_its_work_is_home(
    api: Api, tmp_path: Path
) -> None:
    left, home = asyncio.Event(), SharedFolder(str(tmp_path))
    worker = Worker(leave=left.set)
    await worker.program()
    await worker.open(Work(api, Endpoint("http://127.0.0.1:1", "key"), 60, 1000, home), "")
    asking = asyncio.create_task(worker.attempt(ASSIGNMENT))
    await asyncio.sleep(0)
    await worker.retire()
    await asyncio.wait_for(left.wait(), 20)
    assert home.found(ASSIGNMENT.part) == ANSWER == await asking


@pytest.mark.parametrize("address", ["auto", "local", "ray://h:10001", "h", "h:0", "h:99999", ""])
def test_what_could_be_any_cluster_or_none_is_no_address(address: str) -> None:
    with pytest.raises(UsageError):
        parsed(address)


def test_an_address_is_host_and_port() -> None:
    assert parsed("10.0.0.5:6379") == ("10.0.0.5", 6379)
    assert parsed("[::1]:6379") == ("::1", 6379)
