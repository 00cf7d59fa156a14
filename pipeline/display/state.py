"""Keeps `.state.json` up to date, for `status` in another terminal."""

import contextlib
import os
from pathlib import Path

import msgspec

from pipeline import events as ev


class StateFile:
    """Notes what the run is doing, when that changes. Failing to is no fault of the run."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __call__(self, event: ev.Event) -> None:
        """Take an event."""
        match event:
            case ev.Held():
                self._write({"hold": event.reason, "detail": event.detail, "until": event.until})
            case ev.Stopping():
                self._write({"hold": "stopping", "detail": event.detail, "until": None})
            case ev.Started() | ev.Resumed():
                self._write({})
            case ev.Summary():
                with contextlib.suppress(OSError):
                    self._path.unlink(missing_ok=True)
            case _:
                pass

    def _write(self, state: dict[str, object]) -> None:
        draft = self._path.with_name(self._path.name + ".new")
        with contextlib.suppress(OSError):
            draft.write_bytes(msgspec.json.encode({"pid": os.getpid(), **state}))
            draft.replace(self._path)
