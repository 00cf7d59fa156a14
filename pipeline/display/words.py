"""Events and figures in words. Pure; shared by every face."""

from datetime import datetime
from decimal import Decimal

from pipeline import events as ev
from pipeline.amounts import dollars
from pipeline.errors import ExitCode
from pipeline.models import Record, Status
from pipeline.printable import printable

# What stops a run at once when it comes again.
_SECOND = {ExitCode.SIGINT: "Ctrl-C", ExitCode.SIGTERM: "SIGTERM", ExitCode.SIGHUP: "SIGHUP"}

# The length of an identity that is a digest: ~ and 16 digits.
_DIGEST = 17

_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def money(amount: Decimal | None) -> str:
    """Write an amount of US dollars."""
    return "unknown" if amount is None else dollars(amount)


def duration(seconds: float) -> str:
    """Write a time span, to two units."""
    whole = round(seconds)
    if whole < _MINUTE:
        return f"{seconds:.1f} s" if 0 < seconds < 10 else f"{whole} s"  # noqa: PLR2004
    if whole < _HOUR:
        return f"{whole // _MINUTE} min {whole % _MINUTE:02} s"
    if whole < _DAY:
        return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE:02} min"
    return f"{whole // _DAY} d {whole % _DAY // _HOUR} h"


def clock(at: float) -> str:
    """Write a moment as local wall-clock time, with its date where that is not today."""
    moment = datetime.fromtimestamp(at).astimezone()
    today = moment.date() == datetime.now().astimezone().date()
    return moment.strftime("%H:%M:%S" if today else "%Y-%m-%d %H:%M")


def tasks(number: int) -> str:
    """Count tasks."""
    return f"{number:,} task" + ("" if number == 1 else "s")


def line(event: ev.Event) -> str | None:
    """Say an event in one line; None for what is no news in the morning."""
    said = _said(event)
    return None if said is None else printable(said)


def _said(event: ev.Event) -> str | None:  # noqa: PLR0911 - one return a kind
    match event:
        case ev.Started():
            return _started(event)
        case ev.Finished():
            done = event.record.status is Status.SUCCEEDED
            return None if done else _ended_badly(event.record, event.name)
        case ev.Recovered():
            return _recovered(event.record)
        case ev.Held():
            until = f", until {clock(event.until)}" if event.until else ""
            return f"holding ({event.reason}){until}: {event.detail}"
        case ev.Resumed(going_on=True):
            return f"going on after {duration(event.seconds)} ({event.reason})"
        case ev.Stopping():
            return _stopping(event)
        case ev.Asked():
            return _asked(event)
        case ev.Warned():
            return f"warning: {event.message}"
        case ev.Summary():
            return summary(event)
        case _:
            return None


def _started(event: ev.Started) -> str:
    c = event.counts
    done = f", {c.succeeded:,} done" if c.succeeded else ""
    bad = f", {c.failed:,} failed" if c.failed else ""
    doubt = f", {c.in_doubt:,} in doubt" if c.in_doubt else ""
    price = f", about {money(event.expected_cost)}" if event.expected_cost is not None else ""
    where = f", at {event.host}" if event.host else ""
    return (
        f"{event.job}: {tasks(c.total)}{done}{bad}{doubt}; {event.selected:,} to render{price},"
        f" {event.concurrency} at a time{where}, into {event.output}"
    )


def _ended_badly(record: Record, name: str = "") -> str:
    status = "in doubt" if record.status is Status.IN_DOUBT else "failed"
    return f"{status}: {named(record, name)}: {record.error}"


def _recovered(record: Record) -> str:
    if record.status is Status.SUCCEEDED:
        return f"taken in: {named(record)}: it was complete when the last run was killed"
    return _ended_badly(record)


def named(record: Record, name: str = "") -> str:
    """Name a task for people: its file, else its id, and the first words of its prompt."""
    prompt = first_words(str(record.params.get("prompt", "")))
    label = name or record.output or record.task
    if prompt and label.startswith("~"):  # a digest says nothing; what follows it does
        return prompt + label[_DIGEST:]
    return label + (f" ({prompt})" if prompt else "")


def first_words(text: str, most: int = 60) -> str:
    """Cut a text to its first words, on one line."""
    line = " ".join(text[: 4 * most].split())
    return line if len(line) <= most else line[:most].rsplit(" ", 1)[0].rstrip(",;:. ") + " …"


def _stopping(event: ev.Stopping) -> str:
    waiting = f"; {tasks(event.in_flight)} in flight will be finished and saved"
    again = f" (a second {_SECOND.get(event.exit_code)} stops at once, and leaves them in doubt)"
    by_signal = event.exit_code in _SECOND
    tail = (waiting + (again if by_signal else "")) if event.in_flight else ""
    return f"stopping: {event.detail}{tail}"


def _asked(event: ev.Asked) -> str:
    here = event.here
    ended = here.succeeded + here.failed + here.in_doubt
    parts = [f"{ended:,} of {here.total:,}", f"{event.in_flight:,} in flight"]
    parts += [f"{here.failed:,} failed"] if here.failed else []
    parts += [f"{here.in_doubt:,} in doubt"] if here.in_doubt else []
    parts += [f"{here.pending:,} left to do", *_spent(event.money)]
    return f"status: {', '.join(parts)}"


def _spent(m: ev.Money) -> list[str]:
    parts = [f"spent {money(m.spent)}"]
    parts += [f"{money(m.at_risk)} at risk"] if m.at_risk else []
    return parts + ([f"{money(m.remaining)} credits left"] if m.remaining is not None else [])


def summary(event: ev.Summary) -> str:
    """Sum a run up in one line: what came of it, what is left, what it cost."""
    here, all_ = event.here, event.counts
    parts = [f"{here.succeeded:,} rendered in {duration(event.seconds)}"]
    if all_.failed:
        parts.append(f"{all_.failed:,} failed")
    if all_.in_doubt:
        parts.append(f"{all_.in_doubt:,} in doubt")
    if all_.pending:
        price = event.price_left
        cost = f" (about {money(price)})" if price and event.left == all_.pending else ""
        parts.append(f"{all_.pending:,} left to do{cost}")
    parts += _spent(event.money)
    return f"exit {int(event.exit_code)}: {event.detail}. {', '.join(parts)}."


def next_steps(event: ev.Summary) -> list[tuple[str, list[str], str]]:
    """Tell what takes up what is left: what it is for, the flags of `run`, what to know of it."""
    steps = []
    if event.counts.failed:
        steps.append(("failed tasks again:", ["--retry", "failed"], ""))
    if event.counts.in_doubt:
        steps.append(("tasks in doubt again:", ["--retry", "in-doubt"], "   (may pay twice)"))
    if event.counts.pending:
        steps.append(("the rest:", list[str](), ""))
    return steps
