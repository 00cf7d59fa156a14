"""Whether a file is whole, by its own form: what it promises, and where it says it ends."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

from pipeline.api.media import Media, Source, look

_BOX_HEADER = 8
_LARGE_BOX_HEADER = 16
# A film of hours has some ten thousand parts: what has more is made to be counted for long.
_MOST_PARTS = 100_000
# An end is in the last bytes; some writers put a little behind it.
_TAIL = 1024
_OGG_TAIL = 64 * 1024 + 512  # the largest page, and a little

# The boxes of the outermost level: what begins as another and does not end is no box.
_BOXES = frozenset(
    b"ftyp moov mdat free skip wide uuid meta meco moof mfra sidx ssix styp prft emsg pdin pnot "
    b"udta imda junk PICT jp2h jp2c jp2i uinf".split()
) | {b"jP  ", b"xml "}


class End(Enum):
    """What the form of a file says of its end."""

    SHOWN = auto()  # it is there
    UNKNOWN = auto()  # the form does not tell
    CUT = auto()  # what was promised is missing


@dataclass(frozen=True, slots=True)
class Extent:
    """How far a file goes by its own form; `spare` bytes lie behind that."""

    end: End
    spare: int = 0


_UNKNOWN, _CUT = Extent(End.UNKNOWN), Extent(End.CUT)


def extent(media: Media, source: Source, size: int) -> Extent:
    """Find the end of a file of `size` bytes."""
    if media.boxes:
        return _of_boxes(source, size)
    form = _FORMS.get(media.content_type)
    return form(source, size) if form else _UNKNOWN


def _of_boxes(source: Source, size: int) -> Extent:
    """Walk the outermost boxes of an MP4 or its kin. Source: ISO 14496-12, 4.2."""
    at, seen, parts = 0, set[bytes](), 0
    while at < size:
        parts += 1
        if parts > _MOST_PARTS:
            return _UNKNOWN
        header = look(source, _LARGE_BOX_HEADER, at)
        kind, length = header[4:8], int.from_bytes(header[:4])
        if length == 0 and kind in _BOXES:  # it goes on to the end of the file
            return _UNKNOWN
        if length == 1:
            length = int.from_bytes(header[8:])
            length = length if length >= _LARGE_BOX_HEADER else 0
        if length < _BOX_HEADER or (at + length > size and kind not in _BOXES):
            # No box. Behind a picture it does no harm; before one, it is not there.
            end = _end_of(seen) if _has_picture(seen) else End.CUT
            return Extent(end, size - at)
        at += length
        seen.add(kind)
    return Extent(_end_of(seen)) if at == size > 0 else _CUT


def _has_picture(seen: set[bytes]) -> bool:
    return bool(seen & {b"mdat", b"imda", b"jp2c"} and seen & {b"moov", b"moof", b"meta", b"jp2c"})


def _end_of(seen: set[bytes]) -> End:
    # Fragments follow one another until an index ends them, if there is one.
    open_ended = b"moof" in seen and b"mfra" not in seen
    return End.SHOWN if _has_picture(seen) and not open_ended else End.UNKNOWN


def _of_jpeg(source: Source, size: int) -> Extent:
    """Find the end-of-image mark behind the begin of the scan. Source: ITU-T T.81, B.1.1."""
    at = 2
    for _ in range(_MOST_PARTS):  # past the segments: one may hold a small picture with an end
        header = look(source, 4, at)
        if len(header) < len(b"....") or header[0] != 0xFF or header[1] == 0xDA:  # noqa: PLR2004
            break
        at += 2 + int.from_bytes(header[2:])
    start = max(at, size - _TAIL) if at < size else size
    return _ends_with(source, start, size, b"\xff\xd9")


def _of_png(source: Source, size: int) -> Extent:
    """Find the last chunk with its checksum. Source: PNG, 11.2.5."""
    return _ends_with(source, max(size - _TAIL, 0), size, b"IEND\xae\x42\x60\x82")


def _of_gif(source: Source, size: int) -> Extent:
    """Find the trailer behind the last block. Source: GIF89a, 27."""
    tail = look(source, _TAIL, max(size - _TAIL, 0)).rstrip(b"\0\r\n ")
    return Extent(End.SHOWN) if tail.endswith(b"\0;") else _CUT


def _ends_with(source: Source, start: int, size: int, mark: bytes) -> Extent:
    tail = look(source, size - start, start)
    at = tail.rfind(mark)
    return Extent(End.SHOWN, len(tail) - at - len(mark)) if at >= 0 else _CUT


def _of_riff(source: Source, size: int) -> Extent:
    """Read the length at the begin: WebP, WAV, AVI. Writers to a pipe leave it out."""
    told = int.from_bytes(look(source, 4, 4), "little")
    return _UNKNOWN if told in {0, 0xFFFFFFFF} else _up_to(8 + told, size)


def _of_glb(source: Source, size: int) -> Extent:
    """Read the length at the begin. Source: glTF 2.0, 4.4.1."""
    return _up_to(int.from_bytes(look(source, 4, 8), "little"), size)


def _of_matroska(source: Source, size: int) -> Extent:
    """Read the length of the segment, where it has one. Source: RFC 8794, 6.2."""
    head = look(source, _TAIL, 0)
    at = 4
    length, width = _vint(head, at)
    at += width + length
    if head[at : at + 4] != b"\x18\x53\x80\x67":
        return _UNKNOWN
    length, width = _vint(head, at + 4)
    open_ended = length == (1 << 7 * width) - 1
    return _UNKNOWN if not width or open_ended else _up_to(at + 4 + width + length, size)


def _vint(head: bytes, at: int) -> tuple[int, int]:
    """Read a number of variable width; the number and its width, which is 0 where it is none."""
    first = head[at] if at < len(head) else 0
    width = 9 - first.bit_length() if first else 0
    value = int.from_bytes(head[at : at + width]) & ((1 << 7 * width) - 1)
    return value, width


def _of_ogg(source: Source, size: int) -> Extent:
    """Find the last page, marked as such and whole. Source: RFC 3533, 6."""
    tail = look(source, _OGG_TAIL, max(size - _OGG_TAIL, 0))
    at = tail.rfind(b"OggS")
    page = tail[at:] if at >= 0 else b""
    header = 27
    if len(page) < header or not page[5] & 4:
        return _CUT
    table = page[header : header + page[26]]
    return _up_to(header + page[26] + sum(table), len(page)) if len(table) == page[26] else _CUT


def _up_to(end: int, size: int) -> Extent:
    return Extent(End.SHOWN, size - end) if size >= end else _CUT


_FORMS: dict[str, Callable[[Source, int], Extent]] = {
    "image/jpeg": _of_jpeg,
    "image/png": _of_png,
    "image/gif": _of_gif,
    "image/webp": _of_riff,
    "audio/wav": _of_riff,
    "video/x-msvideo": _of_riff,
    "model/gltf-binary": _of_glb,
    "video/webm": _of_matroska,
    "video/x-matroska": _of_matroska,
    "audio/ogg": _of_ogg,
    "video/ogg": _of_ogg,
}
