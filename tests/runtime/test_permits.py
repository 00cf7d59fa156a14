"""Permits: who may be at the provider, and who waits for a place with everything prepared."""

import asyncio
from collections import deque

import pytest
from support import virtual

from pipeline.runtime.permits import FILLING, Permits


async def after(*tasks: "asyncio.Task[bool]") -> list[bool | None]:
    """Let what can go on go on; say who has an answer."""
    for _ in range(3):
        await asyncio.sleep(0)
    return [task.result() if task.done() else None for task in tasks]


def waiting(permits: Permits, *names: str) -> "list[asyncio.Task[bool]]":
    return [asyncio.get_running_loop().create_task(permits.wait(name)) for name in names]


def test_a_place_that_comes_free_goes_to_whoever_has_waited_longest() -> None:
    async def main() -> None:
        permits = Permits(lambda: 2)
        assert await permits.wait("a")
        assert await permits.wait("b")
        tasks = waiting(permits, "c", "d")
        assert await after(*tasks) == [None, None]
        permits.free("a")
        assert await after(*tasks) == [True, None]
        permits.free("a")  # it has none any more
        assert await after(*tasks) == [True, None]
        permits.free("c")
        assert await after(*tasks) == [True, True]
        assert len(permits) == 2

    virtual.run(main())


def test_nobody_overtakes_those_who_wait() -> None:
    async def main() -> None:
        bound = 1
        permits = Permits(lambda: bound)
        assert await permits.wait("a")
        tasks = waiting(permits, "b")
        await after(*tasks)
        bound = 2
        tasks += waiting(permits, "c")
        assert await after(*tasks) == [None, None]
        permits.grant()
        assert await after(*tasks) == [True, None]

    virtual.run(main())


def test_a_recall_gives_everybody_an_answer_and_nobody_a_place() -> None:
    async def main() -> None:
        permits = Permits(lambda: 1)
        assert await permits.wait("a")
        tasks = waiting(permits, "b", "c")
        await after(*tasks)
        permits.recall()
        assert await after(*tasks) == [False, False]
        permits.free("a")
        assert len(permits) == 0

    virtual.run(main())


@pytest.mark.parametrize("granted", [False, True])
def test_one_that_is_cancelled_while_it_waits_takes_no_place_from_others(granted: bool) -> None:
    async def main() -> None:
        permits = Permits(lambda: 1)
        assert await permits.wait("a")
        tasks = waiting(permits, "b", "c")
        await after(*tasks)
        if granted:  # in the same step as it is cancelled: whoever takes it back frees its place
            permits.free("a")
        tasks[0].cancel()
        await asyncio.wait(tasks[:1])
        permits.free("b" if granted else "a")
        assert await after(tasks[1]) == [True]
        assert len(permits) == 1

    virtual.run(main())


def test_a_place_that_is_kept_never_comes_back() -> None:
    async def main() -> None:
        permits = Permits(lambda: 2)
        assert await permits.wait("a")
        assert await permits.wait("b")
        tasks = waiting(permits, "c")
        await after(*tasks)
        permits.free("a", keep=True)
        assert await after(*tasks) == [None]
        permits.free("b")
        assert await after(*tasks) == [True]
        assert len(permits) == 2

    virtual.run(main())


def test_nobody_waits_for_a_place_that_cannot_come_back() -> None:
    async def main() -> None:
        most = 1
        permits = Permits(lambda: most)
        assert await permits.wait("a")
        tasks = waiting(permits, "b", "c")
        await after(*tasks)
        most = 0  # an earlier request is found to be at work, and takes the place
        permits.free("a")
        assert await after(*tasks) == [False, False]
        assert not await permits.wait("d")

    virtual.run(main())


def test_while_answers_come_and_enough_wait_for_their_places_no_more_are_needed() -> None:
    async def main() -> None:
        permits, now = Permits(lambda: 4), asyncio.get_running_loop().time
        for name in "abcd":
            assert await permits.wait(name)
        tasks = waiting(permits, "e", "f", "g", "h")
        await after(*tasks)
        assert not permits.are_filling(now()), "no answer has come"
        permits.free("a")
        assert permits.are_filling(now())
        permits.free("b")
        assert not permits.are_filling(now()), "half of them are used up"
        tasks += waiting(permits, "i", "j")
        await after(*tasks)
        assert permits.are_filling(now())
        await asyncio.sleep(FILLING)
        assert not permits.are_filling(now())
        permits.recall()

    virtual.run(main())


def test_while_permits_pass_from_answer_to_request_saving_waits_and_not_for_ever() -> None:
    async def main() -> None:
        permits, now = Permits(lambda: 4), asyncio.get_running_loop().time
        for number in range(4):
            assert await permits.wait(str(number))
        tasks = waiting(permits, *map(str, range(4, 104)))
        await after(*tasks)
        assert not permits.are_passing(now()), "no answer has come"
        began = now()
        passing = [asyncio.create_task(permits.passed(most)) for most in (1.0, 0.1)]
        for number in range(20):
            permits.free(str(number))
            await asyncio.sleep(FILLING / 2)
        assert permits.are_passing(now())
        await asyncio.gather(*passing)
        assert 10 * FILLING < now() - began < 13 * FILLING
        # However long they pass, it ends; and at once where nobody waits for them any more.
        began, end = now(), asyncio.create_task(permits.passed(0.05))
        for number in range(20, 60):
            permits.free(str(number))
            await asyncio.sleep(FILLING / 2)
            if end.done():
                break
        assert 0.05 <= now() - began < 0.05 + 2 * FILLING
        permits.recall()
        assert not permits.are_passing(now())

    virtual.run(main())


def test_where_all_places_are_kept_nobody_waits_any_longer() -> None:
    async def main() -> None:
        permits = Permits(lambda: 1)
        assert await permits.wait("a")
        tasks = waiting(permits, "b")
        await after(*tasks)
        permits.free("a", keep=True)
        assert await after(*tasks) == [False]

    virtual.run(main())


def test_whoever_is_let_go_is_not_looked_for_among_those_who_wait() -> None:
    class Line(deque[tuple[str, "asyncio.Future[bool]"]]):
        looks = 0

        def __contains__(self, entry: object) -> bool:
            self.looks += 1
            return super().__contains__(entry)

    async def main() -> None:
        permits, line = Permits(lambda: 1), Line()
        permits.waiting = line
        assert await permits.wait("a")
        tasks = waiting(permits, "b", "c")
        await after(*tasks)
        permits.free("a")
        assert await after(*tasks) == [True, None]
        assert not line.looks
        tasks[1].cancel()
        await after(tasks[0])
        assert not line

    virtual.run(main())
