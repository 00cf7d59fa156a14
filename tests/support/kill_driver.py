"""Runs of the real command that kill themselves at a point: a process that forks one for each.

Reads orders as JSON lines: {"folder", "url", "arguments", "wire", "trap", "environment"}. Answers
each with a line, the exit code, -9 for a kill. A trap is null or {"point", "task", "nth", "half"}:
the run dies when it comes to that point for the n-th time, with this task, or with any if it is
null; `half` is in bytes. What the command says is in `out` and `err` in its folder.

A trap watches the session of the real provider, and the calls that change what is on disk.
"""

import asyncio
import encodings.idna
import json
import os
import signal
import sys
import threading
import time
import urllib.request
from collections import Counter
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

# What is imported late is imported here, once: each run is a fork of this process.
import anyio._backends._asyncio  # noqa: F401

import pipeline.api.client
import pipeline.api.segmind.wire
import pipeline.cli.audit
import pipeline.cli.edge
import pipeline.cli.run
import pipeline.cli.settle
import pipeline.runtime.runner  # noqa: F401
from pipeline.__main__ import main
from pipeline.api.described.provider import Described
from pipeline.api.outcome import Balance, Outcome, Page, Progress, Query
from pipeline.api.provider import Provider, Session, Witness
from pipeline.api.providers import description, is_file
from pipeline.api.segmind import Segmind, SegmindV2
from pipeline.cli.calling import Host
from pipeline.job import load
from pipeline.models import Handle, Task, task_key
from pipeline.store.claim_lines import NAME
from support.helpers import KEY
from support.kill_points import Point

if TYPE_CHECKING:
    from pipeline.api.endpoint import Endpoint

assert encodings.idna
REAL = {name: getattr(os, name) for name in ("write", "replace", "unlink")}


class Trap:
    """Kills the process when it comes to a point."""

    def __init__(self, url: str, order: dict[str, Any]) -> None:
        self.point, self.half = Point(order["point"]), int(order["half"])
        self._task, self._left, self._url = order["task"], order["nth"], url
        self._key = None if self._task is None else task_key(self._task)
        self._watching: set[asyncio.Task[None]] = set()

    def at(self, point: Point, task: str | None) -> None:
        """Come to a point with a task."""
        if point is self.point and self._task in {None, task}:
            self._left -= 1
            if self._left == 0:
                die()

    def at_last(self, point: Point, task: str | None) -> None:
        """Leave a point with a task that will not come to it again: a slow machine was late."""
        if point is self.point and self._task in {None, task}:
            die()

    def with_file(self, point: Point, path: str) -> None:
        """Come to a point with a part."""
        if self._key in {None, Path(path).name.partition(".")[0]}:
            self.at(point, self._task)

    def grows(self, point: Point, part: Path) -> None:
        """Come to a point once half of a body is in its part."""
        if point is self.point and self._key in {None, part.name.partition(".")[0]}:
            task = asyncio.get_running_loop().create_task(self._watch(part))
            self._watching.add(task)

    def grown(self, point: Point, part: Path) -> None:
        """Come to the end of a body."""
        if point is self.point and self._key in {None, part.name.partition(".")[0]}:
            die()

    async def _watch(self, part: Path) -> None:
        while size_of(part) < self.half:  # noqa: ASYNC110 - nobody tells
            await asyncio.sleep(0)
        die()

    def leaves(self, task: Task) -> None:
        """Come to the point where the API has a request of a task, and has not answered it."""
        if self.point is Point.WRITTEN and self._task in {None, task.id}:
            before = self._arrived()[task.prompt]
            threading.Thread(target=self._await, args=(task.prompt, before), daemon=True).start()

    def _await(self, prompt: str, before: int) -> None:
        while self._arrived()[prompt] <= before:
            time.sleep(0.005)
        die()

    def _arrived(self) -> Counter[str]:
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(f"{self._url}/sandbox/books", timeout=30) as answer:
            return Counter(request["prompt"] for request in json.load(answer)["requests"])

    # -- the disk -----------------------------------------------------------------------------

    def watch_the_disk(self) -> None:
        """Stand before the calls that change what is on disk."""
        for name in REAL:
            setattr(os, name, getattr(self, f"_{name}"))

    def _write(self, file: int, data: Any) -> int:
        name = Path(f"/proc/self/fd/{file}").readlink().name
        if name == NAME:
            self._claims(bytes(data))
        if name != "manifest.jsonl" or not self._is_of_task(data):
            return int(REAL["write"](file, data))
        self.at(Point.PLACED, self._task)
        if self.point is not Point.HALF_RECORD:
            return int(REAL["write"](file, data))
        written = REAL["write"](file, bytes(data)[: len(data) // 2])
        self.at(Point.HALF_RECORD, self._task)
        return int(written)

    def _is_of_task(self, data: Any) -> bool:
        return self._task is None or f'"task":"{self._task}"'.encode() in bytes(data)

    def _claims(self, lines: bytes) -> None:
        """Come to where a claim is written or closed."""
        for line in lines.splitlines():
            if self._key is None or f'"attempt":"{self._key}.'.encode() in line:
                if b'"claim":{' in line and b'"sent":false' in line:
                    self.at(Point.UNCLAIMED, self._task)
                elif line.endswith(b'"closed":true}'):
                    self.at(Point.RECORDED, self._task)

    def _replace(self, source: Any, target: Any) -> None:
        if str(source).endswith(".part") and "errors" not in Path(target).parts:
            self.with_file(Point.COMPLETED, str(source))
        if Path(target).name == "report.html":
            self.at(Point.REPORTING, self._task)
        REAL["replace"](source, target)

    def _unlink(self, path: Any, **more: Any) -> None:
        if Path(path).name == ".again.json":
            self.at(Point.FORGETTING, self._task)
        REAL["unlink"](path, **more)


def size_of(part: Path) -> int:
    return part.stat().st_size if part.exists() else 0


def die() -> None:
    """End as `kill -9` ends a process."""
    os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(60)  # a thread goes on until the signal is delivered


class Watched:
    """A session, and what passes through it."""

    def __init__(self, connecting: AbstractAsyncContextManager[Session], trap: Trap) -> None:
        self._connecting, self._trap = connecting, trap
        self._tasks: dict[str, str] = {}  # by the provider's id
        self._asked: set[str] = set()

    async def __aenter__(self) -> Self:
        self._session = await self._connecting.__aenter__()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self._connecting.__aexit__(kind, error, traceback)

    @property
    def endpoint(self) -> "Endpoint":
        return self._session.endpoint

    async def attempt(self, task: Task, part: Path, witness: Witness | None = None) -> Outcome:
        if witness is None:  # it is sent again, under the id that it had
            return await self._session.attempt(task, part)
        self._trap.at(Point.CLAIMED, task.id)
        seen = Seen(witness, self._trap, task, part)
        outcome = await self._session.attempt(task, part, seen)
        for point in (Point.WRITTEN, Point.HEAD, Point.HALF_BODY):
            self._trap.at_last(point, task.id)
        if outcome.accepted is not None:
            self._tasks[outcome.accepted.id] = task.id
            self._trap.at(Point.ID_RECEIVED, task.id)
        return outcome

    async def ask(self, handle: Handle) -> Progress:
        task = self._tasks.get(handle.id)
        if handle.id not in self._asked:
            self._asked.add(handle.id)
            self._trap.at(Point.ID_DURABLE, task)
        progress = await self._session.ask(handle)
        self._trap.at(Point.POLLING, task)
        if progress.final:
            self._trap.at_last(Point.POLLING, task)
        return progress

    async def fetch(self, media: str, part: Path) -> Outcome:
        self._trap.grows(Point.HALF_FETCHED, part)
        outcome = await self._session.fetch(media, part)
        self._trap.grown(Point.HALF_FETCHED, part)
        return outcome

    async def list_requests(self, query: Query, page: int) -> Page:
        self._trap.at(Point.LISTING, None)
        told = await self._session.list_requests(query, page)
        self._trap.at(Point.LISTED, None)
        return told

    async def balance(self) -> Balance:
        return await self._session.balance()


class Seen:
    """A witness, and what it is told."""

    def __init__(self, witness: Witness, trap: Trap, task: Task, part: Path) -> None:
        self._witness, self._trap, self._task, self._part = witness, trap, task, part

    def sending(self) -> None:
        self._trap.leaves(self._task)
        self._witness.sending()
        self._trap.at(Point.NOTED, self._task.id)

    def answered(self, outcome: Outcome, length: int | None) -> None:
        self._witness.answered(outcome, length)
        self._trap.at(Point.HEAD, self._task.id)
        self._trap.grows(Point.HALF_BODY, self._part)


class V1(Segmind):
    """The real provider, whose sessions are watched."""

    trap: Trap

    def connect(
        self, endpoint: "Endpoint", *, timeout: float = 600.0, max_size: int = 2 * 1024**3
    ) -> AbstractAsyncContextManager[Session]:
        return Watched(super().connect(endpoint, timeout=timeout, max_size=max_size), self.trap)


class V2(V1, SegmindV2):
    """The same, of the other wire."""


class Told(Described):
    """The same, of a description."""

    trap: Trap

    def connect(
        self, endpoint: "Endpoint", *, timeout: float = 600.0, max_size: int = 2 * 1024**3
    ) -> AbstractAsyncContextManager[Session]:
        return Watched(super().connect(endpoint, timeout=timeout, max_size=max_size), self.trap)


def watched(name: str, trap: Trap) -> Provider:
    """Make the provider of a name, or of a file, whose sessions are watched."""
    made = {"segmind": V1, "segmind-v2": V2}.get(name)
    one = Told(description(name), is_from_file=is_file(name)) if made is None else made()
    one.trap = trap
    return one


def run(order: dict[str, Any]) -> None:
    """Be the command, in this process."""
    os.chdir(order["folder"])
    writing = os.O_WRONLY | os.O_CREAT | os.O_APPEND
    for name, stream, flags in (
        (os.devnull, 0, os.O_RDONLY),
        ("out", 1, writing),
        ("err", 2, writing),
    ):
        os.dup2(os.open(name, flags, 0o600), stream)
    usual = {"SEGMIND_API_KEY": KEY, "SEGMIND_BASE_URL": order["url"]}
    os.environ |= order.get("environment", usual)
    sys.argv = ["pipeline", *order["arguments"]]
    host = None
    if order["trap"]:
        trap = Trap(order["url"], order["trap"])
        trap.watch_the_disk()
        host = Host(provider=watched(order["wire"], trap))
    main(host)


def serve() -> None:
    """Fork a run for each order."""
    warm = False
    for line in sys.stdin:
        if not warm:  # what reading a job imports
            list(load(Path(json.loads(line)["folder"]) / "job.yaml").tasks())
            warm = True
        child = os.fork()
        if child == 0:
            code: Any = 70
            try:
                run(json.loads(line))
            except SystemExit as end:
                code = end.code
            finally:
                os._exit(code if isinstance(code, int) else 70)
        _, status = os.waitpid(child, 0)
        sys.stdout.write(f"{os.waitstatus_to_exitcode(status)}\n")
        sys.stdout.flush()


if __name__ == "__main__":
    serve()
