"""What a file is, by its bytes: its extension, its type, and whether an MP4 is whole."""

import codecs
import os
from dataclasses import dataclass

import puremagic

HEAD = 4096
# An image's end is in its last bytes; some writers put a little behind it.
TAIL = 1024
_BOX_HEADER = 8
_LARGE_BOX_HEADER = 16
_MEDIA = ("video/", "image/", "audio/")
# Brands that are images in the same boxes as an MP4.
_IMAGE_BRANDS = {b"avif": ".avif", b"avis": ".avif", b"heic": ".heic", b"mif1": ".heic"}
_PREFERRED = {"image/jpeg": ".jpg", "audio/wave": ".wav", "audio/x-wav": ".wav"}
_SVG = "image/svg+xml"


@dataclass(frozen=True, slots=True)
class Media:
    """A recognised medium. `boxes` says that it is made of MP4 boxes, which can be counted."""

    extension: str
    content_type: str
    boxes: bool = False


def recognise(head: bytes, header: str | None) -> Media | None:
    """Recognise media by its first bytes, then by the Content-Type header; None if it is none.

    The header is believed only for binary bytes of a type whose bytes are not known here: it
    cannot vouch for an MP4 that is none. Text is no medium, however it begins ("BMW prompts are
    not allowed" is no bitmap), unless it is SVG.
    """
    if _is_text(head):
        return Media(".svg", _SVG) if _SVG in _kinds(head) else None
    if head[4:8] in {b"ftyp", b"moov", b"mdat", b"wide", b"free", b"skip", b"moof", b"styp"}:
        return _of_boxes(head)
    kinds = _kinds(head)
    for kind, extension in kinds.items():
        if kind.startswith(_MEDIA):
            return Media(_PREFERRED.get(kind, extension) or ".bin", kind)
    return None if kinds else _by_header(header)


def _is_text(head: bytes) -> bool:
    try:
        # Incrementally, because the head may end within a character.
        text = codecs.getincrementaldecoder("utf-8-sig")().decode(head)
    except UnicodeDecodeError:
        return False
    return all(char.isprintable() or char.isspace() for char in text)


def _kinds(head: bytes) -> dict[str, str]:
    """Look up what begins like `head`: extensions by type, the likeliest first."""
    try:
        matches = puremagic.magic_string(head)
    except (puremagic.PureError, ValueError):
        return {}
    kinds: dict[str, str] = {}
    for match in matches:
        kinds.setdefault(match.mime_type, match.extension)
    return kinds


def _of_boxes(head: bytes) -> Media:
    brand = head[8:12] if head[4:8] == b"ftyp" else b""
    if brand in _IMAGE_BRANDS:
        return Media(_IMAGE_BRANDS[brand], f"image/{_IMAGE_BRANDS[brand][1:]}", boxes=True)
    if brand.startswith(b"qt") or not brand:
        return Media(".mov", "video/quicktime", boxes=True)
    if brand.startswith(b"M4A"):
        return Media(".m4a", "audio/mp4", boxes=True)
    return Media(".mp4", "video/mp4", boxes=True)


def _by_header(header: str | None) -> Media | None:
    import mimetypes  # noqa: PLC0415 - it reads tables, and is hardly ever needed

    kind = (header or "").split(";")[0].strip().lower()
    if not kind.startswith(_MEDIA):
        return None
    known = {"video/mp4", "video/webm", "image/jpeg", "image/png", "image/gif", "image/webp"}
    extension = mimetypes.guess_extension(kind)
    return Media(extension, kind) if extension and kind not in known else None


def ends_whole(media: Media, tail: bytes) -> bool:
    """Whether an image's last bytes hold its end; True for what has no mark of its end.

    Sources: ITU-T T.81, B.1.1.3 (EOI); PNG, 5.6 (IEND).
    """
    end = {"image/jpeg": b"\xff\xd9", "image/png": b"IEND"}.get(media.content_type)
    return end is None or end in tail


def boxes_are_whole(descriptor: int, size: int) -> bool:
    """Whether the top-level boxes of an MP4 file fill it exactly. Source: ISO 14496-12, 4.2."""
    position = 0
    while position < size:
        header = os.pread(descriptor, _LARGE_BOX_HEADER, position)
        if len(header) < _BOX_HEADER:
            return False
        length = int.from_bytes(header[:4])
        if length == 0:  # this box goes on to the end of the file
            return True
        if length == 1:
            length = int.from_bytes(header[8:16]) if len(header) == _LARGE_BOX_HEADER else 0
        if length < _BOX_HEADER:
            return False
        position += length
    return position == size and size > 0
