"""Reads the facts of a clip from its headers. Nothing is decoded, and little is read."""

import contextlib
import os
from collections.abc import Callable
from pathlib import Path

from pipeline.common.files import open_file
from pipeline.errors import DirectoryError
from pipeline.facts import boxes, matroska, pictures, sound
from pipeline.facts.findings import Findings
from pipeline.facts.window import UnreadableError, Window
from pipeline.models import Facts

Reader = Callable[[Window, Findings], None]

_BOXES = {b"ftyp", b"moov", b"mdat", b"moof", b"styp", b"free", b"skip", b"wide"}
_RIFF: dict[bytes, Reader] = {b"WEBP": pictures.webp, b"WAVE": sound.wav}
_SIGNATURES: tuple[tuple[bytes, Reader], ...] = (
    (b"\x89PNG\r\n\x1a\n", pictures.png),
    (b"\xff\xd8\xff", pictures.jpeg),
    (b"GIF8", pictures.gif),
    (b"\x1a\x45\xdf\xa3", matroska.read),
    (b"OggS", sound.ogg),
    (b"fLaC", sound.flac),
    (b"ID3", sound.mp3),
)


def read_facts(path: Path) -> Facts | None:
    """Read what the headers of a file say; None where that is nothing, or there is no such file.

    It is read as `facts_of` says.
    """
    try:
        file = open_file(path)
    except (OSError, ValueError, DirectoryError):
        return None
    try:
        return facts_of(file)
    finally:
        os.close(file)


def facts_of(file: int) -> Facts | None:
    """Read what the headers of an open file say; None where that is nothing.

    A file that breaks off, or whose form is wrong, has the facts that came before. It takes at most
    1,000 looks at 256 KiB in all, mostly a dozen at a few bytes each, which one read brings.
    """
    found = Findings()
    # What was found until the file breaks off is what is known.
    with contextlib.suppress(OSError, UnreadableError):
        window = Window(file)
        if (reader := reader_of(window.some(0, 16))) is not None:
            reader(window, found)
    return found.facts()


def reader_of(head: bytes) -> Reader | None:
    """Choose the reader of a file by its first bytes; None where there is none."""
    if head[4:8] in _BOXES:
        return boxes.read
    if head[:4] == b"RIFF":
        return _RIFF.get(head[8:12])
    for signature, reader in _SIGNATURES:
        if head.startswith(signature):
            return reader
    return sound.mp3 if head[:1] == b"\xff" and head[1:2] >= b"\xe0" else None
