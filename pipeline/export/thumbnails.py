"""Small pictures of clips in a workbook, where Pillow is installed and a still picture is there."""

import io
import warnings
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from pipeline.common.files import read_file
from pipeline.errors import DirectoryError
from pipeline.export.rows import Row
from pipeline.models import Job
from pipeline.store.layout import Layout
from pipeline.store.posters import PosterIndex

if TYPE_CHECKING:
    from openpyxl.worksheet.worksheet import Worksheet

_STILLS = (".jpg", ".jpeg", ".png", ".webp")
_EDGE = 96  # pixels
_LARGEST = 50 * 1000**2  # bytes
_MOST = 1_000  # a workbook with more is slow to open
_POINTS = 0.75  # a pixel


def of(job: Job, rows: Sequence[Row]) -> dict[str, bytes]:
    """Make the pictures by task, as PNG; none without Pillow, which the extra `media` brings."""
    try:
        from PIL import Image  # noqa: PLC0415 - an extra
    except ImportError:
        return {}
    made: dict[str, bytes] = {}
    posters = PosterIndex(Layout(job.output_dir))
    for row in rows:
        if len(made) >= _MOST:
            break
        for still in _stills(job.output_dir, row, posters):
            try:
                with warnings.catch_warnings():
                    warnings.simplefilter("error")  # a picture of too many pixels is only warned of
                    made[row.task.id] = _small(Image, read_file(still, _LARGEST))
            except (OSError, DirectoryError, ValueError, SyntaxError, Warning):
                continue  # it is not there, or no picture: the row does without
            except Image.DecompressionBombError:
                continue
            break
    return made


def _stills(folder: Path, row: Row, posters: PosterIndex) -> Iterator[Path]:
    """Yield where a still picture of a clip is: the clip itself, or its poster."""
    if PurePosixPath(row.path).suffix.casefold() in _STILLS:
        yield folder / row.path
    sha256 = None if row.record is None else row.record.sha256
    if (shown := posters.poster_of(row.path, sha256)) is not None and shown.poster is not None:
        yield folder / shown.poster


def _small(image: object, data: bytes) -> bytes:
    opened = image.open(io.BytesIO(data))  # type: ignore[attr-defined]
    with opened:
        opened.draft("RGB", (_EDGE, _EDGE))
        small = opened.convert("RGB")
    small.thumbnail((_EDGE, _EDGE))
    saved = io.BytesIO()
    small.save(saved, "PNG")
    return saved.getvalue()


def anchor(sheet: "Worksheet", row: int, column: int, picture: bytes) -> None:
    """Put a picture over a cell, and make room for it."""
    from openpyxl.drawing.image import Image  # noqa: PLC0415 - needs Pillow
    from openpyxl.utils import get_column_letter  # noqa: PLC0415 - likewise

    letter = get_column_letter(column)
    sheet.add_image(Image(io.BytesIO(picture)), f"{letter}{row}")
    height = sheet.row_dimensions[row].height
    sheet.row_dimensions[row].height = max(height or 0, (_EDGE + 4) * _POINTS)
    sheet.column_dimensions[letter].width = 14
