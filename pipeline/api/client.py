"""One attempt against an API: the only module that sends what is paid for.

What is sent, and what an answer says, is the wire's. A paid POST goes over a fresh connection: a
reused one can be closed under it, which looks like a dropped request. Whether a request was sent is
known from the transport's own trace, not from the class of an exception: only where a connection
was tried and no byte was written was it never sent.
"""

import contextlib
import time
from pathlib import Path
from typing import Self

import httpx
from msgspec.structs import replace

from pipeline.api.content import InputFailedError, Marks
from pipeline.api.endpoint import Endpoint
from pipeline.api.explaining import explain, lasts
from pipeline.api.fetching import Fetcher
from pipeline.api.inputs import MOST_BYTES
from pipeline.api.outcome import Balance, Fault, Outcome, Page, Progress, Query
from pipeline.api.patience import Patience
from pipeline.api.preparing import Preparing
from pipeline.api.provider import Witness
from pipeline.api.reading import Reader
from pipeline.api.receiving import EVIDENCE, SANDBOX_HEADER, Receiving, close
from pipeline.api.requests import Requests
from pipeline.api.timeouts import USUAL, Timeouts
from pipeline.api.transport import FreshConnections, Trace, way_to
from pipeline.api.turns import Turns
from pipeline.api.uploading import Uploader
from pipeline.api.wire import Request, Wire
from pipeline.models import Cause, Handle, Task, rfc3339

# Some repeat what was sent, pictures too.
_LONGEST_ACCEPTANCE = 4 * 1024**2


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
        max_input: int = MOST_BYTES,
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
        self._requests = Requests(timeouts)
        self._reader = Reader(wire.origins, timeouts, transport)
        self._fetcher = Fetcher(endpoint, max_size, timeouts)
        self._turns = Turns()
        inputs = Fetcher(endpoint, max_input, timeouts)
        uploader = Uploader(wire, endpoint, timeouts)
        self._preparing = Preparing(inputs.fetch, uploader.upload, wire.uploads_live)

    async def __aenter__(self) -> Self:
        self._preparing.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        self._preparing.close()
        await self._reader.aclose()
        await self._transport.aclose()

    async def attempt(self, task: Task, part: Path, witness: Witness | None = None) -> Outcome:
        """Send one request and stream its answer to `part`. Never raises for what came of it."""
        receiving = Receiving(
            self.endpoint,
            self._wire.read_headers,
            part,
            self._max_size,
            self._where,
            self._timeouts,
        )
        try:
            if not task.inputs:
                request = self._wire.submit(task)
                return await self._exchange(task, request, None, receiving, witness)
            async with self._preparing.prepare(task) as prepared:
                request = self._wire.submit(task, prepared.values)
                return await self._exchange(task, request, prepared.marks, receiving, witness)
        except InputFailedError as error:
            return self._unsent(receiving, error)

    async def _exchange(
        self,
        task: Task,
        request: Request,
        marks: Marks | None,
        receiving: Receiving,
        witness: Witness | None,
    ) -> Outcome:
        response = None
        # A name, a connect, a proxy and a handshake have their own bounds, and one for all.
        with Patience(3 * self._timeouts.connect, self._timeouts) as patience:
            trace = Trace(patience, self._timeouts.write, self._timeout, witness)
            try:
                made = self._requests.make(request, marks, trace)
                response = await self._transport.handle_async_request(made)
            except InputFailedError as error:
                if trace.never_sent:
                    return self._unsent(receiving, error)
                return receiving.outcome(fault=Fault.INPUT_CUT, detail=error.detail)
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
            # A refusal waits for no turn, as it may stop others. And no wait is bounded here: an
            # answer that has come is not called late for its turn.
            if response.is_success:
                await self._turns.take()
            if self._wire.answers_with_id:
                return await self._accept(task, response, receiving, trace)
            return await self._receive(task, response, receiving, witness)
        finally:
            with contextlib.suppress(httpx.HTTPError):
                await close(response)

    async def _receive(
        self,
        task: Task,  # noqa: ARG002 - for who finds the output in a text
        response: httpx.Response,
        receiving: Receiving,
        witness: Witness | None,
    ) -> Outcome:
        """Take an answer that is the output."""
        return await receiving.receive(response, witness)

    async def _accept(
        self, task: Task, response: httpx.Response, receiving: Receiving, trace: Trace
    ) -> Outcome:
        """Read the answer to a submit: the id of the request, and no output."""
        # One bound for the answer and its text; what lies in the socket is read in any case.
        left = max(self._timeout - trace.waited, self._timeouts.last_look)
        outcome = await receiving.read_text(
            response, min(left, self._timeouts.stall), _LONGEST_ACCEPTANCE
        )
        handle = self._wire.read_id(receiving.text, task) if outcome.ok else None
        handle = self._clean(handle) if handle is not None else None
        outcome = replace(outcome, cost=None, seed=None)  # nothing is done yet
        if handle is None:
            missing = Fault.NO_ID if outcome.ok else None
            return replace(outcome, fault=outcome.fault or missing)
        accepted = replace(handle, at=rfc3339(time.time()))
        return replace(
            outcome, accepted=accepted, request_id=handle.id, fault=None, text="", detail=""
        )

    def _clean(self, handle: Handle) -> Handle | None:
        """Take of a handle what a claim may keep: nothing that holds the key.

        Without an address of its own a request is asked for by its id.
        """
        status, result = (
            None if told is None or self._holds_key(told) else told
            for told in (handle.status, handle.result)
        )
        kept = replace(handle, status=status, result=result)
        return None if self._holds_key(handle.id) else kept

    def _holds_key(self, text: str) -> bool:
        return self.endpoint.redact(text) != text

    def _unsent(self, receiving: Receiving, error: InputFailedError) -> Outcome:
        """Say of a request that an input of it cannot be sent, and so nothing was."""
        changed = error.cause is Cause.INPUT_CHANGED
        fault = Fault.INPUT_CHANGED if changed else Fault.INPUT_UNAVAILABLE
        detail = self.endpoint.redact(error.detail)
        return receiving.outcome(fault=fault, detail=detail, hopeless=not error.again)

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

    async def ask(self, handle: Handle) -> Progress:
        """Ask where a request is; see `pipeline.api.provider.Session`."""
        progress = self._cleaned(await self._reader.converse(self._wire.ask(handle)))
        return replace(progress, simulated=self._reader.simulated)

    async def fetch(self, media: str, part: Path) -> Outcome:
        """Bring an output to `part`; see `pipeline.api.provider.Session`."""
        return await self._fetcher.fetch(media, part)

    async def list_requests(self, query: Query, page: int) -> Page:
        """List what was requested; see `pipeline.api.provider.Session`."""
        told = await self._reader.converse(self._wire.list_requests(query, page))
        rows = tuple(replace(row, progress=self._cleaned(row.progress)) for row in told.rows)
        return replace(told, rows=rows, detail=self.endpoint.redact(told.detail))

    def _cleaned(self, progress: Progress) -> Progress:
        """Remove the key from the texts of an answer."""
        redact, seed = self.endpoint.redact, progress.seed
        if not (progress.error or progress.detail or isinstance(seed, str)):
            return progress
        return replace(
            progress,
            error=redact(progress.error),
            detail=redact(progress.detail),
            seed=redact(seed) if isinstance(seed, str) else seed,
        )

    async def balance(self) -> Balance:
        """Ask for the balance, which is free. Never raises for what came of it."""
        reply = await self._reader.get(self._wire.balance(), EVIDENCE)
        if reply.status is None:
            return Balance(detail=self.endpoint.redact(reply.detail))
        return Balance(
            credits=self._wire.read_balance(reply.text) if reply.ok else None,
            simulated=SANDBOX_HEADER in reply.headers,
            detail=f"HTTP {reply.status}",
            status=reply.status,
        )


def _fault(trace: Trace, *, silence: bool) -> Fault:
    if trace.never_sent:
        return Fault.NOT_SENT
    return Fault.TIMEOUT if silence else Fault.NO_ANSWER
