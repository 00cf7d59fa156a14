"""`pipeline report --bundle`: where it is written, how large it may be, and what is in it."""

import os
import re
import sys
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from pipeline.cli.output import message
from pipeline.errors import UsageError
from pipeline.facts.asking import INSTALL, can_look
from pipeline.models import Job
from pipeline.store.layout import Layout

if TYPE_CHECKING:
    from pipeline.report import ReportData

_UNITS = {"kB": 1000, "KB": 1000, "MB": 1000**2, "GB": 1000**3}
_SIZE = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?(kB|KB|MB|GB)", re.ASCII)
BUDGET = "50MB"


class Size(click.ParamType[Any]):
    """A number of bytes, such as 50MB."""

    name = "SIZE"

    def convert(self, value: Any, param: Any, ctx: Any) -> int:
        """Read a size."""
        if isinstance(value, int):
            return value
        match = _SIZE.fullmatch(str(value).strip())
        if match is None or not (size := int(Decimal(match[1]) * _UNITS[match[2]])):
            self.fail(f"{value!r} is not a valid size, such as 50MB or 1.5GB", param, ctx)
        return size


def place_of(out: Path | None, job: Job) -> Path:
    """Check that a bundle can be made, and return where.

    Raises:
        UsageError: the extra is not installed, the clips are elsewhere, or `out` cannot be written.
    """
    if not can_look():
        raise UsageError(
            "--bundle needs the extra `media`, which is not installed",
            hint=f"to install it: {INSTALL}",
        )
    if job.bucket is not None:
        raise UsageError(
            f"--bundle: the clips are in {job.bucket}, and it is made of clips on this disk",
            hint="copy them here, or share the page: pipeline report --sign 24h",
        )
    default = Layout(job.output_dir).bundle
    if out is None:
        return default
    place = Path(os.path.realpath(out))
    if os.path.lexists(place) and not place.is_file():
        raise UsageError(f"--out: {out} is not a regular file", hint="choose another name")
    if place == Path(os.path.realpath(default)):
        return default
    from pipeline.export import placing, sources  # noqa: PLC0415 - few bundles have an --out

    needed = sources.needed(job, job.tasks())
    return placing.refuse_own_files(out, job, needed, ())


def write_bundle(place: Path, job: Job, data: "ReportData", budget: int | None) -> None:
    """Write a bundle, show on a terminal how far that is, and say what is in it.

    Raises:
        UsageError: the budget is too small.
        PipelineError: the page cannot be written.
    """
    from pipeline.report import bundle  # noqa: PLC0415 - few reports are bundles

    def show(films: int) -> None:
        sys.stderr.write(f"\rmaking small films: {films:,}")
        sys.stderr.flush()

    on_terminal = sys.stderr.isatty()
    progress = show if on_terminal else None
    layout, most = Layout(job.output_dir), budget or Size()(BUDGET)
    made = bundle.write_bundle(place, layout, data, most, progress)
    if on_terminal and made.films:
        sys.stderr.write("\r\x1b[K")
    counts = [
        f"{number:,} {what if number != 1 else what[:-1]}"
        for number, what in (
            (made.films, "films"),
            (made.strips, "strips"),
            (made.stills, "stills"),
        )
    ]
    without = f", {made.without:,} without a picture" if made.without else ""
    message(f"{', '.join(counts)}{without}, {bundle.said(made.size)}")
