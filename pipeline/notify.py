"""Messages at the end, at a stop and at an outage, through Apprise (the extra `notify`).

Addresses come from environment variables, so that no secret stands in the job file. A message
that cannot be sent never fails the run, and never holds it up.
"""

import os
import queue
import threading
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from pipeline import events as ev
from pipeline.display.words import line, summary
from pipeline.models import Notify

if TYPE_CHECKING:
    import apprise

# How long the end of a run waits for its last message, in seconds.
_PATIENCE = 20.0


class Notifier:
    """Takes events, and sends a message for those that the job names. One thread sends."""

    def __init__(self, job: str, notify: Notify, warn: ev.Watcher) -> None:
        self._job = job
        self._on = frozenset(notify.on)
        self._warn = warn
        self._messages: queue.SimpleQueue[tuple[str, str] | None] = queue.SimpleQueue()
        self._send = _sender(notify, self._complain)
        self._thread = threading.Thread(target=self._work, name="notify", daemon=True)
        self._thread.start()

    def __call__(self, event: ev.Event) -> None:
        """Take an event."""
        match event:
            case ev.Held(reason=ev.Reason.OUTAGE) if "outage" in self._on:
                self._messages.put((f"{self._job}: outage", line(event) or ""))
            case ev.Stopping() if "stop" in self._on:
                self._messages.put((f"{self._job}: stopping", line(event) or ""))
            case ev.Summary() if "end" in self._on:
                self._messages.put((f"{self._job}: {event.exit_code.meaning}", summary(event)))
            case _:
                pass

    def close(self) -> None:
        """Send what is waiting, for a while."""
        self._messages.put(None)
        self._thread.join(_PATIENCE)

    def _work(self) -> None:
        while (message := self._messages.get()) is not None:
            try:
                if not self._send(*message):
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


def _sender(notify: Notify, complain: Callable[[str], None]) -> Callable[[str, str], bool]:
    def nowhere(_title: str, _body: str) -> bool:
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
) -> Callable[[str, str], bool]:
    for name in notify.to:
        address = os.environ.get(name, "")
        # An address holds secrets: only the variable's name is ever shown.
        if not address:
            complain(f"{name} is not set")
        elif not services.add(address):
            complain(f"{name} holds no address that Apprise knows")

    def send(title: str, body: str) -> bool:
        return not len(services) or bool(services.notify(title=title, body=body))

    return send
