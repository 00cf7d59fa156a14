"""What tasks want to be durable with one commit, and the files that are synced together for it."""

import asyncio
import contextlib
import math
import os
import time
from collections import deque
from collections.abc import Callable
from concurrent.futures import Executor, Future
from dataclasses import dataclass, field
from functools import partial
from typing import Self

import msgspec

from pipeline.models import Claim, Facts, Record

# Files that are open at once.
MOST_OPEN = 64
# Seconds a file, from which on a disk is waited for in many places at once.
_SLOW = 0.005

Recorded = Callable[[Record], None]
"""Takes a record on the event loop, in the step in which the history counts it; must not block."""


@dataclass(slots=True, eq=False)
class CommitRequest:
    """What one task wants to be durable with the next commit."""

    attempt: str
    claim: Claim | None = None  # write it
    accepted: Claim | None = None  # write it with its handle, in place of what is there
    completed: Claim | None = None  # complete it, and place its part
    facts: Facts | None = None  # what the part says of itself
    place: bool = True  # else it is only completed
    record: Record | None = None  # append it, and close the claim
    keep: str | None = None  # keep its part in errors/, under this name
    leave_part: bool = False
    recorded: Recorded | None = None
    logged: bool = False  # what the log says of its claim now
    offset: int | None = None  # of the record in the manifest, once it is durable
    error: Exception | None = None
    done: asyncio.Future[None] = field(init=False)

    @property
    def written(self) -> Claim | None:
        """The claim as it is to be written."""
        if self.claim is not None:
            return self.claim
        claim = self.accepted or self.completed
        return claim if claim is None or claim.sent else msgspec.structs.replace(claim, sent=True)

    @property
    def drops_part(self) -> bool:
        """Whether the part is of no use once the record is written."""
        return self.completed is None and self.keep is None and not self.leave_part

    def end(self) -> None:
        """Wake whoever waits for it."""
        if not self.done.done():  # else the event loop itself is being taken down
            self.done.set_result(None)


class Syncing:
    """Files that are made durable together, when the block ends, or when `MOST_OPEN` are open.

    Where it is not `active`, they are only closed.

    The disk is set to work on all of them before any is waited for: the file system then commits
    its journal about once, and not once a file. Where it takes long for each all the same, as over
    a network, they are waited for in `threads`, if there are any, and from then on at once.
    """

    def __init__(self, threads: Executor | None, *, active: bool) -> None:
        self._threads, self._active = threads, active
        self._open: list[Callable[[], None]] = []
        self._is_slow = False

    def __enter__(self) -> Self:
        return self

    def sync(self, request: CommitRequest, file: int) -> None:
        """Have an open file synced that is already written, and closed."""
        self._open.append(partial(self._finish, request, file))
        if self._active and hasattr(os, "posix_fadvise"):  # not on macOS
            with contextlib.suppress(OSError):  # a hint: the fsync is what counts
                os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
        if len(self._open) >= MOST_OPEN:
            self.finish()

    def beside(self, step: Callable[[], None]) -> None:
        """Have something done with them that waits for the disk, too; it must raise nothing."""
        self._open.append(step)

    def __exit__(self, *_: object) -> None:
        self.finish()

    def finish(self) -> None:
        """Wait for all of them.

        Raises:
            Exception: a step has raised it, which is a bug; all have ended.
        """
        steps, self._open = deque(self._open), []
        took: list[float] = []
        failed: list[Exception] = []

        def finish_rest(most: float = math.inf) -> None:
            while sum(took) <= most * (len(took) + 1):
                try:
                    step = steps.popleft()
                except IndexError:  # done, or another thread is at the last ones
                    return
                began = time.perf_counter()
                try:
                    step()
                except Exception as error:  # noqa: BLE001 - the others are to end all the same
                    failed.append(error)
                took.append(time.perf_counter() - began)

        if not self._is_slow:
            finish_rest(_SLOW)
        helpers = self._start(finish_rest, len(steps) - 1)
        finish_rest()
        for helper in helpers:
            if not helper.cancel():
                helper.result()
        # A fast disk may take long for the first of many, and is done with the others then.
        if took:
            self._is_slow = min(took) > _SLOW
        if failed:
            raise failed[0]

    def _start(self, work: Callable[[], None], count: int) -> list[Future[None]]:
        """Have others work, too, as far as there are threads: whoever is late finds nothing."""
        started: list[Future[None]] = []
        if self._threads is not None:
            with contextlib.suppress(RuntimeError):  # the system lets no more be started
                started.extend(self._threads.submit(work) for _ in range(count))
        return started

    def _finish(self, request: CommitRequest, file: int) -> None:
        try:
            try:
                if self._active:
                    os.fsync(file)
            finally:
                os.close(file)  # which fails for a quota, or a server that is gone
        except OSError as error:
            request.error = request.error or error
