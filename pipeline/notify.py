"""Messages at the end, at a stop and at an outage, through Apprise (the extra `notify`).

Addresses come from environment variables, so that no secret stands in the job file. A message
that cannot be sent never fails the run, and never holds it up.
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
from pipeline.display.words import line, summary
from pipeline.errors import ExitCode
from pipeline.models import Notify

if TYPE_CHECKING:
    import apprise

# How long the end of a run waits for its last message, in seconds.
_PATIENCE = 20.0

# How a message is marked, by the words of Apprise's `NotifyType`; what stops a run is a failure,
# but for what was asked for.
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
    """Takes events, and sends a message for those that the job names. One thread sends.

    A stop and the end that follows it are one message. `report` is where the report will lie.
    """

    def __init__(
        self, job: str, notify: Notify, warn: ev.Watcher, *, report: Path | None = None
    ) -> None:
        self._job = job
        self._on = frozenset(notify.on)
        self._warn = warn
        self._report = report
        self._reasons: Counter[str] = Counter()
        self._outage = False
        self._stopping: ev.Stopping | None = None
        self._messages: queue.SimpleQueue[_Message | None] = queue.SimpleQueue()
        self._send = _sender(notify, self._complain)
        self._thread = threading.Thread(target=self._work, name="notify", daemon=True)
        self._thread.start()

    def __call__(self, event: ev.Event) -> None:
        """Take an event."""
        match event:
            case ev.Held(reason=ev.Reason.OUTAGE):
                self._hold(event)
            case ev.Resumed(reason=ev.Reason.OUTAGE):
                self._outage = False
            case ev.Finished(last=True) if event.record.reason:
                self._reasons[event.record.reason] += 1
            case ev.Stopping():
                self._stopping = event
            case ev.Summary():
                self._end(event)
            case _:
                pass

    def _hold(self, event: ev.Held) -> None:
        """Tell an outage once, however often its end is put off."""
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
            self._put(event.exit_code.meaning, "\n".join(parts), kind)

    def _put(self, title: str, body: str, kind: str) -> None:
        self._messages.put(_Message(f"{self._job}: {title}", body, kind))

    def close(self) -> None:
        """Send what is waiting, for a while."""
        if self._stopping is not None and self._on & {"stop", "end"}:
            # No summary will come: the run has met a bug.
            self._put("stopped", line(self._stopping) or "", "failure")
        self._messages.put(None)
        self._thread.join(_PATIENCE)

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
    """Say why messages would not arrive, as far as it can be known before a run."""
    told: list[str] = []
    _sender(notify, told.append)
    return [f"notify: {problem}" for problem in told]


def _sender(notify: Notify, complain: Callable[[str], None]) -> Callable[[_Message], bool]:
    def nowhere(_: _Message) -> bool:
        return True

    try:
        import apprise  # noqa: PLC0415 - an extra, and heavy
    except ImportError:
        complain(
            "the extra is not installed: in the checkout, uv tool install '.[notify]',"
            " or pip install '.[notify]'"
        )
        return nowhere
    return _through(apprise.Apprise(), notify, complain)


def _through(
    services: "apprise.Apprise", notify: Notify, complain: Callable[[str], None]
) -> Callable[[_Message], bool]:
    from apprise import NotifyType  # noqa: PLC0415 - it is there: services come from it

    for name in notify.to:
        address = os.environ.get(name, "")
        # An address holds secrets: only the variable's name is ever shown.
        if not address:
            complain(f"{name} is not set")
        elif not services.add(address):
            complain(f"{name} holds no address that Apprise knows")

    def send(message: _Message) -> bool:
        return not len(services) or bool(
            services.notify(
                title=message.title,
                body=message.body,
                notify_type=NotifyType(message.kind),
            )
        )

    return send
