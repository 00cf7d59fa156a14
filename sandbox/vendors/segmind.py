"""Segmind: v1, whose answer is the output, and v2, whose answer is an id."""

from types import MappingProxyType
from typing import Any

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route
from starlette.types import Scope

from sandbox import answers
from sandbox.books import plain
from sandbox.history import RequestHistory
from sandbox.service import REQUEST_ID, Service
from sandbox.settings import BalanceCall, RequestIds
from sandbox.uploads import Uploads
from sandbox.v1 import Synchronous
from sandbox.v2 import Asynchronous
from sandbox.vendor import Call, Vendor

LUMA_RATIOS = frozenset({"1:1", "16:9", "4:3", "3:4", "9:16", "9:21", "21:9"})

# At the real API these are other hosts, which say nothing of the balance.
_OTHER_HOSTS = ("/media/", "/inference-request/", "/upload-asset", "/assets/")
_JSON = msgspec.json.Encoder(decimal_format="number")


class Segmind(Vendor):
    """Its wires."""

    name = "segmind"
    models = ("luma-*", "ray-*", "kling-*", "wan-*")
    header, scheme = "x-api-key", ""
    has_media_host = False
    statuses = MappingProxyType({"arrears": 406})

    def problem_of(self, call: Call) -> str | None:
        """Find what the API would not take in the parameters."""
        if (problem := super().problem_of(call)) or not call.model.startswith("luma-"):
            return problem
        if str(call.params.get("aspect_ratio", "1:1")) not in LUMA_RATIOS:
            return f"aspect_ratio must be one of {', '.join(sorted(LUMA_RATIOS))}"
        if not isinstance(call.params.get("loop", False), bool):
            return "loop must be a boolean"
        return None

    def problem_body(self, _status: int, _word: str, text: str) -> Any:
        """Write the body of an error."""
        return {"error": text}

    def headers(self, service: Service, scope: Scope, seconds: float) -> dict[str, str]:
        """Write the headers that every answer has."""
        settings = service.settings
        if scope["path"].startswith(_OTHER_HOSTS):
            return {}
        headers = {"x-generation-time": f"{seconds:.3f}"}
        if settings.request_ids is not RequestIds.NONE:
            headers["x-request-id"] = scope[REQUEST_ID]
        if settings.credit_header:
            headers["x-remaining-credits"] = plain(service.shown_balance(scope[REQUEST_ID]))
        return headers

    def routes(self, service: Service) -> list[BaseRoute]:
        """List the routes of both wires, of the balance, of the history and of uploads."""
        asynchronous = Asynchronous(service)
        self._queue = asynchronous.queue

        async def show_credits(request: Request) -> Response:
            return _credits(service, request)

        return [
            Route("/v1/get-user-credits", show_credits, methods=["GET"]),
            *asynchronous.routes(),
            Route("/v1/{model}", Synchronous(service)),
            Route("/v2/{model}", asynchronous.queue),
            *RequestHistory(service).routes(),
            *Uploads(service).routes(),
        ]

    def resume(self) -> None:
        """Continue the generations of v2."""
        self._queue.resume()


def _credits(service: Service, request: Request) -> Response:
    """Answer the balance call."""
    if not service.has_key(request):
        return answers.refusal("401")
    match service.settings.balance_call:
        case BalanceCall.MISSING:
            return answers.problem(404, "No credits found for the user.")
        case BalanceCall.GARBAGE:
            return answers.page("Segmind")
    balance = {"credits": service.books.credits, "free-credits": service.books.free_credits}
    return Response(_JSON.encode(balance), media_type="application/json")
