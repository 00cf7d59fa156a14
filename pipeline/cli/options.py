"""Arguments and options that commands share, and how they read their values."""

import os
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import time
from pathlib import Path
from typing import Any

import click

from pipeline.common.bucket_address import is_url
from pipeline.job import in_directory, load
from pipeline.job.yaml.scalars import duration
from pipeline.models import Job
from pipeline.store import clips_of


class NamedPath(click.Path):
    """A path; the empty string, which would be the working directory, is refused."""

    def convert(self, value: Any, param: Any, ctx: Any) -> Any:
        """Read a path."""
        if value == "":
            self.fail("the path is empty; is a shell variable unset?", param, ctx)
        if is_url(str(value)):
            self.fail("a path is expected; a bucket is named in the job: output.dir", param, ctx)
        return super().convert(value, param, ctx)


job_argument = click.argument("job", type=click.Path(path_type=Path), metavar="JOB.yaml")
output_option = click.option(
    "--output",
    type=NamedPath(path_type=Path, file_okay=False),
    metavar="DIR",
    help="Output directory, relative to the working directory.",
)


class _NamedText(click.ParamType[Any]):
    """A string; an empty one, which would count as no flag at all, is refused."""

    name = "text"

    def convert(self, value: Any, param: Any, ctx: Any) -> str:
        if not str(value).strip():
            self.fail("the value is empty; is a shell variable unset?", param, ctx)
        return str(value).strip()


base_url_option = click.option(
    "--base-url",
    type=_NamedText(),
    metavar="URL",
    help="Where the API is; wins over SEGMIND_BASE_URL.",
)
retry_option = click.option(
    "--retry",
    "retries",
    multiple=True,
    type=click.Choice(["failed", "in-doubt", "missing"]),
    help="Take those tasks up again; repeatable.",
)

only_option = click.option(
    "--only",
    multiple=True,
    type=_NamedText(),
    metavar="WHICH",
    help="Only these tasks: an id, a pattern, @file, kept or rejected; repeatable.",
)
again_option = click.option(
    "--again",
    multiple=True,
    type=_NamedText(),
    metavar="WHICH",
    help="Render these again though they are done: named as with --only; repeatable.",
)
include_kept_option = click.option(
    "--include-kept", is_flag=True, help="Do not leave out clips that were kept."
)


def tasks_option(flag: str, help: str) -> Callable[[Any], Any]:  # noqa: A002 - as click has it
    """Make an option that takes tasks; several may follow it (see `Several`)."""
    return click.option(flag, multiple=True, type=_NamedText(), metavar="TASK…", help=help)


debug_option = click.option("--debug", is_flag=True, help="Show tracebacks, secrets removed.")


_WEEK = 7 * 86_400


class Clock(click.ParamType[Any]):
    """A time of the day, HH:MM."""

    name = "HH:MM"

    def convert(self, value: Any, param: Any, ctx: Any) -> time:
        """Read HH:MM."""
        try:
            hour, minute = str(value).split(":")
            return time(int(hour), int(minute))
        except ValueError:
            self.fail(f"{value!r} is not a valid time of day, such as 07:30", param, ctx)


class Duration(click.ParamType[Any]):
    """A time span such as 90s, 10m, 2h or a number of seconds."""

    name = "DURATION"

    def convert(self, value: Any, param: Any, ctx: Any) -> float:
        """Read a duration into seconds."""
        if isinstance(value, float):  # click converts the flag's own value too
            return value
        try:
            return duration(str(value))
        except ValueError:
            self.fail(f"{value!r} is not a valid duration, such as 90s, 10m or 2h", param, ctx)


class _Validity(Duration):
    """For how long a signed link is valid: no storage signs for more than a week."""

    def convert(self, value: Any, param: Any, ctx: Any) -> float:
        """Read a duration into seconds."""
        seconds = super().convert(value, param, ctx)
        if not 1 <= seconds <= _WEEK:
            self.fail("a link is valid for a second at least, and for 7 days at most", param, ctx)
        return seconds


sign_option = click.option(
    "--sign",
    type=_Validity(),
    metavar="DURATION",
    help="Of clips in a bucket: links by which anybody can read them for so long, at most 168h.",
)


def load_job(
    path: Path, output: Path | None = None, *, to_send: bool = True, **changes: Any
) -> Job:
    """Load a job and apply what the flags set.

    Raises:
        JobFileError: with every problem of the file.
    """
    job = load(path, to_send=to_send, clips=clips_of)
    if output is not None:
        job = in_directory(job, output)
    return replace(job, **{name: value for name, value in changes.items() if value is not None})


def distinct(jobs: Sequence[Job]) -> list[Job]:
    """Leave out a job that is named twice: its records would count twice."""
    return list({os.path.realpath(job.output_dir): job for job in jobs}.values())


def output_flag(output: Path | None) -> list[str]:
    """Return the --output flag for a command that a message shows."""
    return [] if output is None else ["--output", str(output)]
