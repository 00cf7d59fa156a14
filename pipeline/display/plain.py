"""Plain lines for cron, make and CI: what is news, and a progress line now and then."""

import time
from datetime import datetime
from typing import TextIO

from pipeline import events as ev
from pipeline.display.progress import Progress
from pipeline.display.words import line

# At most one progress line in so many seconds.
EVERY = 30.0


def _stamp(at: float) -> str:
    # Logs run over midnight: the date stands in every line.
    return datetime.fromtimestamp(at).astimezone().strftime("%Y-%m-%d %H:%M:%S")


class PlainLines:
    """Writes one line for each piece of news to `stream`."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._progress = Progress()
        self._last = time.monotonic()

    def __call__(self, event: ev.Event) -> None:
        """Take an event."""
        self._progress.take(event)
        text = line(event)
        if text is None and isinstance(event, ev.Finished):
            text = self._progress_line()
        if text is not None:
            self._stream.write(f"{_stamp(event.at)} {text}\n")
            self._stream.flush()

    def _progress_line(self) -> str | None:
        now = time.monotonic()
        if now - self._last < EVERY:
            return None
        self._last = now
        return self._progress.line()
