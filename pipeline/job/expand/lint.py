"""What a job says and no request would, reported before anything is paid for.

A column `aspect_ratio` that no template uses, a seed that makes takes alike, a date that the
calendar cannot read. What is certain is a problem; what may be meant so is a warning.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import date
from functools import lru_cache
from typing import Any, NamedTuple

from pipeline.api.provider import Untaken
from pipeline.errors import Problem
from pipeline.job.expand.making import Plan
from pipeline.job.expand.pricing import Pricing
from pipeline.job.items import Item
from pipeline.job.keys.inputs import written
from pipeline.job.keys.params import AUTO, SEED
from pipeline.job.problems import shown, visible
from pipeline.job.template.templates import names_of
from pipeline.job.yaml.scalars import boolean
from pipeline.models import Task

USUAL = (
    *("aspect_ratio", "negative_prompt", "seed", "loop", "duration", "resolution", "fps"),
    *("cfg_scale", "guidance_scale", "steps", "num_inference_steps", "width", "height"),
    *("image", "image_url", "start_image", "start_image_url", "end_image", "end_image_url"),
    *("start_frame", "end_frame", "first_frame", "last_frame"),
)
"""What models of the kind usually take: judged where this one's parameters are not known."""

_OF_THE_JOB = ("model", "takes")
_SEEDS = frozenset({"seed", "randomseed", "noiseseed"})
_BETWEEN = re.compile(r"[\W_]+")
_DATE = re.compile(r"(\d{4}-\d\d-\d\d)(?![^T ])", re.ASCII)
_DATED = "publish"  # what the report's calendar goes by
_NOTE = "; for a note, use another name"
_FEW = 3


class Warnings:
    """Warnings in the order they were found, each once, however often the rows are read."""

    def __init__(self, first: Iterable[str] = ()) -> None:
        self._texts: dict[Any, str] = {text: text for text in first}

    def __call__(self) -> tuple[str, ...]:
        """Return their texts."""
        return tuple(self._texts.values())

    def add(self, about: Any, text: str) -> None:
        """Keep a warning, the first one about each matter."""
        self._texts.setdefault(about, visible(text))


class Column(NamedTuple):
    """A variable called like a parameter that no template of the job asks for.

    `title` is what its column is called, `name` what a template calls it. `sent` says whether the
    model is known, or likely, to take it.
    """

    title: str
    name: str
    parameter: str
    sent: bool

    @property
    def line(self) -> str | None:
        """The line of a job file that would send it; None where no template can name it."""
        if not self.name.isidentifier():
            return None
        return f'params: {{{self.parameter}: "{{{{ {self.name} }}}}"}}'


class Linter:
    """Checks each task of a plan against the prompt that it was made of."""

    def __init__(self, plan: Plan, warnings: Warnings, *, to_send: bool) -> None:
        self._plan = plan
        self._to_send = to_send
        self._warnings = warnings
        rules = plan.target.parameters
        self._taken = {folded(name): name for name in (USUAL if rules is None else rules)}
        self._known = {folded(name): name for name in (*USUAL, *_OF_THE_JOB)} | self._taken
        self._columns: dict[tuple[str, ...], list[Column]] = {}
        self._reported: set[object] = set()
        self._item: Item | None = None
        self._here: list[Column] = []
        self._last: tuple[Item, str] | None = None
        self._untaken = plan.target.provider.traits.untaken if to_send else None
        self._check_vars()

    def _check_vars(self) -> None:
        """Warn of the job's own variables; what the prompts of a sheet ask for is not known."""
        asked = names_of([_texts(item) for item in self._plan.inline])
        for column in self._unused(tuple(self._plan.vars)):
            if not self._plan.sources and column.sent and column.name not in asked:
                value, line = self._plan.vars[column.name], column.line
                self._warnings.add(
                    ("vars", column.name),
                    f"vars.{column.name} is not used anywhere: {shown(value)} would not be sent"
                    + (f"; write {line}" if line else ""),
                )

    def check(self, item: Item, task: Task) -> Iterable[Problem]:
        """Return what is certain to be wrong with a task; warn of what may be."""
        if item is not self._item:
            self._item = item
            self._here = self._columns_of(item)
            if _DATED in item.meta:
                self._check_date(item)
        if self._plan.takes_of(item) > 1:
            self._check_seed(item, task)
        pricing = self._plan.pricing
        untaken = self._untaken(task.model, task.params, task.inputs) if self._untaken else ()
        if pricing is None and not self._here and not untaken:
            return ()
        return (*self._left_out(item, untaken), *self._problems(item, task, pricing))

    def _left_out(self, item: Item, untaken: Iterable[Untaken]) -> Iterator[Problem]:
        """Say what a request would not have, once where it is written."""
        for one in untaken:
            key = f"{one.kind}.{one.name}"
            own = item.params if one.kind == "params" else item.inputs
            keys = (key, f"matrix.{one.name}") if one.name not in own else ()
            there = next((way for way in keys if way in self._plan.lines), None)
            here = None if item.origin.is_rows else item.number
            mark = ("untaken", there or (item.origin.file, here, key))
            if mark in self._reported:
                continue
            self._reported.add(mark)
            if there is not None:
                line = self._plan.lines[there]
                yield Problem(self._plan.file, line, there, one.message, one.hint)
            else:
                yield item.problem(one.message, one.hint, key if one.name in own else one.name)

    def _problems(self, item: Item, task: Task, pricing: Pricing | None) -> Iterator[Problem]:
        if pricing is not None and (wrong := pricing.wrong(task)) is not None:
            # One template, and a thousand rows that it does not fit: the first of them is named.
            mark = ("credits.cost", wrong.message)
            if mark not in self._reported:
                self._reported.add(mark)
                message = f"{wrong.message} (for {item.place})"
                yield Problem(self._plan.file, pricing.line, "credits.cost", message, wrong.hint)
        for column in self._here:
            value = item.vars[column.name]
            if not _is_blank(value) and not self._is_sent(column, value, item, task):
                yield from self._unsent(column, value, item)

    def line_for(self, item: Item, names: Iterable[str]) -> str | None:
        """Return the line that sends the first of some columns that is called like a parameter."""
        folds = {folded(name) for name in names}
        lines = (c.line for c in self._columns_of(item) if c.sent and folded(c.name) in folds)
        return next((f"send it: {line}" for line in lines if line), None)

    def _columns_of(self, item: Item) -> list[Column]:
        names = () if item.of_job else tuple(item.vars)
        columns = self._columns.get(names)
        if columns is None:
            columns = self._columns[names] = list(self._unused(names))
        return columns

    def _unused(self, names: tuple[str, ...]) -> Iterator[Column]:
        by_fold: dict[str, list[str]] = {}
        for name in names:
            by_fold.setdefault(folded(name), []).append(name)
        for fold, alike in by_fold.items():
            if fold in self._known and self._plan.uses.isdisjoint(alike):
                # An alias, such as `Aspect_Ratio`, comes last, and templates can name it.
                yield Column(alike[0], alike[-1], self._known[fold], fold in self._taken)

    def _is_sent(self, column: Column, value: Any, item: Item, task: Task) -> bool:
        own = {"model": self._plan.target.model, "takes": self._plan.takes}
        sent = own.get(column.parameter, task.params.get(column.parameter))
        if sent == value or str(sent).casefold() == str(value).strip().casefold():
            return True
        if isinstance(sent, bool) and boolean(str(value)) is sent:
            return True
        asked = names_of(_texts(item)) if item.templated else ()
        return column.name in asked

    def _unsent(self, column: Column, value: Any, item: Item) -> Iterator[Problem]:
        mark = (item.origin.file, column.name)
        if mark in self._reported:
            return
        self._reported.add(mark)
        what = f"{shown(column.title)} is not used anywhere: {shown(value)} would not be sent"
        if column.sent and column.parameter not in self._plan.cells[0].axes:
            if self._to_send:
                yield item.problem(what, f"{column.line or f'call it {column.parameter}'}{_NOTE}")
            return
        self._warnings.add(mark, f"{item.place}: {what}; {self._why(column)}")

    def _why(self, column: Column) -> str:
        if column.parameter in _OF_THE_JOB:
            return f"{column.parameter} is the job's, the same for all its rows"
        if column.sent:
            return "the matrix says what is"
        return f"{self._plan.target.model} has no such parameter, and it is kept as meta alone"

    def _check_seed(self, item: Item, task: Task) -> None:
        last, self._last = self._last, (item, task.fingerprint)
        if last is None or last[0] is not item or last[1] != task.fingerprint:
            return
        for key, value in task.params.items():
            if folded(key) in _SEEDS and _is_seed(value):
                first, takes = int(value), self._plan.takes_of(item)
                seeds = [str(first + n) for n in range(takes)]
                several = ", ".join(seeds[:_FEW]) + (", …" if seeds[_FEW:] else "")
                auto = f"{SEED}: {AUTO}, or " if key == SEED else ""
                self._warnings.add(
                    "seed",
                    f"{item.place}: all {takes} takes are the same request, seed "
                    f"{first} and all, and each is paid for; for as many clips that differ "
                    f"write {auto}matrix: {{{key}: [{several}]}} in place of takes and {key}",
                )

    def _check_date(self, item: Item) -> None:
        value = item.meta[_DATED]
        if not _is_date(str(value)) and not _is_blank(value):
            self._warnings.add(
                (item.origin.file, _DATED),
                f"{item.place}: {_DATED}: {shown(value)} is not a date that can be read, such as "
                f"2026-12-01, and the report's calendar leaves it out",
            )


def folded(name: str) -> str:
    """Bring a name into the form in which `Aspect Ratio` and `aspect_ratio` are one."""
    return _BETWEEN.sub("", name).casefold()


def _texts(item: Item) -> list[Any]:
    """List what may be a template of a prompt."""
    return [item.prompt, item.params, written(item.inputs)]


def _is_blank(value: Any) -> bool:
    return value is None or (isinstance(value, str) and not value.strip())


def _is_seed(value: Any) -> bool:
    """Say whether a seed is fixed: a negative one asks for chance."""
    if isinstance(value, str):
        return value.isascii() and value.isdigit() and len(value) <= 20  # noqa: PLR2004 - 64 bits
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


@lru_cache(maxsize=4096)
def _is_date(text: str) -> bool:
    match = _DATE.match(text)
    try:
        return match is not None and date.fromisoformat(match[1]) is not None
    except ValueError:
        return False
