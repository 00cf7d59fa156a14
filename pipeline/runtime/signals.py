"""What signals ask of a run: to stop, to stop at once, or to say how it stands."""

import signal
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import anyio

from pipeline import events as ev
from pipeline.errors import ExitCode
from pipeline.runtime.standing import standing
from pipeline.runtime.state import RunState

_STOPPING = {"SIGINT": ExitCode.SIGINT, "SIGTERM": ExitCode.SIGTERM, "SIGHUP": ExitCode.SIGHUP}
# The first prints how the run stands; the second means nothing, and must not kill.
_ASKING = ("SIGUSR1", "SIGUSR2")

# A terminal that closes sends its hang-up twice: by the shell and by the kernel. In seconds.
_ONE_HANG_UP = 0.5


@asynccontextmanager
async def obeying(
    state: RunState, workers: anyio.CancelScope, *, handle: bool
) -> AsyncIterator[None]:
    """Stop gently at the first signal to stop, and at once at a second; print at SIGUSR1."""
    callers = {
        number: signal.getsignal(number)
        for name in (*_STOPPING, *_ASKING)
        if handle and (number := getattr(signal, name, None)) is not None
    }
    # A signal to stop that the caller ignores (nohup, a job in the background) stays ignored.
    heard = [n for n, own in callers.items() if n.name in _ASKING or own is not signal.SIG_IGN]

    async def listen() -> None:
        asked: float | None = None
        with anyio.open_signal_receiver(*heard) as arriving:
            async for number in arriving:
                if number.name in _ASKING:
                    if number is signal.SIGUSR1:
                        state.watch(ev.Asked(standing(state), time.time()))
                    continue
                now = time.monotonic()
                same = number is signal.SIGHUP and asked is not None and now - asked < _ONE_HANG_UP
                if asked is not None and not same:
                    workers.cancel()
                asked = now if asked is None else asked
                state.stop(_STOPPING[number.name], f"{number.name} received")

    try:
        async with anyio.create_task_group() as group:
            if heard:
                group.start_soon(listen)
            yield
            group.cancel_scope.cancel()
    finally:
        for number in heard:
            if (own := callers[number]) is not None:  # not one from outside Python
                signal.signal(number, own)
