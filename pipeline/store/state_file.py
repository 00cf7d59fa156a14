"""`.state.json`: what a run is doing, and the balance as it last knew it.

`status` reads it during the run and afterwards. A run knows more of the balance than its
records can say: it may ask for it without sending anything.
"""

import contextlib
import os
import time
from collections.abc import Callable
from decimal import Decimal
from typing import TYPE_CHECKING

import msgspec

from pipeline import events as ev
from pipeline.amounts import is_money, rounded
from pipeline.common.files import read_file, write_atomically
from pipeline.errors import DirectoryError
from pipeline.ledger.doubts import attempt_digest
from pipeline.ledger.formats import FORMAT, refuse_newer
from pipeline.ledger.history import History
from pipeline.models import rfc3339
from pipeline.store.layout import LONGEST_NOTE, Layout

if TYPE_CHECKING:
    import asyncio

# Seconds between two notes of the balance: writing a file for each task would cost too much.
_EVERY = 1.0


class Note(msgspec.Struct, omit_defaults=True):
    """What the file holds."""

    format: int | None = None
    pid: int | None = None
    hold: str | None = None
    detail: str | None = None
    until: float | None = None
    counts: ev.Counts | None = None
    remaining: Decimal | None = None
    told_at: str | None = None
    after: str | None = None


def read_note(layout: Layout) -> Note | None:
    """Read what a run has noted of itself; None where there is no note that can be read.

    Raises:
        DirectoryError: a newer version has written it.
    """
    try:
        data = read_file(layout.state, LONGEST_NOTE)
    except (OSError, DirectoryError):
        return None
    refuse_newer(layout.state, data)
    try:
        note = msgspec.json.decode(data, type=Note)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    return note if is_money(note.remaining) else None


def balance(note: Note | None, history: History) -> Decimal | None:
    """Return the balance as last known, in US dollars; None if nothing has reported one.

    This is what `status`, the report and the next run go by. What a run has noted counts as long
    as no record was written since: no clock has a say in it.
    """
    if note is not None and note.remaining is not None and note.after == _last(history):
        return rounded(note.remaining)
    return history.remaining


def _last(history: History) -> str:
    return attempt_digest(*history.last_attempt).hex()


class StateFile:
    """Writes the file as events come. If that fails, the run is not affected.

    `count` counts the tasks of the job, while the run is going on.
    """

    count: Callable[[], ev.Counts] | None = None

    def __init__(self, layout: Layout, history: History) -> None:
        self._path, self._history = layout.state, history
        # What an earlier run has noted stands until this one knows more.
        self._note = read_note(layout) or Note()
        self._written = 0.0
        self._timer: asyncio.TimerHandle | None = None
        self._after: tuple[str, str] | None = None  # the last record when the balance was known

    def __call__(self, event: ev.Event) -> None:
        """Take an event."""
        if type(event) is ev.Dispatched or type(event) is ev.Landed:
            return  # most are
        match event:
            case ev.Held():
                self._is_doing(event.reason, event.detail, event.until)
            case ev.Stopping():
                self._is_doing("stopping", event.detail, None)
            case ev.Started() | ev.Resumed():
                self._is_doing(None, None, None)
            case ev.Finished():
                self._observe(event)
                if time.monotonic() - self._written < _EVERY:
                    self._write_soon()
                    return
            case ev.Summary():
                self.count, self._note.counts = None, event.counts
                self._is_doing(None, None, None)
                self._observe(event)
            case _:
                return
        self._write()

    def close(self) -> None:
        """Write nothing more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _write_soon(self) -> None:
        """Write after a second: the next event may come much later."""
        if self._timer is None:
            from asyncio import get_running_loop  # noqa: PLC0415 - who reads a note needs none

            with contextlib.suppress(RuntimeError):  # no event loop is running
                self._timer = get_running_loop().call_later(_EVERY, self._write_late)

    def _write_late(self) -> None:
        self._timer = None
        if time.monotonic() - self._written >= _EVERY:  # on virtual time, seconds are short
            self._write()

    def _is_doing(self, hold: str | None, detail: str | None, until: float | None) -> None:
        self._note.hold, self._note.detail, self._note.until = hold, detail, until

    def _observe(self, event: ev.Finished | ev.Summary) -> None:
        if event.money.remaining is not None:
            if event.money.remaining != self._note.remaining:
                self._note.told_at = rfc3339(event.at)
            self._note.remaining = event.money.remaining
            self._after = self._history.last_attempt

    def _write(self) -> None:
        self.close()
        self._written = time.monotonic()
        self._note.format, self._note.pid = FORMAT, os.getpid()
        if self.count is not None:
            self._note.counts = self.count()
        if self._after is not None:
            self._note.after = attempt_digest(*self._after).hex()
        with contextlib.suppress(OSError):
            write_atomically(self._path, msgspec.json.encode(self._note), durable=False)
