"""The watchers of a run. A display that fails must not stop a run that costs money."""

import contextlib
import sys

from pipeline import events as ev


class Watchers:
    """Passes events to watchers, and removes one that raises: its terminal may be gone."""

    def __init__(self) -> None:
        self._watchers: list[ev.Watcher] = []

    def add(self, watcher: ev.Watcher) -> None:
        """Add a watcher."""
        self._watchers.append(watcher)

    def __call__(self, event: ev.Event) -> None:
        """Pass an event to every watcher."""
        for watcher in tuple(self._watchers):
            try:
                watcher(event)
            except Exception as error:  # noqa: BLE001 - whatever a terminal or a disk may raise
                self._watchers.remove(watcher)
                name = type(watcher).__name__
                with contextlib.suppress(OSError, ValueError):
                    sys.stderr.write(f"warning: {name} has stopped: {type(error).__name__}\n")
