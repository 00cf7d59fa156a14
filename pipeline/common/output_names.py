"""Names of outputs: which of them lie inside the output directory, and how long they may be."""

import hashlib
import os
from functools import lru_cache
from pathlib import Path, PurePosixPath

OWN = frozenset(
    {"manifest.jsonl", "report.html", "verdicts.jsonl", "control.sock", "superseded", "errors"}
)
"""What no output, and no folder of outputs, at the top of an output directory is called. Other
names of ours begin with a dot, which no output's does."""

_LONGEST_EXTENSION = 16  # bytes, with its dot
_LONGEST = 255  # bytes of a name, where the file system does not tell


def fault(output: str) -> str | None:
    """Say why an output of this name would be none inside its directory; None where it is one."""
    if not output or not output.isprintable():
        return "has characters that cannot be seen" if output else "is empty"
    if output.startswith("/"):
        return "is an absolute path"
    parts = output.split("/")
    if ".." in parts:
        return "leads out of the directory"
    if any(part.startswith(".") or not part for part in parts):
        return "has a part that is empty or begins with a dot"
    if parts[0].casefold() in OWN:
        return "is a name that pipeline itself uses"
    return None


@lru_cache(maxsize=64)
def longest_name(folder: str) -> int:
    """Say how many bytes a name in `folder` may have: 255 mostly, 143 on encrypted shares."""
    try:
        told = os.pathconf(folder, "PC_NAME_MAX")
    except (OSError, ValueError):
        return _LONGEST
    return told if told > 0 else _LONGEST


def fitting(name: str, most: int) -> str:
    """Cut a file's name to `most` bytes: its extension stays, a hash stands for what is cut."""
    if len(name.encode()) <= most:
        return name
    stem, suffix = os.path.splitext(name)
    if len(suffix.encode()) > _LONGEST_EXTENSION:  # no extension: a full stop in a sentence
        stem, suffix = name, ""
    end = f"-{hashlib.sha256(name.encode()).hexdigest()[:8]}{suffix}"
    return stem.encode()[: most - len(end.encode())].decode(errors="ignore") + end


def fitting_output(root: Path, output: str) -> str:
    """Cut each part of an output's path to what its file system can hold."""
    most = longest_name(str(root))
    if len(output.encode()) <= most:
        return output
    return str(PurePosixPath(*(fitting(part, most) for part in output.split("/"))))
