"""A wait ends with its time, and takes nobody else's cancellation for its own."""

import asyncio
import socket
from collections.abc import Awaitable, Callable

import anyio
import pytest
from support import virtual

from pipeline.api.network import Socket
from pipeline.api.patience import Patience
from pipeline.api.timeouts import USUAL


def for_ten_seconds() -> Patience:
    return Patience(10, USUAL)


def task() -> "asyncio.Task[object]":
    current = asyncio.current_task()
    assert current is not None
    return current


async def forever() -> None:
    await asyncio.get_running_loop().create_future()


def test_a_wait_is_cut_off_when_its_time_is_over_and_nothing_behind_it_is() -> None:
    async def main() -> None:
        began = asyncio.get_running_loop().time()
        with for_ten_seconds():
            await forever()
            pytest.fail("nobody came")
        waited = asyncio.get_running_loop().time() - began
        assert 10 <= waited <= 10 + 2 * USUAL.last_look
        assert not task().cancelling()
        await asyncio.sleep(100)

    virtual.run(main())


def test_each_piece_begins_another_wait() -> None:
    async def main() -> None:
        with for_ten_seconds() as patience:
            for _ in range(5):
                await asyncio.sleep(9)
                patience.allow(10)
            await asyncio.sleep(9)
            return
        pytest.fail("it was cut off")

    virtual.run(main())


def test_a_wait_of_no_time_is_over_at_once() -> None:
    async def main() -> None:
        with for_ten_seconds() as patience:
            patience.allow(0)
            await forever()
        assert not task().cancelling()
        with for_ten_seconds() as patience:
            patience.allow(0)  # and nothing is waited for
        await asyncio.sleep(1)

    virtual.run(main())


def test_an_answer_is_read_that_the_loop_finds_as_late_as_the_end_of_its_wait() -> None:
    """Another task kept the loop, for less than shows that the process was stopped."""

    async def main() -> None:
        loop = asyncio.get_running_loop()
        assert isinstance(loop, virtual.Clock)
        mine, theirs = socket.socketpair()
        mine.setblocking(False)

        def keep_the_loop() -> None:
            theirs.send(b"an answer")
            loop.skip(1)

        with mine, theirs, for_ten_seconds() as patience:
            for _ in range(2):
                loop.call_later(10.2, keep_the_loop)
                assert await Socket(mine).receive() == b"an answer"
                patience.allow(10)  # the rest of it has its own time
            loop.call_later(10.2, keep_the_loop)
            assert await Socket(mine).receive() == b"an answer"
            return
        pytest.fail("it was cut off")

    virtual.run(main())


@pytest.mark.parametrize("at", [5, 10, 10.5, 11])
def test_who_cancels_a_task_that_waits_is_heard(at: float) -> None:
    async def main() -> None:
        reached = False

        async def wait() -> None:
            nonlocal reached
            with for_ten_seconds():
                await forever()
            reached = True
            await forever()

        waiting = asyncio.create_task(wait())
        asyncio.get_running_loop().call_later(at, waiting.cancel)
        await asyncio.wait([waiting])
        assert waiting.cancelled()
        assert reached is (at > 10.5)

    virtual.run(main())


def test_who_cancels_a_task_in_the_moment_in_which_its_wait_ends_is_heard() -> None:
    async def main() -> None:
        async def wait() -> None:
            with for_ten_seconds() as patience:
                patience.allow(0)
                asyncio.get_running_loop().call_soon(task().cancel)
                await forever()
            pytest.fail("it took the cancellation for its own")

        waiting = asyncio.create_task(wait())
        await asyncio.wait([waiting])
        assert waiting.cancelled()

    virtual.run(main())


@pytest.mark.parametrize("at", [5.0, 10.5, 20.0])
def test_a_scope_around_a_wait_ends_it(at: float) -> None:
    async def main() -> None:
        with anyio.move_on_after(at) as scope:
            with for_ten_seconds():
                await forever()
            await forever()
        assert scope.cancelled_caught
        assert not task().cancelling()
        await asyncio.sleep(1)

    virtual.run(main())


async def _after_a_scope() -> None:
    with anyio.move_on_after(10.5):
        await forever()
    await forever()


async def _deaf() -> None:
    with pytest.raises(asyncio.CancelledError):
        await forever()
    await forever()


@pytest.mark.parametrize("work", [_after_a_scope, _deaf])
def test_a_wait_ends_whatever_swallows_that_within_it(work: Callable[[], Awaitable[None]]) -> None:
    async def main() -> None:
        with for_ten_seconds():
            await work()
        assert not task().cancelling()
        await asyncio.sleep(1)

    virtual.run(main())


def test_an_error_within_a_wait_is_not_swallowed() -> None:
    async def fail_late() -> None:
        try:
            await forever()
        finally:
            raise ValueError("of its own")

    async def main() -> None:
        with pytest.raises(ValueError, match="of its own"), for_ten_seconds():
            await fail_late()
        assert not task().cancelling()

    virtual.run(main())
