"""What is done with the inputs of a task before its request: looked at again, fetched, uploaded.

All of it is free, and may be done again. What is at an address is fetched, without any key, only
where it has to be within the request; it lies in a temporary file while tasks need it.
"""

import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread

from pipeline.api.content import FileToSend, InputFailedError, Marks, name_of
from pipeline.api.origin import shown
from pipeline.api.outcome import Fault, Outcome
from pipeline.api.spool import Spool, Spooled
from pipeline.api.wire import Part
from pipeline.models import Cause, Form, Input, Task

Fetch = Callable[[str, Path], Awaitable[Outcome]]
"""Brings what is at an address to a file, and never raises; see `pipeline.api.fetching`."""
Upload = Callable[[FileToSend, str], Awaitable[str]]
"""Uploads a file of a type and returns its address; raises `InputFailedError`."""

# Files that are read through at once to see whether they have changed.
_AT_ONCE = 4
# What another attempt would not change: an answer that is no file.
_PASSING = {Fault.NOT_SENT, Fault.NO_ANSWER, Fault.TIMEOUT, Fault.CUT}
_BUSY = {408, 425, 429}
_SERVER_ERROR = 500
# The share of its life after which an upload is made again: a request may wait in a queue.
_FRESH = 0.5
# Uploads whose addresses are kept; what comes once more after so many others is uploaded again.
_MOST_UPLOADED = 10_000


@dataclass(frozen=True, slots=True)
class Prepared:
    """The values of a task's inputs for its wire, in which marks stand for files."""

    values: dict[str, Any] = field(default_factory=dict)
    marks: Marks = field(default_factory=Marks)


class Preparing:
    """Prepares the inputs of one session's tasks.

    `lives` is for how many seconds an upload can be used; None is as long as the session.
    """

    def __init__(
        self,
        fetch: Fetch,
        upload: Upload,
        lives: float | None = None,
        *,
        spool: Spool | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._fetch = fetch
        self._upload = upload
        self._reading = anyio.CapacityLimiter(_AT_ONCE)
        self._spool = spool or Spool()
        self._turns: dict[str, tuple[anyio.Lock, int]] = {}  # with how many are in it
        self._uploaded: dict[str, tuple[str, float]] = {}
        self._lives = float("inf") if lives is None else lives * _FRESH
        self._clock = clock

    def open(self) -> None:
        """Delete what a run that was killed has left. Blocks, while nothing is in flight yet."""
        self._spool.sweep()

    def close(self) -> None:
        """Delete what was fetched."""
        self._spool.close()

    @asynccontextmanager
    async def prepare(self, task: Task) -> AsyncIterator[Prepared]:
        """Make the values of a task's inputs; what was fetched for them is there until the end.

        Raises:
            InputFailedError: one of them cannot be sent; nothing of the task was.
        """
        prepared = Prepared()
        async with AsyncExitStack() as held:
            for name, value in task.inputs.items():
                if isinstance(value, list):
                    each = [await self._value(one, prepared.marks, held) for one in value]
                    prepared.values[name] = each
                else:
                    prepared.values[name] = await self._value(value, prepared.marks, held)
            yield prepared

    async def _value(self, one: Input, marks: Marks, held: AsyncExitStack) -> str | Part:
        if one.url is not None and one.form in {Form.URL, Form.DATA_URI}:
            return one.url
        if one.form is Form.UPLOAD:
            return await self._address(one)
        file, kind = await self._file(one, held)
        if one.form is Form.MULTIPART:
            return Part(marks.of(file, raw=True), kind, name_of(file.sha256, kind))
        return f"data:{kind};base64,{marks.of(file)}" if _has_head(one) else marks.of(file)

    async def _file(self, one: Input, held: AsyncExitStack) -> tuple[FileToSend, str]:
        if one.url is not None:
            found = await held.enter_async_context(self._from(one.url))
            return found.file, found.type
        if one.file is None or one.bytes is None:
            raise InputFailedError(
                f"{one.path} was sent by an earlier run: run the job again", Cause.INPUT_CHANGED
            )
        file = FileToSend(Path(one.file), one.bytes, one.sha256, one.path or one.file)
        await anyio.to_thread.run_sync(file.verify, limiter=self._reading)
        return file, one.type or "application/octet-stream"

    # -- addresses ----------------------------------------------------------------------------

    @asynccontextmanager
    async def _from(self, url: str) -> AsyncIterator[Spooled]:
        """Fetch what is at an address, once for all tasks that need it at a time."""
        async with self._turn(url):
            found = self._spool.take(url)
            if found is None:
                found = self._spool.add(url, await self._bring(url))
        try:
            yield found
        finally:
            self._spool.give_back(url)

    async def _bring(self, url: str) -> Spooled:
        try:
            path = await anyio.to_thread.run_sync(self._spool.new_file)
        except OSError as error:
            why = f"{shown(url)} cannot be fetched: {error.strerror or error}"
            raise InputFailedError(why, Cause.INPUT_UNAVAILABLE, again=True) from error
        outcome = await self._fetch(url, path)
        body = outcome.body
        if body is None or outcome.fault is not None or not outcome.ok:
            self._spool.discard(path)
            status = outcome.status or 0
            again = outcome.fault in _PASSING or status in _BUSY or status >= _SERVER_ERROR
            raise InputFailedError(
                f"{shown(url)} cannot be fetched: {outcome.detail or outcome.fault}",
                Cause.INPUT_UNAVAILABLE,
                again=again and not outcome.hopeless,
            )
        return Spooled(FileToSend(path, body.size, body.sha256, shown(url)), body.content_type)

    async def _address(self, one: Input) -> str:
        """Upload a file, or what is at an address: once, and again before the upload expires."""
        key = one.url or one.sha256
        async with self._turn(f"upload {key}"):
            address, expires = self._uploaded.get(key, ("", 0.0))
            if self._clock() >= expires:
                async with AsyncExitStack() as held:
                    file, kind = await self._file(one, held)
                    address = await self._upload(file, kind)
                self._uploaded[key] = address, self._clock() + self._lives
                if len(self._uploaded) > _MOST_UPLOADED:
                    del self._uploaded[next(iter(self._uploaded))]
            elif one.url is None:
                await self._file(one, AsyncExitStack())  # it may have changed since
            return address

    @asynccontextmanager
    async def _turn(self, name: str) -> AsyncIterator[None]:
        """Let one task at a time do what brings the same; nothing is kept of it after the last."""
        lock, users = self._turns.get(name) or (anyio.Lock(), 0)
        self._turns[name] = lock, users + 1
        try:
            async with lock:
                yield
        finally:
            _, users = self._turns.pop(name)
            if users > 1:
                self._turns[name] = lock, users - 1


def _has_head(one: Input) -> bool:
    return one.form is not Form.BASE64
