"""The archive of a workbook: its parts, read a block at a time, with bounds on all of them."""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn
from zipfile import BadZipFile, ZipFile, ZipInfo
from zlib import error as ZlibError  # noqa: N812 - it is a class

from pipeline.job.problems import InvalidError, shown

if TYPE_CHECKING:
    from xml.parsers.expat import XMLParserType

MOST_SHEET = 1024**3  # bytes of a sheet, unpacked
MOST_TEXTS = 256 * 1024**2  # of the texts that the cells of a workbook share
MOST_OTHER = 32 * 1024**2
_MOST_PARTS = 20_000
_BLOCK = 1 << 18
# Bytes without the beginning of an element: the longest text that a cell may have takes fewer.
_LONGEST_TEXT = 1 << 20
_AGAIN = "open the workbook and save it again"

Attributes = dict[str, str]
Look = Mapping[str, Callable[[Attributes], bool | None]]
"""What looks at the elements of a part, by their names without prefixes.

If one returns True, `#text` is called where there is text in its element.
"""


class Archive:
    """A workbook's parts, by their names in lower case: calamine takes them in any case."""

    def __init__(self, archive: ZipFile) -> None:
        entries = archive.infolist()
        self.parts = {entry.filename.casefold(): entry for entry in entries}
        if len(self.parts) != len(entries) or len(entries) > _MOST_PARTS:
            raise InvalidError("the workbook's parts are not distinct, or too many", _AGAIN)
        self._archive = archive

    def show(self, name: str, look: Look, most: int = MOST_OTHER, *, bare: bool = False) -> None:
        """Show the elements of a part to `look`; `bare`, attributes have no prefixes either.

        It is read to its end, so that its checksum, and the size that it claims, are right.

        Raises:
            InvalidError: it is too large, or not plain XML.
        """
        from xml.parsers.expat import ExpatError  # noqa: PLC0415 - for workbooks only

        part = self.parts.get(name)
        if part is None:
            return
        if part.file_size > most:
            raise InvalidError(
                f"{shown(part.filename)} of the workbook has {part.file_size >> 20:,} MB",
                "save the sheet as CSV",
            )
        parser, seen = _parser(look, name, bare=bare)
        before, quiet = 0, 0
        try:
            for block in self._blocks(part):
                parser.Parse(block, False)
                quiet = quiet + len(block) if seen[0] == before else 0
                before = seen[0]
                if quiet > _LONGEST_TEXT:
                    raise InvalidError(
                        f"{shown(part.filename)} of the workbook has a text of more than 1 MB",
                        "a prompt has a few hundred characters: look for a cell that has far more",
                    )
            parser.Parse(b"", True)
        except ExpatError as error:
            raise InvalidError(f"{shown(part.filename)} is not XML: {error}", _AGAIN) from None

    def _blocks(self, part: ZipInfo) -> Iterator[bytes]:
        with self._archive.open(part) as file:
            while block := file.read(_BLOCK):
                yield block


def _parser(look: Look, name: str, *, bare: bool) -> "tuple[XMLParserType, list[int]]":
    """Make what shows elements to `look`, and the count of those that have begun."""
    from xml.parsers.expat import ParserCreate  # noqa: PLC0415 - for workbooks only

    parser, seen = ParserCreate(), [0]

    def start(element: str, about: Attributes) -> None:
        seen[0] += 1
        if parser.CharacterDataHandler is not None:
            parser.CharacterDataHandler = None
        handle = look.get(element) or look.get(element.rpartition(":")[2])
        if handle is None:
            return
        if bare:
            about = {key.rpartition(":")[2]: value for key, value in about.items()}
        if handle(about):
            parser.CharacterDataHandler = text

    def text(_data: str) -> None:
        parser.CharacterDataHandler = None
        look["#text"]({})

    def refuse(*_about: object) -> NoReturn:
        message = f"{shown(name)} declares entities, as no program that saves sheets does"
        raise InvalidError(message, _AGAIN)

    parser.StartElementHandler = start
    parser.StartDoctypeDeclHandler = refuse
    return parser, seen


@contextmanager
def opened(path: Path) -> Iterator[Archive]:
    """Open the archive of a workbook.

    Raises:
        InvalidError: it is damaged, or protected; also where it is read.
    """
    try:
        with ZipFile(path) as archive:
            yield Archive(archive)
    except InvalidError:
        raise
    except RuntimeError:  # zipfile's word for a part that needs a password
        raise InvalidError("the workbook is protected by a password", "save it without") from None
    except (BadZipFile, ZlibError, NotImplementedError, EOFError, ValueError) as error:
        raise InvalidError(f"the workbook is damaged: {error}", _AGAIN) from None
