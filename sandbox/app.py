"""The simulated API itself: its routes, and what every answer has."""

import logging
import re
import time
import uuid
from dataclasses import dataclass

from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox import answers
from sandbox.controls import Controls
from sandbox.media import KEY_HEADERS, MediaHost
from sandbox.service import REQUEST_ID, Service
from sandbox.settings import is_loopback

_HOST = re.compile(rb"(?:\[([^]]+)\]|([^][:]+))(?::\d*)?")
_log = logging.getLogger("sandbox")


class Api:
    """The application."""

    def __init__(self, service: Service) -> None:
        self._service = service

    def asgi(self) -> ASGIApp:
        """Build the ASGI application."""
        # A wire may take any path: what has a fixed one comes before it.
        routes = [
            *Controls(self._service).routes(),
            *MediaHost(self._service).routes(),
            *self._service.vendor.routes(self._service),
        ]
        app = Starlette(routes=routes, exception_handlers={404: self._lost, 405: self._lost})
        return _Local(_Marked(app, self._service))

    def resume(self) -> None:
        """Continue what an earlier life of the server has left: closings, and generations."""
        self._service.schedule_closings()
        self._service.vendor.resume()

    async def _lost(self, _request: Request, error: Exception) -> Response:
        """Answer what no route is for."""
        status = getattr(error, "status_code", 404)
        vendor = self._service.vendor
        return vendor.refusal("405") if status != 404 else vendor.problem(404, "404", "Not found.")  # noqa: PLR2004


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
        if not scope["path"].startswith("/sandbox/"):
            self._note_key(Headers(scope=scope))
        started = time.perf_counter()

        async def send_marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = self._headers(scope, time.perf_counter() - started)
                message["headers"] += [(n.encode(), v.encode()) for n, v in headers.items()]
                _log.info("%s %s %s", scope["method"], scope["path"], message["status"])
            await send(message)

        await self.app(scope, receive, send_marked)

    def _note_key(self, headers: Headers) -> None:
        """Note whether a host was asked with a key, in whatever form."""
        key = self.service.settings.key
        has_key = any(name in headers for name in KEY_HEADERS) or (
            key is not None and any(key in value for value in headers.values())
        )
        self.service.books.hosts[headers.get("host", "").rpartition(":")[0], has_key] += 1

    def _headers(self, scope: Scope, seconds: float) -> dict[str, str]:
        """Write the headers that every answer has, after `seconds` of work."""
        marks = {"x-sandbox": "1"} if self.service.settings.marked else {}
        return marks | self.service.vendor.headers(self.service, scope, seconds)
