"""The display of a run on a terminal, drawn by Rich."""

import re
import time
from contextlib import suppress
from typing import Self

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from pipeline import events as ev
from pipeline.display.progress import Progress
from pipeline.display.words import clock, duration, line, money, paused, waiting
from pipeline.printable import printable

# Lines below the requests in flight: bar, money, pause, and an empty one.
_OVERHEAD = 5
# From this number of columns, a line has room for a name and a prompt.
_WIDE = 100
# Makes a default name unique, and means nothing to people.
_HASH = re.compile(r"-[0-9a-f]{12}$")


class LiveDisplay:
    """Draws progress at the bottom of the terminal; notable events scroll above it."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._progress = Progress()
        self._live = Live(
            get_renderable=self.render,
            console=console,
            refresh_per_second=4,
            transient=True,
            vertical_overflow="crop",
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with suppress(OSError):  # the terminal may have gone
            self._live.stop()

    def __call__(self, event: ev.Event) -> None:
        """Handle an event; `Started` starts the display, so that a question can come before it."""
        self._progress.take(event)
        if isinstance(event, ev.Started):
            self._live.start()
        text = line(event)
        if text is not None and not isinstance(event, ev.Summary):
            # Not wrapped: a path or a flag that is broken into lines cannot be copied.
            styled = Text(f"{clock(event.at)} {text}", style=_style(event))
            self._console.print(styled, soft_wrap=True)

    def render(self) -> RenderableType:
        """Draw the current state."""
        now = time.time()
        return Group(*self._in_flight(now), self._bar(now), self._money(), *self._pause(now))

    def _in_flight(self, now: float) -> list[RenderableType]:
        p = self._progress
        room = max(self._console.height - _OVERHEAD, 1)
        flying = [*p.flying.values(), *p.waiting.values()]
        shown = flying if len(flying) <= room else flying[: room - 1]
        table = Table.grid(padding=(0, 1), expand=True)
        table.add_column(justify="right", width=9, no_wrap=True)
        wide = self._console.width >= _WIDE
        table.add_column(ratio=2, no_wrap=True, overflow="ellipsis")
        if wide:
            table.add_column(ratio=3, no_wrap=True, overflow="ellipsis")
        for flight in shown:
            again = f"(try {flight.attempt}) " if flight.attempt > 1 else ""
            sent = flight.task in p.waiting
            # A narrow terminal has room only for the name, which begins like the prompt.
            row = [
                Text(duration(now - flight.at), style="dim cyan" if sent else "cyan"),
                Text(again + printable(_HASH.sub("", flight.name or flight.task))),
                Text(printable(flight.prompt), style="dim"),
            ]
            table.add_row(*row[: 3 if wide else 2])
        if len(shown) < len(flying):
            table.add_row("", Text(f"and {len(flying) - len(shown)} more", style="dim"))
        return [table] if flying else []

    def _bar(self, now: float) -> RenderableType:
        p = self._progress
        counts = Text(f" {p.ended:,}/{p.selected:,}")
        for number, word, style in (
            (p.failed, "failed", "red"),
            (p.in_doubt, "in doubt", "yellow"),
        ):
            if number:
                counts.append(f"  {number:,} {word}", style=style)
        rate, left = p.rate(now), p.remaining_seconds(now)
        if rate is not None and left is not None:
            counts.append(f"  {rate * 60:.1f}/min  {duration(left)} to go", style="dim")
        table = Table.grid(expand=True)
        table.add_column(ratio=1)
        table.add_column(no_wrap=True, overflow="ellipsis")
        table.add_row(ProgressBar(total=max(p.selected, 1), completed=p.ended), counts)
        return table

    def _money(self) -> RenderableType:
        m, accepted = self._progress.money, len(self._progress.waiting)
        flying = f"{len(self._progress.flying)} in flight"
        shown = f"{flying}   {waiting(accepted)}" if accepted else flying
        text = Text(f"{shown}   spent {money(m.spent)}")
        if m.budget is not None:
            text.append(f" of {money(m.budget)}")
        if m.at_risk:
            text.append(f"   {money(m.at_risk)} at risk", style="yellow")
        if m.remaining is not None:
            text.append(f"   {money(m.remaining)} credits left")
        text.no_wrap, text.overflow = True, "ellipsis"
        return text

    def _pause(self, now: float) -> list[RenderableType]:
        p = self._progress
        if p.stopping is not None:
            text = f"stopping: {p.stopping.detail}; what is in flight is finished and saved"
        elif (pause := p.pause) is not None:
            left = f", next check in {duration(max(pause.until - now, 0))}" if pause.until else ""
            text = f"{paused(pause.reason)}{left}: {pause.detail}"
        else:
            return []
        return [Text(printable(text), style="bold yellow", no_wrap=True, overflow="ellipsis")]


def _style(event: ev.Event) -> str:
    match event:
        case ev.Finished() | ev.Stopping():
            return "red"
        case ev.Held() | ev.Warned() | ev.CapNear() | ev.Recovered():
            return "yellow"
        case _:
            return ""
