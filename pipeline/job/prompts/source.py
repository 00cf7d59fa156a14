"""A file of prompts as a job names it, and what was found out about it while reading."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pipeline.errors import Problem
from pipeline.job.problems import shown, visible

_FEW = 5


@dataclass(slots=True)
class Finding:
    """What one reading of a file has found; counts are whole once its last row was read.

    `columns` has the heading of each standard name, `dates` how its dates were read. `hidden`
    and `merged` count rows and areas of a workbook, and `others` are its other sheets. `orders` are
    the two that a date may be in, where that is not known. `sharing` counts rows that are known by
    their prompts, because another one has the same date and channel.
    """

    file: str
    sheet: str | None = None
    others: tuple[str, ...] = ()
    header: int | None = None
    titles: list[str] = field(default_factory=list)
    columns: dict[str, str] = field(default_factory=dict)
    dates: dict[str, None] = field(default_factory=dict)
    orders: tuple[str, str] | None = None
    ids: str | None = None
    sharing: int = 0
    where: str | None = None
    rows: int = 0
    passed: int = 0
    hidden: list[int] = field(default_factory=list)
    merged: int = 0
    notes: dict[str, None] = field(default_factory=dict)

    def note(self, text: str) -> None:
        """Keep a remark, once."""
        if len(self.notes) < _FEW:
            self.notes[visible(text)] = None

    @property
    def place(self) -> str:
        """The file, and its sheet where it has several."""
        return visible(self.file + (f", sheet {self.sheet}" if self.sheet else ""))

    @property
    def said(self) -> list[str]:
        """What there is to say of it, in sentences; nothing of a file that is plain."""
        parts = list(self._parts())
        return [f"{self.place}: {'; '.join(parts)}"] if parts else []

    def _parts(self) -> "list[str]":
        parts = list[str]()
        if self.others:
            count = len(self.others)
            names = ", ".join(map(shown, self.others[:_FEW])) + (", …" if count > _FEW else "")
            parts.append(f"not read: {names}; sheet: names another one")
        if self.header is not None and (self.header > 1 or self.sheet):
            parts.append(f"header in row {self.header}")
        parts += self._meanings()
        if self.ids:
            parts.append(self.ids)
        if self.sharing:
            parts.append(
                f"rows that share theirs with another are known by their prompts ({self.sharing:,})"
            )
        if self.hidden:
            rows = ", ".join(map(str, self.hidden[:_FEW])) + (
                ", …" if len(self.hidden) > _FEW else ""
            )
            parts.append(f"hidden rows are read like the others ({len(self.hidden):,}: {rows})")
        if self.merged:
            parts.append(f"merged cells count for each of their rows ({self.merged:,})")
        parts += self.notes
        if self.where is not None:
            parts.append(f"{self.passed:,} of {self.rows:,} rows pass where")
        return parts

    def _meanings(self) -> "list[str]":
        said = list[str]()
        for name, title in self.columns.items():
            if name in {"id", "prompt"} and title.casefold() == name:
                continue
            how = f" ({', '.join(self.dates)})" if name == "publish" and self.dates else ""
            if title != name or how:
                said.append(f"{shown(title)} is {name}{how}")
        return [", ".join(said)] if said else []

    def facts(self) -> dict[str, Any]:
        """Return it as `check --json` shows it."""
        return {
            "file": self.file,
            "sheet": self.sheet,
            "header": self.header,
            "columns": dict(self.columns),
            "dates": list(self.dates),
            "where": self.where,
            "rows": self.rows,
            "passed": self.passed,
            "hidden_rows": len(self.hidden),
            "said": self.said,
        }


@dataclass(frozen=True, slots=True)
class Source:
    """A file of prompts: where it is, and how the job says it is read.

    `written` is its path as written; `plain` is one that is named by that alone. `own_ids` lets
    rows without an id have one of their columns. `id` makes an id of a row, and `where` says
    whether a row is taken; both raise `InvalidError`. `problem` makes a problem of what the job
    file says about it, at a key below its own.
    """

    path: Path
    written: str = ""
    plain: bool = True
    sheet: str | None = None
    header: int | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    dates: str | None = None
    id: Callable[[Mapping[str, Any]], str] | None = None
    where: Callable[[Mapping[str, Any]], Any] | None = None
    where_text: str | None = None
    own_ids: bool = True
    problem: Callable[..., Problem] | None = field(default=None, compare=False)
    found: list[Finding] = field(default_factory=list, compare=False)

    @property
    def suffix(self) -> str:
        """What its name ends with, in lower case."""
        return self.path.suffix.casefold()

    @property
    def keeps_0_1(self) -> bool:
        """Whether version 0.1 could read it: what it made of a row is still the same task."""
        return self.suffix not in WORKBOOKS

    def begin(self) -> Finding:
        """Begin a reading; what an earlier one has found is forgotten."""
        self.found[:] = [Finding(self.path.name, where=self.where_text)]
        return self.found[0]

    def wrong(self, message: str, hint: str | None, *steps: str) -> Problem:
        """Make a problem of what the job file says about it."""
        if self.problem is None:
            return Problem(self.path, None, ".".join(steps), message, hint)
        return self.problem(message, hint, *steps)


WORKBOOKS = (".xlsx", ".ods")
"""Files of sheets that version 0.1 could not read."""
