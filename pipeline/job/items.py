"""One prompt on its way from where it was written to its tasks."""

import os
from enum import StrEnum
from pathlib import Path
from typing import Any, Literal, NamedTuple

import msgspec

from pipeline.errors import Problem
from pipeline.models import Form


class Duplicates(StrEnum):
    """What two prompts are that would send the same request."""

    ERROR = "error"
    ONCE = "once"


class Which(StrEnum):
    """Which clips of another job are rows."""

    KEPT = "kept"
    ALL = "all"


class Source(NamedTuple):
    """One input as it is written: a template of a path or an address, and how it is sent."""

    file: str
    form: Form | None = None


Given = Source | tuple[Source, ...]
"""What stands under one name."""


class Origin(msgspec.Struct, frozen=True):
    """Where prompts come from: the job file itself, or a file of rows."""

    file: Path
    is_rows: bool
    same_columns: bool = False
    _seen: list[tuple[Path, str]] = []

    def key(self, number: int) -> str:
        """Say which one, as a problem's key."""
        return f"row {number}" if self.is_rows else f"prompts[{number}]"

    def file_from(self, folder: Path) -> str:
        """Write the file's path as seen from a folder.

        The last answer is kept: each of a million rows asks, and hashing paths takes long.
        """
        if not self._seen or self._seen[0][0] is not folder:
            self._seen[:] = [(folder, os.path.relpath(self.file, folder))]
        return self._seen[0][1]


class Item(msgspec.Struct, gc=False):
    """One prompt. `number` is its row, counted as a sheet does, or its place in `prompts`.

    `vars` are for templates only; `meta` is kept. A prompt that is not `templated` is sent as it
    was written, whatever it contains. `former` is what version 0.1 made of a row that is read
    otherwise now. `verdict` is what its sheet says of its clips: `kept`, `rejected`, or nothing.
    Without `takes` of its own, it has the job's. `of_job` says that it is a clip of another job,
    whose variables were not written for this one.
    """

    origin: Origin
    number: int
    line: int
    id: str | None
    prompt: str | None
    params: dict[str, Any]
    vars: dict[str, Any]
    meta: dict[str, Any]
    priority: int
    templated: bool
    former: "Item | None" = None
    inputs: dict[str, Given] = {}
    verdict: Literal["kept", "rejected"] | None = None
    takes: int | None = None
    of_job: bool = False

    def problem(self, message: str, hint: str | None = None, below: str = "") -> Problem:
        """Make a problem of this prompt; `below` is a key inside it."""
        key = self.origin.key(self.number) + (f".{below}" if below else "")
        return Problem(self.origin.file, self.line, key, message, hint)

    @property
    def place(self) -> str:
        """Say where this prompt is, in a word or two."""
        row = f" (row {self.number})" if self.origin.is_rows else ""
        return f"{self.origin.file.name}:{self.line}{row}"
