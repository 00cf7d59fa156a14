"""A source of rows as a job names it, and what was found out about it while reading."""

from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from pipeline.errors import Problem
from pipeline.job.problems import shown, visible

if TYPE_CHECKING:
    from pipeline.job.prompts.clips import Clips

_FEW = 5


class Finding(msgspec.Struct):
    """What one reading of a file has found; counts are whole once its last row was read.

    `columns` has the heading of each standard name, `dates` how its dates were read. `hidden` and
    `merged` count rows and areas of a workbook, and `others` are its other sheets. `orders` are the
    two that a date may be in, where that is not known. `sharing` counts rows that are known by
    their prompts, because another one has the same date and channel. Of another job, `which` of its
    clips are rows, `folder` is where they are if that was said, `tasks` counts its tasks,
    `left_out` those that are not rows, by the reason, and `removed` the clips of tasks that are not
    in it any more.
    """

    file: str
    sheet: str | None = None
    others: tuple[str, ...] = ()
    header: int | None = None
    titles: list[str] = msgspec.field(default_factory=list)
    columns: dict[str, str] = msgspec.field(default_factory=dict)
    dates: dict[str, None] = msgspec.field(default_factory=dict)
    orders: tuple[str, str] | None = None
    ids: str | None = None
    sharing: int = 0
    where: str | None = None
    rows: int = 0
    passed: int = 0
    hidden: list[int] = msgspec.field(default_factory=list)
    merged: int = 0
    notes: dict[str, None] = msgspec.field(default_factory=dict)
    which: str | None = None
    folder: str | None = None
    tasks: int = 0
    left_out: Counter[str] = msgspec.field(default_factory=Counter)
    removed: int = 0
    simulated: bool = False
    _examples: dict[str, list[str]] = msgspec.field(default_factory=dict)

    def leave_out(self, reason: str, task: str) -> None:
        """Count a task of another job that is not a row."""
        self.left_out[str(reason)] += 1
        named = self._examples.setdefault(str(reason), [])
        if len(named) < _FEW:
            named.append(task)

    @property
    def number(self) -> int:
        """The number of the row at hand, those that are left out counted too."""
        return self.tasks or self.rows

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
        parts = list[str](self._clips())
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

    def _clips(self) -> Iterator[str]:
        """Say which clips of another job are rows, and what became of the others."""
        if self.which is None:
            return
        tasks = "1 task" if self.tasks == 1 else f"{self.tasks:,} tasks"
        are = "is a row" if self.rows == 1 else "are rows"
        yield f"{self.rows:,} of {tasks} {are} (which: {self.which})"
        for reason, number in self.left_out.items():
            named = self._examples[reason]
            names = ", ".join(map(visible, named)) + (", …" if number > len(named) else "")
            yield f"{_LEFT_OUT.get(reason, reason)}: {number:,} ({names})"
        if self.removed:
            yield f"clips of tasks that are no longer in it: {self.removed:,}, left out"

    @property
    def warnings(self) -> list[str]:
        """What a person should know of it before money is spent."""
        said = (
            f"prompts_from: the sandbox rendered {visible(self.file)}; at a real API, what is made"
            " of its clips is paid for"
        )
        return [said] if self.simulated else []

    @property
    def why_none(self) -> str | None:
        """Say what would make rows of another job, where none of its tasks is one."""
        if self.which is None or self.rows:
            return None
        if self.left_out["not_kept"]:
            return "say which clips are good with `pipeline pick`, or take all with which: all"
        into = f", into {visible(self.folder)}" if self.folder else ""
        return f"run {visible(self.file)} first{into}" if self.left_out else "it has no tasks"

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
            **self._facts_of_job(),
        }

    def _facts_of_job(self) -> dict[str, Any]:
        if self.which is None:
            return {}
        left_out = dict(self.left_out)
        more = {"tasks": self.tasks, "left_out": left_out, "removed": self.removed}
        return {"which": self.which, **more}


@dataclass(frozen=True, slots=True)
class Source:
    """A file of prompts, or the `clips` of another job: where it is, and how it is read.

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
    clips: "Clips | None" = field(default=None, compare=False)
    problem: Callable[..., Problem] | None = field(default=None, compare=False)
    found: list[Finding] = field(default_factory=list, compare=False)

    @property
    def suffix(self) -> str:
        """What its name ends with, in lower case."""
        return self.path.suffix.casefold()

    @property
    def keeps_0_1(self) -> bool:
        """Whether version 0.1 could read it: what it made of a row is still the same task."""
        return self.suffix not in WORKBOOKS and self.clips is None

    def begin(self) -> Finding:
        """Begin a reading; what an earlier one has found is forgotten."""
        found = Finding(self.path.name, where=self.where_text)
        if self.clips is not None:
            found.which, found.folder = str(self.clips.which), self.clips.said
        self.found[:] = [found]
        return self.found[0]

    def wrong(self, message: str, hint: str | None, *steps: str) -> Problem:
        """Make a problem of what the job file says about it."""
        if self.problem is None:
            return Problem(self.path, None, ".".join(steps), message, hint)
        return self.problem(message, hint, *steps)


_LEFT_OUT = {
    "not_rendered": "not rendered yet",
    "changed": "changed since they were rendered, so run it first",
    "failed": "failed",
    "in_doubt": "in doubt",
    "not_kept": "not kept",
    "missing": "left out because their files are missing",
    "altered": "left out because their files are not what was rendered",
    "outside": "left out because their files are links out of its directory",
}

WORKBOOKS = (".xlsx", ".ods")
"""Files of sheets that version 0.1 could not read."""
