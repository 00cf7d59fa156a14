"""Undoing a content-encoding that nobody asked for, within bounds.

One layer of gzip or deflate; more of them, or other codings, are left as they are. Sources: RFC
9110, 8.4 (the codings), RFC 1952 (gzip: members one after another), RFC 1950 and 1951 (deflate,
which some servers send without its wrapper).
"""

import hashlib
import zlib
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum, auto
from functools import partial
from typing import IO

_PIECE = 256 * 1024
_GZIP = b"\x1f\x8b"
# What zlib is told to expect: gzip, its own wrapper, or none.
_AS_GZIP, _AS_ZLIB, _AS_RAW = 31, 15, -15
# No medium of more than a few megabytes shrinks so far: what does would fill a disk.
_RATIO, _ALWAYS = 100, 64 * 1024**2


class End(Enum):
    """How far an encoding could be undone."""

    WHOLE = auto()  # to its own end
    CUT = auto()  # it stops before its end, or is damaged
    TOO_LARGE = auto()


@dataclass(frozen=True, slots=True)
class Undone:
    """What undoing the encoding of a file has brought."""

    end: End
    size: int
    sha256: str


def layers(header: str | None) -> list[str]:
    """List the codings that were laid over a body, without those that change nothing."""
    if header is None:
        return []
    names = (name.strip().lower().removeprefix("x-") for name in header.split(","))
    return [name for name in names if name not in {"", "identity"}]


def can_be_undone(codings: list[str]) -> bool:
    """Whether such codings are undone here."""
    return codings in (["gzip"], ["deflate"])


def begins(coding: str, head: bytes) -> bool:
    """Whether a body begins as its coding does: a header may be wrong."""
    # Deflate without its wrapper has no mark; but it is no text.
    return head.startswith(_GZIP) if coding == "gzip" else not head.isascii()


def undo_text(data: bytes, codings: list[str], most: int) -> bytes | None:
    """Undo the encoding of a text, for at most `most` bytes; None where that is not done here."""
    if not codings:
        return data
    if not can_be_undone(codings):
        return None
    if not begins(codings[0], data):
        return data
    text = bytearray()
    with suppress(EOFError, zlib.error):  # a text that is cut is a text
        for piece in _undo([data], codings[0], most):
            text += piece
            if len(text) >= most:
                break
    return bytes(text[:most])


def undo_file(source: IO[bytes], size: int, target: IO[bytes], coding: str, most: int) -> Undone:
    """Write a file of `size` bytes to `target` with its encoding undone.

    The bound is `most` bytes, and less where the file grows as no medium would.

    Raises:
        OSError: it cannot be written.
    """
    most = min(most, max(_RATIO * size, _ALWAYS))
    digest, grown, end = hashlib.sha256(), 0, End.WHOLE
    source.seek(0)
    try:
        for piece in _undo(iter(partial(source.read, _PIECE), b""), coding, _PIECE):
            grown += len(piece)
            if grown > most:
                end = End.TOO_LARGE
                break
            digest.update(piece)
            target.write(piece)
    except (EOFError, zlib.error):
        end = End.CUT
    return Undone(end, grown, digest.hexdigest())


def _undo(pieces: Iterable[bytes], coding: str, most: int) -> Iterator[bytes]:
    """Yield what a coding holds, at most `most` bytes at a time.

    Raises:
        EOFError: it is cut before its end.
        zlib.error: it is damaged.
    """
    engine, left, members = None, b"", 0
    for read in pieces:
        piece, left = left + read, b""
        while piece:
            if engine is None:
                if members and len(piece) < len(_GZIP):
                    left = piece
                    break
                if members and not (coding == "gzip" and piece.startswith(_GZIP)):
                    return  # something behind its end
                engine = zlib.decompressobj(_expects(coding, piece))
            yield engine.decompress(piece, most)
            piece = engine.unconsumed_tail
            if engine.eof:
                piece, engine, members = engine.unused_data, None, members + 1
    if engine is not None:
        yield engine.flush()
    if not (engine.eof if engine is not None else members):
        raise EOFError


def _expects(coding: str, head: bytes) -> int:
    if coding == "gzip":
        return _AS_GZIP
    wrapped = head[0] & 0x0F == zlib.DEFLATED and int.from_bytes(head[:2]) % 31 == 0
    return _AS_ZLIB if wrapped else _AS_RAW
