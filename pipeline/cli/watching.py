"""Looks again and again until a signal asks to end, or there is nothing more to see."""

import os
import select
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from rich.console import Console, RenderableType
from rich.live import Live

# Seconds between two looks.
EVERY = 2.0
_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Asked:
    """Waits; a signal ends the wait and is remembered as `number`."""

    def __init__(self) -> None:
        self.number: int | None = None
        self._hears, self._wakes = os.pipe()

    def wait(self, seconds: float = EVERY) -> bool:
        """Wait; return whether nobody has asked to end."""
        if self.number is None:
            select.select([self._hears], [], [], seconds)
        return self.number is None

    @property
    def exit_code(self) -> int:
        """The exit code: to end by Ctrl-C is as it should be."""
        return 0 if self.number in {None, signal.SIGINT} else 128 + (self.number or 0)

    def take(self, number: int, _frame: FrameType | None) -> None:
        """Take a signal."""
        self.number = number
        os.write(self._wakes, b"x")

    def close(self) -> None:
        """Close the pipe."""
        os.close(self._hears)
        os.close(self._wakes)


@contextmanager
def asked_to_end() -> Iterator[Asked]:
    """Take the signals that end a program, and give them back."""
    asked = Asked()
    before = {number: signal.getsignal(number) for number in _ENDING}
    for number, handler in before.items():
        if handler is not signal.SIG_IGN:  # nohup, a job in the background
            signal.signal(number, asked.take)
    try:
        yield asked
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        asked.close()


def on_screen(draw: Callable[[int], RenderableType], console: Console) -> int:
    """Draw on the full screen until a signal ends it; `draw` gets the lines of the screen."""
    with (
        asked_to_end() as asked,
        Live(console=console, screen=True, auto_refresh=False, vertical_overflow="crop") as live,
    ):
        while True:
            live.update(draw(console.height), refresh=True)
            if not asked.wait():
                return asked.exit_code


def in_blocks(show: Callable[[], bool]) -> int:
    """Show again and again until that returns False, or a signal ends it."""
    with asked_to_end() as asked:
        while show() and asked.wait():
            pass
        return asked.exit_code
