"""Requests as transports take them: of one session, most of each is the same, and made once."""

from typing import TYPE_CHECKING, Any

import httpx

from pipeline import __version__
from pipeline.api.content import Marks
from pipeline.api.timeouts import Timeouts
from pipeline.api.transport import PIECE, Trace, in_pieces, patiently
from pipeline.api.wire import Request

if TYPE_CHECKING:
    from collections.abc import Mapping

HEADERS = {
    "user-agent": f"pipeline/{__version__}",
    "accept": "*/*",
    "accept-encoding": "identity",
}

# Addresses, and lengths of requests, of which something is kept.
_MOST_KEPT = 1024


class Requests:
    """Makes the requests of one session."""

    def __init__(self, timeouts: Timeouts) -> None:
        # All but a connect has a patience of its own, which also counts what trickles.
        self._waits = httpx.Timeout(None, connect=timeouts.connect).as_dict()
        self._urls: dict[str, httpx.URL] = {}
        self._given: Mapping[str, str] = {}
        self._headers: dict[tuple[str, int], httpx.Headers] = {}

    def make(self, request: Request, marks: Marks | None, trace: Trace) -> httpx.Request:
        """Make a request; with `marks`, files are sent in their places."""
        body = request.content
        if marks is not None:
            streamed = marks.content(body)
            pieces = patiently(streamed.stream(), trace)
            return self._made(request, streamed.length, trace, content=pieces)
        if len(body) > PIECE:
            return self._made(request, len(body), trace, content=in_pieces(body, trace))
        # With a stream, httpx adds no headers: they are complete.
        made = self._made(request, len(body), trace, stream=httpx.ByteStream(body))
        made.read()
        return made

    def _made(self, request: Request, length: int, trace: Trace, **body: Any) -> httpx.Request:
        url = self._url(request.url)
        headers = self._headers_of(request, url, length)
        extensions = {"trace": trace, "timeout": self._waits}
        return httpx.Request(request.method, url, headers=headers, extensions=extensions, **body)

    def _url(self, text: str) -> httpx.URL:
        url = self._urls.get(text)
        if url is None:
            if len(self._urls) >= _MOST_KEPT:
                self._urls.clear()
            url = self._urls[text] = httpx.URL(text)
        return url

    def _headers_of(self, request: Request, url: httpx.URL, length: int) -> httpx.Headers:
        if request.headers is not self._given or len(self._headers) >= _MOST_KEPT:
            self._given = request.headers
            self._headers.clear()
        headers = self._headers.get((request.url, length))
        if headers is None:
            fields = {**HEADERS, **request.headers, "content-length": str(length)}
            headers = httpx.Request(request.method, url, headers=fields).headers
            self._headers[request.url, length] = headers
        return headers
