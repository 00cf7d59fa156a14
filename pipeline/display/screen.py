"""The runs of all accounts on a full screen, drawn by Rich: `status --watch` without a job."""

from collections.abc import Iterator
from decimal import Decimal

from rich.console import Group, RenderableType
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from pipeline.display.runs import (
    NOTHING,
    Spelling,
    advice,
    cap,
    condition,
    in_doubt,
    limits,
    reason,
    title,
)
from pipeline.display.words import clock, money
from pipeline.overview import AccountView, Overview, Run
from pipeline.printable import printable

_STYLES = {"running": "green", "paused": "yellow", "stopping": "yellow"}
# The columns of a bar that shows how much of a cap is used.
_BAR = 20
# The part of a cap from which on its bar is a warning: what a run warns of.
_NEAR = Decimal("0.8")
# Lines of an account besides its runs: its title, the heads of the columns, an empty line.
_AROUND = 3


def screen(overview: Overview, height: int, spelled: Spelling) -> RenderableType:
    """Draw the accounts on a screen of `height` lines; what does not fit is counted."""
    room, parts, left_out = height - 1, list[RenderableType](), 0
    for account in overview.accounts:
        lines = list(_limits(account))
        runs = (*account.runs, *in_doubt(account))
        fitting = max(min(room - _AROUND - len(lines), len(runs)), 0)
        left_out += len(runs) - fitting
        if room <= len(lines):
            continue
        shown = runs[:fitting]
        parts += [_line(title(account), "bold"), *lines, *([_table(shown)] if shown else [])]
        room -= _AROUND + len(lines) + fitting
        notes = list(_notes(shown, overview.at, spelled))[: max(room, 0)]
        parts += [*notes, Text("")]
        room -= len(notes)
    if not overview.accounts:
        parts.append(Text(NOTHING))
    return Group(*parts, _foot(overview, left_out))


def _foot(overview: Overview, left_out: int) -> Text:
    runs = "run" if left_out == 1 else "runs"
    more = f"{left_out:,} more {runs} do not fit   " if left_out else ""
    days = f"spent: in the last {overview.days} days"
    return _line(f"{more}{clock(overview.at)}   {days}   Ctrl-C ends", "dim")


def _line(text: str, style: str = "") -> Text:
    return Text(printable(text), style=style, no_wrap=True, overflow="ellipsis")


def _limits(account: AccountView) -> Iterator[RenderableType]:
    """Draw what is wrong, the pause, and a bar for each cap."""
    texts = list(limits(account))
    others = len(texts) - len(account.caps)
    yield from (_line(f"  {text}", "bold yellow") for text in texts[:others])
    for one in account.caps:
        grid = Table.grid(padding=(0, 1, 0, 2), expand=True)
        grid.add_column(width=_BAR)
        grid.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
        most = float(max(one.limit, one.used)) or 1.0
        style = "yellow" if one.used >= _NEAR * one.limit else "bar.complete"
        bar = ProgressBar(total=most, completed=float(one.used), complete_style=style)
        grid.add_row(bar, _line(cap(one)))
        yield grid


def _table(runs: tuple[Run, ...]) -> Table:
    table = Table(box=None, expand=True, padding=(0, 1, 0, 1), header_style="dim")
    table.add_column("job", ratio=1, no_wrap=True, overflow="ellipsis")
    table.add_column("", no_wrap=True)
    for head in ("in flight", "held", "spent", "at risk", "done"):
        table.add_column(head, justify="right", no_wrap=True)
    for run in runs:
        state = condition(run)
        style = _STYLES.get(state, "red" if run.is_left else "dim")
        done = f"{run.tasks.succeeded:,}/{run.tasks.total:,}" if run.tasks else ""
        flying, held = (f"{run.in_flight:,}", money(run.held)) if run.running else ("", "")
        risk = Text(money(run.at_risk), style="yellow" if run.at_risk else "dim")
        name = Text(printable(run.job))
        table.add_row(name, Text(state, style), flying, held, money(run.spent), risk, done)
    return table


def _notes(runs: tuple[Run, ...], now: float, spelled: Spelling) -> Iterator[Text]:
    """Draw a line for each run that waits for something, or that needs somebody."""
    for run in runs:
        if run.pause is not None:
            yield _line(f"  {run.job}: {reason(run.pause, now)}", "yellow")
        if (what := advice(run, spelled)) is not None:
            yield _line(f"  {run.job}: {what}", "red")
