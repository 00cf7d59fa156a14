"""The version of the formats: one number for all files of an output directory.

`docs/reference/formats.md` describes each file. Version 0.1 wrote no number, which counts as 1.
"""

from pathlib import Path

import msgspec

from pipeline.errors import DirectoryError

FORMAT = 4


class _Format(msgspec.Struct):
    format: int | None = None
    program: str | None = None  # the version that wrote it


_DECODER = msgspec.json.Decoder(_Format)


def refuse_newer(path: Path, text: bytes) -> None:
    """See that a JSON object is not of a newer version than this one; what is no object is not.

    Raises:
        DirectoryError: a newer version has written it.
    """
    try:
        found = _DECODER.decode(text)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return
    if found.format is not None and found.format > FORMAT:
        program = f"pipeline {found.program}" if found.program else "a newer version of pipeline"
        raise DirectoryError(
            f"{path} was written by {program}, in format {found.format}: this version reads"
            f" formats up to {FORMAT}",
            hint="use the version that wrote it, or give this run another directory with --output;"
            " nothing was changed",
        )
