"""Collecting what is wrong, so that everything is said at once."""

from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from pipeline.errors import JobFileError, Problem
from pipeline.job.nodes import Way, dotted, line_of

MOST_PROBLEMS = 100
"""More would not be read; the rest is summed up in one line."""


class InvalidError(ValueError):
    """A value that cannot be taken, with what would be right."""

    def __init__(self, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class StoppedError(InvalidError):
    """The rest of a file, from `line` on, cannot be read."""

    def __init__(self, line: int, message: str, hint: str | None = None) -> None:
        super().__init__(message, hint)
        self.line = line


class TooManyProblemsError(Exception):
    """Raised to stop looking for more."""


class Report:
    """The problems of one job file, in the order they were found."""

    def __init__(self, file: Path) -> None:
        self.file = file
        self.tree: Any = None
        self.problems: list[Problem] = []

    def add(self, way: Way, message: str, hint: str | None = None) -> None:
        """Note a problem at a place in the document."""
        self.note(Problem(self.file, line_of(self.tree, way), dotted(way), message, hint))

    def at(self, line: int, message: str, hint: str | None = None, key: str = "") -> None:
        """Note a problem at a line."""
        self.note(Problem(self.file, line, key, message, hint))

    def note(self, problem: Problem) -> None:
        """Keep a problem.

        Raises:
            TooManyProblemsError: when there are more than anyone would read.
        """
        self.problems.append(_one_line(problem))
        if len(self.problems) >= MOST_PROBLEMS:
            raise TooManyProblemsError

    def raise_if_any(self) -> None:
        """Raise everything found so far, in the order of the file.

        Raises:
            JobFileError: when there is a problem.
        """
        if self.problems:
            raise self.error()

    def error(self) -> JobFileError:
        """Make one error of all problems: the job file's first, each file by line."""
        own = self.file
        found = sorted(self.problems, key=lambda p: (p.file != own, str(p.file), p.line or 0))
        if len(found) >= MOST_PROBLEMS:
            found.append(Problem(own, None, "", "too many problems; the rest is not listed"))
        return JobFileError(found)


def nearest(name: str, known: Iterable[str], *, alike: float = 0.6) -> str | None:
    """Find the known name that is most like `name`, from 0 to 1, or nothing."""
    from difflib import get_close_matches  # noqa: PLC0415 - seldom needed

    names = {candidate.casefold(): candidate for candidate in known}
    found = get_close_matches(name.casefold()[:100], names, n=1, cutoff=alike)
    return names[found[0]] if found else None


def did_you_mean(name: str, known: Iterable[str]) -> str | None:
    """Phrase the nearest known name as a hint; without one, list what is known if it is short."""
    known = list(known)
    near = nearest(name, known)
    if near is not None:
        return f"did you mean {near}?"
    listing = ", ".join(known)
    return f"known: {listing}" if listing and len(listing) <= 200 else None  # noqa: PLR2004


def shown(value: object) -> str:
    """Show a value in a message: on one line, in quotes, and short."""
    text = str(value)
    text = text if len(text) <= 60 else text[:57] + "…"  # noqa: PLR2004
    return f'"{visible(text)}"'


def visible(text: str) -> str:
    """Replace what a terminal would not show, or obey: keys and cells can hold anything."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)


def _one_line(problem: Problem) -> Problem:
    hint = None if problem.hint is None else visible(problem.hint)
    return replace(problem, key=visible(problem.key), message=visible(problem.message), hint=hint)
