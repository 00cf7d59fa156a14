"""Replicate's predictions, and the list of them. What was put in and out goes after an hour."""

import hashlib
import time
from types import MappingProxyType
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route
from starlette.types import Scope

from sandbox import answers
from sandbox.addresses import media_url, origin
from sandbox.assets import Assets, form_file
from sandbox.books import Entry
from sandbox.events import State
from sandbox.listing import Listing
from sandbox.queue import Queue, stage_at
from sandbox.service import Service
from sandbox.vendor import Call, Vendor

_STATES = {
    "QUEUED": "starting",
    "PROCESSING": "processing",
    "THROTTLED": "limbo",
    State.COMPLETED: "succeeded",
    State.FAILED: "failed",
    State.CANCELLED: "canceled",
}
_PAGE = 100
_FILE_LIVES = 24 * 3600.0
_LONGEST = 60  # seconds that an answer waits for an output, where that is preferred


class Replicate(Vendor):
    """Its wire."""

    name = "replicate"
    forgets = False
    statuses = MappingProxyType({"406": 402, "arrears": 402})

    def call(self, scope: Scope, body: dict[str, Any]) -> Call:
        """Read what a POST asks for: what the model takes is under `input`."""
        model = scope["path_params"].get("model") or str(body.get("version", ""))
        sent = body.get("input")
        return Call(model, sent if isinstance(sent, dict) else {})

    def problem_body(self, status: int, word: str, text: str) -> Any:
        """Write the body of an error."""
        if word in {"406", "arrears"}:
            title, text = "Insufficient credit", "You have insufficient credit to run this model."
        else:
            title = answers.phrase(status)
        return {"title": title, "detail": text, "status": status}

    def routes(self, service: Service) -> list[BaseRoute]:
        """List the routes of predictions."""
        self._service = service
        self._listing = Listing(service)
        self._queue = Queue(service, self._prediction, 201, _patience)
        self._assets = Assets(service)
        return [
            Route("/v1/files", self._upload, methods=["POST"]),
            self._assets.route(),
            Route("/v1/predictions", self._list, methods=["GET"]),
            Route("/v1/predictions", self._queue),
            Route("/v1/predictions/{id}", self._get, methods=["GET"]),
            Route("/v1/predictions/{id}/cancel", self._cancel, methods=["POST"]),
            Route("/v1/models/{model:path}/predictions", self._queue),
            Route("/v1/account", self._account, methods=["GET"]),
        ]

    def resume(self) -> None:
        """Continue the generations that an earlier life of the server has left."""
        self._queue.resume()

    def _prediction(self, request: Request, entry: Entry) -> dict[str, Any]:
        assert entry.begun is not None
        now, settings = time.time(), self._service.settings
        is_removed = now > (entry.done or now) + settings.record_life
        is_done = entry.state is State.COMPLETED and not is_removed
        here = f"{origin(request)}/v1/predictions/{entry.listed}"
        taken = None if entry.done is None else round(entry.done - entry.begun.at, 6)
        return {
            "id": entry.listed,
            "model": entry.model,
            "version": "hidden",
            "input": {} if is_removed else entry.params,
            "logs": "",
            "output": media_url(request, self._service, entry) if is_done else None,
            "data_removed": is_removed,
            "error": entry.error if entry.state is State.FAILED else None,
            "source": "api",
            "status": _STATES[stage_at(now, entry, settings.states)],
            "created_at": self.time(entry.begun.at),
            "started_at": self.time(entry.begun.at),
            "completed_at": self.time(entry.done),
            "metrics": {} if taken is None else {"predict_time": taken, "total_time": taken},
            "urls": {"get": here, "cancel": f"{here}/cancel"},
        }

    async def _get(self, request: Request) -> Response:
        entry = self._queue.asked_for(request)
        if isinstance(entry, Response):
            return entry
        return JSONResponse(self._prediction(request, entry))

    async def _cancel(self, request: Request) -> Response:
        entry = self._queue.asked_for(request)
        if isinstance(entry, Response):
            return entry
        self._queue.cancel(entry)
        return JSONResponse(self._prediction(request, entry))

    async def _list(self, request: Request) -> Response:
        """List predictions, newest first, a hundred a page."""
        if refusal := await self._listing.spoiled(request, "history_lists"):
            return refusal
        try:
            first = int(request.query_params.get("cursor", 0))
        except ValueError:
            return self.problem(400, "400", "Invalid cursor")
        found = sorted(self._listing.visible(), key=lambda entry: -entry.arrived)
        here = f"{origin(request)}/v1/predictions?cursor="
        is_last = len(found) <= first + _PAGE
        rows = [self._prediction(request, entry) for entry in found[first : first + _PAGE]]
        return JSONResponse(
            {
                "previous": None,
                "next": None if is_last else f"{here}{first + _PAGE}",
                "results": rows,
            }
        )

    async def _upload(self, request: Request) -> Response:
        """Keep the file `content` of a form for a day."""
        if not self._service.has_key(request):
            return self.refusal("401")
        if (file := await form_file(request, "content")) is None:
            return self.problem(400, "400", "Missing content")
        (name, data), now = file, time.time()
        digest = hashlib.sha256(data).hexdigest()
        return JSONResponse(
            {
                "id": digest[:32],
                "name": name,
                "content_type": "application/octet-stream",
                "size": len(data),
                "etag": digest[:32],
                "checksums": {"sha256": digest},
                "metadata": {},
                "created_at": self.time(now),
                "expires_at": self.time(now + _FILE_LIVES),
                "urls": {"get": self._assets.keep(request, data)},
            },
            201,
        )

    async def _account(self, request: Request) -> Response:
        if not self._service.has_key(request):
            return self.refusal("401")
        return JSONResponse({"type": "user", "username": "sandbox", "name": "Sandbox"})


def _patience(request: Request) -> float:
    """Read `Prefer: wait=5`, as seconds."""
    word, _, seconds = request.headers.get("prefer", "").partition("=")
    return min(int(seconds) if seconds.isdigit() else _LONGEST, _LONGEST) if word == "wait" else 0
