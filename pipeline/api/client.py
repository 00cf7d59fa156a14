"""One attempt against the API, and the balance call. The only room that knows httpx.

A paid POST goes over a fresh connection: a reused one can be closed under it, which looks like a
dropped request. Whether a request was sent is told by the transport's own trace, not by the class
of an exception: only where a connection was tried and no byte was written was it never sent.
"""

import contextlib
from decimal import Decimal
from pathlib import Path
from typing import Self

import httpx
import msgspec

from pipeline import __version__
from pipeline.amounts import ZERO, rounded
from pipeline.api import encoding, headers
from pipeline.api.endpoint import DEFAULT_BASE_URL, Endpoint
from pipeline.api.outcomes import Balance, Fault, Outcome
from pipeline.api.patience import Patience
from pipeline.api.receiving import EVIDENCE, SANDBOX_HEADER, Receiving, as_it_comes
from pipeline.api.transport import PIECE, FreshConnections, Trace, Witness, in_pieces, way_to
from pipeline.api.words import cannot_heal, explain
from pipeline.models import Task

__all__ = ["DEFAULT_BASE_URL", "Client", "Endpoint", "Witness"]

# Seconds: for a connect, and a TLS handshake; for a piece of the request to be taken; for a body
# to go on; for the whole of the balance call.
CONNECT_TIMEOUT = 10.0
WRITE_TIMEOUT = 60.0
STALL_TIMEOUT = 60.0
BALANCE_TIMEOUT = 10.0


class Client:
    """Sends attempts. Use it as an async context manager.

    `timeout` is for how many seconds an answer may take to begin, from the sending on.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        *,
        timeout: float = 600.0,
        max_size: int = 2 * 1024**3,
        transport: httpx.AsyncBaseTransport | None = None,
    ) -> None:
        self.endpoint = endpoint
        self._timeout = timeout
        self._max_size = max_size
        self._where = way_to(endpoint)
        # No client over the transport: its cookies and redirects have no place here.
        self._transport = transport or FreshConnections(endpoint)
        self._headers = {
            "x-api-key": endpoint.key,
            "user-agent": f"pipeline/{__version__}",
            "accept": "*/*",
            "accept-encoding": "identity",
        }
        self._balance = httpx.URL(endpoint.balance)
        self._models: dict[str, httpx.URL] = {}

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._transport.aclose()

    async def attempt(self, task: Task, part: Path, witness: Witness | None = None) -> Outcome:
        """Send one request and stream its answer to `part`. Never raises for what came of it."""
        receiving = Receiving(self.endpoint, task, part, self._max_size, self._where)
        response = None
        # A name, a connect, a proxy and a handshake have their own bounds, and one for all.
        with Patience(3 * CONNECT_TIMEOUT) as patience:
            trace = Trace(patience, WRITE_TIMEOUT, self._timeout, witness)
            try:
                response = await self._send(task, trace)
            except (httpx.HTTPError, OSError) as error:  # an OSError is the witness's
                where, silence = self.endpoint, isinstance(error, httpx.ReadTimeout)
                return receiving.outcome(
                    fault=_fault(trace, silence=silence),
                    detail=explain(error, self._where),
                    hopeless=trace.never_sent and cannot_heal(error, loopback=where.on_loopback),
                )
        if response is None:
            fault = _fault(trace, silence=trace.sent)
            return receiving.outcome(fault=fault, detail=self._silence(trace))
        try:
            return await receiving.receive(response, STALL_TIMEOUT, witness)
        finally:
            with contextlib.suppress(httpx.HTTPError):
                await response.aclose()

    async def _send(self, task: Task, trace: Trace) -> httpx.Response:
        content = msgspec.json.encode(task.params)
        request = httpx.Request(
            "POST",
            self._model(task.model),
            content=content if len(content) <= PIECE else in_pieces(content, trace),
            headers={
                **self._headers,
                "content-type": "application/json",
                "content-length": str(len(content)),
            },
            extensions={"trace": trace, "timeout": _waits()},
        )
        return await self._transport.handle_async_request(request)

    def _silence(self, trace: Trace) -> str:
        """Say what was waited for in vain."""
        where = self._where
        if not trace.wrote:
            return f"no connection to {where} came about within {3 * CONNECT_TIMEOUT:g} s"
        if not trace.sent:
            return f"{where} did not take the request: no byte of it for {WRITE_TIMEOUT:g} s"
        return f"no answer from {where} within {self._timeout:g} s"

    def _model(self, name: str) -> httpx.URL:
        if name not in self._models:
            self._models[name] = httpx.URL(self.endpoint.model(name))
        return self._models[name]

    async def balance(self) -> Balance:
        """Ask for the balance, which is free. Never raises for what came of it."""
        detail = f"no answer from {self._where} within {BALANCE_TIMEOUT:g} s"
        # One bound for all of it: an answer that drips in must not hold the run.
        with Patience(BALANCE_TIMEOUT):
            try:
                return await self._ask_balance()
            except httpx.HTTPError as error:
                detail = explain(error, self._where)
        return Balance(detail=self.endpoint.redact(detail))

    async def _ask_balance(self) -> Balance:
        data = b""
        request = httpx.Request(
            "GET", self._balance, headers=self._headers, extensions={"timeout": _waits()}
        )
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
        told = _sum_of_credits(text) if response.status_code == httpx.codes.OK else None
        status = response.status_code
        simulated = SANDBOX_HEADER in response.headers
        return Balance(told, simulated, detail=f"HTTP {status}", status=status)


def _fault(trace: Trace, *, silence: bool) -> Fault:
    if trace.never_sent:
        return Fault.NOT_SENT
    return Fault.TIMEOUT if silence else Fault.NO_ANSWER


def _waits() -> dict[str, float | None]:
    """Bound a connect; all else has a patience of ours, which also counts what trickles."""
    return httpx.Timeout(None, connect=CONNECT_TIMEOUT).as_dict()


class _Told(msgspec.Struct):
    credits: float | str | None = None
    free: float | str | None = msgspec.field(default=None, name="free-credits")


def _sum_of_credits(text: bytes) -> Decimal | None:
    try:
        told = msgspec.json.decode(text, type=_Told)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    figures = [headers.decimal(str(f)) for f in (told.credits, told.free) if f is not None]
    known = [figure for figure in figures if figure is not None]
    return rounded(sum(known, ZERO)) if known and len(known) == len(figures) else None
