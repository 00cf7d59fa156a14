"""The matrix: every combination of the axes' values, without the excluded ones.

An axis varies a parameter, or, below `vars`, a word that only templates see.
"""

import itertools
from collections.abc import Iterator
from typing import Any

from pipeline.job.keys.params import with_booleans
from pipeline.job.nodes import Sequence, Way
from pipeline.job.problems import Report, did_you_mean, shown
from pipeline.models import canonical_json

EXCLUDE, VARS = "exclude", "vars"
MOST_COMBINATIONS = 10_000

Combination = dict[str, Any]

# What templates know by these names is something else.
_TAKEN = frozenset({"name", "index", "take", "id", "prompt"})


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


def words_of(matrix: dict[str, Any]) -> frozenset[str]:
    """Name the axes that are for templates alone; a list below `vars` is a parameter's."""
    words = matrix.get(VARS)
    return frozenset(words) if isinstance(words, dict) else frozenset()


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
        if name == VARS and isinstance(values, dict):
            yield from _words(values, matrix, report)
        elif not isinstance(values, Sequence) or not values:
            report.add(
                ("matrix", name), "an axis is a list of values", f"such as {name}: [16:9, 9:16]"
            )
        else:
            yield name, list(_distinct(("matrix", name), values, report))


def _words(
    words: dict[str, Any], matrix: dict[str, Any], report: Report
) -> Iterator[tuple[str, list[Any]]]:
    """Yield the axes that are for templates alone."""
    for name, values in words.items():
        way: Way = ("matrix", VARS, name)
        if not isinstance(values, Sequence) or not values:
            report.add(way, "an axis is a list of values", f"such as {name}: [cat, dog]")
        elif not name.isidentifier() or name in _TAKEN:
            taken = "means something else in templates" if name in _TAKEN else "fits no template"
            report.add(way, f"{shown(name)} {taken}", "use another name of letters, digits and _")
        elif name in matrix:
            report.add(way, f"{name} is an axis of the matrix already", "use another name")
        else:
            yield name, list(_distinct(way, values, report))


def _distinct(way: Way, values: Sequence, report: Report) -> Iterator[Any]:
    seen, name = set(), str(way[-1])
    is_word = len(way) > 2  # noqa: PLR2004 - matrix, vars, the name
    for index, value in enumerate(values):
        if isinstance(value, dict | list):
            report.add((*way, index), "a value of the matrix must be a single text or number")
            continue
        if not is_word:
            value = with_booleans({name: value})[name]  # noqa: PLW2901
        # As JSON: for Python, 1, 1.0 and true are the same.
        if (text := canonical_json(value)) in seen:
            report.add(
                (*way, index),
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
            left = [one for one in left if not _matches(one, partial)]
    if not left:
        report.add(("matrix", EXCLUDE), "every combination is excluded")
    return left


def _known(axes: dict[str, list[Any]], key: str, value: Any, way: Any, report: Report) -> bool:
    if key not in axes:
        report.add(way, "the matrix has no such axis", did_you_mean(key, axes))
        return False
    if not any(_same(key, value, other) for other in axes[key]):
        hint = did_you_mean(str(value), [str(other) for other in axes[key]])
        report.add(way, f"this matches nothing: {shown(value)} is not a value of {key}", hint)
        return False
    return True


def _matches(one: Combination, partial: dict[str, Any]) -> bool:
    return all(_same(key, value, one[key]) for key, value in partial.items())


def _same(key: str, value: Any, other: Any) -> bool:
    meant = value if isinstance(other, str) else with_booleans({key: value})[key]
    return canonical_json(meant) == canonical_json(other)
