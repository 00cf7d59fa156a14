"""Watches the files of a job while a page listens, and sends all of its pages what has changed."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, suppress
from functools import partial
from typing import Any, TypeVar

import anyio
import anyio.to_thread
import msgspec

from pipeline.controlling.client import ask
from pipeline.errors import PipelineError
from pipeline.events import Standing
from pipeline.models import Job
from pipeline.printable import printable
from pipeline.report.posters import make_missing
from pipeline.store.layout import Layout
from pipeline.viewing.actions import Action
from pipeline.viewing.channel import Channel, framed
from pipeline.viewing.picture import Changes, Picture
from pipeline.viewing.source import Source
from pipeline.viewing.standing import standing
from pipeline.viewing.threads import aside

T = TypeVar("T")

_EVERY = 0.5  # seconds between two looks,
_LEAST = 0.2  # also where something is known to have changed
_ASK = 1.0  # seconds between two questions to a run
_MOST = 300  # changed entries that are sent one by one
_REMEMBERED = 20  # commands
_PATIENCE = 3.0  # seconds for its answer


class UnreadableError(PipelineError):
    """The files of a job cannot be read now; its page says why."""


class Feed:
    """One job that is served: its picture, its channel, and what watches them."""

    def __init__(self, address: str, source: Source, job: Job) -> None:
        self.address, self.source, self.name = address, source, job.name
        self.channel = Channel()
        self.actions: dict[str, dict[str, Any]] = {}
        self.error: PipelineError | None = None
        self.starting = asyncio.Lock()
        self._action: Action | None = None
        self._picture = Picture(source, job)
        self._reading = asyncio.Lock()
        self._is_asking = False
        self._answer: Standing | None = None
        self._shown: dict[str, Any] = {}  # the last state, and what of it says something new
        self._steady: dict[str, Any] = {}
        self._poke = asyncio.Event()
        self._group: anyio.abc.TaskGroup | None = None
        self._is_watching = False
        self._listeners = 0
        self._is_drawing, self._drawn = False, -1

    @property
    def job(self) -> Job:
        """The job as it was read last."""
        return self._picture.job

    @property
    def output(self) -> str:
        """The output directory, for people."""
        return printable(str(self.job.output_dir))

    @property
    def layout(self) -> Layout:
        """Where its files are."""
        return Layout(self.job.output_dir)

    def watch(self, group: anyio.abc.TaskGroup) -> None:
        """Watch from now on, whenever a page listens."""
        self._group = group

    async def stream(self, after: str | None) -> AsyncIterator[bytes]:
        """Yield the events of the job for one page; while it listens, the files are watched."""
        self._listeners += 1
        try:
            if not self._is_watching and self._group is not None:
                self._is_watching = True
                self._group.start_soon(self._keep_watching)
            if self._shown:
                yield framed("state", self._shown)
            async with aclosing(self.channel.follow(after)) as events:
                async for event in events:
                    yield event
        finally:
            self._listeners -= 1

    def poke(self) -> None:
        """Look now: something was changed."""
        self._poke.set()

    async def fresh(self) -> Picture:
        """Return the picture as the files are now.

        Raises:
            UnreadableError: they cannot be read.
        """
        await self._look(fully=True)
        if self.error is not None:
            raise UnreadableError(self.error.message, hint=self.error.hint)
        return self._picture

    async def using(self, work: Callable[[Picture], T]) -> T:
        """Do something with the picture, in a thread; nobody else uses it meanwhile."""
        async with self._reading:
            return await anyio.to_thread.run_sync(work, self._picture)

    async def state(self) -> dict[str, Any]:
        """Say how the job stands."""
        if self._picture.running and self._answer is None:
            with anyio.move_on_after(_ASK):
                await self._ask()
        return await self.using(lambda picture: standing(picture, self._answer))

    async def shows(self, relative: str) -> bool:
        """Return whether a page of the job shows this file of its output directory."""
        if await self.using(lambda picture: picture.has_file(relative)):
            return True
        if not self._is_watching:  # it may be new
            await self._look()
        return await self.using(lambda picture: picture.has_file(relative))

    def take(self, answer: Standing) -> None:
        """Take what a run has answered to a page."""
        self._answer = answer
        self.poke()

    @property
    def is_busy(self) -> bool:
        """Whether a command that a page has started is at work."""
        return self._action is not None and self._action.is_running

    def began(self, action: Action) -> None:
        """Take a command that was started."""
        self._action = action

    async def follow(self, action: Action) -> None:
        """Tell how a command stands until it has ended; the last ones are remembered."""
        await action.follow(self._tell_action)
        self.poke()

    def _tell_action(self, action: dict[str, Any]) -> None:
        self.actions[action["id"]] = action
        while len(self.actions) > _REMEMBERED:
            self.actions.pop(next(iter(self.actions)))
        self.channel.tell("action", action)

    async def _keep_watching(self) -> None:
        """Look again and again, until no page listens any more."""
        idle = 0
        try:
            while idle < 4:  # noqa: PLR2004 - a page that is loaded again listens soon
                await self._look()
                self._draw_when_idle()
                try:
                    await self._tell_state()
                except (PipelineError, OSError) as error:
                    self.error = UnreadableError(str(error))
                with anyio.move_on_after(_EVERY):
                    await self._poke.wait()
                    await anyio.sleep(_LEAST)
                self._poke.clear()
                idle = 0 if self._listeners else idle + 1
        finally:
            self._is_watching = False

    def _draw_when_idle(self) -> None:
        """Have the posters made that clips lack, once for each end of a manifest.

        A run makes those of its own clips.
        """
        end = self._picture.end
        if self._picture.running or self._is_drawing or end == self._drawn or self._group is None:
            return
        self._is_drawing, self._drawn = True, end
        self._group.start_soon(self._draw)

    async def _draw(self) -> None:
        try:
            with suppress(PipelineError, OSError):  # the page shows films, and says what is wrong
                await aside(partial(make_missing, self.job))
        finally:
            self._is_drawing = False

    async def _look(self, *, fully: bool = False) -> None:
        """Take in what has changed, and tell it."""
        before = self.error
        try:
            changes = await self.using(lambda picture: picture.look(fully=fully))
        except PipelineError as error:
            self.error = error
        except OSError as error:
            self.error = UnreadableError(
                f"{error.filename or self.layout.root} cannot be read: {error.strerror or error}"
            )
        except Exception as error:  # noqa: BLE001 - files may be anything, and others are served
            what = f"{type(error).__name__}: {error}"
            self.error = UnreadableError(f"{self.layout.root} cannot be read: {what}")
        else:
            if before is not None and self._picture.is_current:
                self.error = None
                changes.reload = True
            self._tell(changes)
            return
        if before is None or before.message != self.error.message:
            self.channel.tell("reload", {})

    def _tell(self, changes: Changes) -> None:
        if changes.reload or len(changes.entries) > _MOST:
            self.channel.tell("reload", {})
        elif changes.entries:
            self.channel.tell("entries", list(map(msgspec.Raw, changes.entries.values())))
        if changes.said:
            self.channel.tell("said", list(changes.said.values()))

    async def _tell_state(self) -> None:
        """Tell how the job stands, where that has changed. The run is asked without waiting."""
        if self.error is not None:
            now: dict[str, Any] = {"error": printable(self.error.message), "hint": self.error.hint}
        else:
            if not self._picture.running:
                self._answer = None
            elif not self._is_asking and self._group is not None:
                self._is_asking = True
                self._group.start_soon(self._ask_now_and_then)
            now = await self.using(lambda picture: standing(picture, self._answer))
        steady = {name: value for name, value in now.items() if name not in {"now", "eta_s"}}
        if steady != self._steady:
            self._steady, self._shown = steady, now
            self.channel.tell("state", now)

    async def _ask_now_and_then(self) -> None:
        try:
            await self._ask()
            await asyncio.sleep(_ASK)
        finally:
            self._is_asking = False

    async def _ask(self) -> None:
        """Ask the run how it stands. One that does not answer may be another user's."""
        answer = None
        with suppress(PipelineError, OSError):
            answer = await aside(partial(ask, self.layout, "status", patience=_PATIENCE))
        self._answer = answer
