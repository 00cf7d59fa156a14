"""The progress of a run, from its events. Only the pace of this run counts."""

import time
from dataclasses import dataclass, field

import msgspec

from pipeline import events as ev
from pipeline.display.words import duration, money, waiting
from pipeline.models import Status


@dataclass(slots=True)
class Progress:
    """Counts of a run that is going on. Times are in Unix seconds.

    `flying` are the requests that are being sent or answered, `waiting` those that the provider has
    accepted and works on.
    """

    started: ev.Started | None = None
    done: int = 0
    failed: int = 0
    in_doubt: int = 0
    flying: dict[str, ev.Dispatched] = field(default_factory=dict)
    waiting: dict[str, ev.Dispatched] = field(default_factory=dict)
    pause: ev.Held | None = None
    stopping: ev.Stopping | None = None
    money: ev.Money = field(default_factory=ev.Money)
    paused_seconds: float = 0.0

    def take(self, event: ev.Event) -> None:
        """Handle an event."""
        match event:
            case ev.Started():
                self.started = event
            case ev.Reloaded() if self.started is not None:
                self.started = msgspec.structs.replace(
                    self.started, selected=event.selected, counts=event.counts
                )
            case ev.Dispatched():
                self.flying[event.task] = event
            case ev.Accepted():
                unsent = ev.Dispatched(event.task, "", 1, event.at)  # by an earlier run
                self.waiting[event.task] = self.flying.pop(event.task, unsent)
            case ev.Landed():
                self.flying.pop(event.task, None)
                self.waiting.pop(event.task, None)
            case ev.Finished():
                self._finished(event)
            case ev.Held():
                self.pause = event
            case ev.Resumed():
                self.pause = None
                self.paused_seconds += event.seconds
            case ev.Stopping():
                self.stopping = event
            case _:
                pass

    def _finished(self, event: ev.Finished) -> None:
        self.money = event.money
        if not event.last:
            return
        self.done += event.record.status is Status.SUCCEEDED
        self.failed += event.record.status is Status.FAILED
        self.in_doubt += event.record.status is Status.IN_DOUBT

    @property
    def ended(self) -> int:
        """The number of this run's tasks that have ended."""
        return self.done + self.failed + self.in_doubt

    @property
    def selected(self) -> int:
        """The number of tasks that the run was started with."""
        return self.started.selected if self.started else 0

    def rate(self, now: float) -> float | None:
        """Return tasks ended per second, over the time in which the run was not paused."""
        if self.started is None or not self.ended:
            return None
        paused = self.paused_seconds + (now - self.pause.at if self.pause else 0.0)
        active = now - self.started.at - paused
        return self.ended / active if active > 0 else None

    def remaining_seconds(self, now: float) -> float | None:
        """Return how long the rest takes at this run's pace, in seconds."""
        rate = self.rate(now)
        return (self.selected - self.ended) / rate if rate else None

    def line(self) -> str:
        """Describe the progress in one line."""
        now = time.time()
        parts = [f"{self.ended:,} of {self.selected:,}"]
        if self.failed:
            parts.append(f"{self.failed:,} failed")
        if self.in_doubt:
            parts.append(f"{self.in_doubt:,} in doubt")
        parts.append(f"{len(self.flying)} in flight")
        if self.waiting:
            parts.append(waiting(len(self.waiting)))
        left = self.remaining_seconds(now)
        if left is not None:
            parts.append(f"about {duration(left)} to go")
        parts.append(f"spent {money(self.money.spent)}")
        if self.money.remaining is not None:
            parts.append(f"{money(self.money.remaining)} credits left")
        return ", ".join(parts)
