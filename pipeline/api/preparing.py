"""What is done with the inputs of a task before its request: looked at again, fetched, uploaded.

All of it is free, and may be done again. What is at an address is fetched, without any key, only
where it has to be within the request: once in a session, to a temporary file.
"""

import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread

from pipeline.api.content import FileToSend, InputFailedError, Marks
from pipeline.api.origin import shown
from pipeline.api.outcome import Fault, Outcome
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


@dataclass(frozen=True, slots=True)
class Prepared:
    """The values of a task's inputs for its wire, in which marks stand for files."""

    values: dict[str, Any] = field(default_factory=dict)
    marks: Marks = field(default_factory=Marks)


class Preparing:
    """Prepares the inputs of one session's tasks."""

    def __init__(self, fetch: Fetch, upload: Upload) -> None:
        self._fetch = fetch
        self._upload = upload
        self._reading = anyio.CapacityLimiter(_AT_ONCE)
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._turns: dict[str, anyio.Lock] = {}
        self._fetched: dict[str, tuple[FileToSend, str]] = {}
        self._uploaded: dict[str, str] = {}
        self._numbers = count()

    def close(self) -> None:
        """Delete what was fetched."""
        if self._folder is not None:
            self._folder.cleanup()

    async def prepare(self, task: Task) -> Prepared:
        """Make the values of a task's inputs.

        Raises:
            InputFailedError: one of them cannot be sent; nothing of the task was.
        """
        prepared = Prepared()
        for name, value in task.inputs.items():
            if isinstance(value, list):
                each = [await self._value(one, prepared.marks) for one in value]
                prepared.values[name] = each
            else:
                prepared.values[name] = await self._value(value, prepared.marks)
        return prepared

    async def _value(self, one: Input, marks: Marks) -> str:
        if one.url is not None and one.form in {Form.URL, Form.DATA_URI}:
            return one.url
        file, kind = await self._file(one)
        if one.form is Form.UPLOAD:
            return await self._address(file, kind)
        if one.form is Form.MULTIPART:
            return marks.of(file, raw=True)
        return f"data:{kind};base64,{marks.of(file)}" if _has_head(one) else marks.of(file)

    async def _file(self, one: Input) -> tuple[FileToSend, str]:
        if one.url is not None:
            return await self._from(one.url)
        if one.file is None or one.bytes is None:
            raise InputFailedError(
                f"{one.path} was sent by an earlier run: run the job again", Cause.INPUT_CHANGED
            )
        file = FileToSend(Path(one.file), one.bytes, one.sha256, one.path or one.file)
        await anyio.to_thread.run_sync(file.verify, limiter=self._reading)
        return file, one.type or "application/octet-stream"

    # -- addresses ----------------------------------------------------------------------------

    async def _from(self, url: str) -> tuple[FileToSend, str]:
        """Fetch what is at an address, once."""
        async with self._turn(url):
            if url not in self._fetched:
                self._fetched[url] = await self._bring(url)
            return self._fetched[url]

    async def _bring(self, url: str) -> tuple[FileToSend, str]:
        path = self._new_file()
        outcome = await self._fetch(url, path)
        body = outcome.body
        if body is None or outcome.fault is not None or not outcome.ok:
            status = outcome.status or 0
            again = outcome.fault in _PASSING or status in _BUSY or status >= _SERVER_ERROR
            raise InputFailedError(
                f"{shown(url)} cannot be fetched: {outcome.detail or outcome.fault}",
                Cause.INPUT_UNAVAILABLE,
                again=again and not outcome.hopeless,
            )
        return FileToSend(path, body.size, body.sha256, shown(url)), body.content_type

    def _new_file(self) -> Path:
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="pipeline-inputs-")
        return Path(self._folder.name).resolve() / str(next(self._numbers))

    async def _address(self, file: FileToSend, kind: str) -> str:
        """Upload a file, once."""
        async with self._turn(file.sha256):
            if file.sha256 not in self._uploaded:
                self._uploaded[file.sha256] = await self._upload(file, kind)
            return self._uploaded[file.sha256]

    def _turn(self, name: str) -> anyio.Lock:
        return self._turns.setdefault(name, anyio.Lock())


def _has_head(one: Input) -> bool:
    return one.form is not Form.BASE64
