"""One attempt against an API, and the balance call: the only module that sends.

What is sent, and what an answer says, is the wire's. A paid POST goes over a fresh connection: a
reused one can be closed under it, which looks like a dropped request. Whether a request was sent is
known from the transport's own trace, not from the class of an exception: only where a connection
was tried and no byte was written was it never sent.
"""

import contextlib
from collections.abc import AsyncIterator, Mapping
from pathlib import Path
from typing import Any, Self

import httpx

from pipeline import __version__
from pipeline.api import encoding
from pipeline.api.endpoint import Endpoint
from pipeline.api.explaining import explain, lasts
from pipeline.api.outcome import Balance, Fault, Outcome, Page, Progress, Query, RequestState
from pipeline.api.patience import Patience
from pipeline.api.provider import Witness
from pipeline.api.receiving import EVIDENCE, SANDBOX_HEADER, Receiving, as_it_comes
from pipeline.api.timeouts import USUAL, Timeouts
from pipeline.api.transport import PIECE, FreshConnections, Trace, in_pieces, way_to
from pipeline.api.wire import Request, Wire
from pipeline.models import Handle, Task

_HEADERS = {
    "user-agent": f"pipeline/{__version__}",
    "accept": "*/*",
    "accept-encoding": "identity",
}


class Client:
    """Sends what a wire makes. Use it as an async context manager.

    `timeout` is for how many seconds an answer may take to begin, from the sending on.
    """

    def __init__(  # noqa: PLR0913 - a provider hands in each part once
        self,
        wire: Wire,
        endpoint: Endpoint,
        *,
        timeout: float = 600.0,
        max_size: int = 2 * 1024**3,
        timeouts: Timeouts = USUAL,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.endpoint = endpoint
        self._wire = wire
        self._timeout = timeout
        self._timeouts = timeouts
        self._max_size = max_size
        self._where = way_to(endpoint)
        # No client over the transport: its cookies and redirects have no place here.
        self._transport = transport or FreshConnections(endpoint)
        self._urls: dict[str, httpx.URL] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._transport.aclose()

    async def attempt(self, task: Task, part: Path, witness: Witness | None = None) -> Outcome:
        """Send one request and stream its answer to `part`. Never raises for what came of it."""
        receiving = Receiving(
            self.endpoint, self._wire, part, self._max_size, self._where, self._timeouts
        )
        response = None
        # A name, a connect, a proxy and a handshake have their own bounds, and one for all.
        with Patience(3 * self._timeouts.connect, self._timeouts) as patience:
            trace = Trace(patience, self._timeouts.write, self._timeout, witness)
            try:
                response = await self._send(task, trace)
            except (httpx.HTTPError, OSError) as error:  # an OSError is the witness's
                where, silence = self.endpoint, isinstance(error, httpx.ReadTimeout)
                return receiving.outcome(
                    fault=_fault(trace, silence=silence),
                    detail=explain(error, self._where),
                    hopeless=trace.never_sent and lasts(error, loopback=where.on_loopback),
                )
        if response is None:
            fault = _fault(trace, silence=trace.sent)
            return receiving.outcome(fault=fault, detail=self._silence(trace))
        try:
            return await receiving.receive(response, witness)
        finally:
            with contextlib.suppress(httpx.HTTPError):
                await response.aclose()

    async def _send(self, task: Task, trace: Trace) -> httpx.Response:
        request = self._wire.submit(task)
        content = request.content
        return await self._transport.handle_async_request(
            self._prepared(
                request,
                content=content if len(content) <= PIECE else in_pieces(content, trace),
                headers={"content-length": str(len(content))},
                extensions={"trace": trace},
            )
        )

    def _prepared(
        self,
        request: Request,
        *,
        content: bytes | AsyncIterator[bytes] | None = None,
        headers: Mapping[str, str] = {},
        extensions: Mapping[str, Any] = {},
    ) -> httpx.Request:
        """Add what is the same for all requests, and the bound of a connect.

        All else has a patience of its own, which also counts what trickles.
        """
        url = self._urls.get(request.url)
        if url is None:
            url = self._urls[request.url] = httpx.URL(request.url)
        waits = httpx.Timeout(None, connect=self._timeouts.connect).as_dict()
        return httpx.Request(
            request.method,
            url,
            content=content,
            headers={**_HEADERS, **request.headers, **headers},
            extensions={**extensions, "timeout": waits},
        )

    def _silence(self, trace: Trace) -> str:
        """Say which wait ended without a result."""
        where = self._where
        if not trace.wrote:
            return (
                f"no connection to {where} was established within {3 * self._timeouts.connect:g} s"
            )
        if not trace.sent:
            bound = self._timeouts.write
            return f"{where} stopped accepting the request: no byte of it in {bound:g} s"
        return f"no answer from {where} within {self._timeout:g} s"

    async def ask(self, handle: Handle) -> Progress:  # noqa: ARG002
        """Ask where a request is."""
        return Progress(state=RequestState.UNREACHED)

    async def fetch(self, media: str, part: Path) -> Outcome:  # noqa: ARG002
        """Bring an output to `part`."""
        return Outcome(took=0.0, fault=Fault.NOT_SENT)

    async def list_requests(self, query: Query, page: int) -> Page:  # noqa: ARG002
        """List what was requested."""
        return Page(readable=False)

    async def balance(self) -> Balance:
        """Ask for the balance, which is free. Never raises for what came of it."""
        bound = self._timeouts.balance
        detail = f"no answer from {self._where} within {bound:g} s"
        # One bound for all of it: an answer that drips in must not block the run.
        with Patience(bound, self._timeouts):
            try:
                return await self._ask_balance()
            except httpx.HTTPError as error:
                detail = explain(error, self._where)
        return Balance(detail=self.endpoint.redact(detail))

    async def _ask_balance(self) -> Balance:
        data = b""
        request = self._prepared(self._wire.balance())
        response = await self._transport.handle_async_request(request)
        try:
            async for chunk in as_it_comes(response):
                data += chunk
                if len(data) > EVIDENCE:
                    break
        finally:
            await response.aclose()
        codings = encoding.layers(response.headers.get("content-encoding"))
        text = encoding.undo_text(data, codings, EVIDENCE) or b""
        status = response.status_code
        return Balance(
            credits=self._wire.read_balance(text) if status == httpx.codes.OK else None,
            simulated=SANDBOX_HEADER in response.headers,
            detail=f"HTTP {status}",
            status=status,
        )


def _fault(trace: Trace, *, silence: bool) -> Fault:
    if trace.never_sent:
        return Fault.NOT_SENT
    return Fault.TIMEOUT if silence else Fault.NO_ANSWER
