"""What a file is, by its bytes: its extension and its type."""

import codecs
import os

import msgspec

HEAD = 4096
_MEDIA = ("video/", "image/", "audio/", "model/")
_FILLERS = {b"free", b"skip", b"wide"}
_MOST_FILLERS = 1000
_BOXES = _FILLERS | {b"ftyp", b"moov", b"mdat", b"moof", b"styp", b"jP  "}
# What a file of boxes is, by how its brand begins. Sources: the registry of MP4 brands; ISO
# 23008-12 (HEIC), the AVIF specification, ISO 15444-1 (JPEG 2000), 3GPP TS 26.244.
_BRANDS = {
    **dict.fromkeys((b"avif", b"avis"), (".avif", "image/avif")),
    **dict.fromkeys((b"hei", b"hev", b"mif1", b"msf1"), (".heic", "image/heic")),
    **dict.fromkeys((b"M4A", b"M4B", b"M4P"), (".m4a", "audio/mp4")),
    b"qt": (".mov", "video/quicktime"),
    b"3gp": (".3gp", "video/3gpp"),
    b"3g2": (".3g2", "video/3gpp2"),
    b"jp2": (".jp2", "image/jp2"),
    b"jpx": (".jp2", "image/jp2"),
    b"mjp2": (".mj2", "video/mj2"),
}
# What the first packet of an Ogg stream begins with. Source: RFC 5334.
_OGG = {
    b"\x01vorbis": (".ogg", "audio/ogg"),
    b"OpusHead": (".opus", "audio/ogg"),
    b"Speex   ": (".ogg", "audio/ogg"),
    b"\x7fFLAC": (".ogg", "audio/ogg"),
    b"\x80theora": (".ogv", "video/ogg"),
}
_SIGNATURES = {
    # The usual inputs: the tables take a millisecond for each, and there may be 100,000.
    b"\x89PNG\r\n\x1a\n": (".png", "image/png"),
    b"\xff\xd8\xff": (".jpg", "image/jpeg"),
    b"glTF\x02\0\0\0": (".glb", "model/gltf-binary"),
    b"\xff\x4f\xff\x51": (".j2c", "image/j2c"),
    b"ID3\x02": (".mp3", "audio/mpeg"),
    b"ID3\x03": (".mp3", "audio/mpeg"),
    b"ID3\x04": (".mp3", "audio/mpeg"),
    b"PK\x03\x04": (".zip", "application/zip"),
}
# The usual names, where the tables have others.
_USUAL = {
    "image/jpeg": ".jpg",
    "image/tiff": ".tiff",
    "audio/mpeg": ".mp3",
    "audio/wav": ".wav",
    "audio/ogg": ".ogg",
    "video/mpeg": ".mpg",
    "video/x-matroska": ".mkv",
    "model/vnd.usdz+zip": ".usdz",
}
_SAME_TYPE = {"audio/wave": "audio/wav", "audio/x-wav": "audio/wav", "audio/vnd.wave": "audio/wav"}
# Their bytes are known: a header cannot vouch for one that does not begin as it must.
_KNOWN_BY_BYTES = {
    "video/mp4", "video/webm", "video/quicktime",
    "image/jpeg", "image/jpg", "image/png", "image/gif", "image/webp", "image/svg+xml",
}  # fmt: skip
_SVG = "image/svg+xml"
_PACKET = 188


class Media(msgspec.Struct, frozen=True):
    """A recognised medium. `boxes` says that it is made of MP4 boxes, which can be counted."""

    extension: str
    content_type: str
    boxes: bool = False


Source = int | bytes
"""A file by its descriptor, or all of its bytes where they are in memory."""


def look(source: Source, count: int, at: int) -> bytes:
    """Read so many bytes of a source from an offset on, or what there is of them."""
    return os.pread(source, count, at) if isinstance(source, int) else source[at : at + count]


def beginning(source: Source) -> bytes:
    """Read the first bytes of a file, past the empty boxes that some writers begin with."""
    head, at = look(source, HEAD, 0), 0
    for _ in range(_MOST_FILLERS):
        box = look(source, 8, at)
        if box[4:] not in _FILLERS or int.from_bytes(box[:4]) < 8:  # noqa: PLR2004
            break
        at += int.from_bytes(box[:4])
    behind = look(source, HEAD, at) if at else b""
    return behind if behind[4:8] in _BOXES else head


def recognise(head: bytes, header: str | None) -> Media | None:
    """Recognise media by its first bytes, then by the Content-Type header; None if it is none.

    The header is believed only for binary bytes of a type whose bytes are not known here: it
    cannot vouch for an MP4 that is none. Text is no medium, however it begins ("BMW prompts are
    not allowed" is no bitmap), unless it is SVG.
    """
    if _is_text(head):
        return Media(".svg", _SVG) if _SVG in _kinds(head) else None
    if head[4:8] in _BOXES:
        return _of_boxes(head)
    told = _by_header(header)
    if (known := _by_signature(head)) is not None:
        is_zip = known.extension == ".zip"
        return told if is_zip and told is not None and "zip" in told.content_type else known
    for named, extension in _kinds(head).items():
        if named.startswith(_MEDIA):
            kind = _SAME_TYPE.get(named, named)
            return Media(_USUAL.get(kind, extension) or ".bin", kind)
    return told


def usual_extension(kind: str) -> str:
    """Name the extension of a type, such as .jpg: servers look at it."""
    told = (*_BRANDS.values(), *_OGG.values(), *_SIGNATURES.values())
    known = {type_: extension for extension, type_ in reversed(told)} | _USUAL
    return known.get(kind) or "." + kind.partition("/")[2].partition("+")[0]


def extension_of(head: bytes) -> str:
    """Name what came and is no output: by its bytes, where they tell."""
    start = head.removeprefix(codecs.BOM_UTF8).lstrip()[:200].lower()
    if start.startswith((b"{", b"[", b'"')):
        return ".json"
    if start.startswith((b"<!doctype html", b"<html", b"<head", b"<body", b"<title", b"<h1")):
        return ".html"
    if start.startswith(b"<?xml"):
        return ".xml"
    if head.startswith(b"\x1f\x8b"):
        return ".gz"
    if _is_text(head):
        return ".txt"
    media = recognise(head, None)
    return media.extension if media else ".bin"


def _is_text(head: bytes) -> bool:
    if b"\0" in head:  # most media: the next steps would say so too, at more cost
        return False
    try:
        # Incrementally, because the head may end within a character.
        text = codecs.getincrementaldecoder("utf-8-sig")().decode(head)
    except UnicodeDecodeError:
        return False
    return all(char.isprintable() or char.isspace() for char in text)


def _by_signature(head: bytes) -> Media | None:
    """Recognise what the tables do not know, or call by an unusual name."""
    for mark, (extension, kind) in _SIGNATURES.items():
        if head.startswith(mark):
            return Media(extension, kind)
    if head.startswith(b"OggS"):
        page = head[27 + head[26] :] if len(head) > 27 else b""  # noqa: PLR2004 - RFC 3533, 6
        found = (named for mark, named in _OGG.items() if page.startswith(mark))
        return Media(*next(found, (".ogg", "audio/ogg")))
    if _is_mp3(head):
        return Media(".mp3", "audio/mpeg")
    if len(head) > 2 * _PACKET and all(head[n * _PACKET] == ord("G") for n in range(3)):
        return Media(".ts", "video/mp2t")
    return None


# Kilobits a second of layer III by index, for MPEG-1 and for its lower rates. ISO 11172-3, 2.4.2.3.
_KBITS = (
    (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0),
    (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0),
)
_HERTZ = (44100, 48000, 32000, 0)


def _is_mp3(head: bytes) -> bool:
    """Whether bytes begin with a frame of layer III, and another where that ends."""
    length = _mp3_frame(head)
    return length > 0 and (len(head) <= length + 4 or _mp3_frame(head[length:]) > 0)


def _mp3_frame(head: bytes) -> int:
    """Count the bytes of the frame that begins here; 0 where none does."""
    if len(head) < len(b"....") or head[0] != 0xFF or head[1] & 0xE6 != 0xE2:  # noqa: PLR2004
        return 0
    version = head[1] >> 3 & 3  # 3 is MPEG-1, 2 MPEG-2, 0 MPEG-2.5
    lower = version != 3  # noqa: PLR2004
    kbits, hertz = _KBITS[lower][head[2] >> 4], _HERTZ[head[2] >> 2 & 3]
    if version == 1 or not kbits or not hertz:
        return 0
    hertz >>= {3: 0, 2: 1, 0: 2}[version]
    return (72 if lower else 144) * kbits * 1000 // hertz + (head[2] >> 1 & 1)


def _kinds(head: bytes) -> dict[str, str]:
    """Look up what begins like `head`: extensions by type, the likeliest first."""
    import puremagic  # noqa: PLC0415 - who lists outputs needs none

    try:
        matches = puremagic.magic_string(head)
    except (puremagic.PureError, ValueError):
        return {}
    kinds: dict[str, str] = {}
    for match in matches:
        kinds.setdefault(match.mime_type, match.extension)
    return kinds


def _of_boxes(head: bytes) -> Media:
    if head[4:8] == b"jP  ":  # its brand is in the second box
        return Media(*(_BRANDS[b"mjp2"] if head[20:24] == b"mjp2" else _BRANDS[b"jp2"]), boxes=True)
    if head[4:8] in {b"moof", b"styp"}:
        return Media(".mp4", "video/mp4", boxes=True)
    if head[4:8] != b"ftyp":  # QuickTime before it had brands
        return Media(*_BRANDS[b"qt"], boxes=True)
    brand, others = head[8:12], head[16 : min(int.from_bytes(head[:4]), HEAD)]
    if brand in {b"mif1", b"msf1"} and b"avi" in others:
        brand = b"avif"
    named = (what for begin, what in _BRANDS.items() if brand.startswith(begin))
    return Media(*next(named, (".mp4", "video/mp4")), boxes=True)


def _by_header(header: str | None) -> Media | None:
    import mimetypes  # noqa: PLC0415 - it reads tables, and is hardly ever needed

    kind = (header or "").split(";")[0].strip().lower()
    kind = _SAME_TYPE.get(kind, kind)
    if not kind.startswith(_MEDIA) or kind in _KNOWN_BY_BYTES:
        return None
    # A system's own table may hold anything.
    extension = _USUAL.get(kind) or mimetypes.guess_extension(kind)
    return Media(extension or ".bin", kind)
