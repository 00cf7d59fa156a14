"""The output within a JSON answer that lies in a file: base64 of any length, or an address.

An answer of some ten megabytes is hardly more than one text. It is never decoded as a whole: long
texts are found in the mapped file and stand in a small copy of the answer by their number, of which
the expression picks one; that is decoded piece by piece.
"""

import base64
import binascii
import contextlib
import hashlib
import mmap
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import msgspec
from msgspec.structs import replace

from pipeline.api import values
from pipeline.api.described.description import Media
from pipeline.api.described.words import Form
from pipeline.api.extent import End, extent
from pipeline.api.media import beginning, recognise
from pipeline.api.outcome import Body
from pipeline.common.files import create

# A text of so many letters of base64 is one, and none is looked at twice; the rest of the answer
# may have so many bytes.
_LONG = re.compile(rb'"((?:data:[\w/+.;=-]{0,100},)?+[A-Za-z0-9+/=_\\-]{2048,}+)"')
_MOST_REST = 4 * 1024**2
_MOST_TEXTS = 100
# Letters that are decoded at once: whole groups of four.
_PIECE = 256 * 1024
_MARK = "\N{NULL}long text "


class Unwrapped(msgspec.Struct, frozen=True):
    """What was found: an output in the file, or its address; else why there is none."""

    body: Body | None = None
    media: str | None = None
    answer: Any = None
    is_broken: bool = False
    is_large: bool = False
    detail: str = ""
    unkept: int = 0


def unwrap(part: Path, told: Media, headers: Mapping[str, str], most: int) -> Unwrapped:
    """Find the output of an answer; base64 takes the place of the answer in its file. Blocks.

    Raises:
        OSError: the file cannot be read or written.
    """
    assert told.media is not None
    with part.open("rb") as file:
        if not os.fstat(file.fileno()).st_size:
            return Unwrapped(detail="empty")
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            spans = list[tuple[int, int]]()
            answer = _small(data, spans)
            found = told.media.find(answer, headers)
            unkept = values.unkept(found)
            while isinstance(found, list):
                found = next((one for one in found if one), None)
            if not isinstance(found, str):
                return Unwrapped(answer=answer, detail="the answer has no output where it should")
            span = _span(found, spans)
            if span is None and _is_address(found, told.form):
                return Unwrapped(media=found, answer=answer, unkept=unkept)
            return replace(_decoded(part, data, span, found, answer, most), unkept=unkept)


def _is_address(found: str, form: Form) -> bool:
    """Whether a text is an address, whatever form is expected: some answer with either."""
    start = found.lstrip()[:8].casefold()
    if start.startswith(("http://", "https://", "data:")):
        return not start.startswith("data:")
    return form is Form.URL


def _small(data: mmap.mmap, spans: list[tuple[int, int]]) -> Any:
    """Read the answer with its long texts replaced by marks; None where it is no JSON."""
    rest, at = bytearray(), 0
    for match in _LONG.finditer(data):
        rest += data[at : match.start(1)]
        rest += f"\\u0000long text {len(spans)}".encode()
        spans.append(match.span(1))
        at = match.end(1)
        if len(rest) > _MOST_REST or len(spans) > _MOST_TEXTS:
            return None
    if len(rest) + len(data) - at > _MOST_REST:
        return None
    return values.read_json(bytes(rest + data[at:]))


def _span(found: str, spans: list[tuple[int, int]]) -> tuple[int, int] | None:
    number = found.removeprefix(_MARK)
    known = number != found and number.isdecimal() and int(number) < len(spans)
    return spans[int(number)] if known else None


def _decoded(  # noqa: PLR0913, PLR0917 - one text, here or there
    part: Path,
    data: mmap.mmap,
    span: tuple[int, int] | None,
    text: str,
    answer: Any,
    most: int,
) -> Unwrapped:
    """Decode base64 into the place of the answer."""
    draft = part.with_name(part.name + ".new")
    try:
        with os.fdopen(create(draft), "w+b") as target:
            source: Any = data if span is not None else text.encode("ascii", "replace")
            begin, end = span or (0, len(source))
            digest, size = hashlib.sha256(), 0
            comma = source[begin : begin + 128].find(b",")
            begin += comma + 1
            try:
                for piece in _pieces(source, begin, end):
                    size += len(piece)
                    if size > most:
                        return Unwrapped(answer=answer, is_large=True)
                    digest.update(piece)
                    target.write(piece)
            except (binascii.Error, ValueError):
                return Unwrapped(answer=answer, is_broken=True, detail="it is not base64")
            target.flush()
            body, detail = _measured(target, size, digest.hexdigest())
            if body is not None:
                draft.replace(part)
            return Unwrapped(body=body, answer=answer, is_broken=body is None, detail=detail)
    finally:
        with contextlib.suppress(FileNotFoundError):
            draft.unlink()


def _pieces(source: Any, begin: int, end: int) -> Iterator[bytes]:
    """Decode piece by piece; what is escaped, spaced, or of the URL's alphabet is read as well."""
    left, cut = b"", b""
    for at in range(begin, end, _PIECE):
        raw = cut + bytes(source[at : min(at + _PIECE, end)])
        whole = _CUT_ESCAPE.search(raw)
        raw, cut = (raw[: whole.start()], whole[0]) if whole else (raw, b"")
        raw = left + _ESCAPE.sub(_letter, raw).translate(_USUAL, _BLANKS)
        size = len(raw) - len(raw) % 4
        left = raw[size:]
        yield base64.b64decode(raw[:size], validate=True)
    if cut:
        raise ValueError("it ends within an escape")
    if left:
        yield base64.b64decode(left + b"=" * (-len(left) % 4), validate=True)


def _letter(found: re.Match[bytes]) -> bytes:
    digits, letter = found.groups()
    return bytes.fromhex(digits.decode()) if digits else _LETTERS.get(letter, letter)


_ESCAPE = re.compile(rb"\\(?:u00([0-9A-Fa-f]{2})|(.))", re.DOTALL)
_CUT_ESCAPE = re.compile(rb"\\(?:u[0-9A-Fa-f]{0,3})?\Z")
_LETTERS = dict.fromkeys((b"n", b"r", b"t"), b"\n")
_USUAL, _BLANKS = bytes.maketrans(b"-_", b"+/"), b" \t\r\n"


def _measured(file: IO[bytes], size: int, sha256: str) -> tuple[Body | None, str]:
    media = recognise(beginning(file.fileno()), None)
    if media is None:
        return None, "what it holds is no medium"
    if extent(media, file.fileno(), size).end is End.CUT:
        return None, f"the {media.extension[1:]} is incomplete"
    return Body(size, sha256, media.extension, media.content_type), ""
