"""The matrix: every combination of the axes' values, without the excluded ones."""

import itertools
from collections.abc import Iterator
from typing import Any

from pipeline.job.keys.params import with_booleans
from pipeline.job.nodes import Sequence
from pipeline.job.problems import Report, did_you_mean, shown
from pipeline.models import canonical_json

EXCLUDE = "exclude"
MOST_COMBINATIONS = 10_000

Combination = dict[str, Any]


def combinations(matrix: dict[str, Any], report: Report) -> list[Combination]:
    """List the combinations in the order of the axes; a job without a matrix has one, empty."""
    axes = {name: values for name, values in _axes(matrix, report) if values}
    count = 1
    for values in axes.values():
        count *= len(values)
    if count > MOST_COMBINATIONS:
        report.add(
            ("matrix",), f"{count} combinations are too many", f"at most {MOST_COMBINATIONS}"
        )
        return [{}]
    every = [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())]
    return _without_excluded(every, axes, matrix.get(EXCLUDE), report)


def axis_values(matrix: dict[str, Any]) -> Iterator[tuple[str, int, Any]]:
    """Yield axis, place and value of everything that the matrix would send."""
    for name, values in matrix.items():
        if name != EXCLUDE and isinstance(values, Sequence):
            for index, value in enumerate(values):
                if not isinstance(value, dict | list):
                    yield name, index, value


def _axes(matrix: dict[str, Any], report: Report) -> Iterator[tuple[str, list[Any]]]:
    for name, values in matrix.items():
        if name == EXCLUDE:
            continue
        if not isinstance(values, Sequence) or not values:
            report.add(
                ("matrix", name), "an axis is a list of values", f"such as {name}: [16:9, 9:16]"
            )
            continue
        yield name, list(_distinct(name, values, report))


def _distinct(name: str, values: Sequence, report: Report) -> Iterator[Any]:
    seen = set()
    for index, value in enumerate(values):
        if isinstance(value, dict | list):
            report.add(
                ("matrix", name, index), "a value of the matrix must be a single text or number"
            )
            continue
        value = with_booleans({name: value})[name]  # noqa: PLW2901
        # As JSON: for Python, 1, 1.0 and true are the same.
        if (text := canonical_json(value)) in seen:
            report.add(
                ("matrix", name, index),
                f"{shown(value)} is listed twice",
                "use takes for several renders of the same",
            )
            continue
        seen.add(text)
        yield value


def _without_excluded(
    every: list[Combination], axes: dict[str, list[Any]], exclude: Any, report: Report
) -> list[Combination]:
    if exclude is None:
        return every
    if not isinstance(exclude, Sequence):
        report.add(
            ("matrix", EXCLUDE), "a list of combinations is expected", "- aspect_ratio: 9:16"
        )
        return every
    left = every
    for index, partial in enumerate(exclude):
        way = ("matrix", EXCLUDE, index)
        if not isinstance(partial, dict) or not partial:
            report.add(way, "a combination is a mapping of axes to values")
        elif all(_known(axes, key, value, (*way, key), report) for key, value in partial.items()):
            partial = {k: with_booleans({k: v})[k] for k, v in partial.items()}  # noqa: PLW2901
            left = [one for one in left if not _matches(one, partial)]
    if not left:
        report.add(("matrix", EXCLUDE), "every combination is excluded")
    return left


def _known(axes: dict[str, list[Any]], key: str, value: Any, way: Any, report: Report) -> bool:
    if key not in axes:
        report.add(way, "the matrix has no such axis", did_you_mean(key, axes))
        return False
    value = with_booleans({key: value})[key]
    if not any(_same(value, other) for other in axes[key]):
        hint = did_you_mean(str(value), [str(other) for other in axes[key]])
        report.add(way, f"this matches nothing: {shown(value)} is not a value of {key}", hint)
        return False
    return True


def _matches(one: Combination, partial: dict[str, Any]) -> bool:
    return all(_same(one[key], value) for key, value in partial.items())


def _same(one: Any, other: Any) -> bool:
    return canonical_json(one) == canonical_json(other)
