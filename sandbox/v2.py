"""v2: a POST is answered with an id, under which the request can be asked for."""

import asyncio
import time
from typing import Any

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from sandbox import answers, wire
from sandbox.addresses import media_url, origin
from sandbox.books import Entry
from sandbox.clips import Media
from sandbox.events import State, Wire
from sandbox.faults import Plan
from sandbox.service import Service, Visit
from sandbox.settings import Charge, States
from sandbox.spoiling import spoiled

_QUEUED = 0.25  # the part of its latency for which a request waits
_STRANGE = 0.5  # until then it is in a state that is documented nowhere
_JSON = msgspec.json.Encoder(decimal_format="number")


class Asynchronous:
    """The endpoints of v2, and the generations that run behind them."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._running: set[asyncio.Task[None]] = set()

    def routes(self) -> list[Route]:
        """List the routes to ask for a request; the one to make it is this object."""
        return [
            Route("/v2/requests/{id}/status", self._status, methods=["GET"]),
            Route("/v2/requests/{id}", self._result, methods=["GET"]),
            Route("/v1/requests/{id}", self._result, methods=["GET"]),  # `poll_url`
        ]

    def resume(self) -> None:
        """Continue what an earlier life of the server had accepted."""
        for entry in self._service.books.entries:
            if entry.is_running:
                price = self._service.settings.price_of(entry.model, entry.params)
                books = self._service.books
                self._start(
                    Visit(books, entry.request_id, entry.model, entry.params, price, entry.wire)
                )

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Be an ASGI application: take a request."""
        request = Request(scope, receive)
        if request.method != "POST":
            await answers.refusal("405")(scope, receive, send)
            return
        try:
            raw = await request.body()
        except ClientDisconnect:
            return
        visit = self._service.arrive(scope, raw, Wire.V2)
        status: int | str = "killed"
        try:
            status, answer = self._submit(visit, request)
            await answer(scope, receive, send)
        finally:
            visit.end(status)

    def _submit(self, visit: Visit, request: Request) -> tuple[int | str, ASGIApp]:
        """Accept a request, and answer with its id, or with what a fault leaves of that."""
        service = self._service
        plan = service.plan(visit, request)
        if not isinstance(plan, Plan):
            return plan.status, plan.answer
        at_accept = service.settings.charge is Charge.ACCEPT and plan.paid
        if not (visit.charge() if at_accept else service.books.covers(visit.price)):
            refusal = service.refuse("406")
            return refusal.status, refusal.answer
        service.begin(visit, plan)
        self._start(visit)
        fault = None if plan.fails else plan.fault
        slow = service.settings.slow_seconds if fault == "slow" else 0.0
        said = Media(_JSON.encode(_accepted(request, visit.entry.listed)))
        whole = wire.Delivery(said, "application/json", slow=slow)
        answer = spoiled(whole, fault, lambda: visit.end(fault or 200))
        if answer is None:
            refusal = service.refuse(fault or "500")
            return refusal.status, refusal.answer
        return fault if fault not in {None, "nonmedia"} else 200, answer

    def _start(self, visit: Visit) -> None:
        task = asyncio.get_running_loop().create_task(self._generate(visit))
        self._running.add(task)
        task.add_done_callback(self._running.discard)

    async def _generate(self, visit: Visit) -> None:
        """Bring a generation to its end, and charge for it where it brought something."""
        begun = visit.entry.begun
        assert begun is not None
        plan = Plan(begun.fault, begun.latency)
        if not plan.fails:
            await self._service.media_of(visit.entry)
        await asyncio.sleep(max(begun.at + begun.latency - time.time(), 0))
        if begun.fault is not None and plan.fails:
            visit.finish(answers.text_of(begun.fault))
        elif visit.entry.price is None and not visit.charge():
            visit.finish(answers.text_of("406"))
        else:
            visit.finish()

    async def _status(self, request: Request) -> Response:
        """Answer `/v2/requests/<id>/status`."""
        entry = self._asked_for(request)
        if isinstance(entry, Response):
            return entry
        return _answer(entry, self._state_of(entry))

    async def _result(self, request: Request) -> Response:
        """Answer `/v2/requests/<id>`."""
        entry = self._asked_for(request)
        if isinstance(entry, Response):
            return entry
        if entry.state is not State.COMPLETED:
            return _answer(entry, self._state_of(entry))
        url = media_url(request, self._service.books, entry.listed)
        more = {"output": url, "video": {"url": url}, "metrics": self._metrics(entry)}
        return _answer(entry, entry.state, more)

    def _asked_for(self, request: Request) -> Entry | Response:
        """Find the request that is asked for, and count it; or say what there is instead."""
        service = self._service
        service.books.questions["polls"] += 1
        if outage := service.outage():
            return outage.answer
        if not service.has_key(request):
            return answers.refusal("401")
        entry = service.books.find(request.path_params["id"])
        if entry is None or entry.begun is None or entry.wire is not Wire.V2:
            return answers.problem(404, "Request not found.")
        entry.polls += 1
        if time.time() > entry.begun.at + service.settings.record_life:
            return answers.problem(404, "Request not found.")
        return entry

    def _state_of(self, entry: Entry) -> str:
        return state_at(time.time(), entry, self._service.settings.states)

    def _metrics(self, entry: Entry) -> dict[str, Any]:
        assert entry.begun is not None
        assert entry.done is not None
        total = entry.done - entry.begun.at
        queue = min(entry.begun.latency * _QUEUED, total)
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


def state_at(now: float, entry: Entry, states: States) -> str:
    """Name the state of a request. Pure."""
    if entry.state is not None:
        return entry.state
    assert entry.begun is not None
    along = (now - entry.begun.at) / max(entry.begun.latency, 1e-9)
    if along < _QUEUED:
        return "QUEUED"
    return "THROTTLED" if states is States.STRANGE and along < _STRANGE else "PROCESSING"


def _accepted(request: Request, listed: str) -> dict[str, str]:
    """Write the answer to a request that was accepted."""
    here = origin(request)
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
