"""The lines of a file of rows, whatever program wrote it."""

import codecs
from collections.abc import Iterator
from typing import BinaryIO

from pipeline.job.files import WIDE_MARKS
from pipeline.job.problems import StoppedError

LONGEST_LINE = 4 * 1024**2
BLOCK = 1 << 16


def lines(file: BinaryIO, block: int = BLOCK) -> Iterator[str]:
    """Yield the lines of a file, with their ends (LF, CRLF or CR), as strict UTF-8.

    Raises:
        StoppedError: where a line is no UTF-8, or too long to be a row.
    """
    for number, raw in enumerate(_raw_lines(file, block), 1):
        if number == 1:
            if raw.startswith(WIDE_MARKS):
                raise StoppedError(1, "the file is UTF-16", "save it as CSV UTF-8")
            raw = raw.removeprefix(codecs.BOM_UTF8)  # noqa: PLW2901
        if len(raw) > LONGEST_LINE:
            raise StoppedError(number, "the line is longer than 4 MB")
        try:
            yield raw.decode()
        except UnicodeDecodeError:
            raise StoppedError(number, "the line is not UTF-8", "save it as CSV UTF-8") from None


def _raw_lines(file: BinaryIO, size: int) -> Iterator[bytes]:
    """Cut a file into lines, a block at a time: `readline` knows no CR."""
    rest = b""
    while block := file.read(size):
        pieces = (rest + block).splitlines(keepends=True)
        # The last may continue in the next block, and its CR may have an LF there.
        rest = b"" if pieces[-1].endswith(b"\n") else pieces.pop()
        yield from pieces
        if len(rest) > LONGEST_LINE:
            break
    if rest:
        yield rest
