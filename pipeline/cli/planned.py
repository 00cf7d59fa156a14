"""One task of a plan: as `check --json` shows it, and in words."""

from collections.abc import Iterator
from decimal import Decimal
from itertools import islice
from pathlib import Path
from typing import Any

import msgspec

from pipeline.cli.differing import Piece, by_words, excerpts, shortened
from pipeline.cli.output import as_json
from pipeline.display.words import first_words, money
from pipeline.ledger.history import History
from pipeline.ledger.manifest import record_at
from pipeline.ledger.plan import Kind
from pipeline.ledger.records import written
from pipeline.models import Record, Task, recorded
from pipeline.money.price_class import price_class
from pipeline.money.prices import PriceBook
from pipeline.printable import printable

# Characters up to which a changed text is shown as it was and as it is.
_SHORT = 24
# Changed parameters of a task that are shown, and characters of a name.
_MOST_NAMES, _LONGEST_NAME = 12, 48


class Planned(msgspec.Struct, frozen=True, kw_only=True):
    """A task and what a run would do with it. `changed` has old and new values, by name."""

    task: str
    prompt: str
    params: dict[str, Any]
    output: str
    price: Decimal | None
    line: str
    reason: Kind
    inputs: dict[str, Any] = {}
    changed: dict[str, tuple[Any, Any]] = {}


class Describer:
    """Describes tasks; `doubtful` are records that the next run will write to the manifest."""

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
            inputs=recorded(task.inputs) or {},
            changed=self._changes(task) if kind in COMPARED else {},
        )

    def _changes(self, task: Task) -> dict[str, tuple[Any, Any]]:
        old = self._last(task)
        if old is None:
            return {}
        # Compared as records hold them: a very long value by its digest.
        before = {"model": old.model, **written(old.params), **_contents(old.inputs)}
        now = {"model": task.model, **written(task.params), **_contents(recorded(task.inputs))}
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


def _contents(inputs: dict[str, Any] | None) -> dict[str, Any]:
    """Say of inputs what counts: what they contain, and not what they are called."""
    return {
        f"inputs.{name}": [_digest(one) for one in value]
        if isinstance(value, list)
        else _digest(value)
        for name, value in (inputs or {}).items()
    }


def _digest(one: Any) -> str:
    return f"sha256:{one.get('sha256')}" if isinstance(one, dict) else ""


def name_of(planned: Planned) -> str:
    """Name a task as a person knows it: by its id, or where it has none by its file."""
    return planned.output if planned.task.startswith("~") else planned.task


def in_words(planned: Planned, *, full: bool = False) -> Iterator[str]:
    """Describe a task to people: its file, its line in the job, its first words, what changed."""
    where = f" ({planned.line})" if planned.line else ""
    price = "" if planned.price is None else f"  {money(planned.price)}"
    first = f"{planned.output}{where}: {first_words(planned.prompt)}{params_of(planned)}{price}"
    yield printable(first)
    if planned.reason in COMPARED and not planned.changed:
        yield f"  {UNKNOWN}"
    for change in changes(planned, full=full):
        yield "  " + "".join(map(str, change))


COMPARED = frozenset({"changed", "kept"})
"""Kinds of tasks that are not as they were rendered."""

UNKNOWN = "what it was before is not in the manifest"


def changes(planned: Planned, *, full: bool = False) -> Iterator[list[Piece]]:
    """Yield what changed, a line at a time, printable: in short, or the whole old and new texts."""
    most = None if full else _MOST_NAMES
    for name, (old, new) in islice(planned.changed.items(), most):
        label = label_of(name)
        if full:
            yield [_same(f"{label}:")]
            yield from ([_same(f"  - {line}")] for line in _lines(old))
            yield from ([_same(f"  + {line}")] for line in _lines(new))
        elif isinstance(old, str) and isinstance(new, str) and max(len(old), len(new)) > _SHORT:
            yield [_same(f"{label}: "), *shortened(by_words(old, new))]
        else:
            short = (printable(text) for text in excerpts(_text(old), _text(new)))
            yield [_same(f"{label}: {' → '.join(short)}")]
    if most is not None and (more := len(planned.changed) - most) > 0:
        yield [_same(f"… and {more:,} more")]


def label_of(name: str) -> str:
    """Name a parameter; what a manifest has as one may be anything."""
    return printable(first_words(name, _LONGEST_NAME))


def differences(planned: Planned) -> Iterator[str]:
    """Yield each change without the words around it, printable, to find those that are alike."""
    for name, (old, new) in islice(planned.changed.items(), _MOST_NAMES):
        label = label_of(name)
        if isinstance(old, str) and isinstance(new, str):
            pieces = shortened(by_words(old, new))
            yield f"{label} {' '.join(str(p).strip() for p in pieces if p.differs)}"
        else:
            short = (printable(text) for text in excerpts(_text(old), _text(new)))
            yield f"{label} {' → '.join(short)}"


def _same(text: str) -> Piece:
    return Piece(text, text)


def _lines(value: Any) -> list[str]:
    return [printable(line) for line in _text(value).split("\n")]


def params_of(planned: Planned) -> str:
    """List the parameters of a task but its prompt, in short."""
    rest = {name: value for name, value in planned.params.items() if name != "prompt"}
    listed = ", ".join(f"{name}: {first_words(_text(value), 24)}" for name, value in rest.items())
    return f"  [{first_words(listed, 80)}]" if listed else ""


def _text(value: Any) -> str:
    return value if isinstance(value, str) else "nothing" if value is None else as_json(value)
