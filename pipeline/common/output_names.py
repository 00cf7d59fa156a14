"""Names of outputs: whether they are inside the output directory, and how long they may be."""

import hashlib
import os
import re
from functools import lru_cache
from pathlib import Path, PurePosixPath

OWN = frozenset({
    "manifest.jsonl", "verdicts.jsonl", "report.html", "report-bundle.html", "control.sock",
    "superseded", "errors", "posters",
})  # fmt: skip
"""Reserved names at the top of an output directory. Other reserved names start with a dot, which
the name of an output never does."""

# What an earlier version has reserved too: its outputs may lie in `posters/`.
_ALWAYS = OWN - {"report-bundle.html", "posters"}

_LONGEST_EXTENSION = 16  # bytes, with its dot
# What most names are: letters, digits and marks of ASCII, in no folder, without a dot in front.
_USUAL = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9_.-]*")
_LONGEST = 255  # bytes of a name, if the file system does not report it


def fault(output: str) -> str | None:
    """Return why `output` is not a valid name inside the output directory, None if it is one."""
    usual = _USUAL.fullmatch(output) and output.lower() not in _ALWAYS
    return None if usual else _fault(output)


def _fault(output: str) -> str | None:
    if not output or not output.isprintable():
        return "contains invisible characters" if output else "is empty"
    if output.startswith("/"):
        return "is an absolute path"
    parts = output.split("/")
    if ".." in parts:
        return "leads out of the directory"
    if any(part.startswith(".") or not part for part in parts):
        return "has a part that is empty or starts with a dot"
    if parts[0].casefold() in _ALWAYS:
        return "is reserved for a file of pipeline"
    return None


@lru_cache(maxsize=64)
def longest_name(folder: str) -> int:
    """Return how many bytes a name in `folder` may have: usually 255, 143 on encrypted shares."""
    try:
        limit = os.pathconf(folder, "PC_NAME_MAX")
    except (OSError, ValueError):
        return _LONGEST
    return limit if limit > 0 else _LONGEST


def fitting(name: str, most: int) -> str:
    """Shorten a file name to `most` bytes: keep the extension, and replace the rest by a hash."""
    if len(name.encode()) <= most:
        return name
    stem, suffix = os.path.splitext(name)
    if len(suffix.encode()) > _LONGEST_EXTENSION:  # not an extension, but a full stop
        stem, suffix = name, ""
    end = f"-{hashlib.sha256(name.encode()).hexdigest()[:8]}{suffix}"
    return stem.encode()[: most - len(end.encode())].decode(errors="ignore") + end


def fitting_output(root: Path, output: str, *, most: int | None = None) -> str:
    """Shorten each part of an output's path to `most` bytes: what its file system allows."""
    most = longest_name(str(root)) if most is None else most
    if len(output.encode()) <= most:
        return output
    return str(PurePosixPath(*(fitting(part, most) for part in output.split("/"))))
