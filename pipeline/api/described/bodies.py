"""Whether a body that a list repeats is the one that was sent, whatever it shows for inputs. Pure.

A description's body may place an input anywhere. So the body is made again with a mark for each
input, and what the row has in its place is read out: `pipeline.settling.inputs` compares that.
"""

import math
from collections.abc import Mapping
from typing import Any

_MARK = "\0input "
Marks = Mapping[str, tuple[str, int | None]]
"""The name of each mark's input, and its place where that is a list."""


def marked(inputs: Mapping[str, Any] | None) -> tuple[dict[str, Any], Marks]:
    """Put a mark in the place of each input that a claim or a record names."""
    values, marks = dict[str, Any](), dict[str, tuple[str, int | None]]()

    def mark(name: str, place: int | None) -> str:
        text = f"{_MARK}{len(marks)}\0"
        marks[text] = name, place
        return text

    for name, one in (inputs or {}).items():
        many = isinstance(one, list)
        values[name] = [mark(name, n) for n in range(len(one))] if many else mark(name, None)
    return values, marks


def read_body(made: Any, row: Any, marks: Marks, *, once: str) -> dict[str, Any] | None:
    """Return what a row shows for each input; None where the rest of it is not what was made.

    A list need not repeat our id of the request, `once`.
    """
    reading = _Reading(marks, once)
    if not reading.same(made, row):
        return None
    shown = dict[str, Any]()
    for (name, place), value in sorted(reading.found.items(), key=lambda item: item[0][1] or 0):
        if place is None:
            shown[name] = value
        else:
            shown.setdefault(name, []).append(value)
    return shown


class _Reading:
    def __init__(self, marks: Marks, once: str) -> None:
        self._marks, self._once = marks, once
        self.found = dict[tuple[str, int | None], Any]()

    def same(self, made: Any, row: Any) -> bool:
        """Compare as JSON does, but for what stands in the place of a mark."""
        if isinstance(made, str):
            return self._same_text(made, row)
        if isinstance(made, dict):
            return isinstance(row, dict) and self._same_objects(made, row)
        if isinstance(made, list):
            alike = isinstance(row, list) and len(made) == len(row)
            return alike and all(
                self.same(one, other) for one, other in zip(made, row, strict=True)
            )
        if isinstance(made, bool) or isinstance(row, bool) or made is None:
            return made is row
        # 5 was sent as 5.0, or the reverse: a number has no other form in JSON.
        is_number = isinstance(row, int | float) and math.isfinite(row)
        return is_number and bool(made == row)

    def _same_objects(self, made: dict[str, Any], row: dict[str, Any]) -> bool:
        lacks = [name for name in made if name not in row]
        if set(row) - set(made) or any(made[name] != self._once for name in lacks):
            return False
        return all(self.same(value, row[name]) for name, value in made.items() if name in row)

    def _same_text(self, made: str, row: Any) -> bool:
        inside = [mark for mark in self._marks if mark in made]
        if not inside:
            return bool(made == row)
        if made == inside[0]:
            value = row  # an address of the vendor's own, an object, or what was sent
        else:
            before, _, after = made.partition(inside[0])
            whole = isinstance(row, str) and len(row) >= len(before) + len(after)
            if len(inside) > 1 or not whole:
                return False
            if not (row.startswith(before) and row.endswith(after)):
                return False
            value = row[len(before) : len(row) - len(after)]
        place = self._marks[inside[0]]
        return bool(self.found.setdefault(place, value) == value)
