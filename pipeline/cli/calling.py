"""How to write the commands that messages show, so that they work when copied."""

import shlex
import shutil
import sys
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from click.core import ParameterSource

from pipeline.cli.output import redact

if TYPE_CHECKING:  # it imports HTTP, which `--help` does not need
    from pipeline.api.provider import Provider
    from pipeline.report.commands import Commands

Spelling = Callable[[list[str]], str]
"""Writes our arguments (`run`, a job, flags) as a command of the program that started us."""


@dataclass(frozen=True, slots=True)
class Host:
    """What a program that wraps this one can replace.

    `spelling` writes the commands that messages show. `provider` renders.
    """

    spelling: Spelling | None = None
    provider: "Provider | None" = None


def host() -> Host:
    """Return what the present command was given to use."""
    context = click.get_current_context(silent=True)
    return (context and context.find_root().obj) or Host()


def spelled(*arguments: str) -> str:
    """Write our arguments as the command to type here, without secrets."""
    return redact((host().spelling or as_program)(list(arguments)))


def called(*, without: Collection[str] = (), only: Collection[str] | None = None) -> list[str]:
    """Return the current command, its job and its flags as given, without some or `only` some."""
    context = click.get_current_context()
    words = [str(context.info_name), str(context.params["job"])]
    for option in context.command.params:
        given = context.get_parameter_source(str(option.name)) is ParameterSource.COMMANDLINE
        wanted = option.name not in without and (only is None or option.name in only)
        if isinstance(option, click.Option) and given and wanted:
            words += _written(option, context.params[str(option.name)])
    return words


def _written(option: click.Option, value: Any) -> list[str]:
    """Write an option and its values as arguments."""
    flag = max(option.opts, key=len)
    if option.is_flag:
        return [flag]
    if option.multiple:
        return [word for each in value for word in (flag, str(each))]
    text = value.strftime("%H:%M") if isinstance(value, time) else str(value)
    if not isinstance(option.flag_value, float):
        return [flag, text]
    # An option whose value may be left out; without one it means this value.
    return [flag] if value == option.flag_value else [f"{flag}={text}"]


def page_commands(
    job: str,
    flags: Collection[str] = (),
    *,
    run: Collection[str] = (),
    settle: Collection[str] = (),
) -> "Commands":
    """Write the commands that a job's page shows.

    `flags` say where its outputs are, as in a command line. `run` and `settle` are the arguments of
    these two where they are others than the job and the flags.
    """
    from pipeline.report.commands import Commands  # noqa: PLC0415 - `--help` shows no page

    return Commands.of(
        partial(spelled, *(run or ("run", job, *flags))),
        settle=spelled(*(settle or ("settle", job, *flags))),
        picks=spelled("pick", job, *flags, "--import", "FILE"),
        calendar=spelled("export", job, *flags, "--to", "ics", "--out", "posts.ics"),
    )


def as_program(arguments: list[str]) -> str:
    """Write arguments for the program as it was called: by name, by path, or by `python -m`."""
    return shlex.join([*_program(sys.argv[0], sys.orig_argv), *arguments])


def _program(called: str, words: list[str]) -> list[str]:
    if Path(called).name == "__main__.py" and "-m" in words:
        return words[: words.index("-m") + 2]
    on_path = shutil.which("pipeline")
    if Path(called).name != "pipeline" or (on_path and Path(on_path) == Path(called)):
        return ["pipeline"]
    return [called]
