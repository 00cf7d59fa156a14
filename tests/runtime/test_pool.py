"""Bounded concurrency."""

import anyio
import pytest
from support import virtual

from pipeline.runtime.pool import run_workers


@pytest.mark.parametrize("count", [1, 2, 7])
def test_so_many_workers_run_and_no_more(count: int) -> None:
    left, now, peak = 30, 0, 0

    async def work() -> None:
        nonlocal left, now, peak
        while left:
            left -= 1
            now += 1
            peak = max(peak, now)
            await anyio.sleep(1)
            now -= 1

    virtual.run(run_workers(work, count))
    assert (peak, left, now) == (count, 0, 0)


def test_it_returns_when_each_worker_has() -> None:
    ended = []

    async def main() -> float:
        async def work() -> None:
            seconds = float(len(ended) + 1)
            ended.append(seconds)
            await anyio.sleep(seconds)

        await run_workers(work, 4)
        return anyio.current_time()

    assert virtual.run(main()) == pytest.approx(4)


def test_the_first_error_cancels_the_others() -> None:
    cancelled = []

    async def main() -> None:
        calls = iter(range(3))

        async def work() -> None:
            number = next(calls)
            if number == 1:
                raise ValueError("broken")
            try:
                await anyio.sleep(1000)
            finally:
                cancelled.append(number)

        await run_workers(work, 3)

    with pytest.raises(ExceptionGroup) as caught:
        virtual.run(main())
    assert [str(error) for error in caught.value.exceptions] == ["broken"]
    assert sorted(cancelled) == [0, 2]


def test_no_workers_are_no_fault() -> None:
    async def work() -> None:
        raise AssertionError

    virtual.run(run_workers(work, 0))
