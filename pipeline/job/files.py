"""Files that a person names: opened without waiting, and the nearest one where there is none."""

import codecs
import os
import stat
from collections.abc import Container
from pathlib import Path
from typing import BinaryIO

from pipeline.job.problems import InvalidError, nearest

WIDE_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE, codecs.BOM_UTF32_BE)
"""What a file in UTF-16 or UTF-32 begins with."""

# A pipe would wait for a writer; of a file these mean nothing, and Windows has none of them.
_FLAGS = sum(getattr(os, name, 0) for name in ("O_NONBLOCK", "O_CLOEXEC", "O_NOCTTY", "O_BINARY"))


def open_regular(path: Path) -> BinaryIO:
    """Open a file for reading; a link to one is as good.

    Raises:
        InvalidError: it is a pipe, a device or a socket.
        IsADirectoryError: it is a directory.
        OSError: it cannot be opened.
    """
    if path.is_dir():  # Windows refuses to open one
        raise IsADirectoryError(None, "Is a directory", str(path))
    if path.exists() and not path.is_file():
        raise InvalidError("this is not a regular file")
    descriptor = os.open(path, os.O_RDONLY | _FLAGS)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):  # it has just become something else
        os.close(descriptor)
        raise InvalidError("this is not a regular file")
    return os.fdopen(descriptor, "rb")


def beside(file: Path, name: str) -> Path:
    """Make a path of the job file absolute: it is relative to the job file."""
    expanded = os.path.expanduser(name)  # noqa: PTH111 - Path's own raises where there is no home
    return Path(os.path.normpath(os.path.join(file.parent, expanded)))  # noqa: PTH118


def nearest_file(path: Path, suffixes: Container[str]) -> str | None:
    """Find the file beside `path` whose name is most like its own, among those of some suffixes."""
    try:
        names = [entry.name for entry in path.parent.iterdir() if entry.suffix in suffixes]
    except (OSError, ValueError):
        return None
    return nearest(path.name, names)


def reason_of(error: OSError | ValueError) -> str:
    """Say why a file cannot be read."""
    return getattr(error, "strerror", None) or str(error)
