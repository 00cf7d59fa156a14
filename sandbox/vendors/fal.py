"""fal's queue, the list of requests of its platform API, and the balance."""

import time
import uuid
from datetime import datetime
from types import MappingProxyType
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from sandbox.addresses import media_url, origin
from sandbox.assets import Assets
from sandbox.books import Entry
from sandbox.events import State
from sandbox.kinds import Kind
from sandbox.listing import Listing
from sandbox.queue import Queue, is_failed, stage_at
from sandbox.service import Service
from sandbox.settings import BalanceCall
from sandbox.vendor import Vendor

_STATES = {
    "QUEUED": "IN_QUEUE",
    "PROCESSING": "IN_PROGRESS",
    "THROTTLED": "IN_LIMBO",
    State.CANCELLED: "CANCELLED",
}
_LOCKED = "User is locked. Reason: Exhausted balance. Top up your balance at the dashboard."
_NAMESPACES = ("workflows", "comfy")
_MOST_ROWS = 100


class Fal(Vendor):
    """Its wire. A failed request is COMPLETED: the call for its result answers how it failed."""

    name = "fal"
    scheme = "Key "
    statuses = MappingProxyType({"406": 403, "arrears": 403, "moderation": 422})

    def problem_body(self, status: int, word: str, text: str) -> Any:
        """Write the body of an error; one of validation is a list."""
        if word in {"406", "arrears"}:
            return {"detail": _LOCKED}
        if status == 422:  # noqa: PLR2004
            kind = "content_policy_violation" if "moderation" in word else "value_error"
            return {"detail": [{"loc": ["body", "prompt"], "msg": text, "type": kind}]}
        return {"detail": text}

    def routes(self, service: Service) -> list[BaseRoute]:
        """List the routes of the queue and of the platform API."""
        self._service = service
        self._listing = Listing(service)
        self._queue = Queue(service, self._accepted)
        self._assets = Assets(service)
        place = "/{app:path}/requests/{id}"
        return [
            Route("/storage/upload/initiate", self._initiate, methods=["POST"]),
            Route("/assets/{name}", self._put, methods=["PUT"]),
            self._assets.route(),
            Route("/v1/models/requests/by-endpoint", self._list, methods=["GET"]),
            Route("/v1/account/billing", self._balance, methods=["GET"]),
            Route(f"{place}/status", self._status, methods=["GET"]),
            Route(f"{place}/cancel", self._cancel, methods=["PUT"]),
            Route(place, self._result, methods=["GET"]),
            Route("/{model:path}", self._queue),
        ]

    def resume(self) -> None:
        """Continue the generations that an earlier life of the server has left."""
        self._queue.resume()

    def _accepted(self, request: Request, entry: Entry) -> dict[str, Any]:
        return {"status": "IN_QUEUE", "queue_position": 0, **_places(request, entry)}

    def _asked_for(self, request: Request) -> Entry | Response:
        """Find a request: under the application of its model, and under no other."""
        entry = self._queue.asked_for(request)
        if isinstance(entry, Entry) and request.path_params["app"] != _app_of(entry.model):
            return self.problem(404, "404", "Request not found.")
        return entry

    async def _status(self, request: Request) -> Response:
        entry = self._asked_for(request)
        if isinstance(entry, Response):
            return entry
        state = stage_at(time.time(), entry, self._service.settings.states)
        said = {"status": _STATES.get(state, "COMPLETED"), **_places(request, entry)}
        if state == "QUEUED":
            said["queue_position"] = 0
        elif entry.state in {State.COMPLETED, State.FAILED}:
            said |= {"logs": None, "metrics": {"inference_time": _seconds(entry)}}
        else:
            said["logs"] = None
        if entry.state is State.FAILED:
            said |= {"error": entry.error, "error_type": "request_error"}
        return JSONResponse(said, 200 if entry.state else 202)

    async def _result(self, request: Request) -> Response:
        entry = self._asked_for(request)
        if isinstance(entry, Response):
            return entry
        if entry.state is None:
            return self.problem(400, "400", "Request is still in progress")
        if is_failed(entry):
            fault = entry.begun.fault if entry.begun else None
            word = fault if entry.price is None and fault else "406"
            return self.refusal(word if entry.state is State.FAILED else "400")
        headers = {"x-fal-request-id": entry.listed}
        if self._service.settings.cost_header:
            headers["x-fal-billable-units"] = "1"
        return JSONResponse(self._output(request, entry), headers=headers)

    def _output(self, request: Request, entry: Entry) -> dict[str, Any]:
        kind = self.kind_of(entry.model)
        url = media_url(request, self._service, entry)
        file = {"url": url, "content_type": kind.content_type, "file_name": url.split("/")[-1]}
        match kind:
            case Kind.PICTURE:
                return {"images": [{**file, "width": 64, "height": 64}], "seed": 7}
            case Kind.SOUND:
                return {"audio": file}
        return {"video": file}

    async def _cancel(self, request: Request) -> Response:
        entry = self._asked_for(request)
        if isinstance(entry, Response):
            return JSONResponse({"status": "NOT_FOUND"}, entry.status_code)
        if self._queue.cancel(entry):
            return JSONResponse({"status": "CANCELLATION_REQUESTED"}, 202)
        return JSONResponse({"status": "ALREADY_COMPLETED"}, 400)

    async def _list(self, request: Request) -> Response:
        """List what has ended, newest end first: what runs is not in it."""
        if refusal := await self._listing.spoiled(request, "history_lists"):
            return refusal
        query = request.query_params
        try:
            limit = min(max(int(query.get("limit", 50)), 1), _MOST_ROWS)
            first, skipped = int(query.get("cursor", 0)), query.get("endpoint_id")
            after = datetime.fromisoformat(query["start"]).timestamp() if "start" in query else 0.0
        except ValueError as error:
            return self.problem(422, "422", str(error))
        found = [
            entry
            for entry in self._listing.visible()
            if entry.state is not None and entry.model == skipped and entry.arrived >= after
        ]
        found.sort(key=lambda entry: entry.done or 0.0, reverse=True)
        page, left = found[first : first + limit], len(found) > first + limit
        has_payloads = "payloads" in query.get("expand", "")
        return JSONResponse(
            {
                "items": [self._row(request, entry, has_payloads) for entry in page],
                "next_cursor": str(first + limit) if left else None,
                "has_more": left,
            }
        )

    def _row(self, request: Request, entry: Entry, has_payloads: bool) -> dict[str, Any]:
        is_done = entry.state is State.COMPLETED
        row: dict[str, Any] = {
            "request_id": entry.listed,
            "endpoint_id": entry.model,
            "sent_at": self.time(entry.arrived),
            "started_at": self.time(entry.arrived),
            "ended_at": self.time(entry.done),
            "status_code": 200 if is_done else 422,
            "duration": _seconds(entry),
        }
        if has_payloads:
            row["json_input"] = entry.params
            row["json_output"] = self._output(request, entry) if is_done else None
        return row

    async def _initiate(self, request: Request) -> Response:
        """Answer where a file is put, and where it is then."""
        if not self._service.has_key(request):
            return self.refusal("401")
        url = self._assets.address(request, uuid.uuid4().hex)
        return JSONResponse({"upload_url": url, "file_url": url})

    async def _put(self, request: Request) -> Response:
        self._assets.keep(request, await request.body(), request.path_params["name"])
        return Response()

    async def _balance(self, request: Request) -> Response:
        """Tell the balance; at the real API this takes an Admin key."""
        service = self._service
        if not service.has_key(request):
            return self.refusal("401")
        if service.settings.balance_call is not BalanceCall.JSON:
            return self.problem(403, "403", "This needs an Admin key.")
        told = {"current_balance": float(service.books.balance), "currency": "USD"}
        return JSONResponse({"username": "sandbox", "credits": told})


def _seconds(entry: Entry) -> float:
    return round((entry.done or entry.arrived) - entry.arrived, 3)


def _places(request: Request, entry: Entry) -> dict[str, Any]:
    """Tell where a request is."""
    here = f"{origin(request)}/{_app_of(entry.model)}/requests/{entry.listed}"
    return {
        "request_id": entry.listed,
        "response_url": here,
        "status_url": f"{here}/status",
        "cancel_url": f"{here}/cancel",
    }


def _app_of(model: str) -> str:
    """Name the application of a model: its first two parts, behind a namespace if it has one."""
    parts = model.split("/")
    return "/".join(parts[: 3 if parts[0] in _NAMESPACES else 2])
