"""Bounded concurrency: so many workers, each its own loop. Knows no task and no HTTP."""

from collections.abc import Callable, Coroutine
from typing import Any

import anyio


async def run_workers(work: Callable[[], Coroutine[Any, Any, None]], count: int) -> None:
    """Run `count` workers until each has returned; the first error cancels the others."""
    async with anyio.create_task_group() as group:
        for _ in range(count):
            group.start_soon(work)
