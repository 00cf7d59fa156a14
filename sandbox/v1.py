"""A wire whose answer to a POST is the output, as v1's is."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Receive, Scope, Send

from sandbox import answers, wire
from sandbox.books import plain
from sandbox.clips import Media
from sandbox.events import Wire
from sandbox.faults import Plan
from sandbox.service import Refusal, Service, Visit
from sandbox.settings import Charge
from sandbox.spoiling import spoiled

_RENDERED = frozenset({None, "slow", "cut", "stall", "nonmedia"})


class Synchronous:
    """An endpoint that takes a POST. `write` makes the answer of what was generated."""

    def __init__(
        self, service: Service, write: Callable[[Visit, Media], wire.Delivery] | None = None
    ) -> None:
        self._service = service
        self._write = write or self._plain

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Be an ASGI application."""
        request = Request(scope, receive)
        if request.method != "POST":
            await self._service.vendor.refusal("405")(scope, receive, send)
            return
        try:
            raw = await request.body()
        except ClientDisconnect:
            return
        visit = self._service.arrive(scope, raw, Wire.V1)
        status: int | str = "killed"
        try:
            plan = self._service.plan(visit, request)
            if isinstance(plan, Plan):
                status, answer = await self._work(visit, plan, request.receive)
            else:
                status, answer = plan.status, plan.answer
            await answer(scope, receive, send)
        finally:
            visit.end(status)

    async def _work(self, visit: Visit, plan: Plan, receive: Receive) -> tuple[int | str, ASGIApp]:
        """Generate, charge and answer."""
        service = self._service
        at_accept = service.settings.charge is Charge.ACCEPT
        if not (visit.charge() if at_accept else service.books.covers(visit.price)):
            return _parts(service.refuse("406"))
        service.begin(visit, plan)
        media, _ = await asyncio.gather(
            self._make(visit, plan), _wait(visit, plan.latency, receive)
        )
        if not at_accept and not visit.charge():
            visit.finish(answers.text_of("406"))
            return _parts(service.refuse("406"))
        visit.finish()
        return self._deliver(visit, plan.fault, media)

    async def _make(self, visit: Visit, plan: Plan) -> Media:
        """Make what the answer holds, if it holds any of it."""
        if plan.fault in _RENDERED:
            return await self._service.media_of(visit.entry)
        return Media(b"")

    def _deliver(self, visit: Visit, fault: str | None, media: Media) -> tuple[int | str, ASGIApp]:
        """Answer with what was paid for, or with how that went wrong."""
        whole = self._write(visit, media)
        if fault == "slow":
            whole = replace(whole, slow=self._service.settings.slow_seconds)
        answer = spoiled(whole, fault, lambda: visit.end(fault or 200))
        return (fault or 200, answer) if answer else _parts(self._service.refuse(fault or "500"))

    def _plain(self, visit: Visit, media: Media) -> wire.Delivery:
        """Write the output itself."""
        headers = {"x-cost": plain(visit.price)} if self._service.settings.cost_header else {}
        return wire.Delivery(
            media, self._service.vendor.kind_of(visit.call.model).content_type, headers
        )


def _parts(refusal: Refusal) -> tuple[int | str, ASGIApp]:
    return refusal.status, refusal.answer


async def _wait(visit: Visit, seconds: float, receive: Receive) -> None:
    """Take the time of a generation, which continues when its client leaves."""
    if seconds <= 0:
        return
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds
    try:
        async with asyncio.timeout_at(end):
            await wire.until_gone(receive)
    except TimeoutError:
        return
    visit.end("gone")
    await asyncio.sleep(end - loop.time())
