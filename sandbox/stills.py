"""Pictures and sound, from nothing but the standard library: small, valid, each one different."""

import struct
import zlib

_SIDE = 64
_FRAME = bytes.fromhex("fffb9064") + bytes(413)  # MPEG-1 layer III, 128 kbit/s, 44.1 kHz: silence
_FRAMES = 39  # of 26 ms


def picture(mark: bytes) -> bytes:
    """Write a PNG of two colours, one above the other, which `mark` decides."""
    rows = [
        b"\x00" + mark[0 if row < _SIDE * (mark[6] + 128) // 512 else 3 :][:3] * _SIDE
        for row in range(_SIDE)
    ]
    header = struct.pack(">IIBBBBB", _SIDE, _SIDE, 8, 2, 0, 0, 0)
    chunks = [
        _chunk(b"IHDR", header),
        _chunk(b"tEXt", b"Comment\x00" + mark.hex().encode()),
        _chunk(b"IDAT", zlib.compress(b"".join(rows))),
        _chunk(b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(chunks)


def sound(mark: bytes) -> bytes:
    """Write an MP3 of one second of silence, with `mark` in its ID3 tag."""
    text = b"\x03mark\x00" + mark.hex().encode()
    frame = b"TXXX" + struct.pack(">I", len(text)) + b"\x00\x00" + text
    tag = b"ID3\x04\x00\x00" + bytes((0, 0, len(frame) >> 7, len(frame) & 127)) + frame
    return tag + _FRAME * _FRAMES


def _chunk(kind: bytes, content: bytes) -> bytes:
    size, check = struct.pack(">I", len(content)), zlib.crc32(kind + content)
    return size + kind + content + struct.pack(">I", check)
