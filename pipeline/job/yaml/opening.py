"""Opening what a person names: a file, and nothing that would wait or never end."""

import os
import stat
from pathlib import Path
from typing import BinaryIO

from pipeline.job.problems import InvalidError

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
