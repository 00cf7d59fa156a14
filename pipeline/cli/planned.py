"""One task of a plan: as `check --json` shows it, and in words."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from pipeline.cli.output import as_json
from pipeline.display.words import first_words
from pipeline.ledger.history import History
from pipeline.ledger.manifest import record_at
from pipeline.ledger.plan import Kind
from pipeline.ledger.records import written
from pipeline.models import Record, Task, recorded
from pipeline.money.price_class import price_class
from pipeline.money.prices import PriceBook
from pipeline.printable import printable

# How many characters of a changed value are shown.
_LONGEST = 48


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
            changed=self._changes(task) if kind is Kind.CHANGED else {},
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


def in_words(planned: Planned) -> list[str]:
    """Describe a task to people: its file, its line in the job, its first words, what changed."""
    where = f" ({planned.line})" if planned.line else ""
    lines = [f"{planned.output}{where}: {first_words(planned.prompt)}{_params(planned)}"]
    for name, (old, new) in planned.changed.items():
        shown_old, shown_new = excerpts(_text(old), _text(new))
        lines.append(f"  {name}: {shown_old} → {shown_new}")
    return [printable(line) for line in lines]


def _params(planned: Planned) -> str:
    rest = {name: value for name, value in planned.params.items() if name != "prompt"}
    listed = ", ".join(f"{name}: {first_words(_text(value), 24)}" for name, value in rest.items())
    return f"  [{first_words(listed, 80)}]" if listed else ""


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
