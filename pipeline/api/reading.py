"""Free requests: GETs whose answers are short texts, over connections that are kept.

A connection that was kept may be closed under a request; what costs nothing is asked once more.
"""

import httpx

from pipeline import __version__
from pipeline.api import encoding
from pipeline.api.explaining import explain
from pipeline.api.origin import Origin
from pipeline.api.patience import Patience
from pipeline.api.receiving import as_it_comes
from pipeline.api.timeouts import Timeouts
from pipeline.api.transport import FreshConnections, way_to
from pipeline.api.wire import Conversation, Reply, Request, T

# The list of requests tells what was sent with each of them, pictures too.
MOST = 8 * 1024**2

HEADERS = {
    "user-agent": f"pipeline/{__version__}",
    "accept": "*/*",
    "accept-encoding": "identity",
}


class Reader:
    """Sends free requests to some origins, which may get the key, and to no other."""

    def __init__(
        self,
        origins: frozenset[Origin],
        timeouts: Timeouts,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self._origins = origins
        self._timeouts = timeouts
        self._transport = transport
        self._transports: dict[Origin, httpx.AsyncBaseTransport] = {}

    async def aclose(self) -> None:
        """Close what is kept."""
        for transport in self._transports.values():
            await transport.aclose()

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
        bound = self._timeouts.asking
        where = way_to(origin)
        reply = Reply(detail=f"no answer from {where} within {bound:g} s")
        # One bound for all of it: an answer that drips in must not block the run.
        with Patience(bound, self._timeouts):
            try:
                reply = await self._exchange(request, origin, most)
            except (httpx.HTTPError, OSError) as error:
                reply = Reply(detail=explain(error, where))
        return reply

    async def _exchange(self, request: Request, origin: Origin, most: int) -> Reply:
        transport = self._way(origin)
        try:
            response = await transport.handle_async_request(self._prepared(request))
        except (httpx.RemoteProtocolError, httpx.ReadError, httpx.WriteError):
            response = await transport.handle_async_request(self._prepared(request))
        data, complete = b"", False
        try:
            async for chunk in as_it_comes(response):
                data += chunk
                if len(data) > most:
                    break
            complete = len(data) <= most
        finally:
            await response.aclose()
        headers = {name.lower(): value for name, value in response.headers.items()}
        text = encoding.undo_text(data, encoding.layers(headers.get("content-encoding")), most)
        detail = "" if complete else f"the answer has more than {most // 1024} kB"
        if text is None:
            detail = "it has a content encoding that was not requested and cannot be decoded"
        return Reply(status=response.status_code, headers=headers, text=text or b"", detail=detail)

    def _prepared(self, request: Request) -> httpx.Request:
        waits = httpx.Timeout(None, connect=self._timeouts.connect).as_dict()
        return httpx.Request(
            request.method,
            request.url,
            headers={**HEADERS, **request.headers},
            extensions={"timeout": waits},
        )

    def _way(self, origin: Origin) -> httpx.AsyncBaseTransport:
        if self._transport is not None:
            return self._transport
        if origin not in self._transports:
            self._transports[origin] = FreshConnections(origin, keep=True)
        return self._transports[origin]
