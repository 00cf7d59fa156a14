"""A plan of prompts → tasks, in the order of the file, as a stream."""

from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import islice, zip_longest
from pathlib import Path

from msgspec.structs import replace

from pipeline.job.expand.equals import Equals, Register
from pipeline.job.expand.inputs import InputError
from pipeline.job.expand.lint import Linter
from pipeline.job.expand.making import Plan, explained, make_tasks, words_of
from pipeline.job.items import Duplicates, Item
from pipeline.job.keys.params import with_booleans, wrong_params
from pipeline.job.problems import InvalidError, Report, TooManyProblemsError
from pipeline.job.prompts.clips import Scene
from pipeline.job.prompts.rows import read_rows
from pipeline.job.template.templates import UnknownNameError, is_template
from pipeline.models import Task

MOST_PREVIEWED = 50_000
"""Tasks of inline prompts that loading checks; the rest is checked where it is expanded."""

MOST_SEARCHED = 500_000
"""Tasks among which loading looks for more, once something is wrong: some seconds."""


Items = Callable[[Report], Iterator[tuple[int, Item]]]
"""Yields the prompts, each with its number in the job."""
Known = set[tuple[Path, str, str]]


class Expansion:
    """Expands a plan as often as it is asked to. `twins` counts what it left out the last time."""

    twins = 0

    def __init__(self, plan: Plan, linter: Linter) -> None:
        self._plan = plan
        self._linter = linter

    @property
    def has_prompts(self) -> bool:
        """Whether there is any source of prompts."""
        return bool(self._plan.inline or self._plan.sources)

    def tasks(self) -> Iterator[Task]:
        """Yield the tasks; send none before the last one has come.

        That two tasks have the same identity is only known at the end.

        Raises:
            JobFileError: at the end, with every problem of the rows.
        """
        return self._checked(self._items)

    def rows(self) -> Iterator[Task]:
        """Yield a task for each row, twins that are rendered once too: their `id` is the same.

        Raises:
            JobFileError: at the end, with every problem of the rows.
        """
        return self._checked(self._items, twins=True)

    def scenes(self) -> Iterator[Scene]:
        """Yield the tasks, each with what it was made of.

        Raises:
            JobFileError: at the end, with every problem of the rows.
        """
        report = Report(self._plan.file)
        repeats, known = self._twins(), Known()
        with suppress(TooManyProblemsError):
            for index, item in self._items(report):
                words = words_of(self._plan, item, index)
                tasks = self._tasks_of(item, index, report, known)
                for task, said in zip(tasks, words, strict=False):  # one that is wrong ends them
                    if not repeats(item, task):
                        yield Scene(item, task, said)
        report.raise_if_any()

    def preview(self, report: Report, most_searched: int = MOST_SEARCHED) -> None:
        """Report what is wrong with the inline prompts, and with the first row of each file.

        Where anything is wrong the rest of the rows is read as well, so that all is reported at
        once: `most_searched` tasks at most.
        """
        first = Report(self._plan.file)
        with suppress(TooManyProblemsError):
            for _ in islice(self._stream(self._first_items, first), MOST_PREVIEWED):
                pass
        if first.problems or report.problems:
            for _ in islice(self._stream(self._items, report), most_searched):
                pass
        for problem in first.problems:
            if problem not in report.problems:
                report.note(problem)

    def _checked(self, items: Items, *, twins: bool = False) -> Iterator[Task]:
        report = Report(self._plan.file)
        with suppress(TooManyProblemsError):
            yield from self._stream(items, report, twins=twins)
        report.raise_if_any()

    def _stream(self, items: Items, report: Report, *, twins: bool = False) -> Iterator[Task]:
        register = Register()
        known: Known = set()
        repeats, self.twins = self._twins(), 0
        for index, item in items(report):
            for task in self._tasks_of(item, index, report, known):
                if repeats(item, task):
                    self.twins += 1
                    if twins:
                        yield task
                    continue
                for problem in self._linter.check(item, task):
                    report.note(problem)
                register.add(task)
                yield task
        wrong = report.problems or self._plan.inputs.reported
        if not register and not wrong and not self._may_be_empty:
            self._note_nothing(report)
        self._name_equals(items, register, report)

    def _items(self, report: Report, of_each: int | None = None) -> Iterator[tuple[int, Item]]:
        """Yield the prompts, and `of_each` of the rows of a file.

        A row that is left out has a number as well: otherwise a word in its cell, or the verdict on
        a clip, would change what is sent for all rows below it.
        """
        yield from enumerate(self._plan.inline, 1)
        before = len(self._plan.inline)
        for source in self._plan.sources:
            finding = source.begin()
            rows = read_rows(source, report, variables=self._plan.variables, finding=finding)
            for item in islice(rows, of_each):
                yield before + finding.number, item
            before += finding.number

    def _first_items(self, report: Report) -> Iterator[tuple[int, Item]]:
        return self._items(report, 1)

    def _tasks_of(self, item: Item, index: int, report: Report, known: Known) -> Iterator[Task]:
        """Yield a prompt's tasks; a name that a whole sheet lacks is reported once."""
        try:
            self._check_params(item, report)
            yield from self._made(item, index)
        except InvalidError as error:
            for where, wrong in explained(self._plan, item, index, error):
                if isinstance(wrong, UnknownNameError):
                    mark = (item.origin.file, where, wrong.name)
                    if item.origin.same_columns and wrong.name != "id" and mark in known:
                        continue
                    known.add(mark)
                elif isinstance(wrong, InputError):  # one file may be that of many rows
                    mark = (item.origin.file, "inputs", wrong.mark)
                    if mark in known or wrong.mark in self._plan.inputs.reported:
                        continue
                    known.add(mark)
                problem = item.problem(where + wrong.message, wrong.hint)
                # The clips of another job's prompt are several rows of one line.
                if not (item.of_job and problem in report.problems):
                    report.note(problem)

    def _made(self, item: Item, index: int) -> Iterator[Task]:
        tasks = make_tasks(self._plan, item, index)
        return tasks if item.former is None else self._with_former(tasks, item.former, index)

    def _with_former(self, tasks: Iterator[Task], item: Item, index: int) -> Iterator[Task]:
        """Return each task with what version 0.1 made of the row, where that was another one."""
        try:
            former = list(make_tasks(self._plan, item, index))
        except InvalidError:  # it did not render the row either
            former = []
        for task, before in zip_longest(tasks, former):
            same = before is None or (before.id, before.fingerprint) == (task.id, task.fingerprint)
            yield task if same else replace(task, former=_as_it_was(task, before))

    def _twins(self) -> Callable[[Item, Task], bool]:
        """Make what says whether a task repeats an earlier one that the job renders once."""
        if self._plan.duplicates is not Duplicates.ONCE:
            return lambda _item, _task: False
        seen: set[str] = set()

        def repeats(item: Item, task: Task) -> bool:
            if item.id is not None:
                return False
            before = len(seen)
            seen.add(task.id)
            return len(seen) == before

        return repeats

    def _check_params(self, item: Item, report: Report) -> None:
        if not item.params or not item.origin.is_rows:
            return
        item.params = with_booleans(item.params)
        for wrong in wrong_params(
            self._plan.target, item.params, self._plan.file.parent, skip=is_template
        ):
            report.note(item.problem(wrong.message, wrong.hint, f"params.{wrong.key}"))

    @property
    def _may_be_empty(self) -> bool:
        """Whether a job without a task can be looked at: the other one may be at its start."""
        return any(s.clips is not None and not s.clips.to_send for s in self._plan.sources)

    def _note_nothing(self, report: Report) -> None:
        message = "there is nothing to render"
        for source in self._plan.sources:
            for found in source.found:
                if (hint := found.why_none) is not None:
                    report.note(source.wrong(f"{message}; {found.said[0]}", hint, "job"))
                    return
        report.at(1, message, self._nothing())

    def _nothing(self) -> str:
        left_out = any(found.rows for source in self._plan.sources for found in source.found)
        return "where: leaves out every row" if left_out else "the files of prompts have no rows"

    def _name_equals(self, items: Items, register: Register, report: Report) -> None:
        ids, names = register.suspects()
        if not ids and not names:
            return
        equals = Equals(ids, names, self._linter)
        repeats = self._twins()
        unsaid = Report(self._plan.file)
        for index, item in items(unsaid):
            tasks = self._tasks_of(item, index, unsaid, set())
            found = (equals.meet(item, task) for task in tasks if not repeats(item, task))
            # One problem a prompt: its other takes and combinations say the same.
            problem = next(filter(None, found), None)
            if problem is not None:
                report.note(problem)


def _as_it_was(task: Task, before: Task) -> Task:
    return replace(before, meta=task.meta, verdict=task.verdict, own_id=task.own_id)
