"""All that watch one run. What cannot be shown must not stop what is being paid for."""

import contextlib
import sys

from pipeline import events as ev


class Faces:
    """Passes events to watchers, and drops one that fails: its terminal may have gone."""

    def __init__(self) -> None:
        self._watchers: list[ev.Watcher] = []

    def add(self, watcher: ev.Watcher) -> None:
        """Let one more watch."""
        self._watchers.append(watcher)

    def __call__(self, event: ev.Event) -> None:
        """Pass an event on."""
        for watcher in tuple(self._watchers):
            try:
                watcher(event)
            except Exception as error:  # noqa: BLE001 - whatever a terminal or a disk may raise
                self._watchers.remove(watcher)
                name = type(watcher).__name__
                with contextlib.suppress(OSError, ValueError):
                    sys.stderr.write(f"warning: {name} has stopped: {type(error).__name__}\n")
