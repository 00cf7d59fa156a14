"""Write an export to a file: whole or not at all, and only where something changed."""

import os
from collections.abc import Iterable
from pathlib import Path

from pipeline.common.files import replace_file
from pipeline.common.output_names import OWN
from pipeline.errors import StorageError, UsageError
from pipeline.models import Job


def refuse_own_files(out: Path, job: Job, needed: Iterable[Path], outputs: Iterable[str]) -> Path:
    """Check that an export may be written to `out`; return where that is, links resolved.

    `needed` are the files that the job is made of, and `outputs` the clips, relative to the output
    directory.

    Raises:
        UsageError: it is a file that the job needs, no regular file, or its folder is not there.
    """
    place = Path(os.path.realpath(out))
    here = os.path.realpath(job.output_dir)
    if str(place) in set(map(os.path.realpath, needed)):
        raise UsageError(
            f"--out: {out} is a file that the job needs, and is never written over",
            hint="choose another file",
        )
    if place.is_relative_to(here):
        inside = place.relative_to(here).as_posix()
        first = inside.partition("/")[0]
        if first in OWN or first.startswith(".") or inside in set(outputs):
            raise UsageError(
                f"--out: {out} is a file of the output directory, and is never written over",
                hint="choose another file",
            )
    if os.path.lexists(place) and not place.is_file():
        raise UsageError(
            f"--out: {out} is not a regular file",
            hint="leave out --out to write to standard output",
        )
    if not place.parent.is_dir():
        raise UsageError(f"--out: there is no folder {place.parent}", hint="make it first")
    return place


def place(out: Path, data: bytes) -> bool:
    """Make `data` the contents of a file; return False, and leave it alone, if it is so already.

    Raises:
        StorageError: it cannot be written.
    """
    try:
        if _has(out, data):
            return False
        _replace(out, data)
    except OSError as error:
        raise StorageError(f"{out} cannot be written: {error.strerror or error}") from error
    return True


def _has(out: Path, data: bytes) -> bool:
    try:
        with out.open("rb") as file:
            if os.fstat(file.fileno()).st_size != len(data):
                return False
            return file.read(len(data) + 1) == data
    except FileNotFoundError:
        return False


def _replace(out: Path, data: bytes) -> None:
    """Write next to the file, then take its name: its readers see the old or the new one."""
    try:
        mode = out.stat().st_mode & 0o777
    except FileNotFoundError:
        mask = os.umask(0)
        os.umask(mask)
        mode = 0o666 & ~mask
    replace_file(out, data, mode)
