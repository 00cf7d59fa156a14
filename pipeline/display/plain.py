"""Plain lines for cron, make and CI: notable events, and a progress line now and then."""

import time
from collections.abc import Callable
from datetime import datetime
from typing import TextIO

from pipeline import events as ev
from pipeline.display.progress import Progress
from pipeline.display.words import line

# Seconds between two progress lines.
EVERY = 30.0


def _stamp(at: float) -> str:
    # Logs run over midnight, so every line has the date.
    return datetime.fromtimestamp(at).astimezone().strftime("%Y-%m-%d %H:%M:%S")


class PlainLines:
    """Writes a line for each notable event to `stream`; `clock` counts seconds."""

    def __init__(self, stream: TextIO, clock: Callable[[], float] = time.monotonic) -> None:
        self._stream = stream
        self._clock = clock
        self._progress = Progress()
        self._last = clock()

    def __call__(self, event: ev.Event) -> None:
        """Handle an event."""
        self._progress.take(event)
        text = line(event)
        if text is None and isinstance(event, ev.Finished):
            text = self._progress_line()
        if text is not None:
            self._stream.write(f"{_stamp(event.at)} {text}\n")
            self._stream.flush()

    def _progress_line(self) -> str | None:
        now = self._clock()
        if now - self._last < EVERY:
            return None
        self._last = now
        return self._progress.line()
