"""What people see: words, plain lines, the live terminal, the state file."""

import io
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace
from rich.console import Console

from pipeline import events as ev
from pipeline.display.live import LiveDisplay
from pipeline.display.logfile import LogFile
from pipeline.display.plain import PlainLines
from pipeline.display.progress import Progress
from pipeline.display.words import clock, duration, line, money, next_steps
from pipeline.errors import ExitCode, UsageError
from pipeline.models import CORRECTION, Record, Settled, Status

LATER = time.time() + 3600

MONEY = ev.Money(
    spent=Decimal("3.80"), at_risk=Decimal("0.95"), remaining=Decimal("21.5"), budget=Decimal(30)
)


def record(task: str, status: Status = Status.SUCCEEDED, error: str | None = None) -> Record:
    return Record(task=task, status=status, model="m", params={}, fingerprint="f", error=error)


def started(selected: int = 10, at: float = 1000.0) -> ev.Started:
    counts = ev.Counts(total=40, succeeded=28, failed=1, in_doubt=1, pending=10)
    return ev.Started("spring", "/out", counts, selected, 6, Decimal("9.5"), at)


def finished(task: str, status: Status = Status.SUCCEEDED, at: float = 1010.0) -> ev.Finished:
    return ev.Finished(record(task, status, "HTTP 500: no"), MONEY, at)


def summary(code: ExitCode = ExitCode.SOME_FAILED, told: ev.Money = MONEY) -> ev.Summary:
    counts = ev.Counts(total=40, succeeded=30, failed=3, in_doubt=2, pending=5)
    return ev.Summary(
        code, code.meaning, counts, ev.Counts(10, 2, 2, 1, 0), 5, told, Decimal("4.75"), 75.0,
        "/out", 1085.0,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("reason", "begins", "ends"),
    [
        (ev.Reason.ACCOUNT, "paused (account)", "resumed after 2.0 s (account)"),
        (ev.Reason.PAUSED, "paused: ", "resumed after 2.0 s"),
    ],
)
def test_a_pause_names_its_reason_where_that_says_more(
    reason: ev.Reason, begins: str, ends: str
) -> None:
    said = line(ev.Held(reason, "another run of the account goes first", None, 0.0))
    assert said == f"{begins.removesuffix(': ')}: another run of the account goes first"
    assert line(ev.Resumed(reason, 2.0, 0.0)) == ends


def test_a_cap_that_is_near_is_a_warning_with_both_amounts_and_its_zone() -> None:
    near = ev.CapNear("day", Decimal(5), Decimal("4.1"), LATER, "Europe/London", 0.0)
    said = line(near) or ""
    assert said.startswith("warning: ")
    for words in ("$4.10 of the $5.00 a day", "(Europe/London)", f"ends at {clock(LATER)}"):
        assert words in said


def test_a_run_that_a_cap_stopped_says_when_to_run_again_and_not_to_top_up() -> None:
    capped = replace(summary(ExitCode.CREDITS), detail="the day's cap is spent", until=LATER)
    stopping = ev.Stopping(ExitCode.CREDITS, "the day's cap is spent", 2, 0.0, until=LATER)
    for said in (line(capped), line(stopping)):
        assert f"the day's cap is spent; run again after {clock(LATER)}" in (said or "")
        assert "top up" not in (said or "")
    (rest,) = [step for step in next_steps(capped) if step.what == "the rest:"]
    assert clock(LATER) in rest.caution


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 s"), (2.34, "2.3 s"), (59, "59 s"), (75, "1 min 15 s"), (7260, "2 h 01 min"),
     (90000, "1 d 1 h")],
)  # fmt: skip
def test_durations_are_told_to_two_units(seconds: float, words: str) -> None:
    assert duration(seconds) == words


@pytest.mark.parametrize(
    ("amount", "words"),
    [("0.95", "$0.95"), ("1234.5", "$1,234.50"), ("0.018", "$0.018"), ("615.98012", "$615.98"),
     ("0", "$0.00"), ("-0", "$0.00"), ("-0.95", "-$0.95"), ("-0.0000001", "$0.00"),
     ("0.0000000000000002", "$0.00"), ("0.002", "$0.002"), ("0.0125", "$0.0125"),
     ("0.00004", "$0.00004"), ("0.3333333", "$0.33"), ("0.9999999", "$1.00")],
)  # fmt: skip
def test_money_is_told_in_cents_and_what_cents_would_hide_exactly(amount: str, words: str) -> None:
    assert money(Decimal(amount)) == words
    assert money(None) == "unknown"


def test_the_first_line_says_what_a_run_sets_out_to_do() -> None:
    said = line(started())
    assert said is not None
    for part in ("40 tasks", "28 done", "1 failed", "1 in doubt", "10 to render", "$9.50"):
        assert part in said


def test_successes_are_no_news_and_what_ended_badly_is_one_line() -> None:
    assert line(finished("a")) is None
    assert line(finished("b", Status.FAILED)) == "failed: b: HTTP 500: no"
    assert line(finished("c", Status.IN_DOUBT)) == "in doubt: c: HTTP 500: no"
    assert line(ev.Dispatched("a", "p", 1, 0.0)) is None


def test_holds_and_their_ends_are_told_with_reason_and_time() -> None:
    said = line(ev.Held(ev.Reason.OUTAGE, "HTTP 503", 2000.0, 1990.0))
    assert said is not None
    assert "outage" in said
    assert "HTTP 503" in said
    assert line(ev.Resumed(ev.Reason.OUTAGE, 12.0, 2002.0)) == "resumed after 12 s (outage)"


def test_a_stop_by_signal_says_how_to_stop_at_once() -> None:
    said = line(ev.Stopping(ExitCode.SIGINT, "SIGINT received", 3, 0.0))
    assert said is not None
    assert "3 tasks in flight" in said
    assert "second Ctrl-C" in said
    quiet = line(ev.Stopping(ExitCode.CREDITS, "no credits", 0, 0.0))
    assert quiet == "stopping: no credits"


def test_a_stop_says_what_is_left_waiting_at_the_provider() -> None:
    left = line(ev.Stopping(ExitCode.SIGINT, "SIGINT received", 0, 0.0, accepted=7))
    assert (
        left == "stopping: SIGINT received; 7 waiting at the provider: the next run asks for them"
    )


def test_recovered_claims_are_told() -> None:
    taken = line(ev.Recovered(record("a"), 0.0))
    doubtful = line(ev.Recovered(record("a", Status.IN_DOUBT, "killed"), 0.0))
    assert taken is not None
    assert taken.startswith("recovered: a")
    assert doubtful == "in doubt: a: killed"


def test_a_task_that_has_no_name_is_told_by_its_prompt() -> None:
    digest = "~0123456789abcdef"
    doubt = replace_record(digest + "[loop=true]", params={"prompt": "a pier"})
    assert line(ev.Recovered(doubt, 0.0)) == "in doubt: a pier[loop=true]: killed"
    named = replace_record("hero", params={"prompt": "a pier " * 40})
    said = line(ev.Recovered(named, 0.0))
    assert said is not None
    assert said.startswith("in doubt: hero (a pier a pier")
    assert len(said) < 100


def replace_record(task: str, **fields: Any) -> Record:
    return msgspec.structs.replace(record(task, Status.IN_DOUBT, "killed"), **fields)


def test_the_last_line_sums_up_and_the_next_steps_are_commands() -> None:
    said = line(summary())
    assert said is not None
    for part in ("exit 1", "2 rendered", "3 failed", "2 in doubt", "5 left to do (about $4.75)",
                 "spent $3.80", "$0.95 at risk", "$21.50 credits left"):  # fmt: skip
        assert part in said
    assert [(step.command, *step.flags) for step in next_steps(summary())] == [
        ("run", "--retry", "failed"),
        ("settle",),
        ("run", "--retry", "in-doubt"),
        ("run",),
    ]


def test_plain_lines_have_notable_events_and_at_most_one_progress_line_in_30_s() -> None:
    now = 0.0
    stream = io.StringIO()
    lines = PlainLines(stream, clock=lambda: now)
    lines(started())
    for second in range(1, 71):
        now = float(second)
        lines(finished(f"t{second}"))
    shown = stream.getvalue().splitlines()
    assert len(shown) == 3
    assert "of 10" in shown[1]


def test_the_rate_counts_this_run_only_and_no_time_in_a_pause() -> None:
    progress = Progress()
    progress.take(started(selected=10, at=1000.0))
    progress.take(ev.Held(ev.Reason.CREDITS, "", None, 1010.0))
    progress.take(ev.Resumed(ev.Reason.CREDITS, 100.0, 1110.0))
    for number in range(5):
        progress.take(finished(f"t{number}"))
    assert progress.rate(1120.0) == pytest.approx(5 / 20)
    assert progress.remaining_seconds(1120.0) == pytest.approx(20)


def test_nothing_is_said_of_the_pace_before_the_first_task_has_ended() -> None:
    progress = Progress()
    assert progress.rate(5.0) is None
    assert progress.remaining_seconds(5.0) is None


def drawn(width: int, height: int, events: list[ev.Event], *, color: bool = True) -> str:
    console = Console(file=io.StringIO(), width=width, height=height, force_terminal=color)
    live = LiveDisplay(console)
    for event in events:
        live(event)
    with console.capture() as captured:
        console.print(live.render())
    return captured.get()


def many(number: int) -> list[ev.Event]:
    flights = [
        ev.Dispatched(f"task-{n}", "a long prompt " * 20, 1 + n % 2, 0.0) for n in range(number)
    ]
    return [started(100, 0.0), *flights, finished("x"), finished("y", Status.FAILED)]


@pytest.mark.parametrize("width", [20, 40, 80, 200])
@pytest.mark.parametrize("height", [6, 24])
def test_the_display_fits_every_terminal(width: int, height: int) -> None:
    events = [*many(50), ev.Held(ev.Reason.RATE_LIMIT, "429 " * 40, LATER, 0.0)]
    lines = drawn(width, height, events, color=False).splitlines()
    assert len(lines) <= height
    assert all(len(text) <= width for text in lines)


def test_the_display_shows_what_matters_at_a_glance() -> None:
    text = drawn(120, 24, many(3), color=False)
    for part in ("task-0", "task-2", "(try 2)", "2/100", "1 failed", "3 in flight", "$3.80",
                 "of $30.00", "at risk", "$21.50"):  # fmt: skip
        assert part in text


def test_the_display_says_what_the_pool_waits_for() -> None:
    held = drawn(
        120, 24, [*many(1), ev.Held(ev.Reason.OUTAGE, "HTTP 503", LATER, 0.0)], color=False
    )
    assert "paused (outage), next check in" in held
    stopping = ev.Stopping(ExitCode.SIGINT, "SIGINT received", 1, 0.0)
    assert "finished and saved" in drawn(120, 24, [*many(1), stopping], color=False)


def test_a_prompt_cannot_colour_the_terminal() -> None:
    events: list[ev.Event] = [started(), ev.Dispatched("t", "[red]boo[/red] \x1b[31mx", 1, 0.0)]
    text = drawn(120, 24, events)
    assert "[red]boo[/red]" in text
    assert "\x1b[31mx" not in text


def test_the_live_display_prints_news_above_itself() -> None:
    console = Console(file=io.StringIO(), width=100, height=24, force_terminal=True)
    with LiveDisplay(console) as live:
        for event in [*many(2), ev.Warned("look", 0.0), summary()]:
            live(event)
    shown = console.file.getvalue()  # type: ignore[attr-defined]
    assert "failed: y" in shown
    assert "warning: look" in shown


def test_a_task_that_is_sent_again_is_counted_once() -> None:
    progress = Progress()
    progress.take(started(selected=1))
    doubt = replace(finished("a", Status.IN_DOUBT), last=False)
    for event in (doubt, doubt, finished("a")):
        progress.take(event)
    assert (progress.done, progress.in_doubt, progress.ended) == (1, 0, 1)


def test_an_accepted_request_is_waited_for_and_no_longer_being_sent() -> None:
    progress = Progress()
    for event in (started(), ev.Dispatched("a", "p", 1, 0.0), ev.Accepted("a", "r1", 5.0)):
        progress.take(event)
    assert (list(progress.flying), list(progress.waiting)) == ([], ["a"])
    assert "0 in flight, 1 waiting at the provider" in progress.line()
    progress.take(ev.Landed("a", 60.0))
    assert not progress.waiting
    assert "waiting" not in progress.line()


def test_the_display_shows_what_waits_at_the_provider_also_from_an_earlier_run() -> None:
    events = [*many(2), ev.Accepted("task-0", "r1", 0.0), ev.Accepted("older", "r2", 0.0)]
    text = drawn(120, 24, events, color=False)
    for part in ("task-0", "task-1", "older", "1 in flight", "2 waiting at the provider"):
        assert part in text


def test_the_last_line_says_what_is_left_at_the_provider() -> None:
    said = summary()
    counts = msgspec.structs.replace(said.counts, pending=0, accepted=3)
    waiting = replace(said, counts=counts)
    assert "3 waiting at the provider" in (line(waiting) or "")
    assert [(step.what, step.command, step.flags) for step in next_steps(waiting)][-1] == (
        "what is waiting:", "run", []
    )  # fmt: skip
    first = replace(started(), counts=msgspec.structs.replace(started().counts, accepted=3))
    assert "3 waiting at the provider" in (line(first) or "")


def test_what_settles_a_doubt_is_one_line() -> None:
    def said(**fields: Any) -> str:
        settled = msgspec.structs.replace(record("a", Status.FAILED, "why"), **fields)
        return line(ev.Recovered(settled, 0.0)) or ""

    found = said(status=Status.SUCCEEDED, settled=Settled.FOUND)
    assert found.startswith("found: a: ")
    assert said(settled=Settled.FOUND) == "failed: a: why"
    assert said(settled=Settled.BILLED) == "settled: a: why"
    assert said(settled=Settled.FOUND, reason=CORRECTION) == "settled: a: why"


def test_a_log_file_that_cannot_be_written_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    with pytest.raises(UsageError, match="log file"):
        LogFile(tmp_path / "file" / "log")
