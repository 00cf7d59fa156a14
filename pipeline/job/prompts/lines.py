"""The lines of a file of rows, whatever program wrote it."""

import codecs
import re
from collections.abc import Callable, Iterator
from typing import BinaryIO, Protocol

from pipeline.job.files import WIDE_MARKS
from pipeline.job.problems import StoppedError

LONGEST_LINE = 4 * 1024**2
BLOCK = 1 << 16

_CP1252 = "read as Windows-1252, because it is not UTF-8"
# Three of these in a row are a word of another script, such as Cyrillic, and not of Western Europe.
_OTHER_SCRIPT = re.compile(rb"[\xc0-\xff]{3}")


class _Readable(Protocol):
    def read(self, size: int, /) -> bytes: ...


def lines(
    file: BinaryIO, block: int = BLOCK, said: Callable[[str], None] = lambda _: None
) -> Iterator[str]:
    """Yield the lines of a file, with their ends (LF, CRLF or CR).

    It is UTF-8, or UTF-16 or UTF-32 by its mark or its zeros. What is none of them and can be
    Windows-1252 is read so, which `said` is called with.

    Raises:
        StoppedError: where a line is in no encoding that is known, or too long to be a row.
    """
    decode = _Decoder(said)
    for number, raw in enumerate(_raw_lines(_recoded(file, block), block), 1):
        if number == 1:
            raw = raw.removeprefix(codecs.BOM_UTF8)  # noqa: PLW2901
        if len(raw) > LONGEST_LINE:
            raise StoppedError(number, "the line is longer than 4 MB")
        yield decode(number, raw)


class _Decoder:
    """Decodes lines, all in one encoding: that of the first one that is not ASCII."""

    def __init__(self, said: Callable[[str], None]) -> None:
        self._said = said
        self._encoding: str | None = None

    def __call__(self, number: int, raw: bytes) -> str:
        if raw.isascii():
            return raw.decode("ascii")
        try:
            text = raw.decode()
        except UnicodeDecodeError:
            return self._western(number, raw)
        if self._encoding == "cp1252":
            raise StoppedError(number, "the file mixes encodings", "save it as CSV UTF-8")
        self._encoding = "utf-8"
        return text

    def _western(self, number: int, raw: bytes) -> str:
        if self._encoding == "utf-8" or _OTHER_SCRIPT.search(raw):
            raise StoppedError(number, "the line is not UTF-8", "save it as CSV UTF-8")
        try:
            text = raw.decode("cp1252")
        except UnicodeDecodeError:
            raise StoppedError(number, "the line is not UTF-8", "save it as CSV UTF-8") from None
        self._encoding = "cp1252"
        self._said(_CP1252)
        return text


def _recoded(file: BinaryIO, block: int) -> _Readable:
    """Make UTF-8 of a file in UTF-16 or UTF-32; others are left as they are."""
    start = file.read(max(block, 4))
    file.seek(-len(start), 1)
    if start.startswith((codecs.BOM_UTF32_LE, codecs.BOM_UTF32_BE)):
        return _Recoded(file, "utf-32")
    if start.startswith(WIDE_MARKS):
        return _Recoded(file, "utf-16")
    sample = start[:4096]
    for encoding, zeros in (("utf-16-le", sample[1::2]), ("utf-16-be", sample[::2])):
        if len(zeros) > 1 and 2 * zeros.count(0) > len(zeros) > 2 * sample.count(0) - len(zeros):
            return _Recoded(file, encoding)
    return file


class _Recoded:
    """A file in a wide encoding, read as UTF-8."""

    def __init__(self, file: BinaryIO, encoding: str) -> None:
        self._file = file
        self._encoding = encoding
        self._decoder = codecs.getincrementaldecoder(encoding)()

    def read(self, size: int, /) -> bytes:
        """Read some bytes; none at the end.

        Raises:
            StoppedError: it is not in that encoding.
        """
        while True:
            raw = self._file.read(size)
            try:
                made = self._decoder.decode(raw, final=not raw).encode()
            except UnicodeError:
                message = f"the file is not {self._encoding.upper()}, as it begins"
                raise StoppedError(1, message, "save it as CSV UTF-8") from None
            if made or not raw:
                return made


def _raw_lines(file: _Readable, size: int) -> Iterator[bytes]:
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
