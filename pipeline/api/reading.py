"""Free requests whose answers are short texts, to the addresses that may get the key."""

from typing import TYPE_CHECKING

import httpx

from pipeline.api import encoding
from pipeline.api.connections import Answer, Connections
from pipeline.api.explaining import explain
from pipeline.api.origin import Origin, parse
from pipeline.api.patience import Patience
from pipeline.api.receiving import SANDBOX_HEADER, as_it_comes
from pipeline.api.requests import HEADERS
from pipeline.api.timeouts import Timeouts
from pipeline.api.transport import proxy_for, through, trust, way_to
from pipeline.api.wire import Conversation, Reply, Request, T
from pipeline.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

# The list of requests tells what was sent with each of them, pictures too.
MOST = 8 * 1024**2


class Reader:
    """Sends free requests to some origins, which may get the key, and to no other.

    With `transport`, all go over that.
    """

    def __init__(
        self,
        origins: frozenset[Origin],
        timeouts: Timeouts,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._origins = origins
        self._timeouts = timeouts
        self._transport = transport
        self._ways: dict[Origin, _Way] = {}
        self.simulated: bool | None = None  # as the last answer said

    async def aclose(self) -> None:
        """Close what is kept."""
        for way in self._ways.values():
            await way.aclose()

    async def converse(self, conversation: Conversation[T]) -> T:
        """Send what a conversation asks for, until it has its result."""
        try:
            request = next(conversation)
            while True:
                request = conversation.send(await self.get(request))
        except StopIteration as end:
            result: T = end.value
            return result

    async def get(self, request: Request, most: int = MOST) -> Reply:
        """Send one request, for an answer of `most` bytes. Never raises for what came of it."""
        origin = Origin.of(request.url)
        if origin not in self._origins or origin is None:
            return Reply(detail="it was not asked: its address is not one of the provider's")
        answer, detail = None, ""
        # One bound for all of it: an answer that drips in must not block the run.
        with Patience(self._timeouts.asking, self._timeouts):
            try:
                answer = await self._way(origin).get(request, most)
            except (httpx.HTTPError, OSError) as error:
                detail = explain(error, way_to(origin))
            except UsageError as error:  # a proxy or a list of authorities that cannot be used
                return Reply(detail=str(error))
        if answer is None:
            bound = f"no answer from {way_to(origin)} within {self._timeouts.asking:g} s"
            return Reply(detail=detail or bound)
        reply = _reply(answer, most)
        self.simulated = SANDBOX_HEADER in reply.headers
        return reply

    def _way(self, origin: Origin) -> "_Way":
        way = self._ways.get(origin)
        if way is None:
            way = self._ways[origin] = self._new(origin)
        return way

    def _new(self, origin: Origin) -> "_Way":
        if self._transport is not None:
            return _OverHttpx(self._transport, self._timeouts)
        if (proxy := proxy_for(origin)) is not None:
            return _OverHttpx(through(proxy, trust(), keep=True), self._timeouts)
        return _Straight(origin)


class _Straight:
    """The usual way."""

    def __init__(self, origin: Origin) -> None:
        self._connections = Connections(origin, trust)
        # Of one provider all have the same headers.
        self._given: Mapping[str, str] = {}
        self._all: Mapping[str, str] = HEADERS

    async def get(self, request: Request, most: int) -> Answer:
        url = parse(request.url)
        assert url is not None
        if request.method != "GET":
            fields = {**HEADERS, **request.headers}
            return await self._connections.post(url.raw_path, fields, request.content, most)
        if request.headers is not self._given:
            self._given, self._all = request.headers, {**HEADERS, **request.headers}
        return await self._connections.get(url.raw_path, self._all, most)

    async def aclose(self) -> None:
        await self._connections.aclose()


class _OverHttpx:
    """The way through a proxy, or over a transport that was handed in."""

    def __init__(self, transport: httpx.AsyncBaseTransport, timeouts: Timeouts) -> None:
        self._transport = transport
        self._waits = httpx.Timeout(None, connect=timeouts.connect).as_dict()

    async def get(self, request: Request, most: int) -> Answer:
        try:
            response = await self._send(request)
        except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError):
            response = await self._send(request)  # it may have been kept, and closed meanwhile
        body = bytearray()
        try:
            async for chunk in as_it_comes(response):
                body += chunk
                if len(body) > most:
                    break
        finally:
            await response.aclose()
        told = {name.lower(): value for name, value in response.headers.items()}
        return Answer(response.status_code, told, bytes(body[:most]), len(body) <= most)

    async def _send(self, request: Request) -> httpx.Response:
        headers = {**HEADERS, **request.headers}
        waits = {"timeout": self._waits}
        return await self._transport.handle_async_request(
            httpx.Request(
                request.method,
                request.url,
                content=request.content or None,
                headers=headers,
                extensions=waits,
            )
        )

    async def aclose(self) -> None:
        await self._transport.aclose()


_Way = _Straight | _OverHttpx


def _reply(answer: Answer, most: int) -> Reply:
    text: bytes | None = answer.body
    if coding := answer.headers.get("content-encoding"):
        text = encoding.undo_text(answer.body, encoding.layers(coding), most)
    detail = "" if answer.complete else f"the answer has more than {most // 1024} kB"
    if text is None:
        detail = "it has a content encoding that was not requested and cannot be decoded"
    return Reply(status=answer.status, headers=answer.headers, text=text or b"", detail=detail)
