"""A job that is shown: how it is read, and how commands about it are written."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from slugify import slugify

from pipeline.models import Job

# Addresses of the first page's own.
_TAKEN = frozenset({"data"})
_LONGEST = 60


@dataclass(frozen=True, slots=True)
class Source:
    """How a job is read and named.

    `load` reads it. `arguments` name it on the command line: its file, and its output directory
    where that was given. `spelled` writes a command for people.
    """

    path: Path
    load: Callable[[], Job]
    arguments: tuple[str, ...]
    spelled: Callable[..., str]

    def command(self, *flags: str) -> str:
        """Write the command that runs the job, with these flags."""
        return self.spelled("run", *self.arguments, *flags)

    @property
    def settle(self) -> str:
        """The command that settles its doubts."""
        return self.spelled("settle", *self.arguments)

    @property
    def import_picks(self) -> str:
        """The command that takes in what a page has saved."""
        return self.spelled("pick", *self.arguments, "--import", "FILE")

    @property
    def export_calendar(self) -> str:
        """The command that writes the calendar of the posts."""
        return self.spelled("export", *self.arguments, "--to", "ics", "--out", "posts.ics")


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
