"""Has posters and small films made of clips in child processes; what comes back is not trusted."""

from pathlib import Path
from typing import NamedTuple

import msgspec

from pipeline.facts.asking import Child, NoAnswerError

_PATIENCE, _FILM_PATIENCE = 30.0, 120.0  # seconds for one clip
# Bytes. A still has some 30 kB, a strip some 100 kB.
_MOST_POSTER, _MOST_FILM = 2 * 1024**2, 17 * 1024**2


class Poster(NamedTuple):
    """A still and a strip of stills, both WebP; None where a clip has none."""

    still: bytes | None
    strip: bytes | None


class Posters(Child):
    """Makes posters, one after the other. Use it as a context manager."""

    def __init__(self, patience: float = _PATIENCE) -> None:
        super().__init__("stills", patience=patience, most=_MOST_POSTER)

    def make(self, path: Path) -> Poster:
        """Make the poster of a clip.

        Raises:
            NoAnswerError: the clip cannot be decoded.
        """
        made = _made(self, path)
        if not all(map(_is_webp, made)):
            raise NoAnswerError("what decodes it gave no picture")
        still, strip, *_ = (*made, None, None)
        return Poster(still, strip)


class Previews(Child):
    """Makes small films, one after the other. Use it as a context manager."""

    def __init__(self, patience: float = _FILM_PATIENCE) -> None:
        super().__init__("previews", patience=patience, most=_MOST_FILM)

    def make(self, path: Path) -> bytes | None:
        """Make the small film of a clip, as MP4; None where it is no film.

        Raises:
            NoAnswerError: the clip cannot be decoded.
        """
        made = _made(self, path)
        if made and made[0][4:8] != b"ftyp":
            raise NoAnswerError("what decodes it gave no film")
        return made[0] if made else None


class _Head(msgspec.Struct):
    fault: str | None = None


def _made(child: Child, path: Path) -> list[bytes]:
    head, *made = child.ask(path)
    try:
        fault = msgspec.json.decode(head, type=_Head).fault
    except msgspec.MsgspecError:
        fault = "what decodes it gave no answer"
    if fault is not None:
        raise NoAnswerError(fault)
    return made


def _is_webp(data: bytes) -> bool:
    """Return whether these are the bytes of a WebP, whole. Source: RFC 9649, 2.4."""
    return (
        data[:4] == b"RIFF"
        and data[8:12] == b"WEBP"
        and int.from_bytes(data[4:8], "little") + 8 == len(data)
    )
