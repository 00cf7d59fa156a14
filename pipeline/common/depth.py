"""The nesting depth of JSON values. Pure.

JSON parsers and encoders have different limits, which also depend on the version of Python. A
value that nests deeper than people write is therefore rejected when it is read.
"""

from typing import Any

DEEPEST = 50
"""The most levels in a job file, or in a line of one of its files."""


def depth(value: Any) -> int:
    """Return the number of levels of `value`."""
    found, level = 0, [value]
    while level:
        found += 1
        level = [
            inner
            for outer in level
            if isinstance(outer, dict | list)
            for inner in (outer.values() if isinstance(outer, dict) else outer)
        ]
    return found


def is_too_deep(source: str | bytes, value: Any, most: int = DEEPEST) -> bool:
    """Return whether `value`, read from `source`, has more than `most` levels."""
    if isinstance(source, str):
        openings = source.count("[") + source.count("{")
    else:
        openings = source.count(b"[") + source.count(b"{")
    return openings > most and depth(value) > most
