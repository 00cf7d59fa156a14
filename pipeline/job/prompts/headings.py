"""What headings mean, and in which row they are."""

import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

STANDARD: Mapping[str, tuple[str, ...]] = {
    "publish": ("publish", "publish date", "scheduled date", "post date", "date"),
    "time": ("publish time", "scheduled time", "post time", "time"),
    "channel": ("channel", "platform", "network"),
    "caption": ("caption", "copy", "post text"),
    "id": ("id",),
    "prompt": ("prompt",),
    "verdict": ("verdict", "approved", "status of approval", "approval status"),
}
"""Standard names, each with the headings it is recognised by: the first that is there counts."""

_BETWEEN = re.compile(r"[\s_-]+")
_DATA = re.compile(r"[\d\W_]*")
MOST_ABOVE = 50
"""Rows among which a header is looked for."""


@lru_cache(maxsize=4096)
def folded(heading: str) -> str:
    """Bring a heading into the form in which `Publish Date` and `publish_date` are one."""
    return _BETWEEN.sub("", heading).casefold()


_MEANINGS = {
    folded(heading): (name, place)
    for name, headings in STANDARD.items()
    for place, heading in enumerate(headings)
}


def recognised(titles: Iterable[str]) -> dict[str, str]:
    """Return the heading of each standard name among some, in the order of the names."""
    best: dict[str, tuple[int, str]] = {}
    for title in titles:
        name, place = _MEANINGS.get(folded(title), ("", 0))
        if name and place < best.get(name, (len(STANDARD[name]), ""))[0]:
            best[name] = (place, title)
    return {name: best[name][1] for name in STANDARD if name in best}


def header_row(rows: Sequence[Sequence[Any]]) -> int | None:
    """Find the row of headings among the first rows of a sheet; None where none looks like one.

    Above it may be a title, a legend, blank rows. It is the first row with two headings that are
    recognised, or with one and as wide as the rows below; otherwise the first wide one of words
    alone that differ.
    """
    filled = [[cell for cell in row if cell != ""] for row in rows]
    most = max(map(len, filled), default=0)
    known = [sum(isinstance(c, str) and folded(c) in _MEANINGS for c in row) for row in filled]
    wide = [2 * len(row) >= most > 0 for row in filled]
    for place, count in enumerate(known):
        if count > 1 or (count and wide[place]):
            return place
    for place, row in enumerate(filled):
        if row and wide[place] and all(map(_is_heading, row)) and len(set(row)) == len(row):
            return place
    return None


def _is_heading(cell: Any) -> bool:
    return isinstance(cell, str) and len(cell) <= 100 and not _DATA.fullmatch(cell)  # noqa: PLR2004
