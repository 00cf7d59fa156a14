"""The simulated API itself: its routes, and what every answer has."""

import logging
import re
import time
import uuid
from dataclasses import dataclass

import msgspec
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox import answers
from sandbox.books import plain
from sandbox.controls import Controls
from sandbox.history import RequestHistory
from sandbox.media import MediaHost
from sandbox.others import Others
from sandbox.service import REQUEST_ID, Service
from sandbox.settings import BalanceCall, RequestIds, is_loopback
from sandbox.uploads import Uploads
from sandbox.v1 import Synchronous
from sandbox.v2 import Asynchronous

# At the real API these are other hosts, which say nothing of the balance.
_OTHER_HOSTS = ("/media/", "/inference-request/", "/upload-asset", "/assets/")
_HOST = re.compile(rb"(?:\[([^]]+)\]|([^][:]+))(?::\d*)?")
_JSON = msgspec.json.Encoder(decimal_format="number")
_log = logging.getLogger("sandbox")


class Api:
    """The application."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._asynchronous = Asynchronous(service)

    def asgi(self) -> ASGIApp:
        """Build the ASGI application."""
        others = Others(self._service)
        routes = [
            Route("/v1/get-user-credits", self._show_credits, methods=["GET"]),
            *self._asynchronous.routes(),
            Route("/v1/{model}", Synchronous(self._service)),
            Route("/v2/{model}", self._asynchronous),
            *RequestHistory(self._service, others).routes(),
            *MediaHost(self._service, others).routes(),
            *Uploads(self._service).routes(),
            *Controls(self._service).routes(),
        ]
        app = Starlette(routes=routes, exception_handlers={404: _lost, 405: _lost})
        return _Local(_Marked(app, self._service))

    def resume(self) -> None:
        """Continue what an earlier life of the server has left: closings, and generations."""
        self._service.schedule_closings()
        self._asynchronous.resume()

    async def _show_credits(self, request: Request) -> Response:
        """Answer the balance call."""
        settings, books = self._service.settings, self._service.books
        if not self._service.has_key(request):
            return answers.refusal("401")
        if settings.balance_call is BalanceCall.MISSING:
            return answers.problem(404, "No credits found for the user.")
        if settings.balance_call is BalanceCall.GARBAGE:
            return answers.page("Segmind")
        balance = {"credits": books.credits, "free-credits": books.free_credits}
        return Response(_JSON.encode(balance), media_type="application/json")


@dataclass(frozen=True, slots=True)
class _Local:
    """Answers who asks for a host of this machine, and nobody else.

    A page of the web may have its own name point here, and a browser then lets it read the answers:
    that name stands in `Host`.
    """

    app: ASGIApp

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        host = _HOST.fullmatch(dict(scope["headers"]).get(b"host", b""))
        if host is None or not is_loopback((host[1] or host[2]).decode("latin-1")):
            text = "This is a sandbox: it answers for localhost, 127.0.0.1 and [::1] only."
            await answers.problem(421, text)(scope, receive, send)
            return
        await self.app(scope, receive, send)


@dataclass(frozen=True, slots=True)
class _Marked:
    """Gives every answer its identity and its headers."""

    app: ASGIApp
    service: Service

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        scope[REQUEST_ID] = uuid.uuid4().hex
        started = time.perf_counter()

        async def send_marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = self._headers(scope, time.perf_counter() - started)
                message["headers"] += [(n.encode(), v.encode()) for n, v in headers.items()]
                _log.info("%s %s %s", scope["method"], scope["path"], message["status"])
            await send(message)

        await self.app(scope, receive, send_marked)

    def _headers(self, scope: Scope, seconds: float) -> dict[str, str]:
        """Write the headers that every answer has, after `seconds` of work."""
        settings = self.service.settings
        headers = {"x-sandbox": "1"} if settings.marked else {}
        if scope["path"].startswith(_OTHER_HOSTS):
            return headers
        headers["x-generation-time"] = f"{seconds:.3f}"
        if settings.request_ids is not RequestIds.NONE:
            headers["x-request-id"] = scope[REQUEST_ID]
        if settings.credit_header:
            balance = self.service.shown_balance(scope[REQUEST_ID])
            headers["x-remaining-credits"] = plain(balance)
        return headers


async def _lost(_request: Request, error: Exception) -> Response:
    """Answer what no route is for."""
    status = getattr(error, "status_code", 404)
    return answers.refusal("405") if status != 404 else answers.problem(404, "Not found.")  # noqa: PLR2004
