"""Problems of a description, each with its line and column, and the nearest right thing."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from pipeline.api.described.document import DescriptionKeys, ModelKeys, RuleKeys
from pipeline.api.described.expressions import MisplacedError
from pipeline.errors import Problem
from pipeline.job.keys.mappings import Fault, Flaw, Strict
from pipeline.job.nodes import Way, dotted, line_of
from pipeline.job.problems import InvalidError, Report, nearest

T = TypeVar("T")

# What vendors have, and a run never does.
_NEVER = {
    "cancel": "leave it out: nothing that was accepted is cancelled, the next run asks for it",
    "webhook": "leave it out: an output is asked for, see poll",
}
_COMMA = 'quote a text that has a comma: "$merge(params, inputs)"'


class Problems:
    """Collects what is wrong with one description."""

    def __init__(self, report: Report, lines: list[str]) -> None:
        self.report = report
        self._lines = lines

    @property
    def file(self) -> Path:
        """The description."""
        return self.report.file

    def add(
        self, way: Way, message: str, hint: str | None = None, *, at: str = "", offset: int = 0
    ) -> None:
        """Note a problem with a value; `at` is its text, and `offset` where in it."""
        line = line_of(self.report.tree, way)
        column = self._column(line, way, at, offset)
        self.report.note(Problem(self.file, line, dotted(way), message, hint, column))

    def fault(self, fault: Fault, above: Way = ()) -> None:
        """Note what a mapping of known keys says of itself."""
        way, hint = (*above, *fault.way), fault.hint
        if fault.flaw is Flaw.UNKNOWN:
            known = _known(way[:-1])
            name = str(way[-1])
            near = nearest(name, known)
            listing = _COMMA if _is_rest(name) else f"known: {', '.join(known)}"
            hint = _NEVER.get(name) or (f"did you mean {near}?" if near else listing)
        self.add(way, fault.message, hint)

    def take(self, way: Way, text: str, make: Callable[[str], T]) -> T | None:
        """Compile a text; None, with the problem noted, where that cannot be."""
        try:
            return make(text)
        except MisplacedError as error:
            self.add(way, error.message, error.hint, at=text, offset=error.offset)
        except InvalidError as error:
            self.add(way, error.message, error.hint, at=text)
        return None

    def _column(self, line: int, way: Way, text: str, offset: int) -> int:
        """Find the column of a value, else of its key, counted from 1."""
        written = self._lines[line - 1] if 0 < line <= len(self._lines) else ""
        start = len(written) - len(written.lstrip(" -"))
        name = next((step for step in reversed(way) if isinstance(step, str)), "")
        key = re.search(rf"(?<![\w-]){re.escape(name)}(?=[\"']?\s*:)", written)
        begin = key.start() if key else start
        if text:
            found = written.find(text, key.end() if key else 0)
            if found >= 0:
                return found + offset + 1
        return begin + 1


def _is_rest(name: str) -> bool:
    """Whether a key is what a comma has cut off from a text."""
    return any(char in name for char in " ()[]|")


def _known(above: Way) -> list[str]:
    """List the keys that are known at a place."""
    keys: type[Strict] = DescriptionKeys
    for step in above:
        if isinstance(step, int):
            continue
        if step == "rules":
            return list(RuleKeys.keys)
        if step == "models":
            return list(ModelKeys.keys)
        key = keys.keys.get(step)
        if key is None or key.kind.refers is None:
            break
        keys = key.kind.refers
    return list(keys.keys)
