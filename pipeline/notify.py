"""Messages at an end, a stop, an outage and near a cap, by Apprise (the extra `notify`).

Addresses come from environment variables, so that no secret stands in the job file. A message
that cannot be sent neither fails nor delays the run.
"""

import os
import queue
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from pipeline import events as ev
from pipeline.display.words import again, line, summary
from pipeline.errors import ExitCode
from pipeline.models import Notify

if TYPE_CHECKING:
    import apprise

# The type of a message, as Apprise's `NotifyType` names it; every other end is a failure.
_KINDS = {
    ExitCode.OK: "success",
    ExitCode.SOME_FAILED: "warning",
    ExitCode.WINDOW: "info",
    ExitCode.SIGHUP: "info",
    ExitCode.SIGINT: "info",
    ExitCode.SIGTERM: "info",
}


@dataclass(frozen=True, slots=True)
class _Message:
    title: str
    body: str
    kind: str


class Notifier:
    """Sends a message for the events that the job names, from a thread of its own.

    A stop and the end that follows it are one message. `report` is the path of the report.
    `patience` is how long `close` waits for messages to be sent, in seconds.
    """

    def __init__(
        self,
        job: str,
        notify: Notify,
        warn: ev.Watcher,
        *,
        report: Path | None = None,
        patience: float = 20.0,
    ) -> None:
        self._job = job
        self._on = frozenset(notify.on)
        self._warn = warn
        self._report = report
        self._patience = patience
        self._reasons: Counter[str] = Counter()
        self._outage = False
        self._stopping: ev.Stopping | None = None
        self._messages: queue.SimpleQueue[_Message | None] = queue.SimpleQueue()
        self._send = _sender(notify, self._complain)
        self._thread = threading.Thread(target=self._work, name="notify", daemon=True)
        self._thread.start()

    def __call__(self, event: ev.Event) -> None:
        """Handle an event."""
        match event:
            case ev.Held(reason=ev.Reason.OUTAGE):
                self._hold(event)
            case ev.Resumed(reason=ev.Reason.OUTAGE):
                self._outage = False
            case ev.CapNear() if "cap" in self._on:
                self._put(f"the cap of the {event.period} is near", line(event) or "", "warning")
            case ev.Finished(last=True) if event.record.reason:
                self._reasons[event.record.reason] += 1
            case ev.Stopping():
                self._stopping = event
            case ev.Summary():
                self._end(event)
            case _:
                pass

    def _hold(self, event: ev.Held) -> None:
        """Report an outage once, however often its end is postponed."""
        if "outage" in self._on and not self._outage:
            self._put("outage", line(event) or "", "warning")
        self._outage = True

    def _end(self, event: ev.Summary) -> None:
        stopped, self._stopping = self._stopping, None
        if "end" in self._on or (stopped and "stop" in self._on):
            parts = [summary(event)]
            if self._reasons:
                counted = (f"{number:,} {reason}" for reason, number in self._reasons.most_common())
                parts.append(f"without a clip: {', '.join(counted)}")
            if self._report is not None:
                parts.append(f"report: {self._report}")
            kind = _KINDS.get(event.exit_code, "failure")
            code, when = event.exit_code, again(event.until)
            self._put(f"{code.cause}: {when}" if when else code.meaning, "\n".join(parts), kind)

    def _put(self, title: str, body: str, kind: str) -> None:
        self._messages.put(_Message(f"{self._job}: {title}", body, kind))

    def close(self) -> None:
        """Send the messages that are waiting, within the patience."""
        if self._stopping is not None and self._on & {"stop", "end"}:
            # There was no summary: the run ended with a bug.
            self._put("stopped", line(self._stopping) or "", "failure")
        self._messages.put(None)
        self._thread.join(self._patience)

    def _work(self) -> None:
        while (message := self._messages.get()) is not None:
            try:
                if not self._send(message):
                    self._complain("a message could not be delivered")
            except Exception as error:  # noqa: BLE001 - whatever a service's plugin may raise
                self._complain(f"a message could not be sent: {type(error).__name__}")

    def _complain(self, message: str) -> None:
        self._warn(ev.Warned(f"notify: {message}", time.time()))


def problems(notify: Notify) -> list[str]:
    """List why messages would not arrive, as far as that is known before a run."""
    found: list[str] = []
    _sender(notify, found.append)
    return [f"notify: {problem}" for problem in found]


def _sender(notify: Notify, complain: Callable[[str], None]) -> Callable[[_Message], bool]:
    def nowhere(_: _Message) -> bool:
        return True

    try:
        import apprise  # noqa: PLC0415 - an extra, and slow to import
    except ImportError:
        complain(
            "the extra `notify` is not installed: in the checkout, uv tool install '.[notify]',"
            " or pip install '.[notify]'"
        )
        return nowhere
    return _through(apprise.Apprise(), notify, complain)


def _through(
    services: "apprise.Apprise", notify: Notify, complain: Callable[[str], None]
) -> Callable[[_Message], bool]:
    from apprise import NotifyType  # noqa: PLC0415 - installed, since `services` comes from it

    for name in notify.to:
        address = os.environ.get(name, "")
        # An address holds secrets: only the variable's name is ever shown.
        if not address:
            complain(f"{name} is not set")
        elif not services.add(address):
            complain(f"{name} is not an address that Apprise knows")

    def send(message: _Message) -> bool:
        return not len(services) or bool(
            services.notify(
                title=message.title,
                body=message.body,
                notify_type=NotifyType(message.kind),
            )
        )

    return send
