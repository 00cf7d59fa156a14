"""One attempt against the API, and the balance call. The only room that knows httpx.

A paid POST goes over a fresh connection: a reused one can be closed under it, which looks like a
dropped request. Whether a request was sent is told by the transport's own trace, not by the class
of an exception: only where a connection was tried and no byte was written was it never sent.
"""

import contextlib
import hashlib
import html
import ipaddress
import os
import re
import socket
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from functools import lru_cache
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any, Protocol, Self
from urllib.parse import quote, urlsplit

import anyio
import httpx
import msgspec

from pipeline import __version__
from pipeline.amounts import ZERO, rounded
from pipeline.deadlines import retry_after
from pipeline.errors import UsageError
from pipeline.media import HEAD, TAIL, boxes_are_whole, ends_whole, recognise
from pipeline.models import Task
from pipeline.outcomes import Balance, Body, Fault, Outcome

if TYPE_CHECKING:
    import ssl

CONNECT_TIMEOUT = 10.0
WRITE_TIMEOUT = 60.0
STALL_TIMEOUT = 60.0
BALANCE_TIMEOUT = 10.0
EVIDENCE = 64 * 1024
SANDBOX_HEADER = "x-sandbox"
DEFAULT_BASE_URL = "https://api.segmind.com"

_KEEPALIVE_SECONDS = 30
# No length of a body has so many digits.
_DIGITS = 19
# So much of a key at the end of a text is taken for the begin of it.
_RECOGNISABLE = 6
# Powers of ten between which an amount of money lies; others are noise, and overflow sums.
_SMALLEST, _LARGEST = -20, 12


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where the API is, and the key to it.

    Raises:
        UsageError: a URL or a key that cannot be used, or a key that would travel in the clear.
    """

    base_url: str
    key: str = field(repr=False)

    def __post_init__(self) -> None:
        _check_url(self.base_url)
        if not self.key.isascii() or not self.key.isprintable() or " " in self.key:
            raise UsageError(
                "SEGMIND_API_KEY has characters that no key has (spaces, line ends, accents)",
                hint="copy the key again",
            )

    @property
    def is_secure(self) -> bool:
        """Whether it is reached over TLS."""
        return urlsplit(self.base_url).scheme == "https"

    @property
    def on_loopback(self) -> bool:
        """Whether the API is on this machine."""
        return _is_loopback(urlsplit(self.base_url).hostname or "")

    @property
    def unusual_host(self) -> str | None:
        """Host and port where they are not the default's, as a look-up of the name spells them."""
        told, usual = httpx.URL(self.base_url), httpx.URL(DEFAULT_BASE_URL)
        same = (told.raw_host, told.port) == (usual.raw_host, usual.port)
        return None if same else told.netloc.decode("ascii")

    def model(self, name: str) -> str:
        """The URL of a model."""
        return f"{self.base_url.rstrip('/')}/v1/{quote(name, safe='')}"

    @property
    def balance(self) -> str:
        """The URL of the balance call."""
        return f"{self.base_url.rstrip('/')}/v1/get-user-credits"

    def redact(self, text: str) -> str:
        """Remove the key from a text that the API sent back, also where the text ends in it."""
        for form in _forms(self.key) if text else ():
            text = re.sub(re.escape(form), "[key]", text, flags=re.IGNORECASE)
            for size in range(min(len(form), len(text)) - 1, _RECOGNISABLE - 1, -1):
                if text.endswith(form[:size]):
                    text = text[:-size] + "[key]"
                    break
        return text


@lru_cache(maxsize=8)
def _forms(key: str) -> list[str]:
    """Spell a key in each way a text may hold it, longest first."""
    forms = {key, quote(key, safe=""), html.escape(key), _in_json(key)}
    return sorted(forms, key=len, reverse=True)


def _in_json(text: str) -> str:
    return msgspec.json.encode(text)[1:-1].decode()


def _check_url(url: str) -> None:
    try:
        parts = urlsplit(url)
        _ = parts.port, httpx.URL(url)
        (parts.hostname or "").encode("idna")  # as a look-up of the name does
    except (ValueError, httpx.InvalidURL) as error:
        raise UsageError(f"the base URL is no URL: {error}") from error
    if parts.scheme not in {"http", "https"} or not parts.hostname:
        raise UsageError(
            "the base URL must begin with https:// (or http:// on this machine) and name a host",
            hint=f"the default is {DEFAULT_BASE_URL}",
        )
    if parts.username or parts.password or parts.query or parts.fragment:
        raise UsageError("the base URL must not hold a user, a password, a query or a fragment")
    if parts.scheme == "http" and not _is_loopback(parts.hostname):
        raise UsageError(
            f"the key would travel to {parts.hostname} in the clear over plain http",
            hint="use https://",
        )


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class _FreshConnections(httpx.AsyncBaseTransport):
    """A free list of httpx's own single-connection transports.

    One pool for all would scan every connection for each request, which is quadratic in the
    number in flight. Decided: no network code of our own below httpx, however much faster it
    measures. The path of the money stays with a library that many people test.
    """

    def __init__(self, *, secure: bool) -> None:
        self._free: list[httpx.AsyncHTTPTransport] = []
        self._tls = _trust() if secure else None

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        transport = self._free.pop() if self._free else self._new()
        try:
            response = await transport.handle_async_request(request)
        except BaseException:
            # Its connection is in no state to be trusted with another request.
            await transport.aclose()
            raise
        response.stream = _Returning(response.stream, transport, self._free)
        return response

    def _new(self) -> httpx.AsyncHTTPTransport:
        return httpx.AsyncHTTPTransport(
            verify=self._tls if self._tls is not None else False,
            trust_env=False,
            limits=httpx.Limits(max_connections=1, max_keepalive_connections=0),
            socket_options=_socket_options(),
        )

    async def aclose(self) -> None:
        for transport in self._free:
            await transport.aclose()


def _trust() -> "ssl.SSLContext":
    try:
        return httpx.create_ssl_context()
    except OSError as error:
        raise UsageError(
            f"the list of certificate authorities cannot be read: {error}",
            hint="SSL_CERT_FILE or SSL_CERT_DIR names one that is not there",
        ) from error


class _Returning(httpx.AsyncByteStream):
    """The body of an answer; its transport goes back to the free list when it is closed."""

    def __init__(
        self,
        stream: httpx.SyncByteStream | httpx.AsyncByteStream,
        transport: httpx.AsyncHTTPTransport,
        free: list[httpx.AsyncHTTPTransport],
    ) -> None:
        assert isinstance(stream, httpx.AsyncByteStream)
        self._stream = stream
        self._transport = transport
        self._free = free

    def __aiter__(self) -> AsyncIterator[bytes]:
        return self._stream.__aiter__()

    async def aclose(self) -> None:
        try:
            await self._stream.aclose()
        except BaseException:
            await self._transport.aclose()
            raise
        self._free.append(self._transport)


def _socket_options() -> list[tuple[int, int, int]]:
    """TCP keepalive: gateways drop connections that are silent for minutes."""
    options = [(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)]
    idle = getattr(socket, "TCP_KEEPIDLE", getattr(socket, "TCP_KEEPALIVE", None))
    if idle is not None:
        options.append((socket.IPPROTO_TCP, idle, _KEEPALIVE_SECONDS))
    if hasattr(socket, "TCP_KEEPINTVL"):
        options.append((socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, _KEEPALIVE_SECONDS))
    return options


class Witness(Protocol):
    """Notes how far an attempt has come, for whoever finds its claim after a kill."""

    def sending(self) -> None:
        """Note that the first byte leaves now.

        Raises:
            OSError: it could not be noted; then nothing may leave.
        """

    def answered(self, outcome: Outcome, length: int) -> None:
        """Note the head of an answer, and how many bytes its body will have."""


@dataclass(slots=True)
class _Trace:
    """What the transport did for one request: the evidence for "never sent"."""

    witness: Witness | None = None
    tried: bool = False
    wrote: bool = False

    async def __call__(self, event: str, _info: Any) -> None:
        if event.startswith("connection."):
            self.tried = True
        elif event.endswith("send_request_headers.started"):
            if self.witness is not None:
                self.witness.sending()
            self.wrote = True

    @property
    def never_sent(self) -> bool:
        return self.tried and not self.wrote


class Client:
    """Sends attempts. Use it as an async context manager."""

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
        # No client over the transport: its cookies, redirects and proxies have no place here.
        self._transport = transport or _FreshConnections(secure=endpoint.is_secure)
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
        trace = _Trace(witness)
        timeout = httpx.Timeout(self._timeout, connect=CONNECT_TIMEOUT, write=WRITE_TIMEOUT)
        waits = timeout.as_dict()
        request = httpx.Request(
            "POST",
            self._model(task.model),
            content=msgspec.json.encode(task.params),
            headers={**self._headers, "content-type": "application/json"},
            extensions={"trace": trace, "timeout": waits},
        )
        receiving = _Receiving(self.endpoint, task, part, self._max_size)
        receiving.witness = witness
        try:
            response = await self._transport.handle_async_request(request)
        except (httpx.HTTPError, OSError) as error:  # an OSError is the witness's
            silence = isinstance(error, httpx.ReadTimeout)
            sent = Fault.TIMEOUT if silence else Fault.NO_ANSWER
            fault = Fault.NOT_SENT if trace.never_sent else sent
            return receiving.outcome(fault=fault, detail=_explain(error))
        # From here on only silence is a fault: a body that is still coming is never cut.
        waits["read"] = STALL_TIMEOUT
        try:
            return await receiving.receive(response)
        finally:
            with contextlib.suppress(httpx.HTTPError):
                await response.aclose()

    def _model(self, name: str) -> httpx.URL:
        if name not in self._models:
            self._models[name] = httpx.URL(self.endpoint.model(name))
        return self._models[name]

    async def balance(self) -> Balance:
        """Ask for the balance, which is free. Never raises for what came of it."""
        detail = f"no answer within {BALANCE_TIMEOUT:.0f} s"
        # One bound for all of it: an answer that drips in must not hold the run.
        with anyio.move_on_after(BALANCE_TIMEOUT):
            try:
                return await self._ask_balance()
            except httpx.HTTPError as error:
                detail = _explain(error)
        return Balance(detail=self.endpoint.redact(detail))

    async def _ask_balance(self) -> Balance:
        text = b""
        waits = httpx.Timeout(BALANCE_TIMEOUT).as_dict()
        request = httpx.Request(
            "GET", self._balance, headers=self._headers, extensions={"timeout": waits}
        )
        response = await self._transport.handle_async_request(request)
        try:
            async for chunk in response.aiter_bytes():
                text += chunk
                if len(text) > EVIDENCE:
                    break
        finally:
            await response.aclose()
        told = _sum_of_credits(text) if response.status_code == httpx.codes.OK else None
        status = response.status_code
        simulated = SANDBOX_HEADER in response.headers
        return Balance(told, simulated, detail=f"HTTP {status}", status=status)


def _explain(error: Exception) -> str:
    """Name an error and the first cause that has words."""
    cause: BaseException | None = error
    while cause and not str(cause):
        cause = cause.__cause__ or cause.__context__
    name = type(error).__name__
    return f"{name}: {cause}" if cause else name


class _Told(msgspec.Struct):
    credits: float | str | None = None
    free: float | str | None = msgspec.field(default=None, name="free-credits")


def _sum_of_credits(text: bytes) -> Decimal | None:
    try:
        told = msgspec.json.decode(text, type=_Told)
    except (msgspec.MsgspecError, UnicodeDecodeError):
        return None
    figures = [_decimal(str(f)) for f in (told.credits, told.free) if f is not None]
    known = [figure for figure in figures if figure is not None]
    return rounded(sum(known, ZERO)) if known and len(known) == len(figures) else None


def _decimal(text: str | None) -> Decimal | None:
    """Read a decimal header; None where it is missing or no amount that can be."""
    if text is None:
        return None
    try:
        value = Decimal(text.strip())
    except InvalidOperation:
        return None
    known = value.is_finite() and _SMALLEST < value.adjusted() < _LARGEST
    return rounded(value) if known else None


def _cost(text: str | None) -> Decimal | None:
    cost = _decimal(text)
    return cost if cost is not None and cost >= 0 else None


class _Receiving:
    """The answer to one attempt, as it comes in."""

    def __init__(self, endpoint: Endpoint, task: Task, part: Path, max_size: int) -> None:
        self._endpoint = endpoint
        self._max_size = max_size
        self._task = task
        self._part = part
        self._started = time.time()
        self._began = time.monotonic()
        self._response: httpx.Response | None = None
        self.witness: Witness | None = None

    async def receive(self, response: httpx.Response) -> Outcome:
        self._response = response
        if not response.is_success:
            return await self._read_refusal(response)
        length = response.headers.get("content-length", "")
        if self.witness is not None and length.isdecimal() and len(length) < _DIGITS:
            self.witness.answered(self.outcome(), int(length))
        try:
            with self._part.open("w+b", buffering=0) as file:
                return await self._save(response, file)
        except OSError as error:
            return self.outcome(fault=Fault.UNSAVED, detail=f"{error.strerror or error}")

    async def _read_refusal(self, response: httpx.Response) -> Outcome:
        text = b""
        try:
            async for chunk in response.aiter_bytes():
                text += chunk
                if len(text) >= EVIDENCE:
                    break
        except httpx.HTTPError as error:
            # The status has come, and rules.
            return self.outcome(text=text, fault=Fault.CUT, detail=_explain(error))
        return self.outcome(text=text)

    async def _save(self, response: httpx.Response, file: IO[bytes]) -> Outcome:
        digest, size = hashlib.sha256(), 0
        if response.status_code == httpx.codes.PARTIAL_CONTENT:
            return self.outcome(fault=Fault.CUT, detail="only a part of it was sent")
        try:
            async for chunk in response.aiter_bytes():
                size += len(chunk)
                if size > self._max_size:
                    text = os.pread(file.fileno(), EVIDENCE, 0)
                    return self.outcome(text=text, fault=Fault.TOO_LARGE)
                digest.update(chunk)
                _write_all(file, chunk)
        except httpx.HTTPError as error:
            return self.outcome(fault=Fault.CUT, detail=_explain(error))
        return self._examine(file, size, digest.hexdigest())

    def _examine(self, file: IO[bytes], size: int, sha256: str) -> Outcome:
        assert self._response is not None
        head = os.pread(file.fileno(), HEAD, 0)
        media = recognise(head, self._response.headers.get("content-type"))
        if media is None:
            text = os.pread(file.fileno(), EVIDENCE, 0)
            return self.outcome(text=text, fault=Fault.NOT_MEDIA, detail="" if text else "empty")
        if media.boxes and not boxes_are_whole(file.fileno(), size):
            return self._broken(os.pread(file.fileno(), EVIDENCE, 0))
        tail = os.pread(file.fileno(), TAIL, max(size - TAIL, 0))
        if not self._framed and not ends_whole(media, tail):
            return self.outcome(fault=Fault.CUT, detail="the image has no end")
        body = Body(size, sha256, media.extension, media.content_type)
        return self.outcome(body=body)

    def _broken(self, head: bytes) -> Outcome:
        # Without a length, the end of the connection may have cut it: it never arrived whole.
        fault = Fault.BROKEN_MEDIA if self._framed else Fault.CUT
        return self.outcome(text=head, fault=fault, detail="the MP4 is not whole")

    @property
    def _framed(self) -> bool:
        """Whether the answer said where it ends."""
        assert self._response is not None
        headers = self._response.headers
        return "content-length" in headers or "transfer-encoding" in headers

    def outcome(
        self,
        *,
        fault: Fault | None = None,
        detail: str = "",
        text: bytes = b"",
        body: Body | None = None,
    ) -> Outcome:
        """Put together what came of the attempt, with the key removed from every text."""
        redact = self._endpoint.redact
        headers = self._response.headers if self._response is not None else httpx.Headers()
        request_id, location = headers.get("x-request-id"), headers.get("location")
        return Outcome(
            started=self._started,
            finished=time.time(),
            took=time.monotonic() - self._began,
            status=self._response.status_code if self._response is not None else None,
            fault=fault,
            detail=redact(detail),
            text=redact(text[:EVIDENCE].decode("utf-8", "replace")),
            body=body,
            content_type=redact(headers.get("content-type", "")) or None,
            remaining=_decimal(headers.get("x-remaining-credits")),
            cost=_cost(headers.get("x-cost")),
            request_id=redact(request_id) if request_id else None,
            location=redact(location) if location else None,
            retry_after=retry_after(headers),
            simulated=SANDBOX_HEADER in headers,
            prompt=self._task.prompt,
            params=self._task.params,
        )


def _write_all(file: IO[bytes], chunk: bytes) -> None:
    written = file.write(chunk)
    while written < len(chunk):
        written += file.write(memoryview(chunk)[written:])
