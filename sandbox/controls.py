"""What tests change while the sandbox serves: `/sandbox/...`."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from decimal import Decimal, InvalidOperation
from time import time
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox import answers
from sandbox.books import plain
from sandbox.errors import SandboxError
from sandbox.events import ToppedUp
from sandbox.faults import check_rates
from sandbox.media_faults import read_media_rule
from sandbox.reading import json_object
from sandbox.report import report
from sandbox.service import Service
from sandbox.settings import History, OutageKind, RequestIds, States, Times

_Order = dict[str, Any]
_OPTIONS: dict[str, Callable[[Any], Any]] = {
    "history": History,
    "history_lag": float,
    "history_times": Times,
    "latency": float,
    "media": read_media_rule,
    "outputs": int,
    "record_life": float,
    "request_ids": RequestIds,
    "slow_seconds": float,
    "states": States,
    "strangers": int,
    "twins": int,
}


@dataclass(frozen=True, slots=True)
class Controls:
    """The endpoints that change the sandbox."""

    service: Service

    def routes(self) -> list[Route]:
        """List the routes of all endpoints."""
        return [
            Route("/sandbox/books", self._show_books, methods=["GET"]),
            Route("/sandbox/credits", _endpoint(self._top_up), methods=["POST"]),
            Route("/sandbox/faults", _endpoint(self._set_faults), methods=["POST"]),
            Route("/sandbox/options", _endpoint(self._set_options), methods=["POST"]),
            Route("/sandbox/outage", _endpoint(self._start_outage), methods=["POST"]),
        ]

    async def _show_books(self, _request: Request) -> Response:
        return JSONResponse(report(self.service.books))

    def _top_up(self, order: _Order) -> _Order:
        self.service.books.record(ToppedUp(Decimal(str(order["add"])), time()))
        return {"balance": plain(self.service.books.balance)}

    def _set_faults(self, order: _Order) -> _Order:
        """Change the rates that are named, and leave the others."""
        rates = {**self.service.rates, **{kind: float(rate) for kind, rate in order.items()}}
        check_rates(rates)
        self.service.rates = rates
        return rates

    def _set_options(self, order: _Order) -> _Order:
        """Change the options that are named, and leave the others."""
        changes = {name: _OPTIONS[name](value) for name, value in order.items()}
        self.service.settings = replace(self.service.settings, **changes)
        return order

    def _start_outage(self, order: _Order) -> _Order:
        kind, seconds = OutageKind(order.get("kind", "503")), float(order["seconds"])
        if kind is OutageKind.REFUSE:
            # Before the response, so that whoever has it finds the port closed.
            self.service.listener.shut(seconds)
        else:
            self.service.outages.start(time(), seconds, kind)
        return {"kind": kind, "seconds": seconds}


def _endpoint(act: Callable[[_Order], _Order]) -> Callable[[Request], Awaitable[Response]]:
    """Make an endpoint of a function that takes an order and raises if it is not valid."""

    async def endpoint(request: Request) -> Response:
        try:
            return JSONResponse(act(json_object(await request.body())))
        except (KeyError, TypeError, ValueError, InvalidOperation, SandboxError) as error:
            return answers.problem(400, f"not a valid order: {error}")

    return endpoint
