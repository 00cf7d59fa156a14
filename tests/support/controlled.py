"""A run on virtual time that is controlled meanwhile.

async def script(ask: Ask) -> None:
    await anyio.sleep(5)
    await ask("pause")

night = Controlled(tmp_path, tasks=30)
summary = night.run(script=script)
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import anyio
import msgspec

from pipeline import events as ev
from pipeline.controlling.requests import read_request
from pipeline.controlling.server import Handler
from pipeline.models import Job, Task
from pipeline.runtime.options import Options
from pipeline.runtime.state import RunState
from support.night import Night

Ask = Callable[..., Awaitable[ev.Standing]]
Script = Callable[[Ask], Awaitable[None]]


@dataclass
class Controlled(Night):
    """A night with somebody at hand. What `edit` changes of a task is taken up by a reload."""

    script: Script | None = None
    written: dict[str, Any] = field(default_factory=dict)
    rows: dict[str, dict[str, Any]] = field(default_factory=dict)
    options: Options = Options()  # noqa: RUF009 - frozen
    reread: Callable[[Job], Job] = lambda job: job

    def _task(self, name: str) -> Task:
        return msgspec.structs.replace(super()._task(name), **self.rows.get(name, {}))

    def go(self, script: Script, **changes: Any) -> ev.Summary:
        """Run the job, with `script` beside it; a script that fails, fails the test."""
        ended: list[bool] = []

        @asynccontextmanager
        async def control(_state: RunState, handle: Handler) -> AsyncIterator[None]:
            async def ask(action: str, value: object = None) -> ev.Standing:
                standing = await handle(read_request(action, value))
                _state.check()
                return standing

            async def play() -> None:
                await script(ask)
                ended.append(True)

            async with anyio.create_task_group() as group:
                group.start_soon(play)
                yield
                group.cancel_scope.cancel()

        self.control = control
        self.written = changes
        options = replace(
            self.options, reread=lambda: self.reread(self.job(**{**changes, **self.written}))
        )
        summary = self.run(options=options, **changes)
        assert ended, "the run ended before the script did"
        return summary
