"""How much of a hostile file is read: a bounded number of bytes, in a bounded number of reads.

Every reader of a format goes through a window, so none of them can loop or fill the memory,
whatever the lengths in the file say.
"""

import os

# Bytes that are read at once: most of what is asked for next lies in them.
_BLOCK = 4096


class UnreadableError(ValueError):
    """The file does not go on as its form says, or it goes on for too long."""


class Window:
    """What may be read of an open file of `size` bytes."""

    def __init__(self, file: int, *, most: int = 256 * 1024, reads: int = 1_000) -> None:
        self._file = file
        self._left, self._reads = most, reads
        self._block, self._start = b"", 0
        self.size = os.fstat(file).st_size

    def take(self, at: int, length: int) -> bytes:
        """Read exactly `length` bytes at `at`.

        Raises:
            UnreadableError: they are not all there, or too much was read already.
            OSError: the disk failed.
        """
        found = self.some(at, length)
        if len(found) < length:
            raise UnreadableError("the file ends too early")
        return found

    def some(self, at: int, length: int) -> bytes:
        """Read up to `length` bytes at `at`; fewer where the file ends.

        Raises:
            UnreadableError: too much was read already.
            OSError: the disk failed.
        """
        self._reads -= 1
        self._left -= length
        if self._reads < 0 or self._left < 0:
            raise UnreadableError("there is too much to read")
        if not 0 <= at < self.size:
            return b""
        end = min(at + length, self.size)
        if not self._start <= at <= end <= self._start + len(self._block):
            self._block, self._start = os.pread(self._file, max(length, _BLOCK), at), at
        begin = at - self._start
        return self._block[begin : begin + length]

    def number(self, at: int, length: int) -> int:
        """Read an unsigned number, its highest byte first."""
        return int.from_bytes(self.take(at, length))
