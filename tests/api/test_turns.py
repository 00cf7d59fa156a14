"""Of answers that come together, one after another is taken."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import httpx
import pytest
from support import virtual
from support.raw import CLIP, KEY, make_task

from pipeline.api.client import Client
from pipeline.api.endpoint import Endpoint
from pipeline.api.outcome import Outcome
from pipeline.api.segmind.wire import SegmindWire
from pipeline.api.turns import Turns


def test_of_those_who_come_together_one_goes_on_in_each_round_in_their_order() -> None:
    async def main() -> None:
        turns, steps = Turns(), list[str]()

        async def work(name: str) -> None:
            await turns.take()
            steps.append(f"{name} begins")
            await asyncio.sleep(0)
            steps.append(f"{name} is done")

        await asyncio.gather(*map(work, "abcd"))
        for name, following in ("ac", "bd"):
            assert steps.index(f"{name} is done") < steps.index(f"{following} begins")
        begun = [step[0] for step in steps if step.endswith("begins")]
        assert begun == list("abcd")

    virtual.run(main())


def test_whoever_comes_alone_does_not_wait() -> None:
    async def main() -> None:
        turns = Turns()
        for _ in range(3):
            taking = turns.take()
            with pytest.raises(StopIteration):
                taking.send(None)
            await asyncio.sleep(0)

    virtual.run(main())


def test_who_is_cancelled_takes_no_turn() -> None:
    async def main() -> None:
        turns, done = Turns(), list[int]()

        async def work(number: int) -> None:
            await turns.take()
            done.append(number)

        tasks = [asyncio.create_task(work(number)) for number in range(4)]
        await asyncio.sleep(0)
        tasks[1].cancel()
        tasks[3].cancel()
        await asyncio.wait(tasks)
        assert done == [0, 2]
        await asyncio.wait_for(turns.take(), 1.0)

    virtual.run(main())


class Together(httpx.AsyncBaseTransport):
    """Answers all requests at the same moment, the last with another status."""

    def __init__(self, number: int, status: int) -> None:
        self._left, self._status = number, status
        self._all = asyncio.Event()

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self._left -= 1
        status = 200 if self._left else self._status
        if not self._left:
            asyncio.get_running_loop().call_soon(self._all.set)
        await self._all.wait()
        return httpx.Response(status, headers={"content-type": "video/mp4"}, stream=Clip())


class Clip(httpx.AsyncByteStream):
    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield CLIP


class Taken:
    """A witness that notes which answers are taken."""

    def __init__(self, name: int, steps: list[tuple[str, int]]) -> None:
        self._name, self._steps = name, steps

    def sending(self) -> None: ...

    def answered(self, outcome: Outcome, length: int | None) -> None:
        self._steps.append(("taken", self._name))


def steps_of(number: int, folder: Path, last: int = 200) -> list[tuple[str, int]]:
    """Let so many answers come together; note who is taken, and what goes out after each."""
    steps = list[tuple[str, int]]()

    async def main() -> None:
        endpoint = Endpoint("http://127.0.0.1:9", KEY)
        transport = Together(number, last)
        async with Client(SegmindWire(endpoint), endpoint, transport=transport) as client:

            async def attempt(name: int) -> None:
                await client.attempt(make_task(), folder / str(name), Taken(name, steps))
                steps.append(("over", name))
                for _ in range(5):  # the rounds that another request takes to go out
                    await asyncio.sleep(0)
                steps.append(("next", name))

            await asyncio.gather(*map(attempt, range(number)))

    virtual.run(main())
    return steps


def test_what_the_first_answer_frees_goes_out_before_the_last_is_looked_at(tmp_path: Path) -> None:
    kinds = [what for what, _ in steps_of(20, tmp_path)]
    assert kinds.count("taken") == 20
    assert kinds[: kinds.index("next")].count("taken") < 10


def test_a_refusal_among_them_waits_for_no_turn(tmp_path: Path) -> None:
    steps = steps_of(20, tmp_path, last=406)
    assert steps.index(("over", 19)) < steps.index(("next", 0))
