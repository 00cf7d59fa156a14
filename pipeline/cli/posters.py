"""Posters as commands have them made: beside a run, and those that are missing."""

import sys
import threading
import time
from typing import TYPE_CHECKING, Self

from pipeline import events as ev
from pipeline.cli.output import message
from pipeline.facts.asking import INSTALL, can_look
from pipeline.hook import SIGNALS, on_signals
from pipeline.models import Job
from pipeline.printable import printable
from pipeline.store.layout import Layout

if TYPE_CHECKING:
    from pipeline.report.posters import Made, Maker

NO_POSTERS = "PIPELINE_NO_POSTERS"
"""The variable that stands for `run --no-posters`."""

_LOOK = 0.1  # seconds between looks whether a signal has come
_AT_END = 5.0  # seconds that the end of a run waits for posters; what is left, `report` makes


class BesideRun:
    """A watcher of a run that has the posters of its clips made, and never waits for them.

    Leaving it waits for those that are not made yet, for a moment.
    """

    def __init__(self, job: Job) -> None:
        self._maker = _maker(job) if job.bucket is None and can_look() else None
        self._was_stopped = False

    def __call__(self, event: ev.Event) -> None:
        """Handle an event."""
        match event:
            case ev.Finished(record=record) | ev.Recovered(record=record):
                if self._maker is not None:
                    self._maker.see(record)
            case ev.Stopping(exit_code=code) | ev.Summary(exit_code=code):
                self._was_stopped = code in SIGNALS
            case _:
                pass

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Wait for what is being made; not after a signal, and no longer than until one."""
        if self._maker is None:
            return
        asked = threading.Event()
        with on_signals(asked.set):
            patience = 0.0 if self._was_stopped or kind is not None else _AT_END
            end = time.monotonic() + patience
            while not asked.is_set() and (left := end - time.monotonic()) > 0:
                if self._maker.wait(min(left, _LOOK)):
                    break
            say(self._maker.stop())


def _maker(job: Job) -> "Maker":
    from pipeline.report.posters import Maker  # noqa: PLC0415 - where nothing can look at films

    return Maker(Layout(job.output_dir))


def say(made: "Made") -> None:
    """Say, once, what has no poster."""
    if made.failed:
        clips = "1 clip has" if made.failed == 1 else f"{made.failed:,} clips have"
        message(f"warning: {clips} no poster: {printable(made.fault or '')}")


def made_for(job: Job) -> None:
    """Make the posters that are missing, and show on a terminal how far that is."""
    if not can_look() and job.bucket is None:
        message(f"  the page shows films; with pictures it is quicker to open: {INSTALL}")
    from pipeline.report.posters import make_missing  # noqa: PLC0415 - `run` does not need it

    on_terminal = sys.stderr.isatty()

    def show(tried: int, total: int) -> None:
        sys.stderr.write(f"\rmaking posters: {tried:,} of {total:,}")
        sys.stderr.flush()

    made = make_missing(job, progress=show if on_terminal else None)
    if on_terminal and (made.made or made.failed):
        sys.stderr.write("\r\x1b[K")
    say(made)
