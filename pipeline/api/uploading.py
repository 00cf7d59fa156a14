"""Uploading a file to the provider, which is free, for a request that has its address."""

import httpx

from pipeline.api.content import FileToSend, InputFailedError, Marks
from pipeline.api.explaining import explain, lasts
from pipeline.api.origin import Origin
from pipeline.api.patience import Patience
from pipeline.api.reading import HEADERS
from pipeline.api.receiving import as_it_comes
from pipeline.api.timeouts import Timeouts
from pipeline.api.transport import FreshConnections, Trace, patiently, way_to
from pipeline.api.wire import Request, Wire
from pipeline.models import Cause

# Bytes of an answer, which is little more than an address.
_MOST = 64 * 1024
_PASSING = frozenset({408, 425, 429})
_SERVER_ERROR = 500


class Uploader:
    """Uploads over a connection of its own to the place that the wire names, which gets the key."""

    def __init__(self, wire: Wire, timeouts: Timeouts) -> None:
        self._wire = wire
        self._timeouts = timeouts

    async def upload(self, file: FileToSend, kind: str) -> str:
        """Upload a file of a type, and return its address.

        Raises:
            InputFailedError: there is no address for it.
        """
        marks = Marks()
        request = self._wire.upload(f"data:{kind};base64,{marks.of(file)}")
        if request is None:
            raise _failed(file, "this provider takes none")
        origin = Origin.of(request.url)
        assert origin is not None
        where, bounds = way_to(origin), self._timeouts
        status, text, transport = 0, b"", FreshConnections(origin)
        with Patience(3 * bounds.connect, bounds) as patience:
            trace = Trace(patience, bounds.write, bounds.stall)
            try:
                response = await transport.handle_async_request(_posted(request, marks, trace))
                status, text = response.status_code, await _read(response)
            except (httpx.HTTPError, OSError) as error:
                again = not lasts(error, loopback=origin.on_loopback)
                raise _failed(file, explain(error, where), again=again) from error
            finally:
                await transport.aclose()
        address = self._wire.read_upload(text) if httpx.codes.is_success(status) else None
        if address is None:
            said = f"HTTP {status} from {where}" if status else f"no answer from {where} in time"
            again = status in _PASSING or status >= _SERVER_ERROR or not status
            raise _failed(file, said, again=again)
        return address


def _posted(request: Request, marks: Marks, trace: Trace) -> httpx.Request:
    content = marks.content(request.content)
    return httpx.Request(
        request.method,
        request.url,
        content=patiently(content.stream(), trace),
        headers={**HEADERS, **request.headers, "content-length": str(content.length)},
        extensions={"trace": trace, "timeout": httpx.Timeout(None).as_dict()},
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
