"""Questions for accepted requests: how often, how long, and what people are told of odd answers."""

import anyio
import pytest

from pipeline.api.outcome import Progress, RequestState
from pipeline.models import Handle
from pipeline.runtime.poller import Poller

pytestmark = pytest.mark.anyio

DONE = Progress(state=RequestState.DONE, status=200)


async def test_a_patience_ends_also_while_all_questions_are_paused() -> None:
    async def ask(_: Handle) -> Progress:
        return Progress(state=RequestState.UNREACHED, status=429, retry_after=600)

    with anyio.fail_after(20):
        async with Poller(ask, 0.01) as poller:
            assert await poller.final(Handle(id="a"), patience=0.4) is None


async def test_a_wait_that_an_answer_asks_for_delays_its_own_request_alone() -> None:
    async def ask(handle: Handle) -> Progress:
        if handle.id == "a":
            return Progress(state=RequestState.RUNNING, status=200, retry_after=600)
        return DONE

    with anyio.fail_after(20):
        async with Poller(ask, 0.01) as poller, anyio.create_task_group() as group:
            group.start_soon(lambda: poller.final(Handle(id="a"), patience=2))
            await anyio.sleep(0.3)
            assert await poller.final(Handle(id="b"), patience=1) is DONE
            group.cancel_scope.cancel()


async def test_what_says_nothing_again_and_again_is_told_once() -> None:
    told = list[str]()

    async def ask(_: Handle) -> Progress:
        return Progress(state=RequestState.WAITING, status=200, detail="state 'weird'")

    with anyio.fail_after(20):
        async with Poller(ask, 0.01, warn=told.append) as poller:
            assert await poller.final(Handle(id="a"), patience=1.5) is None
    assert [text.count("state 'weird'") for text in told] == [1]
