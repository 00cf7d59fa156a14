"""What `--only` and `--again` name, files of names included."""

from collections.abc import Iterable
from pathlib import Path

from pipeline.common.files import read_file
from pipeline.errors import PipelineError, UsageError
from pipeline.ledger.selection import Selection

# Bytes of a file of names, and patterns in all: each is compared with each task.
_LONGEST = 16 * 1024**2
_MOST_GLOBS = 1000


def selection(only: Iterable[str], again: Iterable[str], *, include_kept: bool) -> Selection:
    """Make the selection that options ask for.

    Raises:
        UsageError: a file of names cannot be read, or names nothing.
    """
    return Selection(in_words(only), in_words(again), include_kept=include_kept)


def in_words(patterns: Iterable[str]) -> tuple[str, ...]:
    """Put the lines of files in the place of `@file`; blank ones and comments are left out.

    Raises:
        UsageError: a file of names cannot be read, or names nothing.
    """
    found: dict[str, None] = {}
    for pattern in patterns:
        found.update(dict.fromkeys(_lines(pattern) if pattern.startswith("@") else [pattern]))
    if sum("*" in one or "?" in one or "[" in one for one in found) > _MOST_GLOBS:
        raise UsageError(
            f"more than {_MOST_GLOBS:,} patterns are given",
            hint="name the tasks by their full names or ids: of those any number may be given",
        )
    return tuple(found)


def _lines(pattern: str) -> list[str]:
    path = Path(pattern[1:])
    try:
        text = read_file(path.resolve(), _LONGEST).decode("utf-8-sig")
    except OSError as error:
        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
    except (PipelineError, ValueError) as error:
        why = "it is not UTF-8" if isinstance(error, UnicodeDecodeError) else str(error)
        raise UsageError(f"{path} is not a valid list of tasks: {why}") from error
    lines = [line.strip() for line in text.splitlines()]
    named = [line for line in lines if line and not line.startswith("#")]
    if not named:
        raise UsageError(f"{path} names no task", hint="write one task a line")
    return named
