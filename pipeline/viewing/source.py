"""A job that is shown: how it is read, and how commands about it are written."""

from collections.abc import Callable
from dataclasses import dataclass

from slugify import slugify

from pipeline.models import Job
from pipeline.report.commands import Commands

# Addresses of the first page's own.
_TAKEN = frozenset({"data"})
_LONGEST = 60


@dataclass(frozen=True, slots=True)
class Source:
    """How a job is read and named.

    `load` reads it. `arguments` name it on the command line: its file, and its output directory
    where that was given. `commands` are those that its page shows.
    """

    load: Callable[[], Job]
    arguments: tuple[str, ...]
    commands: Commands


def addresses(names: list[str]) -> list[str]:
    """Return a word for the address of each job; no two are the same, whatever they are called."""
    found: list[str] = []
    for name in names:
        word = slugify(name, max_length=_LONGEST) or "job"
        number, chosen = 1, word
        while chosen in _TAKEN or chosen in found:
            number += 1
            chosen = f"{word}-{number}"
        found.append(chosen)
    return found
