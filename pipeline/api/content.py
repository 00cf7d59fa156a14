"""The body of a request that holds files: written as it is sent, in little memory.

A wire makes a body as if each file were a short text, a mark; where a mark stands, the file comes.
What a file contains is checked before and again while it is sent: the last bytes of a body, without
which no server can read it, leave only when every file in it was what it should be.
"""

import base64
import hashlib
import os
import re
import secrets
from collections.abc import AsyncIterator, Generator, Iterator
from contextlib import closing
from pathlib import Path

import anyio
import anyio.to_thread

from pipeline.api.media import usual_extension
from pipeline.common.files import open_file
from pipeline.common.hashes import digest
from pipeline.errors import DirectoryError
from pipeline.models import Cause

BLOCK = 48 * 1024
"""Bytes of a file that are read at once: base64 makes 64 kB of them, without a remainder."""


class InputFailedError(Exception):
    """An input cannot be sent. `again` says that another attempt may go otherwise."""

    def __init__(self, detail: str, cause: Cause, *, again: bool = False) -> None:
        super().__init__(detail)
        self.detail = detail
        self.cause = cause
        self.again = again


def name_of(sha256: str, kind: str) -> str:
    """Name a file for a server: by what it contains, and nothing of what it is called here."""
    return sha256[:16] + usual_extension(kind)


class FileToSend:
    """A file as it has to be; `name` is what people call it."""

    def __init__(self, file: Path, size: int, sha256: str, name: str) -> None:
        self.file, self.size, self.sha256, self.name = file, size, sha256, name

    def verify(self) -> None:
        """See that the file is there, and as it has to be.

        Raises:
            InputFailedError: it is not.
        """
        try:
            opened = open_file(self.file)
            try:
                found = digest(opened, self.size)
            finally:
                os.close(opened)
        except (OSError, DirectoryError) as error:
            raise self.changed(_why(error)) from error
        if found is None or (found.size, found.sha256) != (self.size, self.sha256):
            raise self.changed("it has other contents")

    def blocks(self) -> Iterator[bytes]:
        """Read it block by block.

        Raises:
            InputFailedError: it is not as it has to be, said before the last block is given.
        """
        sum_, left, held = hashlib.sha256(), self.size, b""
        try:
            while left:
                block = self._read(self.size - left, min(BLOCK, left))
                if len(block) < min(BLOCK, left):
                    raise self.changed("it has become shorter")
                sum_.update(block)
                left -= len(block)
                if held:
                    yield held
                held = block
        except (OSError, DirectoryError) as error:
            raise self.changed(_why(error)) from error
        if sum_.hexdigest() != self.sha256:
            raise self.changed("it has other contents")
        yield held

    def _read(self, at: int, size: int) -> bytes:
        """Read a whole block. A slow request keeps no file open."""
        opened = open_file(self.file)
        try:
            block = os.pread(opened, size, at)
            while 0 < len(block) < size:
                more = os.pread(opened, size - len(block), at + len(block))
                if not more:
                    break
                block += more
            return block
        finally:
            os.close(opened)

    def changed(self, why: str) -> InputFailedError:
        """Say that it is not what it was."""
        return InputFailedError(
            f"{self.name} was changed since the run was planned: {why}", Cause.INPUT_CHANGED
        )


def _why(error: OSError | DirectoryError) -> str:
    return error.message if isinstance(error, DirectoryError) else error.strerror or str(error)


class Marks:
    """Texts that stand for files in a body; nothing that a job says can look like one."""

    def __init__(self) -> None:
        self._mark = secrets.token_hex(16)
        self._files: list[tuple[FileToSend, bool]] = []

    def of(self, file: FileToSend, *, raw: bool = False) -> str:
        """Make the text in whose place a file is sent: as base64, or as it is."""
        self._files.append((file, raw))
        return f"{self._mark}-{len(self._files) - 1}-"

    def content(self, body: bytes) -> "Content":
        """Take a body with marks for what is sent."""
        pieces = re.split(rb"%s-(\d+)-" % self._mark.encode("ascii"), body)
        made: list[bytes | tuple[FileToSend, bool]] = []
        for place, piece in enumerate(pieces):
            made.append(self._files[int(piece)] if place % 2 else piece)
        return Content(made)


class Content:
    """A body of texts and files."""

    def __init__(self, pieces: list[bytes | tuple[FileToSend, bool]]) -> None:
        self._pieces = pieces
        self.length = sum(_length(piece) for piece in pieces)

    def blocks(self) -> Generator[bytes, None, None]:
        """Write it block by block.

        Raises:
            InputFailedError: a file is not as it has to be.
        """
        for piece in self._pieces:
            if isinstance(piece, bytes):
                yield from (piece[at : at + BLOCK] for at in range(0, len(piece), BLOCK))
            else:
                file, raw = piece
                yield from file.blocks() if raw else map(base64.b64encode, file.blocks())

    async def stream(self) -> AsyncIterator[bytes]:
        """Write it as it is sent; the disk is read in a thread.

        Raises:
            InputFailedError: a file is not as it has to be.
        """
        with closing(self.blocks()) as blocks:
            while (block := await anyio.to_thread.run_sync(next, blocks, None)) is not None:
                yield block


def _length(piece: bytes | tuple[FileToSend, bool]) -> int:
    if isinstance(piece, bytes):
        return len(piece)
    file, raw = piece
    return file.size if raw else -(-file.size // 3) * 4
