"""What tests change while the sandbox serves: `/sandbox/...`."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from time import time
from typing import Any, Protocol

import msgspec
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox import answers
from sandbox.books import Books, ToppedUp, plain
from sandbox.errors import SandboxError
from sandbox.faults import check_rates
from sandbox.outages import Outages
from sandbox.settings import OutageKind

_Order = dict[str, Any]


class Listener(Protocol):
    """What accepts connections."""

    def shut(self, seconds: float) -> None:
        """Stop listening for so long, from now."""


@dataclass(slots=True)
class Controls:
    """The endpoints that change the sandbox, and the rates of faults that they set."""

    books: Books
    rates: dict[str, float]
    outages: Outages
    listener: Listener

    def routes(self) -> list[Route]:
        """List the routes of all endpoints."""
        return [
            Route("/sandbox/books", self._show_books, methods=["GET"]),
            Route("/sandbox/credits", _endpoint(self._top_up), methods=["POST"]),
            Route("/sandbox/faults", _endpoint(self._set_faults), methods=["POST"]),
            Route("/sandbox/outage", _endpoint(self._start_outage), methods=["POST"]),
        ]

    async def _show_books(self, _request: Request) -> Response:
        return JSONResponse(self.books.report())

    def _top_up(self, order: _Order) -> _Order:
        self.books.record(ToppedUp(Decimal(str(order["add"])), time()))
        return {"balance": plain(self.books.balance)}

    def _set_faults(self, order: _Order) -> _Order:
        """Change the rates that are named, and leave the others."""
        rates = {**self.rates, **{kind: float(rate) for kind, rate in order.items()}}
        check_rates(rates)
        self.rates = rates
        return rates

    def _start_outage(self, order: _Order) -> _Order:
        kind, seconds = OutageKind(order.get("kind", "503")), float(order["seconds"])
        if kind is OutageKind.REFUSE:
            # Before the response, so that whoever has it finds the port closed.
            self.listener.shut(seconds)
        else:
            self.outages.start(time(), seconds, kind)
        return {"kind": kind, "seconds": seconds}


def json_object(raw: bytes) -> dict[str, Any]:
    """Read a JSON object; anything else is an empty one."""
    try:
        value = msgspec.json.decode(raw)
    except msgspec.DecodeError:
        return {}
    return value if isinstance(value, dict) else {}


def _endpoint(act: Callable[[_Order], _Order]) -> Callable[[Request], Awaitable[Response]]:
    """Make an endpoint of a function that takes an order and raises if it is not valid."""

    async def endpoint(request: Request) -> Response:
        try:
            return JSONResponse(act(json_object(await request.body())))
        except (KeyError, ValueError, InvalidOperation, SandboxError) as error:
            return answers.problem(400, f"not a valid order: {error}")

    return endpoint
