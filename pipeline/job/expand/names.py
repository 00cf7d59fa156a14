"""Output names: readable, safe on every file system, inside the output directory."""

import hashlib
import re
import unicodedata
from collections.abc import Mapping
from typing import Any

from pipeline.common import output_names as places
from pipeline.job.problems import InvalidError, shown
from pipeline.job.template.slugs import cut, slug

LONGEST_SLUG = 50
LONGEST_STEM = 96
LONGEST_VALUE = 24
LONGEST_BYTES = 120
LONGEST_PATH = 400
HASH_DIGITS = 12
"""48 bits: a million prompts that begin alike get a million names."""

_LIKE_OWN = places.OWN | {"manifest", "report"}
"""What no output may be called, whatever its extension; a folder may be called `report`."""

# What needs no further look; the last character is neither a dot nor a space.
_SAFE = re.compile(r"[\w(][\w .,;+=@#%&()\[\]{}'!~^-]{0,80}[\w)-]")
_RESERVED = re.compile(
    r"(?:con|prn|aux|nul|clock\$|conin\$|conout\$|(?:com|lpt)[\d¹²³])(?:[. ]|$)",
    re.ASCII | re.IGNORECASE,
)
_DRIVE = re.compile(r"[A-Za-z]:")
_MEDIA = re.compile(
    r"\.(?:mp4|webm|mov|mkv|gif|jpe?g|png|webp|mp3|wav|part|jsonl?)$", re.IGNORECASE
)


def label_slug(label: str) -> str:
    """Make the readable part of a name: the id, or the first words of a prompt."""
    return slug(label[:400], LONGEST_SLUG) or "clip"


def default_name(label: str, words: str, take: int, task: str) -> str:
    """Name a task for people: its label, its matrix values, its take, and a hash."""
    stem = label + words
    if take > 1:
        stem += f"-take{take}"
    if len(stem) > LONGEST_STEM:
        stem = cut(stem, LONGEST_STEM)
    return f"{stem}-{hashlib.sha256(task.encode()).hexdigest()[:HASH_DIGITS]}"


def matrix_words(values: Mapping[str, Any]) -> str:
    """Say matrix values in a name, each after a dash."""
    return "".join(f"-{matrix_word(axis, value)}" for axis, value in values.items())


def matrix_word(axis: str, value: Any) -> str:
    """Say a matrix value in a name: `16-9`, `loop` or `no-loop`, `seed-7`."""
    if isinstance(value, bool):
        return slug(axis if value else f"no {axis}", LONGEST_VALUE)
    return slug(value if isinstance(value, str) else f"{axis} {value}", LONGEST_VALUE)


def safe_name(rendered: str) -> str:
    """Make a rendered name safe on every file system; `/` makes folders.

    Raises:
        InvalidError: when it is empty, leaves the output directory, or is one of our own files.
    """
    if _SAFE.fullmatch(rendered) and rendered.isascii() and not _RESERVED.match(rendered):
        parts = [rendered]
    else:
        parts = _safe_parts(unicodedata.normalize("NFC", rendered).strip())
    safe = "/".join(parts)
    folded = [part.casefold() for part in parts]
    if safe.casefold() in _LIKE_OWN or folded[0] in places.OWN:
        raise InvalidError(f"{shown(safe)} is a name that pipeline itself uses")
    if any(_MEDIA.search(part) for part in parts[:-1]):
        raise InvalidError(f"a folder is named like a file: {shown(safe)}")
    if len(safe.encode()) > LONGEST_PATH:
        raise InvalidError("the name is longer than 400 bytes")
    return safe


def _safe_parts(name: str) -> list[str]:
    _refuse_path(name)
    return [safe_part(part) for part in name.split("/")]


def _refuse_path(name: str) -> None:
    if not name:
        raise InvalidError("the name is empty")
    if name[0] in "/\\" or _DRIVE.match(name):
        raise InvalidError(f"{shown(name)} is an absolute path", "names are inside output.dir")
    for part in name.replace("\\", "/").split("/"):
        if not part.strip():
            raise InvalidError(f"{shown(name)} has an empty part")
        if part.strip() == "..":
            raise InvalidError(f"{shown(name)} leaves the output directory")
        if part.strip().startswith("."):
            raise InvalidError(f"{shown(name)} has a part that begins with a dot")


def safe_part(part: str) -> str:
    """Make one component of a name safe: Windows' rules, the length, the normal form.

    Raises:
        InvalidError: when nothing is left of it.
    """
    if not (_SAFE.fullmatch(part) and (part.isascii() or len(part.encode()) <= LONGEST_BYTES)):
        part = _sanitized(part)
    return f"_{part}" if _RESERVED.match(part) else part


def _sanitized(part: str) -> str:
    from pathvalidate import sanitize_filename  # noqa: PLC0415 - seldom needed

    seen = _visible(part).strip(" .")
    made = sanitize_filename(seen, replacement_text="-", platform="universal")
    made = shorten(str(made), LONGEST_BYTES).strip(" .")
    if not made:
        raise InvalidError(f"nothing is left of the name {shown(part)}")
    return made


def _visible(text: str) -> str:
    """Leave out what cannot be seen: it makes two names look the same."""
    return "".join(char for char in text if char.isprintable())


def shorten(text: str, most: int) -> str:
    """Cut a text to a number of bytes, between characters."""
    return text.encode()[:most].decode(errors="ignore")
