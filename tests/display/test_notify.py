"""Messages: one for one stop, marked, with counts, money, reasons, and where the report is."""

import json
import time
from collections.abc import Iterator
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Event, Thread
from typing import Any

import pytest
from msgspec.structs import replace

from pipeline import events as ev
from pipeline.errors import ExitCode
from pipeline.models import Notify, Record, Status
from pipeline.notify import Notifier

pytest.importorskip("apprise")

# Apprise's plugins import modules that Python is to lose.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


class Inbox:
    """Takes messages as Apprise's JSON service sends them."""

    def __init__(self) -> None:
        self.messages: list[dict[str, Any]] = []
        self.silent = False
        self.over = Event()
        inbox = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                if inbox.silent:
                    inbox.over.wait(30)
                    return
                inbox.messages.append(json.loads(body))
                self.send_response(200)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Keep quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.address = f"json://127.0.0.1:{self._server.server_port}/"
        Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self.over.set()
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def inbox(monkeypatch: pytest.MonkeyPatch) -> Iterator[Inbox]:
    one = Inbox()
    monkeypatch.setenv("INBOX", one.address)
    yield one
    one.close()


def finished(reason: str | None) -> ev.Finished:
    status = Status.SUCCEEDED if reason is None else Status.FAILED
    record = Record(task="t", status=status, model="m", params={}, fingerprint="f", reason=reason)
    return ev.Finished(record, ev.Money(), 1.0)


def summary(code: ExitCode) -> ev.Summary:
    return ev.Summary(
        exit_code=code,
        detail=code.meaning,
        counts=ev.Counts(10, 5, 3, 0, 2),
        here=ev.Counts(10, 5, 3, 0, 0),
        left=2,
        money=ev.Money(spent=Decimal("4.75"), at_risk=Decimal("0.95"), remaining=Decimal("0.3")),
        price_left=Decimal("1.9"),
        seconds=75.0,
        output="/out",
        at=2.0,
    )


def sent(
    inbox: Inbox,
    *events: ev.Event,
    on: tuple[str, ...] = ("end", "stop", "outage"),
    patience: float = 20.0,
) -> Any:
    warned: list[ev.Event] = []
    notifier = Notifier(
        "job", Notify(("INBOX",), on), warned.append, report=Path("/out/r.html"), patience=patience
    )
    for event in events:
        notifier(event)
    notifier.close()
    assert not warned
    return inbox.messages


STOPPING = ev.Stopping(ExitCode.CREDITS, "HTTP 406: not enough credits", 3, 1.0)


@pytest.mark.variant
@pytest.mark.parametrize("on", [("end", "stop"), ("end",), ("stop",)])
def test_a_stop_and_its_end_are_one_message_that_says_everything(
    inbox: Inbox, on: tuple[str, ...]
) -> None:
    failures = [finished(reason) for reason in ("moderation", None, "timeout", "moderation")]
    (message,) = sent(inbox, *failures, STOPPING, summary(ExitCode.CREDITS), on=on)
    assert message["type"] == "failure"
    assert message["title"].startswith("job: stopped for credits")
    for words in (
        "5 rendered",
        "3 failed",
        "2 left to do",
        "spent $4.75",
        "$0.95 at risk",
        "without a clip: 2 moderation, 1 timeout",
        "report: /out/r.html",
    ):
        assert words in message["message"]


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (ExitCode.OK, "success"),
        (ExitCode.SOME_FAILED, "warning"),
        (ExitCode.WINDOW, "info"),
        (ExitCode.SIGTERM, "info"),
        (ExitCode.OUTAGE, "failure"),
        (ExitCode.API_REFUSES, "failure"),
        (ExitCode.STORAGE, "failure"),
    ],
)
def test_a_message_is_marked_by_how_the_run_ended(inbox: Inbox, code: ExitCode, kind: str) -> None:
    (message,) = sent(inbox, summary(code))
    assert message["type"] == kind


def test_an_outage_is_told_once_however_often_its_end_is_put_off(inbox: Inbox) -> None:
    held = [ev.Held(ev.Reason.OUTAGE, "HTTP 503", 10.0 * n, 1.0) for n in range(5)]
    resumed = ev.Resumed(ev.Reason.OUTAGE, 60.0, 1.0)
    messages = sent(inbox, *held, resumed, *held)
    assert [message["type"] for message in messages] == ["warning", "warning"]


NEAR = ev.CapNear("month", Decimal(600), Decimal(480), 1e9, "UTC", 1.0)


def test_a_cap_that_is_near_is_a_message_of_its_own(inbox: Inbox) -> None:
    (message,) = sent(inbox, NEAR, on=("cap",))
    assert message["type"] == "warning"
    assert "$480.00 of the $600.00 a month" in message["message"]
    inbox.messages.clear()
    assert sent(inbox, NEAR, on=("end", "stop", "outage")) == []


def test_the_message_of_a_cap_that_is_reached_says_when_to_run_again(inbox: Inbox) -> None:
    (message,) = sent(inbox, STOPPING, replace(summary(ExitCode.CREDITS), until=1e9))
    assert message["title"].startswith("job: stopped for credits: run again after 2001-09-")
    assert "top up" not in message["title"]


def test_only_a_stop_is_told_where_only_stops_are_asked_for(inbox: Inbox) -> None:
    assert sent(inbox, summary(ExitCode.OK), on=("stop",)) == []


def test_a_run_that_met_a_bug_is_told_although_it_has_no_summary(inbox: Inbox) -> None:
    (message,) = sent(inbox, ev.Stopping(ExitCode.BUG, "RuntimeError: x", 0, 1.0))
    assert (message["type"], message["title"]) == ("failure", "job: stopped")


def test_a_service_that_never_answers_does_not_hold_the_end_of_a_run(
    inbox: Inbox,
) -> None:
    inbox.silent = True
    begun = time.monotonic()
    assert sent(inbox, summary(ExitCode.OK), patience=0.3) == []
    assert time.monotonic() - begun < 10
