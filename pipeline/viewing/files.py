"""The files that a page shows: clips and their pictures, from the output directory alone.

A clip may be anything that an API has sent. It is given to the page as media, and has no script, no
frame and no other site's page to run in.
"""

import os
import re
from collections.abc import AsyncIterator, Mapping
from pathlib import Path, PurePosixPath

import anyio.to_thread
from starlette.responses import Response, StreamingResponse
from starlette.types import Receive, Scope, Send

from pipeline.common.files import open_below

# By what browsers show inside a page; anything else is a file to save.
_TYPES = {
    ".mp4": "video/mp4",
    ".m4v": "video/mp4",
    ".mov": "video/quicktime",
    ".webm": "video/webm",
    ".mkv": "video/x-matroska",
    ".ogv": "video/ogg",
    ".jpg": "image/jpeg",
    ".jpeg": "image/jpeg",
    ".png": "image/png",
    ".webp": "image/webp",
    ".gif": "image/gif",
    ".avif": "image/avif",
    ".mp3": "audio/mpeg",
    ".wav": "audio/wav",
    ".ogg": "audio/ogg",
    ".oga": "audio/ogg",
    ".m4a": "audio/mp4",
    ".flac": "audio/flac",
    ".aac": "audio/aac",
    ".opus": "audio/ogg",
}
_SVG = "image/svg+xml"
_ANY = "application/octet-stream"
_CHUNK = 256 * 1024
_WHOLE, _PARTIAL, _UNSATISFIABLE = 200, 206, 416
_RANGE = re.compile(r"bytes=(\d{0,18})-(\d{0,18})", re.ASCII)
_HEADERS = {
    "accept-ranges": "bytes",
    "cache-control": "private, no-cache",  # a clip that is rendered again has the same name
    "content-security-policy": "default-src 'none'; sandbox",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "no-referrer",
    "x-content-type-options": "nosniff",
}


async def serve(root: Path, relative: str, headers: Mapping[str, str]) -> Response | None:
    """Answer with a file of the folder `root`, or a part of it; None where there is none.

    Raises:
        DirectoryError: a part of its path is a link, or it is not a regular file.
    """
    try:
        file = await anyio.to_thread.run_sync(open_below, root, relative)
    except (OSError, ValueError):
        return None
    found = os.fstat(file)
    size, tag = found.st_size, f'"{found.st_ino:x}-{found.st_size:x}-{found.st_mtime_ns:x}"'
    given = {**_HEADERS, "etag": tag, **_kind(relative)}
    if headers.get("if-none-match") == tag:
        os.close(file)
        return Response(status_code=304, headers=given)
    status, start, end = _part(headers, size, tag)
    if status == _UNSATISFIABLE:
        os.close(file)
        return Response(status_code=status, headers={**given, "content-range": f"bytes */{size}"})
    if status == _PARTIAL:
        given["content-range"] = f"bytes {start}-{end - 1}/{size}"
    given["content-length"] = str(end - start)
    return _Streamed(file, start, end, status, given)


class _Streamed(StreamingResponse):
    """A part of an open file, which is closed whatever becomes of the request."""

    def __init__(self, file: int, start: int, end: int, status: int, given: dict[str, str]) -> None:
        self._file = file
        super().__init__(_pieces(file, start, end), status, given)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            if scope["method"] == "HEAD":
                self.body_iterator = _nothing()
            await super().__call__(scope, receive, send)
        finally:
            os.close(self._file)


async def _nothing() -> AsyncIterator[bytes]:
    return
    yield


async def _pieces(file: int, start: int, end: int) -> AsyncIterator[bytes]:
    while start < end:
        piece = await anyio.to_thread.run_sync(os.pread, file, min(_CHUNK, end - start), start)
        if not piece:  # it was cut off meanwhile; the length in the head shows it
            return
        start += len(piece)
        yield piece


def _kind(relative: str) -> dict[str, str]:
    suffix = PurePosixPath(relative).suffix.lower()
    if suffix == ".svg":  # a picture in a page; by itself a document, which is only saved
        return {"content-type": _SVG, "content-disposition": "attachment"}
    if suffix in _TYPES:
        return {"content-type": _TYPES[suffix]}
    return {"content-type": _ANY, "content-disposition": "attachment"}


def _part(headers: Mapping[str, str], size: int, tag: str) -> tuple[int, int, int]:
    """Return the status, and the part that is asked for (RFC 9110, 14); several get the whole."""
    match = _RANGE.fullmatch(headers.get("range", ""))
    whole = (_WHOLE, 0, size)
    if match is None or not any(match.groups()) or headers.get("if-range", tag) != tag:
        return whole
    first, last = match.groups()
    if not first:
        start, end = max(size - int(last), 0), size
    elif last and int(last) < int(first):
        return whole  # not a range at all: it counts as if it were not there
    else:
        start, end = int(first), min(int(last) + 1, size) if last else size
    return (_PARTIAL, start, end) if start < end else (_UNSATISFIABLE, 0, 0)
