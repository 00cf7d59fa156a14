"""How deep a value of JSON nests. Pure.

How deep the parsers and writers of JSON go differs, between Pythons too; what nests deeper than
people write is therefore refused where it is read.
"""

from typing import Any

DEEPEST = 50
"""Levels of a job file, or of a line of one of its files."""


def depth(value: Any) -> int:
    """Count how deep a value nests."""
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
    """Whether `value`, read from `source`, nests deeper than `most` levels."""
    if isinstance(source, str):
        openings = source.count("[") + source.count("{")
    else:
        openings = source.count(b"[") + source.count(b"{")
    return openings > most and depth(value) > most
