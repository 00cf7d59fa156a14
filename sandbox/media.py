"""Where media are fetched: by everybody who has the address, and without a key."""

import time

from starlette.requests import Request
from starlette.responses import RedirectResponse
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from sandbox import answers, wire
from sandbox.books import Entry
from sandbox.digests import digest
from sandbox.events import Fetched, KeySeen, State
from sandbox.faults import read_script
from sandbox.media_faults import FINE, MediaFault, MediaRule
from sandbox.others import Others
from sandbox.service import Service

KEY_HEADERS = ("x-api-key", "xi-api-key", "authorization")


class MediaHost:
    """The endpoints `/media/...`."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._others = Others(service)

    def routes(self) -> list[Route]:
        """List the routes; `moved` is where redirects lead."""
        name = "{id}/{address:int}-{output:int}.{suffix}"
        return [
            Route(f"/media/{name}", _Endpoint(self, moved=False)),
            Route(f"/media/moved/{name}", _Endpoint(self, moved=True)),
        ]

    async def answer(self, request: Request, *, moved: bool) -> ASGIApp:
        """Find what an address answers with, and note that it was asked."""
        if self._has_key(request):
            return answers.problem(403, "No key belongs here.")
        listed, output = request.path_params["id"], request.path_params["output"]
        entry = self._service.books.find(listed) or self._others.find(listed)
        if entry is None or entry.state is not State.COMPLETED:
            return answers.problem(404, "Not found.")
        address = request.path_params["address"]
        fault = self._rule(entry).at(address)
        # Before the answer, so that whoever has it finds it in the books.
        is_dead = fault in {MediaFault.DEAD, MediaFault.HTML}
        self._service.books.record(Fetched(listed, address, is_dead, time.time()))
        match fault:
            case MediaFault.DEAD:
                return answers.problem(404, "Not found.")
            case MediaFault.HTML:
                return answers.page("Sign in")
            case MediaFault.REDIRECT if not moved:
                there = request.url.path.replace("/media/", "/media/moved/", 1)
                return RedirectResponse(there, 302)
        kind = self._service.vendor.kind_of(entry.model)
        whole = wire.Delivery(await self._service.media_of(entry, output), kind.content_type)
        return wire.Half(whole, _do_nothing) if fault is MediaFault.CUT else whole

    def _has_key(self, request: Request) -> bool:
        """Return whether a key was sent, and note it."""
        path, key = request.url.path, self._service.settings.key
        found = [name for name in KEY_HEADERS if name in request.headers]
        if key is not None:
            found += [name for name, value in request.headers.items() if key in value]
            found += ["(query)"] if key in request.url.query else []
        for name in dict.fromkeys(found):
            self._service.books.record(KeySeen(path, name, time.time()))
        return bool(found)

    def _rule(self, entry: Entry) -> MediaRule:
        """Look up what the media of a request meet: by its prompt, else by the settings."""
        assert entry.begun is not None
        try:
            script = read_script(str(entry.params.get("prompt", "")))
        except ValueError:
            return FINE
        settings, nth = self._service.settings, entry.begun.nth
        rule = script.media or settings.media
        key = digest(entry.model, entry.params)
        return rule if rule.meets(key, nth, settings.seed) else FINE


class _Endpoint:
    """One of the two routes, as an ASGI application."""

    def __init__(self, host: MediaHost, *, moved: bool) -> None:
        self._host = host
        self._moved = moved

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        if request.method != "GET":
            await answers.refusal("405")(scope, receive, send)
            return
        answer = await self._host.answer(request, moved=self._moved)
        await answer(scope, receive, send)


def _do_nothing() -> None:
    """Close no books: those of a fetch are closed before its answer."""
