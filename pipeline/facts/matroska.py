"""Facts of WebM and Matroska. Source: RFC 8794 (EBML), RFC 9559 (Matroska)."""

import struct
from collections.abc import Iterator

from pipeline.facts.findings import Findings
from pipeline.facts.window import UnreadableError, Window

_SEGMENT, _INFO, _TRACKS, _CLUSTER = 0x18538067, 0x1549A966, 0x1654AE6B, 0x1F43B675
_SCALE, _DURATION = 0x2AD7B1, 0x4489
_TRACK, _KIND, _CODEC, _VIDEO, _WIDTH, _HEIGHT = 0xAE, 0x83, 0x86, 0xE0, 0xB0, 0xBA
_PICTURES, _SOUND = 1, 2
_NANOSECONDS = 1e9
_CODECS = {
    "V_VP8": "vp8", "V_VP9": "vp9", "V_AV1": "av1", "V_MPEG4/ISO/AVC": "h264",
    "V_MPEGH/ISO/HEVC": "hevc", "A_OPUS": "opus", "A_VORBIS": "vorbis", "A_AAC": "aac",
    "A_FLAC": "flac", "A_MPEG/L3": "mp3",
}  # fmt: skip
_LONGEST_ID, _LONGEST_SIZE = 4, 8

Element = tuple[int, int, int]
"""Its id, and where its contents begin and end."""


def read(window: Window, found: Findings) -> None:
    """Find the facts of a Matroska file. Whether it has content credentials is not known."""
    for kind, start, end in _elements(window, 0, window.size, cut=True):
        if kind == _SEGMENT:
            _segment(window, start, end, found)
            return


def _segment(window: Window, start: int, end: int, found: Findings) -> None:
    wanted = {_INFO, _TRACKS}
    for kind, begin, stop in _elements(window, start, end):
        if kind == _INFO:
            _info(window, begin, stop, found)
        elif kind == _TRACKS:
            _tracks(window, begin, stop, found)
        wanted.discard(kind)
        if not wanted:
            return


def _elements(window: Window, at: int, end: int, *, cut: bool = False) -> Iterator[Element]:
    """Yield the elements between two places.

    Raises:
        UnreadableError: what follows is no element, or one that goes beyond, unless it may be
            `cut`: a segment breaks off with its file, and begins all the same.
    """
    while at < end:
        head = window.some(at, _LONGEST_ID + _LONGEST_SIZE)
        kind, width = _number(head, _LONGEST_ID, keep=True)
        size, more = _number(head[width:], _LONGEST_SIZE, keep=False)
        start = at + width + more
        open_ended = size == (1 << 7 * more) - 1
        if start > end or (start + size > end and not (cut or open_ended)):
            raise UnreadableError("an element goes beyond the one that it is in")
        at = end if open_ended else min(start + size, end)
        yield kind, start, at


def _number(head: bytes, longest: int, *, keep: bool) -> tuple[int, int]:
    """Read a number of variable width, and the width. `keep` leaves the mark of the width in."""
    width = 9 - head[0].bit_length() if head and head[0] else longest + 1
    if width > longest or len(head) < width:
        raise UnreadableError("what follows is not an element")
    value = int.from_bytes(head[:width])
    return value if keep else value & ((1 << 7 * width) - 1), width


def _info(window: Window, start: int, end: int, found: Findings) -> None:
    scale, length = 1_000_000, 0.0
    for kind, begin, stop in _elements(window, start, end):
        if kind == _SCALE:
            scale = _whole(window, begin, stop)
        elif kind == _DURATION:
            form = {4: ">f", 8: ">d"}.get(stop - begin)
            length = struct.unpack(form, window.take(begin, stop - begin))[0] if form else 0.0
    found.lasts(length * scale, _NANOSECONDS)


def _tracks(window: Window, start: int, end: int, found: Findings) -> None:
    kinds, sound = set[int](), None
    for kind, begin, stop in _elements(window, start, end):
        if kind == _TRACK:
            what, codec, sides = _track(window, begin, stop)
            kinds.add(what)
            if what == _PICTURES and found.width is None:
                found.codec, (found.width, found.height) = codec, sides
            elif what == _SOUND:
                sound = sound or codec
    found.audio = _SOUND in kinds
    found.codec = found.codec or sound


def _track(window: Window, start: int, end: int) -> tuple[int, str, tuple[int, int]]:
    what, codec, width, height = 0, "", 0, 0
    for kind, begin, stop in _elements(window, start, end):
        if kind == _KIND:
            what = _whole(window, begin, stop)
        elif kind == _CODEC:
            codec = window.take(begin, min(stop - begin, 64)).decode("latin-1").rstrip("\0")
        elif kind == _VIDEO:
            for inner, first, last in _elements(window, begin, stop):
                if inner == _WIDTH:
                    width = _whole(window, first, last)
                elif inner == _HEIGHT:
                    height = _whole(window, first, last)
    return what, _CODECS.get(codec, codec), (width, height)


def _whole(window: Window, start: int, end: int) -> int:
    return window.number(start, end - start) if end - start <= _LONGEST_SIZE else 0
