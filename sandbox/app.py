"""The simulated API itself: its routes, and the way of one request through it."""

import asyncio
import logging
import random
import re
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from sandbox import answers, wire
from sandbox.books import Arrived, Books, Charged, Ended, plain
from sandbox.clips import Media, Studio
from sandbox.controls import Controls, Listener, json_object
from sandbox.digests import digest
from sandbox.faults import Dice, Plan, read_script
from sandbox.outages import Outages
from sandbox.settings import BalanceCall, Charge, Settings, is_loopback

LUMA_RATIOS = frozenset({"1:1", "16:9", "4:3", "3:4", "9:16", "9:21", "21:9"})

_REQUEST_ID = "sandbox.request_id"
_RENDERED = frozenset({None, "slow", "cut", "stall"})
_NOISE_SIZE = 4096
_HOST = re.compile(rb"(?:\[([^]]+)\]|([^][:]+))(?::\d*)?")
_JSON = msgspec.json.Encoder(decimal_format="number")
_log = logging.getLogger("sandbox")


@dataclass(frozen=True, slots=True)
class Visit:
    """One POST on its way through the API."""

    books: Books
    request_id: str
    model: str
    body: dict[str, Any]
    price: Decimal

    def charge(self) -> bool:
        """Charge for it, if the balance covers it."""
        if not self.books.covers(self.price):
            return False
        self.books.record(Charged(self.request_id, self.price, time.time()))
        return True

    def end(self, status: int | str) -> None:
        """Close the books on it, once: what comes first is what the client saw."""
        if self.books.is_open(self.request_id):
            self.books.record(Ended(self.request_id, status, time.time()))


class Api:
    """The application. It holds all that changes while it serves."""

    def __init__(
        self, settings: Settings, books: Books, studio: Studio, listener: Listener
    ) -> None:
        self.settings = settings
        self.books = books
        self._studio = studio
        self._listener = listener
        self._outages = Outages(settings.outages)
        self._controls = Controls(books, dict(settings.faults), self._outages, listener)
        self._dice = Dice(settings.seed, settings.latency, settings.jitter)

    def asgi(self) -> ASGIApp:
        """Build the ASGI application."""
        routes = [
            Route("/v1/get-user-credits", self._show_credits, methods=["GET"]),
            Route("/v1/{model}", _Endpoint(self._generate)),
            *self._controls.routes(),
        ]
        app = Starlette(routes=routes, exception_handlers={404: _lost, 405: _lost})
        return _Local(_Marked(app, self))

    def schedule_closings(self) -> None:
        """Plan when nothing listens, now that the first POST is known."""
        if self.books.first_post is not None:
            for begin, length in self._outages.closings(time.time(), self.books.first_post):
                asyncio.get_running_loop().call_later(begin, self._listener.shut, length)

    def headers(self, request_id: str, seconds: float) -> dict[str, str]:
        """Write the headers that every answer has, after `seconds` of work."""
        headers = {"x-request-id": request_id, "x-generation-time": f"{seconds:.3f}"}
        if self.settings.credit_header:
            headers["x-remaining-credits"] = plain(self._shown_balance(request_id))
        if self.settings.marked:
            headers["x-sandbox"] = "1"
        return headers

    def _shown_balance(self, request_id: str) -> Decimal:
        if self.settings.header_late:
            return self.books.balance_at(time.time() - self.settings.header_late)
        if self.settings.header_lag:
            return self.books.before_charge(request_id)
        return self.books.balance

    async def _generate(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer `/v1/<model>`."""
        request = Request(scope, receive)
        if request.method != "POST":
            await answers.refusal("405")(scope, receive, send)
            return
        try:
            raw = await request.body()
        except ClientDisconnect:
            return
        visit = self._admit(scope, raw)
        status: int | str = "killed"
        try:
            status, answer = await self._answer(visit, request)
            await answer(scope, receive, send)
        finally:
            visit.end(status)

    def _admit(self, scope: Scope, raw: bytes) -> Visit:
        """Enter a POST into the books."""
        model, body = scope["path_params"]["model"], json_object(raw)
        price = self.settings.price_of(model, body)
        visit = Visit(self.books, scope[_REQUEST_ID], model, body, price)
        first = self.books.first_post is None
        self.books.record(Arrived(visit.request_id, model, body, time.time()))
        if first:
            self.schedule_closings()
        return visit

    async def _answer(self, visit: Visit, request: Request) -> tuple[int | str, ASGIApp]:
        """Decide how a POST ends; return its status for the books, and the answer."""
        if outage := self._outages.kind_at(time.time(), self.books.first_post or 0.0):
            return self._refuse(outage)
        if refusal := self._objection(visit, request):
            return refusal.status_code, refusal
        try:
            script = read_script(visit.body["prompt"])
        except ValueError as error:
            return 400, answers.problem(400, str(error))
        key = digest(visit.model, visit.body)
        plan = self._dice.plan(
            key, self.books.times_seen(visit.request_id), script, self._controls.rates
        )
        if plan.fault is not None and not plan.paid:
            return self._refuse(plan.fault)
        return await self._work(visit, plan, request.receive)

    def _objection(self, visit: Visit, request: Request) -> Response | None:
        """Find what is wrong with a request."""
        if not self._has_key(request):
            return answers.refusal("401")
        if not self.settings.knows(visit.model):
            return answers.refusal("404")
        if problem := _problem_of(visit.model, visit.body):
            return answers.problem(400, problem)
        return None

    def _has_key(self, request: Request) -> bool:
        key = request.headers.get("x-api-key", "")
        return key == self.settings.key if self.settings.key is not None else bool(key)

    async def _work(self, visit: Visit, plan: Plan, receive: Receive) -> tuple[int | str, ASGIApp]:
        """Generate, charge and answer."""
        at_accept = self.settings.charge is Charge.ACCEPT
        if not (visit.charge() if at_accept else self.books.covers(visit.price)):
            return self._refuse("406")
        media, _ = await asyncio.gather(
            self._make(visit, plan), self._wait(visit, plan.latency, receive)
        )
        if not at_accept and not visit.charge():
            return self._refuse("406")
        return self._deliver(visit, plan.fault, media)

    async def _make(self, visit: Visit, plan: Plan) -> Media:
        """Make what the answer holds."""
        if plan.fault in _RENDERED:
            nth = self.books.times_seen(visit.request_id)
            return await self._studio.make(visit.model, visit.body, nth, visit.request_id)
        noise = random.Random(visit.request_id).randbytes(_NOISE_SIZE)  # noqa: S311
        return Media(noise)

    async def _wait(self, visit: Visit, seconds: float, receive: Receive) -> None:
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

    def _refuse(self, word: str) -> tuple[int | str, ASGIApp]:
        answer = answers.refusal(word, self.settings.retry_after)
        return (answer.status_code if word[0].isdigit() else word), answer

    def _deliver(self, visit: Visit, fault: str | None, media: Media) -> tuple[int | str, ASGIApp]:
        """Answer with what was paid for, or with how that went wrong."""
        headers = {"x-cost": plain(visit.price)} if self.settings.cost_header else {}
        slow = self.settings.slow_seconds if fault == "slow" else 0.0
        whole = wire.Delivery(media, "video/mp4", headers, slow)

        def end() -> None:
            visit.end(fault or 200)

        match fault:
            case None | "nonmedia" | "slow":
                answer: ASGIApp = whole
            case "cut" | "stall":
                answer = wire.Half(whole, end if fault == "cut" else None)
            case "reset" | "drop":
                answer = wire.Silence(wire.reset if fault == "reset" else wire.drop, end)
            case "html200" | "json200" | "empty200":
                answer = _hollow(fault, headers)
            case _:
                return self._refuse(fault)
        return fault or 200, answer

    async def _show_credits(self, request: Request) -> Response:
        """Answer the balance call."""
        if not self._has_key(request):
            return answers.refusal("401")
        if self.settings.balance_call is BalanceCall.MISSING:
            return answers.problem(404, "No credits found for the user.")
        if self.settings.balance_call is BalanceCall.GARBAGE:
            return answers.page("Segmind")
        balance = {"credits": self.books.credits, "free-credits": self.books.free_credits}
        return Response(_JSON.encode(balance), media_type="application/json")


@dataclass(frozen=True, slots=True)
class _Endpoint:
    """Makes Starlette take a method for an ASGI application."""

    app: Callable[[Scope, Receive, Send], Awaitable[None]]

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self.app(scope, receive, send)


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
    api: Api

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request_id = scope[_REQUEST_ID] = uuid.uuid4().hex
        started = time.perf_counter()

        async def send_marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                seconds = time.perf_counter() - started
                headers = self.api.headers(request_id, seconds)
                message["headers"] += [(n.encode(), v.encode()) for n, v in headers.items()]
                _log.info("%s %s %s", scope["method"], scope["path"], message["status"])
            await send(message)

        await self.app(scope, receive, send_marked)


async def _lost(_request: Request, error: Exception) -> Response:
    """Answer what no route is for."""
    status = getattr(error, "status_code", 404)
    return answers.refusal("405") if status != 404 else answers.problem(404, "Not found.")  # noqa: PLR2004


def _hollow(fault: str, headers: dict[str, str]) -> Response:
    """Answer 200 with something that is not media."""
    match fault:
        case "html200":
            answer = answers.page("Something went wrong")
        case "json200":
            answer = answers.problem(200, "Generation failed upstream.")
        case _:
            answer = Response(media_type="video/mp4")
    answer.headers.update(headers)
    return answer


def _problem_of(model: str, body: dict[str, Any]) -> str | None:
    """Find what the API would not take in the parameters."""
    prompt = body.get("prompt")
    if not isinstance(prompt, str) or not prompt.strip():
        return "Missing required parameter: prompt"
    if not model.startswith("luma-"):
        return None
    if str(body.get("aspect_ratio", "1:1")) not in LUMA_RATIOS:
        return f"aspect_ratio must be one of {', '.join(sorted(LUMA_RATIOS))}"
    if not isinstance(body.get("loop", False), bool):
        return "loop must be a boolean"
    return None
