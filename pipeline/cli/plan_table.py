"""The plan of `pipeline check` on a terminal: a table that fits, measured in the cells it takes.

Every text goes through `printable` before, so that a cell is as wide as it is measured.
"""

from collections.abc import Iterator
from itertools import islice
from typing import Any

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from pipeline.cli.differing import Piece
from pipeline.cli.listing import Listing
from pipeline.cli.plan_words import Group, foot, groups, head, hints, left_out
from pipeline.cli.planned import COMPARED, UNKNOWN, Planned, changes, name_of, params_of
from pipeline.display.words import first_words, money
from pipeline.models import Job
from pipeline.printable import printable

_COLORS = {"~": "yellow", "+": "green", "*": "green", "!": "red", "?": "magenta", "-": "dim"}
# Columns from which on the place of a task has one of its own.
_WIDE = 110
# Rows of one table: a longer one takes memory, and nothing is shown before its end.
_AT_ONCE = 200


def print_plan(job: Job, facts: dict[str, Any], listing: Listing, *, full: bool) -> None:
    """Print what a run would do; with `full` what changed is not cut."""
    console = Console(highlight=False, soft_wrap=False)
    _print(console, head(job, facts))
    hidden = False
    for group in groups(job, facts, listing):
        console.print(Text(f"  {group.summary}", style=_COLORS.get(group.sign, "")))
        _print(console, (f"      {line}" for line in group.alike))
        rows = group.section.rows()
        at_once = 1 if full and group.kind in COMPARED else _AT_ONCE
        while some := list(islice(rows, at_once)):
            console.print(_table(group, some, console.width, full=full))
            if at_once == 1:
                _print_in_full(console, some[0])
        if group.kind == "removed":
            _print(console, (f"      {name}" for name in listing.removed))
        if (more := left_out(group, listing)) > 0:
            hidden = True
            console.print(Text(f"      … and {more:,} more", style="dim"))
    _print(console, hints(listing, hidden=hidden, full=full))
    _print(console, foot(job, facts))


def _print(console: Console, lines: Iterator[str]) -> None:
    for line in lines:
        console.print(Text(printable(line)))


def _print_in_full(console: Console, planned: Planned) -> None:
    """Print what changed over the whole width."""
    for (piece,) in changes(planned, full=True):
        style = {"-": "red", "+": "green"}.get(piece.new.strip()[:1], "")
        console.print(Padding(Text(piece.new, style=style), (0, 0, 0, 6)))


def _table(group: Group, rows: list[Planned], width: int, *, full: bool) -> Table:
    names = [printable(name_of(planned)) for planned in rows]
    places = [printable(planned.line) for planned in rows]
    differ, wide = group.kind in COMPARED, width >= _WIDE
    below = places if differ and not wide else []  # else there is no room for them
    name = min(max(map(cell_len, names + below)), max(width * 2 // 5, 10))
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(width=4)
    table.add_column(width=name, no_wrap=True, overflow="ellipsis")
    if wide:
        table.add_column(width=20, no_wrap=True, overflow="ellipsis", style="dim")
    cut = full or not differ
    table.add_column(ratio=1, no_wrap=cut, overflow="ellipsis" if cut else "fold")
    table.add_column(justify="right", no_wrap=True)
    table.expand = True
    for planned, own_name, place in zip(rows, names, places, strict=True):
        title = Text(_fitting(own_name, name))
        if below:
            title.append(f"\n{place}", style="dim")
        cells = [Text(place)] if wide else []
        price = "" if planned.price is None else money(planned.price)
        about = _about(planned, full=full)
        table.add_row(Text(group.sign.rjust(4)), title, *cells, about, Text(price))
    return table


def _fitting(name: str, width: int) -> str:
    """Cut a name in its middle: what distinguishes tasks of one id is at the end."""
    if cell_len(name) <= width:
        return name
    head = set_cell_size(name, width // 3).rstrip()
    tail = name[-width:]
    while cell_len(tail) > width - cell_len(head) - 1:
        tail = tail[1:]
    return f"{head}…{tail}"


def _about(planned: Planned, *, full: bool) -> Text:
    """Say of a task what changed; of one that has not changed, what is sent."""
    if planned.reason not in COMPARED:
        return Text(printable(first_words(planned.prompt) + params_of(planned)))
    found = [] if full else [_change(pieces) for pieces in changes(planned)]
    if full or "prompt" not in planned.changed:
        found.insert(0, Text(printable(first_words(planned.prompt))))
    if not planned.changed:
        found.append(Text(UNKNOWN))
    return Text("\n").join(found)


def _change(pieces: list[Piece]) -> Text:
    """Colour what is gone and what has come; the brackets and the arrow say the same."""
    text = Text()
    for piece in pieces:
        if not piece.differs:
            text.append(piece.new)
        elif not piece.old or not piece.new:
            text.append(str(piece), style="green" if piece.new else "red")
        else:
            text.append("[")
            text.append(piece.old, style="red")
            text.append(" → ")
            text.append(piece.new, style="green")
            text.append("]")
    return text
