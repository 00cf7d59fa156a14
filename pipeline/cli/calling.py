"""How the commands that are shown must be written to work as they stand."""

import shlex
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import click

Spelling = Callable[[list[str]], str]
"""Writes arguments of ours (`run`, a job, flags) as a command of whoever started us."""


def spelled(*arguments: str) -> str:
    """Write arguments of ours as the command that a person would type here."""
    context = click.get_current_context(silent=True)
    spelling: Spelling = (context and context.find_root().obj) or as_program
    return spelling(list(arguments))


def as_program(arguments: list[str]) -> str:
    """Write them for the program as it was called: by its name, by a path, by `python -m`."""
    return shlex.join([*_program(sys.argv[0], sys.orig_argv), *arguments])


def _program(called: str, words: list[str]) -> list[str]:
    if Path(called).name == "__main__.py" and "-m" in words:
        return words[: words.index("-m") + 2]
    on_path = shutil.which("pipeline")
    if Path(called).name != "pipeline" or (on_path and Path(on_path) == Path(called)):
        return ["pipeline"]
    return [called]
