"""Facts of sound files: WAV, MP3, Ogg, FLAC."""

import struct

from pipeline.facts.findings import Findings
from pipeline.facts.pictures import chunks
from pipeline.facts.window import UnreadableError, Window

_ID3_HEADER = 10
_ID3_READ = 64 * 1024
_OGG_HEADER = 27
_OGG_TAIL = 64 * 1024 + 512  # the largest page, and a little
_OPUS_RATE = 48_000
# Kilobits a second of layer III, for MPEG-1 and for its lower rates. ISO 11172-3, 2.4.2.3.
_KBITS = (
    (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 0),
    (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160, 0),
)
_HERTZ = (44_100, 48_000, 32_000, 0)


def wav(window: Window, found: Findings) -> None:
    """Read the chunks of a WAV. One that was written to a pipe does not say how long it is."""
    found.codec, found.audio, a_second = "pcm", True, 0
    for kind, start, length in chunks(window):
        if kind == b"fmt ":
            a_second = struct.unpack("<I", window.take(start + 8, 4))[0]
        elif kind == b"data":
            found.lasts(min(length, window.size - start), a_second)
        elif kind == b"C2PA":
            found.content_credentials = True
    found.content_credentials = bool(found.content_credentials)


def mp3(window: Window, found: Findings) -> None:
    """Read the first frame of an MP3, and how many follow. Source: ISO 11172-3; the Xing header."""
    at, credentials = 0, False
    head = window.some(0, _ID3_HEADER)
    if head[:3] == b"ID3":
        at = _ID3_HEADER + sum((byte & 0x7F) << 7 * (3 - n) for n, byte in enumerate(head[6:10]))
        tags = window.some(0, min(at, _ID3_READ))
        credentials = b"c2pa" in tags
    first = window.take(at, 4)
    version, layer = first[1] >> 3 & 3, first[1] >> 1 & 3
    hertz = _HERTZ[first[2] >> 2 & 3] >> {3: 0, 2: 1, 0: 2}.get(version, 16)
    kbits = _KBITS[version != 3][first[2] >> 4]
    if first[0] != 0xFF or first[1] < 0xE0 or layer != 1 or not kbits or not hertz:
        raise UnreadableError("what follows is not a frame of MP3")
    found.codec, found.audio = "mp3", True
    found.content_credentials = credentials if at <= _ID3_READ else None
    samples = 1152 if version == 3 else 576
    frame = window.some(at, 192)
    frames = _frames(frame)
    if frames is not None:
        found.lasts(frames * samples, hertz)
        return
    found.lasts((window.size - at) * 8, kbits * 1000)  # all frames are of one rate


def _frames(first: bytes) -> int | None:
    """Read how many frames there are, where the first one says so."""
    for mark in (b"Xing", b"Info"):
        if (at := first.find(mark)) > 0 and first[at + 7 : at + 8] > b"\0":
            return int.from_bytes(first[at + 8 : at + 12])
    at = first.find(b"VBRI")
    return int.from_bytes(first[at + 14 : at + 18]) if at > 0 else None


def flac(window: Window, found: Findings) -> None:
    """Read the first block of a FLAC. Source: RFC 9639, 8.2."""
    found.codec, found.audio = "flac", True
    packed = window.number(18, 8)  # 20 bits of rate, 3 of channels, 5 of depth, 36 of samples
    found.lasts(packed & ((1 << 36) - 1), packed >> 44)


def ogg(window: Window, found: Findings) -> None:
    """Read the first page of an Ogg and the end of the last one. Source: RFC 3533, RFC 7845."""
    head = window.take(0, _OGG_HEADER)
    packet = window.some(_OGG_HEADER + head[26], 64)
    rate = skipped = 0
    if packet.startswith(b"\x01vorbis"):
        found.codec, rate = "vorbis", int.from_bytes(packet[12:16], "little")
    elif packet.startswith(b"OpusHead"):
        found.codec, rate = "opus", _OPUS_RATE
        skipped = int.from_bytes(packet[10:12], "little")
    elif packet.startswith(b"\x7fFLAC"):
        found.codec, rate = "flac", int.from_bytes(packet[27:31]) >> 12
    elif packet.startswith(b"\x80theora"):
        found.codec = "theora"  # pictures; what else is in it is not known
        found.width, found.height = int.from_bytes(packet[14:17]), int.from_bytes(packet[17:20])
        return
    if rate:
        found.audio = True
        start = max(0, window.size - _OGG_TAIL)
        tail = window.some(start, _OGG_TAIL)
        at = tail.rfind(b"OggS")
        if 0 <= at <= len(tail) - _OGG_HEADER:
            found.lasts(int.from_bytes(tail[at + 6 : at + 14], "little") - skipped, rate)
