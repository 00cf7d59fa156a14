"""The addresses of the server, and what each does."""

import secrets
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

import anyio
import anyio.abc
import anyio.to_thread
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from pipeline.controlling.client import ask
from pipeline.controlling.requests import read_request
from pipeline.errors import DirectoryError, PipelineError
from pipeline.report.render import render_front
from pipeline.viewing import actions, checking, files, morning
from pipeline.viewing.answers import (
    SAFE,
    answering,
    asked,
    data,
    error_page,
    html,
    refused,
    written,
)
from pipeline.viewing.calendar import calendar
from pipeline.viewing.feed import Feed
from pipeline.viewing.picks import pick
from pipeline.viewing.threads import aside


class Site:
    """The pages of jobs, by the word that each has in its address."""

    def __init__(
        self, feeds: Sequence[Feed], group: anyio.abc.TaskGroup, say: Callable[[str], None]
    ) -> None:
        self._feeds = {feed.address: feed for feed in feeds}
        self._group, self._say = group, say
        self._checking = anyio.Semaphore(2)
        for feed in feeds:
            feed.watch(group)

    def app(self) -> Starlette:
        """Make the application; who may call it is the guard's to say."""
        within = answering(self._say)
        get = {
            "/": self._front,
            "/data": self._front_data,
            "/{job}": self._lead,
            "/{job}/": self._page,
            "/{job}/data": self._data,
            "/{job}/events": self._events,
            "/{job}/price": self._price,
            "/{job}/calendar.ics": self._calendar,
            "/{job}/{file:path}": self._file,
        }
        post = {
            "/{job}/verdicts": self._verdicts,
            "/{job}/control": self._control,
            "/{job}/settle": self._settle,
            "/{job}/run": self._run,
        }
        routes = [Route(path, within(one), methods=["POST"]) for path, one in post.items()]
        routes += [Route(path, within(one), methods=["GET"]) for path, one in get.items()]
        return Starlette(routes=routes, exception_handlers={HTTPException: _not_found})

    def close(self) -> None:
        """End all streams."""
        for feed in self._feeds.values():
            feed.channel.close()

    def _feed(self, request: Request) -> Feed:
        feed = self._feeds.get(request.path_params["job"])
        if feed is None:
            raise HTTPException(404, "no job has this address")
        return feed

    # -- pages --------------------------------------------------------------------------------

    async def _front(self, _: Request) -> Response:
        if len(self._feeds) == 1:
            return RedirectResponse(f"/{next(iter(self._feeds))}/", 303, SAFE)
        return html(written([render_front(await self._described())]))

    async def _front_data(self, _: Request) -> Response:
        return data(await self._described())

    async def _described(self) -> dict[str, Any]:
        jobs, readable = [], []
        for feed in self._feeds.values():
            about = {"name": feed.name, "address": f"./{feed.address}/", "output": feed.output}
            try:
                await feed.fresh()
                state = await feed.state()
            except PipelineError as error:
                jobs.append({**about, "error": error.message, "hint": error.hint})
                continue
            work = partial(morning.described, state=state, base=about["address"])
            jobs.append({**about, **await feed.using(work)})
            readable.append(feed.job)
        return {"jobs": jobs, "costs": await anyio.to_thread.run_sync(morning.costs, readable)}

    async def _lead(self, request: Request) -> Response:
        return RedirectResponse(f"/{self._feed(request).address}/", 303, SAFE)

    async def _page(self, request: Request) -> Response:
        feed = self._feed(request)
        try:
            await feed.fresh()
            live = {
                "base": "./",
                "job": feed.address,
                "name": feed.name,
                "jobs": len(self._feeds),
                # From here on the page gets what is new, at worst once more than needed.
                "after": feed.channel.at,
            }
            return html(await feed.using(lambda picture: written(picture.page(live))))
        except PipelineError as error:
            return error_page(feed.name, error)

    async def _data(self, request: Request) -> Response:
        feed = self._feed(request)
        await feed.fresh()
        after = feed.channel.at
        state = await feed.state()
        whole = await feed.using(lambda picture: {"entries": picture.entries, **picture.about()})
        running = list(feed.actions.values())
        return data({**whole, "state": state, "actions": running, "after": after})

    async def _events(self, request: Request) -> Response:
        feed = self._feed(request)
        after = request.headers.get("last-event-id") or request.query_params.get("after")
        stream = feed.stream(after)
        headers = {**SAFE, "x-accel-buffering": "no"}
        return StreamingResponse(stream, media_type="text/event-stream", headers=headers)

    async def _file(self, request: Request) -> Response:
        feed, relative = self._feed(request), request.path_params["file"]
        if not await feed.shows(relative):
            return refused(404, "no clip of this job has this file")
        try:
            found = await files.serve(feed.layout.root, relative, request.headers)
        except DirectoryError as error:
            return refused(404, error.message, error.hint)
        return found or refused(404, "this file is not there any more")

    async def _calendar(self, request: Request) -> Response:
        feed = self._feed(request)
        kept = request.query_params.get("kept") == "1"
        text = await anyio.to_thread.run_sync(partial(calendar, feed.job, kept=kept))
        name = f'attachment; filename="{feed.address}.ics"'
        headers = {**SAFE, "content-disposition": name}
        return Response(text, headers=headers, media_type="text/calendar")

    async def _price(self, request: Request) -> Response:
        feed, query = self._feed(request), request.query_params
        again: Any = query.getlist("again")
        again = "rejected" if again == ["rejected"] else again or None
        flags = actions.again_arguments(again)
        flags += actions.retry_arguments(query.getlist("retry"))
        async with self._checking:
            found = await checking.price(feed.source, flags)
        kept = 0
        if isinstance(again, list):
            await feed.fresh()
            words = await feed.using(lambda picture: [picture.verdict(task) for task in again])
            kept = sum(one is not None and one.verdict == "kept" for one in words)
        return data({**found, "kept_skipped": kept})

    # -- what changes something ----------------------------------------------------------------

    async def _verdicts(self, request: Request) -> Response:
        feed, words = self._feed(request), await asked(request)
        said = await anyio.to_thread.run_sync(pick, feed.job, words)
        feed.poke()
        return data({"said": said})

    async def _control(self, request: Request) -> Response:
        feed, words = self._feed(request), await asked(request)
        action, value = words.get("action"), words.get("value")
        read_request(action, value)
        now = await aside(partial(ask, feed.layout, str(action), value))
        feed.take(now)
        return data(now)

    async def _settle(self, request: Request) -> Response:
        feed = self._feed(request)
        return await self._start(
            feed, "settle", actions.settle_arguments(feed.source, await asked(request))
        )

    async def _run(self, request: Request) -> Response:
        feed = self._feed(request)
        return await self._start(
            feed, "run", actions.run_arguments(feed.source, await asked(request))
        )

    async def _start(self, feed: Feed, what: str, arguments: list[str]) -> Response:
        """Start a command; its progress comes in events."""
        async with feed.starting:
            if feed.is_busy or await anyio.to_thread.run_sync(feed.layout.is_running):
                raise actions.BusyError(
                    f"{feed.layout.root} is in use by a run or a command; nothing was started",
                    hint="wait for its end, or stop it",
                )
            make = partial(actions.Action, secrets.token_hex(4), what, arguments)
            action = await anyio.to_thread.run_sync(make)
            feed.began(action)
        self._group.start_soon(feed.follow, action)
        return data({"id": action.id})


async def _not_found(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return refused(error.status_code, error.detail)
