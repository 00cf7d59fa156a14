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


class Played:
    """The handle of a worker, which makes attempts as the test says; Ray's errors are its own."""

    def __init__(self, attempt: Callable[[], Awaitable[Outcome]]) -> None:
        self.attempt = attempt
        self.news: list[tuple[str, Outcome]] = []
        self.error: Exception | None = None
        self.answers = asyncio.Event()
        self.answers.set()
        self.given: list[list[str]] = []
        self.told: list[tuple[list[str], list[str]]] = []
        self.give = SimpleNamespace(remote=self._give)
        self.hear = SimpleNamespace(remote=self._hear)
        self.tasks: dict[str, asyncio.Task[None]] = {}

    def _fail(self) -> None:
        error, self.error = self.error, None
        if error is not None:
            raise error

    async def _give(self, assignments: list[Assignment]) -> None:
        self.given.append([each.part for each in assignments])
        await self.answers.wait()
        self._fail()
        for each in assignments:
            if each.part not in self.tasks:
                self.tasks[each.part] = asyncio.ensure_future(self._make(each.part))

    async def _make(self, part: str) -> None:
        try:
            outcome = await self.attempt()
            self.news.append((part, outcome))
        except RayError as error:
            self.error = error

    async def _hear(self, heard: list[str], recorded: list[str], seconds: float) -> Any:
        await self.answers.wait()
        self.told.append((heard, recorded))
        self.news = [(part, outcome) for part, outcome in self.news if part not in heard]
        await asyncio.sleep(0.01)
        self._fail()
        return list(self.news)


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
        self.minding: list[asyncio.Future[None]] = []

    def add(self, name: str, attempt: Callable[[], Awaitable[Outcome]]) -> Member:
        """Let a worker stand that answers so."""
        member = Member(name, Played(attempt))
        self.crew.members.append(member)
        self.minding.append(asyncio.ensure_future(self.crew.mind(member)))
        return member

    async def attempt(self, part: str = ASSIGNMENT.part) -> Outcome:
        return await self.crew.attempt(replace(ASSIGNMENT, part=part), self.witness)


async def never() -> Outcome:
    await asyncio.Event().wait()
    raise AssertionError


async def answered() -> Outcome:
    return ANSWER


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
    world.crew.bury(world.add("w1", died))
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
    world = World(tmp_path)
    member = world.add("w1", answered)
    member.handle.error = UnavailableError()
    assert await world.attempt() is ANSWER
    assert world.witness.workers == ["w1"]
    assert member.handle.given == [[ASSIGNMENT.part]] * 2


async def two_calls(world: World, member: Member) -> list[asyncio.Task[Outcome]]:
    """Give a worker one attempt, and three more while it has not heard of the first."""
    member.handle.answers.clear()
    attempts = [asyncio.create_task(world.attempt("0.part"))]
    await asyncio.sleep(0.05)
    attempts += [asyncio.create_task(world.attempt(f"{each}.part")) for each in (1, 2, 3)]
    await asyncio.sleep(0.05)
    return attempts


async def test_what_is_given_while_a_call_is_on_its_way_goes_with_the_next(tmp_path: Path) -> None:
    world = World(tmp_path)
    member = world.add("w1", answered)
    attempts = await two_calls(world, member)
    member.handle.answers.set()
    assert await asyncio.gather(*attempts) == [ANSWER] * 4
    assert member.handle.given == [["0.part"], ["1.part", "2.part", "3.part"]]


async def test_what_a_worker_was_not_given_before_it_died_was_not_sent(tmp_path: Path) -> None:
    world = World(tmp_path)
    member = world.add("w1", answered)
    first, *others = await two_calls(world, member)
    world.crew.bury(member)
    assert {outcome.fault for outcome in await asyncio.gather(*others)} == {Fault.NOT_SENT}
    assert not first.done()  # it may have been sent
    first.cancel()


async def test_a_bug_in_a_call_is_heard_at_the_next_seat(tmp_path: Path) -> None:
    world = World(tmp_path)
    member = Member("w1", Played(answered))  # which nobody minds
    world.crew.members.append(member)
    member.handle.error = TaskError("a bug over there")
    attempt = asyncio.create_task(world.attempt())
    await asyncio.wait_for(world.crew.changed.wait(), 20)
    with pytest.raises(TaskError):
        async with world.crew.seat():
            pass
    attempt.cancel()


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
    world = World(tmp_path)
    member = world.add("w1", answered)
    member.handle.answers.clear()
    waiting = asyncio.create_task(world.attempt())
    await asyncio.sleep(0.05)
    world.crew.lose(member)
    await asyncio.sleep(0.05)
    member.handle.answers.set()
    assert await asyncio.wait_for(waiting, 20) is ANSWER


async def test_a_worker_that_is_back_ends_the_limbo(tmp_path: Path) -> None:
    world, release = World(tmp_path, limbo=0.7), asyncio.Event()

    async def attempt() -> Outcome:
        await release.wait()
        return ANSWER

    member = world.add("w1", attempt)
    waiting = asyncio.create_task(world.attempt())
    await asyncio.sleep(0.05)
    member.handle.answers.clear()
    world.crew.lose(member)
    await asyncio.sleep(0.1)
    member.handle.answers.set()
    await asyncio.sleep(1.5)
    assert not waiting.done()
    release.set()
    assert await asyncio.wait_for(waiting, 20) is ANSWER


async def test_an_attempt_that_was_given_up_leaves_its_part_to_the_worker(tmp_path: Path) -> None:
    world = World(tmp_path, limbo=0.1)
    member = world.add("w1", died)
    assert (await world.attempt()).orphaned
    assert member.given_up == {ASSIGNMENT.part}


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
    await asyncio.sleep(0.1)
    told = [part for heard, recorded in member.handle.told for part in (*heard, *recorded)]
    assert told + member.recorded == [ASSIGNMENT.part] * 2


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


async def news(worker: Worker) -> list[tuple[str, Outcome]]:
    async with asyncio.timeout(20):
        while not (told := await worker.hear([], [], 1.0)):
            pass
    return told


async def test_what_came_of_an_attempt_is_told_until_it_is_heard(worker: Worker) -> None:
    await worker.give([ASSIGNMENT])
    told = await news(worker)
    assert await worker.hear([], [], 0.1) == told  # nobody knows whether that was heard
    assert await worker.hear([ASSIGNMENT.part], [], 0.1) == []


async def test_what_is_still_at_work_is_not_forgotten(worker: Worker, api: Api) -> None:
    api.release = asyncio.Event()
    await worker.give([ASSIGNMENT])
    assert await worker.hear([], [ASSIGNMENT.part], 0.1) == []  # it was given up
    draining = asyncio.create_task(worker.drain())
    await asyncio.sleep(0.05)
    assert not draining.done()
    api.release.set()
    await draining


async def test_an_attempt_that_is_asked_for_twice_is_made_once(
    worker: Worker, api: Api, tmp_path: Path
) -> None:
    await worker.give([ASSIGNMENT])
    await worker.give([ASSIGNMENT])  # nobody knows whether the first call came through
    assert await news(worker) == [(ASSIGNMENT.part, ANSWER)]
    assert api.requests == 1
    assert SharedFolder(str(tmp_path)).found(ASSIGNMENT.part) == ANSWER


async def test_an_old_worker_is_drained(worker: Worker, tmp_path: Path) -> None:
    await worker.give([ASSIGNMENT])
    await worker.drain()
    assert SharedFolder(str(tmp_path)).found(ASSIGNMENT.part) == ANSWER


async def test_a_worker_leaves_when_it_is_idle_and_alone_and_no_sooner(
    api: Api, tmp_path: Path
) -> None:
    left, release = asyncio.Event(), asyncio.Event()
    worker, home = Worker(alone=0.5, leave=left.set), SharedFolder(str(tmp_path))
    api.release = release
    await worker.program()
    await worker.open(Work(api, Endpoint("http://127.0.0.1:1", "key"), 60, 1000, home), "")
    await worker.give([ASSIGNMENT])
    await asyncio.sleep(1.0)  # alone for long, and at work
    assert not left.is_set()
    release.set()
    assert await news(worker) == [(ASSIGNMENT.part, ANSWER)]
    await asyncio.wait_for(left.wait(), 20)


async def test_a_worker_that_is_retired_leaves_once_its_work_is_home(
    api: Api, tmp_path: Path
) -> None:
    left, home = asyncio.Event(), SharedFolder(str(tmp_path))
    worker = Worker(leave=left.set)
    await worker.program()
    await worker.open(Work(api, Endpoint("http://127.0.0.1:1", "key"), 60, 1000, home), "")
    await worker.give([ASSIGNMENT])
    await worker.retire()
    await asyncio.wait_for(left.wait(), 20)
    assert home.found(ASSIGNMENT.part) == ANSWER


@pytest.mark.parametrize("address", ["auto", "local", "ray://h:10001", "h", "h:0", "h:99999", ""])
def test_what_could_be_any_cluster_or_none_is_no_address(address: str) -> None:
    with pytest.raises(UsageError):
        parsed(address)


def test_an_address_is_host_and_port() -> None:
    assert parsed("10.0.0.5:6379") == ("10.0.0.5", 6379)
    assert parsed("[::1]:6379") == ("::1", 6379)
