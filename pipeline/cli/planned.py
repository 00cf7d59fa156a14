"""What a run would do, task by task: for scripts whole, for people in words."""

import tempfile
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Self

import msgspec

from pipeline.cli.output import as_json
from pipeline.display.words import first_words, named
from pipeline.errors import UsageError
from pipeline.job.keys.params import PUBLISHED_PRICES
from pipeline.ledger.history import History
from pipeline.ledger.manifest import record_at
from pipeline.ledger.plan import Kind, Plan, Retry, make, removed
from pipeline.ledger.records import written
from pipeline.models import Job, Record, Task
from pipeline.money.prices import PriceBook, price_class
from pipeline.printable import printable
from pipeline.state import Files
from pipeline.store.layout import Layout

# A value that changed is shown in so many characters.
_LONGEST = 48
_IN_MEMORY = 4 * 1024**2


class Planned(msgspec.Struct, frozen=True, kw_only=True):
    """One task of a plan, as `check --json` shows it. `changed` has old and new, by name."""

    task: str
    prompt: str
    params: dict[str, Any]
    output: str
    price: Decimal | None
    line: str
    reason: Kind
    changed: dict[str, tuple[Any, Any]] = {}


class Describer:
    """Says of a task what a run would do with it; `doubtful` are records not yet written."""

    def __init__(
        self, manifest: Path, history: History, doubtful: list[Record], prices: PriceBook
    ) -> None:
        self._manifest = manifest
        self._history = history
        self._doubtful = {record.task: record for record in doubtful}
        self._prices = prices

    def __call__(self, task: Task, kind: Kind) -> Planned:
        """Describe a task."""
        return Planned(
            task=task.id,
            prompt=task.prompt,
            params=task.params,
            output=task.output,
            price=self._prices.estimate(price_class(task)),
            line=task.line,
            reason=kind,
            changed=self._changes(task) if kind is Kind.CHANGED else {},
        )

    def _changes(self, task: Task) -> dict[str, tuple[Any, Any]]:
        old = self._last(task)
        if old is None:
            return {}
        # As records have them: a very long value by its digest.
        before = {"model": old.model, **written(old.params)}
        now = {"model": task.model, **written(task.params)}
        return {
            name: (before.get(name), now.get(name))
            for name in {**before, **now}
            if before.get(name) != now.get(name) or (name in before) != (name in now)
        }

    def _last(self, task: Task) -> Record | None:
        if task.id in self._doubtful:
            return self._doubtful[task.id]
        place = self._history.place(task.id)
        record = None if place is None else record_at(self._manifest, place)
        return record if record is not None and record.task == task.id else None


def in_words(planned: Planned) -> list[str]:
    """Describe a task to people: its file, where it is written, its first words, what changed."""
    where = f" ({planned.line})" if planned.line else ""
    lines = [f"{planned.output}{where}: {first_words(planned.prompt)}{_params(planned)}"]
    for name, (old, new) in planned.changed.items():
        shown_old, shown_new = excerpts(_text(old), _text(new))
        lines.append(f"  {name}: {shown_old} → {shown_new}")
    return [printable(line) for line in lines]


def _params(planned: Planned) -> str:
    rest = {name: value for name, value in planned.params.items() if name != "prompt"}
    told = ", ".join(f"{name}: {first_words(_text(value), 24)}" for name, value in rest.items())
    return f"  [{first_words(told, 80)}]" if told else ""


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "nothing" if value is None else as_json(value)


def excerpts(old: str, new: str) -> tuple[str, str]:
    """Cut two texts to where they begin to differ."""
    same = next(
        (n for n, (a, b) in enumerate(zip(old, new, strict=False)) if a != b),
        min(len(old), len(new)),
    )
    fits = max(len(old), len(new)) <= _LONGEST
    start = 0 if fits else max(same - _LONGEST // 3, 0)
    return _excerpt(old, start), _excerpt(new, start)


def _excerpt(text: str, start: int) -> str:
    cut = text[start : start + _LONGEST]
    return ("…" if start else "") + cut + ("…" if len(text) > start + _LONGEST else "")


class Sheaf:
    """Lines for later, on disk where they are many."""

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(_IN_MEMORY)  # noqa: SIM115 - closed below

    def add(self, line: str) -> None:
        """Put a line at the end.

        Raises:
            UsageError: the system's temporary directory has no room.
        """
        try:
            self._file.write(line.encode(errors="backslashreplace") + b"\n")
        except OSError as error:
            raise UsageError(
                f"the plan does not fit into {tempfile.gettempdir()}: {error.strerror}"
            ) from error

    def __iter__(self) -> Iterator[str]:
        self._file.seek(0)
        for line in self._file:
            yield line.decode().removesuffix("\n")

    def close(self) -> None:
        """Let the lines go."""
        self._file.close()


@dataclass(slots=True)
class Leaf:
    """What is shown of the tasks of one kind: how many, and the lines that say so."""

    count: int = 0
    lines: Sheaf = field(default_factory=Sheaf)


class Leaves:
    """The tasks of a plan, a leaf for each kind. Use it as a context manager.

    `most` bounds the tasks of a kind that are described in words; None is all of them, and 0
    describes those to do as JSON instead.
    """

    def __init__(self, job: Job, files: Files, *, most: int | None) -> None:
        self.to_do = Sheaf()
        self._job = job
        self._files = files
        self._most = most
        self._manifest = Layout(job.output_dir).manifest
        prices = PriceBook(job.credits.cost, PUBLISHED_PRICES.get(job.model))
        self._describe = Describer(self._manifest, files.history, files.doubtful, prices)
        self._leaves: dict[str, Leaf] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for sheaf in (self.to_do, *(leaf.lines for leaf in self._leaves.values())):
            sheaf.close()

    def make(self, retry: Collection[Retry]) -> Plan:
        """Make the plan, and describe its tasks on the way.

        Raises:
            JobFileError: with every problem of the rows.
        """
        history, manifest = self._files.history, self._manifest
        plan = make(self._job, history, manifest, retry=retry, show=self._show)
        if plan.removed_count and self._most != 0:
            self._show_removed()
        return plan

    def of(self, kind: str) -> Leaf:
        """Give what is shown of a kind."""
        if kind not in self._leaves:
            self._leaves[kind] = Leaf()
        return self._leaves[kind]

    def _show(self, task: Task, kind: Kind, chosen: bool) -> None:
        if self._most == 0:
            if chosen:
                self.to_do.add(as_json(self._describe(task, kind)))
        elif self._has_room(leaf := self.of(kind)):
            leaf.count += 1
            for line in in_words(self._describe(task, kind)):
                leaf.lines.add(line)

    def _show_removed(self) -> None:
        leaf = self.of("removed")
        for record in removed(self._job, self._files.history, self._manifest):
            if not self._has_room(leaf):
                return
            leaf.count += 1
            leaf.lines.add(printable(named(record)))

    def _has_room(self, leaf: Leaf) -> bool:
        return self._most is None or leaf.count < self._most
