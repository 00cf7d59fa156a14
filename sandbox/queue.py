"""Generations behind a wire whose answer to a POST is an id, as v2's is."""

import asyncio
import time
from collections.abc import Callable
from typing import Any

import msgspec
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from sandbox import answers, wire
from sandbox.books import Entry
from sandbox.clips import Media
from sandbox.events import State, Wire
from sandbox.faults import Plan
from sandbox.service import Service, Visit
from sandbox.settings import Charge, States
from sandbox.spoiling import spoiled
from sandbox.vendor import Call

QUEUED = 0.25  # the part of its latency for which a request waits
_STRANGE = 0.5  # until then it is in a state that is documented nowhere
_JSON = msgspec.json.Encoder(decimal_format="number")


class Queue:
    """An endpoint that takes a POST, and what runs behind it.

    `write` makes what a POST is answered with once it is accepted, under `status`; `patience` says
    for how many seconds the answer waits for the end of the generation.
    """

    def __init__(
        self,
        service: Service,
        write: Callable[[Request, Entry], Any],
        status: int = 200,
        patience: Callable[[Request], float] = lambda _: 0.0,
    ) -> None:
        self._service = service
        self._write = write
        self._status = status
        self._patience = patience
        self._running: dict[str, asyncio.Task[None]] = {}

    def resume(self) -> None:
        """Continue what an earlier life of the server had accepted."""
        for entry in self._service.books.entries:
            if entry.is_running:
                call = Call(entry.model, entry.params)
                self._start(self._service.visit(entry.request_id, call, entry.wire))

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Be an ASGI application: take a request."""
        request = Request(scope, receive)
        if request.method != "POST":
            await self._service.vendor.refusal("405")(scope, receive, send)
            return
        try:
            raw = await request.body()
        except ClientDisconnect:
            return
        visit = self._service.arrive(scope, raw, Wire.V2)
        status: int | str = "killed"
        try:
            status, answer = await self._submit(visit, request)
            await answer(scope, receive, send)
        finally:
            visit.end(status)

    def cancel(self, entry: Entry) -> bool:
        """End a generation that has not come to its end; return whether there was one."""
        task = self._running.get(entry.request_id)
        if task is None or not task.cancel():
            return False
        self._service.visit(entry.request_id, Call(entry.model, entry.params), entry.wire).cancel()
        return True

    def asked_for(self, request: Request) -> Entry | Response:
        """Find the request that is asked for, and count it; or say what there is instead."""
        service = self._service
        service.books.questions["polls"] += 1
        if outage := service.outage():
            return outage.answer
        if not service.has_key(request):
            return service.vendor.refusal("401")
        entry = service.books.find(request.path_params["id"])
        if entry is None or entry.begun is None or entry.wire is not Wire.V2:
            return service.vendor.problem(404, "404", "Request not found.")
        entry.polls += 1
        life = service.settings.record_life
        if service.vendor.forgets and time.time() > entry.begun.at + life:
            return service.vendor.problem(404, "404", "Request not found.")
        return entry

    async def _submit(self, visit: Visit, request: Request) -> tuple[int | str, ASGIApp]:
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
        task = self._start(visit)
        if seconds := self._patience(request):
            await asyncio.wait({task}, timeout=seconds)
        fault = None if plan.fails else plan.fault
        slow = service.settings.slow_seconds if fault == "slow" else 0.0
        said = Media(_JSON.encode(self._write(request, visit.entry)))
        whole = wire.Delivery(said, "application/json", slow=slow, status=self._status)
        answer = spoiled(whole, fault, lambda: visit.end(fault or self._status))
        if answer is None:
            refusal = service.refuse(fault or "500")
            return refusal.status, refusal.answer
        return fault if fault not in {None, "nonmedia"} else self._status, answer

    def _start(self, visit: Visit) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(self._generate(visit))
        self._running[visit.request_id] = task
        task.add_done_callback(lambda _: self._running.pop(visit.request_id, None))
        return task

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


def stage_at(now: float, entry: Entry, states: States) -> str:
    """Name how far a request is: a `State`, or QUEUED, PROCESSING or THROTTLED. Pure."""
    if entry.state is not None:
        return entry.state
    assert entry.begun is not None
    along = (now - entry.begun.at) / max(entry.begun.latency, 1e-9)
    if along < QUEUED:
        return "QUEUED"
    return "THROTTLED" if states is States.STRANGE and along < _STRANGE else "PROCESSING"


def is_failed(entry: Entry) -> bool:
    """Return whether a request has come to its end without an output."""
    return entry.state in {State.FAILED, State.CANCELLED}
