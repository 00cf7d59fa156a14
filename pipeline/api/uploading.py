"""Uploading a file to the provider, which is free, for a request that has its address."""

import contextlib

import httpx

from pipeline.api.abroad import Abroad, RefusedError
from pipeline.api.content import FileToSend, InputFailedError, Marks, name_of
from pipeline.api.endpoint import Endpoint
from pipeline.api.explaining import explain, lasts
from pipeline.api.origin import Origin
from pipeline.api.patience import Patience
from pipeline.api.receiving import as_it_comes
from pipeline.api.requests import HEADERS
from pipeline.api.timeouts import Timeouts
from pipeline.api.transport import FreshConnections, Trace, patiently, way_to
from pipeline.api.wire import Request, Uploading, Wire
from pipeline.errors import UsageError
from pipeline.models import Cause

# Bytes of an answer, which is little more than an address.
_MOST = 64 * 1024
_PASSING = frozenset({408, 425, 429})
_SERVER_ERROR = 500
# Nothing here says whose request it is.
_ABROAD = {"user-agent": "pipeline", "accept": "*/*", "accept-encoding": "identity"}


class Uploader:
    """Uploads over connections of its own to the place that the wire names, which gets the key."""

    def __init__(
        self, wire: Wire, endpoint: Endpoint, timeouts: Timeouts, *, abroad: Abroad | None = None
    ) -> None:
        self._wire = wire
        self._timeouts = timeouts
        self._abroad = abroad or Abroad(endpoint)

    async def upload(self, file: FileToSend, kind: str) -> str:
        """Upload a file of a type, and return its address, or what else stands for it.

        Raises:
            InputFailedError: there is none.
        """
        marks = Marks()
        raw, coded = marks.of(file, raw=True), marks.of(file)
        about = Uploading(kind, name_of(file.sha256, kind), file.size, file.sha256, raw, coded)
        talk = self._wire.upload(about)
        try:
            request = next(talk)
            while True:
                request = talk.send(await self._answer(request, marks, file))
        except StopIteration as end:
            if end.value is None:
                raise _failed(file, "the answer does not say where it is") from None
            return str(end.value)

    async def _answer(self, request: Request, marks: Marks, file: FileToSend) -> bytes:
        """Send one request; return the text of a good answer."""
        origin = Origin.of(request.url)
        if origin is None:
            raise _failed(file, "the address that it was told is not a plain http(s) URL")
        try:
            status, text = await self._exchange(request, origin, marks)
        except (httpx.HTTPError, OSError) as error:
            again = not lasts(error, loopback=origin.on_loopback)
            raise _failed(file, explain(error, way_to(origin)), again=again) from error
        except (RefusedError, UsageError) as why:  # also a proxy that cannot be used
            raise _failed(file, str(why)) from why
        if not httpx.codes.is_success(status):
            where = way_to(origin)
            said = f"HTTP {status} from {where}" if status else f"no answer from {where} in time"
            again = status in _PASSING or status >= _SERVER_ERROR or not status
            raise _failed(file, said, again=again)
        return text

    async def _exchange(self, request: Request, origin: Origin, marks: Marks) -> tuple[int, bytes]:
        """Return a status, 0 where there was none in time, and the text of the answer."""
        bounds = self._timeouts
        with Patience(3 * bounds.connect, bounds) as patience:
            trace = Trace(patience, bounds.write, bounds.stall)
            *others, last = await self._hosts(request, origin)
            for host in others:
                with contextlib.suppress(httpx.ConnectError, httpx.ConnectTimeout):
                    return await _sent(_posted(request, marks, trace, host), origin)
            return await _sent(_posted(request, marks, trace, last), origin)
        return 0, b""

    async def _hosts(self, request: Request, origin: Origin) -> list[str | None]:
        """List the addresses to connect to, where an answer has told the place; None is its name.

        Raises:
            RefusedError: it is not one to which anything is sent.
            OSError: there is no such name.
        """
        if not request.is_abroad:
            return [None]
        self._abroad.checked(request.url)
        if not (origin.is_secure or origin.on_loopback):
            raise RefusedError(f"{origin.address} would get the file unencrypted, over plain http")
        addresses = await self._abroad.addresses(origin)
        if not addresses:
            raise OSError(f"{origin.address} has no address")
        return addresses


async def _sent(request: httpx.Request, origin: Origin) -> tuple[int, bytes]:
    transport = FreshConnections(origin)
    try:
        response = await transport.handle_async_request(request)
        return response.status_code, await _read(response)
    finally:
        await transport.aclose()


def _posted(request: Request, marks: Marks, trace: Trace, host: str | None) -> httpx.Request:
    content = marks.content(request.content)
    url, usual = httpx.URL(request.url), _ABROAD if request.is_abroad else HEADERS
    headers = {"host": url.netloc.decode("ascii"), **usual, **request.headers}
    extensions = {"trace": trace, "timeout": httpx.Timeout(None).as_dict()}
    if host is not None:
        extensions["sni_hostname"] = url.raw_host.decode("ascii")
        url = url.copy_with(host=host)
    return httpx.Request(
        request.method,
        url,
        content=patiently(content.stream(), trace),
        headers={**headers, "content-length": str(content.length)},
        extensions=extensions,
    )


async def _read(response: httpx.Response) -> bytes:
    text = b""
    try:
        async for chunk in as_it_comes(response):
            text += chunk
            if len(text) > _MOST:
                break
    finally:
        await response.aclose()
    return text


def _failed(file: FileToSend, why: str, *, again: bool = False) -> InputFailedError:
    message = f"{file.name} cannot be uploaded: {why}"
    return InputFailedError(message, Cause.INPUT_UNAVAILABLE, again=again)
