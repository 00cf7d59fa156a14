"""v2: a POST is answered with an id, under which the request can be asked for."""

import time
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.addresses import media_url, origin
from sandbox.books import Entry
from sandbox.events import State
from sandbox.queue import QUEUED, Queue, stage_at
from sandbox.service import Service

_JSON = msgspec.json.Encoder(decimal_format="number")


class Asynchronous:
    """The endpoints of v2."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self.queue = Queue(service, _accepted)

    def routes(self) -> list[Route]:
        """List the routes to ask for a request; the one to make it is the queue's."""
        return [
            Route("/v2/requests/{id}/status", self._status, methods=["GET"]),
            Route("/v2/requests/{id}", self._result, methods=["GET"]),
            Route("/v1/requests/{id}", self._result, methods=["GET"]),  # `poll_url`
        ]

    async def _status(self, request: Request) -> Response:
        """Answer `/v2/requests/<id>/status`."""
        entry = self.queue.asked_for(request)
        if isinstance(entry, Response):
            return entry
        return _answer(entry, self._state_of(entry))

    async def _result(self, request: Request) -> Response:
        """Answer `/v2/requests/<id>`."""
        entry = self.queue.asked_for(request)
        if isinstance(entry, Response):
            return entry
        if entry.state is not State.COMPLETED:
            return _answer(entry, self._state_of(entry))
        url = media_url(request, self._service, entry)
        more = {"output": url, "video": {"url": url}, "metrics": self._metrics(entry)}
        return _answer(entry, entry.state, more)

    def _state_of(self, entry: Entry) -> str:
        return stage_at(time.time(), entry, self._service.settings.states)

    def _metrics(self, entry: Entry) -> dict[str, Any]:
        assert entry.begun is not None
        assert entry.done is not None
        total = entry.done - entry.begun.at
        queue = min(entry.begun.latency * QUEUED, total)
        metrics: dict[str, Any] = {
            "cost": entry.price,
            "inference_time": round(total - queue, 3),
            "queue_time": round(queue, 3),
            "total_time": round(total, 3),
            "retry_count": 0,
        }
        if self._service.settings.credit_header:
            metrics["remaining_credits"] = self._service.shown_balance(entry.request_id)
        return metrics


def _accepted(request: Request, entry: Entry) -> dict[str, str]:
    """Write the answer to a request that was accepted."""
    here, listed = origin(request), entry.listed
    return {
        "request_id": listed,
        "status": "QUEUED",
        "status_url": f"{here}/v2/requests/{listed}/status",
        "response_url": f"{here}/v2/requests/{listed}",
        "poll_url": f"{here}/v1/requests/{listed}",
    }


def _answer(entry: Entry, state: str, more: dict[str, Any] | None = None) -> Response:
    """Answer with the state of a request; that of one that failed comes under 422."""
    said = {"request_id": entry.listed, "status": state, **(more or {})}
    if state == State.FAILED:
        said["error"] = entry.error
    status = 422 if state == State.FAILED else 200
    return Response(_JSON.encode(said), status, media_type="application/json")
