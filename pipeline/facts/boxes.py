"""Facts of files made of boxes: MP4, MOV, M4A, HEIC, AVIF. Source: ISO 14496-12, ISO 23008-12.

Only the headers of boxes are read, along one path; nothing is entered twice, so that boxes in
boxes cost nothing. A size that lies ends with the box that it lies in.
"""

from collections.abc import Iterator
from typing import NamedTuple

from pipeline.facts.findings import Findings
from pipeline.facts.window import UnreadableError, Window

# The box of content credentials. Source: C2PA Technical Specification 2.1, A.5.1.
_C2PA = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
_HEADER, _LARGE_HEADER = 8, 16
_KINDS = frozenset({b"vide", b"soun"})
_PICTURES = (b"avif", b"avis", b"heic", b"heix", b"hevc", b"mif1", b"msf1")
_CODECS = {
    b"avc1": "h264", b"avc3": "h264", b"hvc1": "hevc", b"hev1": "hevc", b"dvh1": "hevc",
    b"dvhe": "hevc", b"av01": "av1", b"vp08": "vp8", b"vp09": "vp9", b"mp4v": "mpeg4",
    b"apcn": "prores", b"apch": "prores", b"apcs": "prores", b"apco": "prores", b"ap4h": "prores",
    b"mp4a": "aac", b"Opus": "opus", b".mp3": "mp3", b"fLaC": "flac", b"alac": "alac",
    b"ac-3": "ac3", b"ec-3": "eac3", b"sowt": "pcm", b"twos": "pcm", b"ipcm": "pcm", b"lpcm": "pcm",
}  # fmt: skip


class _Box(NamedTuple):
    kind: bytes
    start: int  # of what is in it
    end: int
    whole: bool = True  # it ends where it says


def read(window: Window, found: Findings) -> None:
    """Find the facts of a file made of boxes."""
    for box in _boxes(window, 0, window.size):
        if box.kind == b"ftyp" and window.some(box.start, 4) in _PICTURES:
            found.codec = "av1" if window.some(box.start, 3) == b"avi" else "hevc"
            found.audio = False
        elif box.kind == b"moov":
            _movie(window, box, found)
        elif box.kind == b"meta" and found.codec and found.width is None:
            _picture(window, box, found)
        elif box.kind == b"uuid" and box.whole and window.some(box.start, 16) == _C2PA:
            found.content_credentials = True
        if not box.whole:
            return
    found.content_credentials = bool(found.content_credentials)


def _boxes(window: Window, at: int, end: int) -> Iterator[_Box]:
    """Yield the boxes between two places. One that would end beyond is cut, and the last.

    Raises:
        UnreadableError: what follows is not a box.
    """
    while at < end:
        header = window.some(at, _LARGE_HEADER)
        length, kind, start = int.from_bytes(header[:4]), header[4:8], at + _HEADER
        if length == 1:
            length, start = int.from_bytes(header[8:]), at + _LARGE_HEADER
        elif length == 0:  # to the end of the file
            length = end - at
        if len(header) < _HEADER or length < start - at:
            raise UnreadableError("what follows is not a box")
        whole = at + length <= end
        at = min(at + length, end)
        yield _Box(kind, start, at, whole)


def _inside(window: Window, box: _Box, *path: bytes, skip: int = 0) -> _Box | None:
    """Find the first box at the end of a path; None where one is not there."""
    kind, *rest = path
    for each in _boxes(window, box.start + skip, box.end):
        if each.kind == kind:
            return _inside(window, each, *rest) if rest else each
    return None


def _movie(window: Window, movie: _Box, found: Findings) -> None:
    """Take a movie in. Where its header gives no duration, its longest track does."""
    longest, sound, scale = 0.0, False, 0
    for box in _boxes(window, movie.start, movie.end):
        if box.kind == b"mvhd":
            units, scale = _clock(window, box)
            found.lasts(units, scale)
        elif box.kind == b"mvex" and (header := _inside(window, box, b"mehd")):
            wide = window.number(header.start, 1) == 1  # of a movie in fragments
            found.lasts(window.number(header.start + 4, 8 if wide else 4), scale)
        elif box.kind == b"trak":
            kind, seconds = _track(window, box, found)
            sound |= kind == b"soun"
            longest = max(longest, seconds)
    if sound or movie.whole:
        found.audio = sound
    found.duration_s = found.duration_s or longest


def _clock(window: Window, header: _Box) -> tuple[int, int]:
    """Read the duration in the header of a movie or a track, and its units a second."""
    wide = window.number(header.start, 1) == 1
    scale = window.number(header.start + (20 if wide else 12), 4)
    at, width = (header.start + 24, 8) if wide else (header.start + 16, 4)
    units = window.number(at, width)
    return (0 if units == (1 << 8 * width) - 1 else units), scale  # all ones: it is not known


def _track(window: Window, track: _Box, found: Findings) -> tuple[bytes, float]:
    """Take a track in; returns its kind, and its duration in seconds, 0 where it has none."""
    kind, turned, seconds = b"", False, 0.0
    for box in _boxes(window, track.start, track.end):
        if box.kind == b"tkhd":
            turned = _is_turned(window, box)
        elif box.kind == b"mdia":
            if (handler := _inside(window, box, b"hdlr")) is not None:
                kind = window.take(handler.start + 8, 4)
            if (header := _inside(window, box, b"mdhd")) is not None:
                units, scale = _clock(window, header)
                seconds = units / scale if scale else 0.0
            described = _inside(window, box, b"minf", b"stbl", b"stsd")
            if described is not None and kind in _KINDS:
                _samples(window, described, found, kind, turned=turned)
    return kind, seconds if kind in _KINDS else 0.0


def _samples(
    window: Window, described: _Box, found: Findings, kind: bytes, *, turned: bool
) -> None:
    """Take in how the samples of a track are coded. The codec of a picture wins over a sound's."""
    code = window.take(described.start + 12, 4)
    codec = _CODECS.get(code, code.decode("latin-1"))
    if kind == b"soun":
        found.codec = found.codec or codec
    elif found.width is None:
        size = window.take(described.start + 40, 4)
        width, height = int.from_bytes(size[:2]), int.from_bytes(size[2:])
        found.width, found.height = (height, width) if turned else (width, height)
        found.codec = codec


def _is_turned(window: Window, header: _Box) -> bool:
    """Return whether a track is shown on its side: by 90 or 270 degrees."""
    at = header.start + (52 if window.number(header.start, 1) == 1 else 40)
    matrix = window.take(at, 20)
    across, down = int.from_bytes(matrix[:4]), int.from_bytes(matrix[16:])
    return across == down == 0


def _picture(window: Window, meta: _Box, found: Findings) -> None:
    """Take in the size of a still picture: that of its largest item, as others are its tiles."""
    if (properties := _inside(window, meta, b"iprp", b"ipco", skip=4)) is None:
        return
    for box in _boxes(window, properties.start, properties.end):
        if box.kind == b"ispe":
            width, height = window.number(box.start + 4, 4), window.number(box.start + 8, 4)
            if width * height > (found.width or 0) * (found.height or 0):
                found.width, found.height = width, height
