"""Receiving the body of an answer, and finding out what it is.

Bytes are written as they come, and kept: whatever they are, they may have been paid for.
"""

import hashlib
import os
import time
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from io import FileIO
from pathlib import Path
from typing import IO, TypedDict

import anyio.to_thread
import httpx

from pipeline.api import encoding, headers
from pipeline.api.endpoint import Endpoint
from pipeline.api.explaining import explain
from pipeline.api.extent import End, extent
from pipeline.api.media import Media, Source, beginning, recognise
from pipeline.api.outcome import Body, Fault, Outcome
from pipeline.api.patience import Patience
from pipeline.api.provider import Witness
from pipeline.api.timeouts import Timeouts
from pipeline.api.wire import Reported
from pipeline.common.files import create, renew
from pipeline.common.redaction import redactor

EVIDENCE = 64 * 1024
SANDBOX_HEADER = "x-sandbox"

# No length of a body has so many digits.
_DIGITS = 19
# The work may be done, and its result elsewhere.
_DONE_ELSEWHERE = {301, 302, 303}


@dataclass(frozen=True, slots=True)
class _Taken:
    """What has come of a body; `broken` says why the transfer did not reach its end.

    `whole` is all of it where it came in one piece, else nothing: it need not be read again.
    """

    size: int
    sha256: str
    broken: str = ""
    too_large: bool = False
    whole: bytes = b""

    def source(self, file: IO[bytes]) -> Source:
        """Return where to look at it."""
        return self.whole or file.fileno()


class _Facts(TypedDict, total=False):
    """What the head of an answer says of its outcome; see `Outcome`."""

    status: int
    content_type: str | None
    remaining: Decimal | None
    cost: Decimal | None
    request_id: str | None
    seed: int | str | None
    location: str | None
    retry_after: float | None
    simulated: bool


class Receiving:
    """The answer to one attempt, as it comes in."""

    def __init__(  # noqa: PLR0913, PLR0917 - the client hands in each part once
        self,
        endpoint: Endpoint,
        read_headers: Callable[[Mapping[str, str]], Reported],
        part: Path,
        max_size: int,
        where: str,
        timeouts: Timeouts,
    ) -> None:
        self._endpoint = endpoint
        self._read_headers = read_headers
        self._max_size = max_size
        self._where = where
        self.part = part
        self.text = b""
        self._timeouts = timeouts
        self._began = time.monotonic()
        self._response: httpx.Response | None = None
        self._headers: Mapping[str, str] = {}
        self._facts: _Facts = {}
        self._codings: list[str] = []

    async def receive(self, response: httpx.Response, witness: Witness | None) -> Outcome:
        """Take the body; a silence ends it."""
        self._begin(response)
        length = self._headers.get("content-length", "")
        countable = length.isdecimal() and len(length) < _DIGITS
        # An encoded body is not a clip on the disk before it is decoded.
        if witness is not None and response.is_success:
            known = countable and not self._codings
            witness.answered(self.outcome(), int(length) if known else None)
        if not response.is_success and response.status_code not in _DONE_ELSEWHERE:
            return await self.read_text(response, self._timeouts.stall)
        try:
            with FileIO(renew(self.part), "w+") as file:
                return await self._save(response, file)
        except OSError as error:
            with suppress(OSError):
                await anyio.to_thread.run_sync(self._mask)
            return self.outcome(fault=Fault.UNSAVED, detail=f"{error.strerror or error}")

    async def read_text(
        self, response: httpx.Response, seconds: float, most: int = EVIDENCE
    ) -> Outcome:
        """Read an answer that is a text, for so many seconds; it goes to no file.

        Of `most` bytes the outcome has the begin, and `text` has them all.
        """
        self._begin(response)
        data, broken = b"", None
        with Patience(seconds, self._timeouts):  # one for all of it: the status has come, and rules
            try:
                async for chunk in as_it_comes(response):
                    data += chunk
                    if len(data) >= most:
                        break
                broken = ""
            except httpx.HTTPError as error:
                broken = explain(error, self._where)
        if broken is None:
            broken = f"{self._where} did not send all of it within {seconds:g} s"
        text = encoding.undo_text(data, self._codings, most)
        self.text = text or b""
        detail = broken or ("" if text is not None else self._strange)
        fault = Fault.CUT if broken else None
        return self.outcome(text=text or b"", fault=fault, detail=detail)

    async def _save(self, response: httpx.Response, file: IO[bytes]) -> Outcome:
        taken = await self._take(response, file)
        examine = partial(self._examine, file, taken)
        if taken.broken or self._codings:
            outcome = await anyio.to_thread.run_sync(examine)
        else:
            outcome = examine()
        if outcome.body is None and taken.size:
            # It is kept: so the key in it is masked.
            await anyio.to_thread.run_sync(self._mask)
        return outcome

    async def _take(self, response: httpx.Response, file: IO[bytes]) -> _Taken:
        digest, size, broken, whole = hashlib.sha256(), 0, None, b""
        bounds = self._timeouts
        with Patience(bounds.stall, bounds) as patience:
            began = patience.clock()
            try:
                async for chunk in as_it_comes(response):
                    room = self._max_size - size
                    if room < len(chunk):
                        write_all(file, chunk[:room])
                        return _Taken(self._max_size, "", too_large=True)
                    whole = b"" if size else chunk
                    size += len(chunk)
                    digest.update(chunk)
                    write_all(file, chunk)
                    end = began + bounds.grace + size / bounds.least_rate
                    patience.allow(min(bounds.stall, end - patience.clock()))
                broken = ""
            except httpx.HTTPError as error:
                broken = explain(error, self._where)
        if broken is None:
            broken = self._slowness(bounds.stall, size)
        return _Taken(size, digest.hexdigest(), broken, whole=whole)

    def _slowness(self, stall: float, size: int) -> str:
        return f"{self._where} sent {size} bytes, then nothing for {stall:g} s, or too little"

    # -- what it is ---------------------------------------------------------------------------

    def _examine(self, file: IO[bytes], taken: _Taken) -> Outcome:
        """Judge what has come by its bytes. Blocks."""
        head = beginning(taken.source(file))
        codings = self._codings
        if not self._answer.is_success:
            return self.outcome(text=self._text(file), detail=taken.broken)
        if taken.too_large:
            return self.outcome(text=self._text(file), fault=Fault.TOO_LARGE)
        if not codings or recognise(head, None) is not None:
            return self._judge(file, taken, head)
        if not encoding.can_be_undone(codings):
            return self._unreadable(taken, self._strange)
        if not encoding.begins(codings[0], head):
            return self._judge(file, taken, head)  # its header is wrong
        return self._undo(file, taken, codings[0])

    def _unreadable(self, taken: _Taken, why: str, text: bytes = b"") -> Outcome:
        if taken.broken:
            return self.outcome(fault=Fault.CUT, detail=taken.broken)
        return self.outcome(text=text, fault=Fault.NOT_MEDIA, detail=why)

    def _undo(self, file: IO[bytes], taken: _Taken, coding: str) -> Outcome:
        """Judge what lies under an encoding; it takes the place of what came if it is whole."""
        draft = self.part.with_name(self.part.name + ".new")
        try:
            with os.fdopen(create(draft), "w+b") as target:
                undone = encoding.undo_file(file, taken.size, target, coding, self._max_size)
                target.flush()
                if undone.end is encoding.End.CUT:
                    why = f"its content encoding ({coding}) is incomplete"
                    return self.outcome(fault=Fault.CUT, detail=taken.broken or why)
                if undone.end is encoding.End.TOO_LARGE:
                    why = f"it expands beyond the limit when its encoding ({coding}) is decoded"
                    return self.outcome(fault=Fault.TOO_LARGE, detail=why)
                draft.replace(self.part)
                # That the encoding has reached its end says that all of it has come.
                inner = _Taken(undone.size, undone.sha256)
                return self._judge(target, inner, beginning(target.fileno()))
        finally:
            draft.unlink(missing_ok=True)

    def _judge(self, file: IO[bytes], taken: _Taken, head: bytes) -> Outcome:
        if self._answer.status_code == httpx.codes.PARTIAL_CONTENT:
            return self.outcome(fault=Fault.CUT, detail="only a part of it was sent")
        media = recognise(head, self._facts.get("content_type"))
        if media is not None:
            return self._measure(file, taken, media)
        text = self._text(file)
        return self._unreadable(taken, "" if text else "empty", text)

    def _measure(self, file: IO[bytes], taken: _Taken, media: Media) -> Outcome:
        """Judge whether a medium is whole: by its transfer, and by its own form."""
        name = media.extension[1:]
        body = Body(taken.size, taken.sha256, media.extension, media.content_type)
        if self._framed and not taken.broken and not media.boxes:
            return self.outcome(body=body)
        told = extent(media, taken.source(file), taken.size)
        if taken.broken and told.end is not End.SHOWN:
            return self.outcome(fault=Fault.CUT, detail=taken.broken)
        if told.end is End.CUT:
            # Without a length, the end of the connection may have cut it: it never arrived whole.
            fault = Fault.BROKEN_MEDIA if self._framed else Fault.CUT
            detail = f"the {name} is incomplete"
            return self.outcome(fault=fault, detail=detail, text=self._text(file))
        spare = f"{told.spare} bytes follow its end" if told.spare else ""
        odd = f"{taken.broken}; the {name} is complete nevertheless" if taken.broken else spare
        return self.outcome(body=body, detail=odd)

    def _text(self, file: IO[bytes]) -> bytes:
        return os.pread(file.fileno(), EVIDENCE, 0)

    def _mask(self) -> None:
        redactor(self._endpoint.key).mask(self.part)

    # -- what its headers say -----------------------------------------------------------------

    @property
    def _answer(self) -> httpx.Response:
        assert self._response is not None
        return self._response

    @property
    def _strange(self) -> str:
        said = self._shown(self._headers.get("content-encoding"))
        return f"it has a content encoding ({said}) that was not requested and cannot be decoded"

    @property
    def _framed(self) -> bool:
        """Whether the answer said where it ends."""
        return "content-length" in self._headers or "transfer-encoding" in self._headers

    def _begin(self, response: httpx.Response) -> None:
        """Read the headers, once for all that is made of them."""
        self._response = response
        told = self._headers = _fields(response.headers)
        self._codings = encoding.layers(told.get("content-encoding"))
        reported = self._read_headers(told)
        self._facts = {
            "status": response.status_code,
            "content_type": self._shown(told.get("content-type")),
            "remaining": reported.remaining,
            "cost": reported.cost,
            "request_id": self._shown(reported.request_id),
            "seed": headers.seed(self._shown(reported.seed)),
            "location": self._shown(told.get("location")),
            "retry_after": reported.retry_after,
            "simulated": SANDBOX_HEADER in told,
        }

    def _shown(self, text: str | None) -> str | None:
        return headers.words(self._endpoint.redact(text)) if text else None

    def outcome(
        self,
        *,
        fault: Fault | None = None,
        detail: str = "",
        text: bytes = b"",
        body: Body | None = None,
        hopeless: bool = False,
    ) -> Outcome:
        """Put together what came of the attempt, with the key removed from every text."""
        redact = self._endpoint.redact
        return Outcome(
            took=time.monotonic() - self._began,
            fault=fault,
            detail=redact(detail),
            text=redact(text[:EVIDENCE].decode("utf-8", "replace")),
            body=body,
            hopeless=hopeless,
            **self._facts,
        )


def _fields(told: httpx.Headers) -> dict[str, str]:
    """Return headers as text: names in lower case, those of one name as one."""
    try:
        return _decoded(told.raw, "ascii")
    except UnicodeDecodeError:
        return _decoded(told.raw, told.encoding)


def _decoded(raw: Iterable[tuple[bytes, bytes]], charset: str) -> dict[str, str]:
    fields: dict[str, str] = {}
    for name, value in raw:
        key, text = name.decode(charset).lower(), value.decode(charset)
        fields[key] = f"{fields[key]}, {text}" if key in fields else text
    return fields


def as_it_comes(response: httpx.Response) -> AsyncIterator[bytes]:
    """Iterate over the bytes of a body: no encoding is undone, however many there are."""
    assert isinstance(response.stream, httpx.AsyncByteStream)
    return aiter(response.stream)


async def close(response: httpx.Response) -> None:
    """Close the connection of an answer, or release it."""
    assert isinstance(response.stream, httpx.AsyncByteStream)
    await response.stream.aclose()


def write_all(file: IO[bytes], chunk: bytes) -> None:
    """Write all of a chunk to a file without buffer."""
    written = file.write(chunk)
    while written < len(chunk):
        written += file.write(memoryview(chunk)[written:])
