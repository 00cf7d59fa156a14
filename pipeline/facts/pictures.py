"""Facts of pictures: PNG, JPEG, WebP, GIF. Content credentials are as C2PA 2.1, A.3 embeds them."""

from collections.abc import Iterator

from pipeline.facts.findings import Findings
from pipeline.facts.window import UnreadableError, Window

_GIF_HEADER = 13
_GIF_C2PA = b"C2PA_GIF"
_NEVER = frozenset({0xC4, 0xC8, 0xCC})  # of the marks C0 to CF those that begin no frame
_SCAN, _END, _APP11 = 0xDA, 0xD9, 0xEB
_ALONE = frozenset({0x01, *range(0xD0, 0xD8)})  # without a length


def png(window: Window, found: Findings) -> None:
    """Read the header of a PNG, and look for its chunk of credentials. Source: PNG, 5.3."""
    found.codec, found.audio, at = "png", False, 8
    while at < window.size:
        header = window.take(at, 8)
        if header[4:] == b"IHDR":
            size = window.take(at + 8, 8)
            found.width, found.height = int.from_bytes(size[:4]), int.from_bytes(size[4:])
        elif header[4:] == b"caBX":
            found.content_credentials = True
        elif header[4:] == b"IEND":
            break
        at += 12 + int.from_bytes(header[:4])
    else:
        raise UnreadableError("the file ends too early")
    found.content_credentials = bool(found.content_credentials)


def jpeg(window: Window, found: Findings) -> None:
    """Read the segments of a JPEG up to its scan. Source: ITU-T T.81, B.1.1."""
    found.codec, found.audio, at = "jpeg", False, 2
    while True:
        header = window.take(at, 4)
        if header[0] != 0xFF:
            raise UnreadableError("what follows is not a segment")
        mark = header[1]
        if mark == 0xFF or mark in _ALONE:  # a byte that only fills, or a mark alone
            at += 1 if mark == 0xFF else 2
            continue
        if mark in {_SCAN, _END}:
            break
        if 0xC0 <= mark <= 0xCF and mark not in _NEVER:
            size = window.take(at + 5, 4)
            found.height, found.width = int.from_bytes(size[:2]), int.from_bytes(size[2:])
        elif mark == _APP11 and b"c2pa" in window.some(at + 4, 96):
            found.content_credentials = True
        at += 2 + max(int.from_bytes(header[2:]), 2)
    found.content_credentials = bool(found.content_credentials)


def webp(window: Window, found: Findings) -> None:
    """Read the chunks of a WebP; one that moves lasts as long as its frames. Source: RFC 9649."""
    found.codec, found.audio, milliseconds = "webp", False, 0
    for kind, start, _ in chunks(window):
        if kind == b"VP8X":
            sides = window.take(start + 4, 6)
            found.width = 1 + int.from_bytes(sides[:3], "little")
            found.height = 1 + int.from_bytes(sides[3:], "little")
        elif kind in {b"VP8 ", b"VP8L"} and found.width is None:
            found.width, found.height = _frame(kind, window.take(start, 10))
        elif kind == b"ANMF":
            milliseconds += int.from_bytes(window.take(start + 12, 3), "little")
        elif kind == b"C2PA":
            found.content_credentials = True
    found.lasts(milliseconds, 1000)
    found.content_credentials = bool(found.content_credentials)


def _frame(kind: bytes, head: bytes) -> tuple[int, int]:
    """Read the size of a frame, lossy (RFC 6386, 9.1) or lossless (RFC 9649, 3.4)."""
    if kind == b"VP8 ":
        sides = int.from_bytes(head[6:10], "little")
        return sides & 0x3FFF, sides >> 16 & 0x3FFF
    sides = int.from_bytes(head[1:5], "little")
    return 1 + (sides & 0x3FFF), 1 + (sides >> 14 & 0x3FFF)


def chunks(window: Window) -> Iterator[tuple[bytes, int, int]]:
    """Yield the chunks of a RIFF file: the kind of each, where it begins, and its length.

    Raises:
        UnreadableError: the file ends before it says; after what is there was yielded.
    """
    at, end = 12, 8 + int.from_bytes(window.take(4, 4), "little")
    while at + 8 <= min(end, window.size):
        header = window.take(at, 8)
        length = int.from_bytes(header[4:], "little")
        yield header[:4], at + 8, length
        at += 8 + length + length % 2
    if max(at, end) > window.size + 1:  # some writers leave the last byte out, which only fills
        raise UnreadableError("the file ends too early")


def gif(window: Window, found: Findings) -> None:
    """Read the size of a GIF. How long it lasts would take reading all of it. Source: GIF89a."""
    found.codec, found.audio = "gif", False
    header = window.take(0, _GIF_HEADER)
    found.width = int.from_bytes(header[6:8], "little")
    found.height = int.from_bytes(header[8:10], "little")
    table = 3 << 1 + (header[10] & 7) if header[10] & 0x80 else 0
    # Credentials stand between the header and the first picture, where there are any.
    if _GIF_C2PA in window.some(_GIF_HEADER + table, 4096):
        found.content_credentials = True
