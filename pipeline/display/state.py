"""Keeps `.state.json` up to date, for `status` in another terminal and after the run."""

import contextlib
import os
import time
from pathlib import Path

import msgspec

from pipeline import events as ev
from pipeline.common.files import read_file, write_atomically
from pipeline.errors import DirectoryError
from pipeline.models import rfc3339
from pipeline.store.claims import UNREADABLE
from pipeline.store.layout import LONGEST_NOTE

# Seconds between two notes of the balance: a file for each task would be too dear.
_EVERY = 1.0


class StateFile:
    """Notes what the run is doing, and the balance. Failing to is no fault of the run."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._doing: dict[str, object] = {}
        self._balance = _last_balance(path)
        self._written = 0.0

    def __call__(self, event: ev.Event) -> None:
        """Take an event."""
        match event:
            case ev.Held():
                self._doing = {"hold": event.reason, "detail": event.detail, "until": event.until}
            case ev.Stopping():
                self._doing = {"hold": "stopping", "detail": event.detail, "until": None}
            case ev.Started() | ev.Resumed():
                self._doing = {}
            case ev.Finished():
                self._hear(event)
                if time.monotonic() - self._written < _EVERY:
                    return
            case ev.Summary():
                self._doing = {}
                self._hear(event)
            case _:
                return
        self._write()

    def _hear(self, event: ev.Finished | ev.Summary) -> None:
        if event.money.remaining is not None:
            told = f"{event.money.remaining:f}"
            self._balance = {"remaining": told, "told_at": rfc3339(event.at)}

    def _write(self) -> None:
        self._written = time.monotonic()
        state = {"pid": os.getpid(), **self._doing, **self._balance}
        with contextlib.suppress(OSError):
            write_atomically(self._path, msgspec.json.encode(state), durable=False)


def _last_balance(path: Path) -> dict[str, object]:
    """Read what an earlier run has noted: it stands until this one hears more."""
    with contextlib.suppress(OSError, DirectoryError, *UNREADABLE):
        noted = msgspec.json.decode(read_file(path, LONGEST_NOTE), type=dict[str, object])
        return {key: noted[key] for key in ("remaining", "told_at") if key in noted}
    return {}
