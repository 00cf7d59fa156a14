"""What a file contains: its SHA-256, read in little memory, and remembered while it stays as it is.

A file is taken for the same while device, inode, size and both of its times are. That is believed
only where the times were some seconds old when it was read: within the granularity of a file
system's clock, 2 s on FAT, a file can change and look the same. Nothing is kept for another run: a
memory that lies would leave out a render that was asked for.
"""

import hashlib
import os
import time
from collections import OrderedDict
from functools import cache
from pathlib import Path

import msgspec

from pipeline.common.files import open_file

BLOCK = 256 * 1024
HEAD = 4096

_GRANULARITY = 2_000_000_000  # nanoseconds
_MOST_KNOWN = 20_000

_Stamp = tuple[int, int, int, int, int]


class Contents(msgspec.Struct, frozen=True):
    """What a file contained: its SHA-256 in hexadecimal, its size in bytes, and how it begins."""

    sha256: str
    size: int
    head: bytes


class Hashes:
    """Reads files, and remembers of the last ones what they contained."""

    def __init__(self, most: int = _MOST_KNOWN) -> None:
        self._most = most
        self._known: OrderedDict[_Stamp, Contents] = OrderedDict()

    def read(self, path: Path, most: int) -> Contents | int:
        """Read a regular file of at most `most` bytes; of a larger one, return only its size.

        Raises:
            DirectoryError: it is a link, a folder, a pipe or a device.
            OSError: it cannot be read.
        """
        file = open_file(path)
        try:
            about = os.fstat(file)
            if about.st_size > most:
                return about.st_size
            stamp = _stamp(about)
            known = self._known.get(stamp)
            if known is not None:
                return known
            began = time.time_ns()
            contents = digest(file, most)
            settled = began - max(about.st_mtime_ns, about.st_ctime_ns) > _GRANULARITY
            if settled and contents is not None and _stamp(os.fstat(file)) == stamp:
                self._remember(stamp, contents)
            return contents or os.fstat(file).st_size  # it has grown meanwhile
        finally:
            os.close(file)

    def _remember(self, stamp: _Stamp, contents: Contents) -> None:
        self._known[stamp] = contents
        while len(self._known) > self._most:
            self._known.popitem(last=False)


@cache
def shared() -> Hashes:
    """Share what is known of files: a job is expanded several times in a run."""
    return Hashes()


def digest(file: int, most: int) -> Contents | None:
    """Read an open file from its begin; None where it has more than `most` bytes.

    Raises:
        OSError: it cannot be read.
    """
    sum_, size, head = hashlib.sha256(), 0, b""
    while block := os.pread(file, BLOCK, size):
        head = head or block[:HEAD]
        sum_.update(block)
        size += len(block)
        if size > most:
            return None
    return Contents(sum_.hexdigest(), size, head)


def _stamp(about: os.stat_result) -> _Stamp:
    return about.st_dev, about.st_ino, about.st_size, about.st_mtime_ns, about.st_ctime_ns
