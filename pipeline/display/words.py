"""Events and amounts as text. Pure; shared by the displays, the notifications and `check`."""

from datetime import datetime
from decimal import Decimal
from typing import NamedTuple

from pipeline import events as ev
from pipeline.amounts import dollars
from pipeline.errors import ExitCode
from pipeline.models import CORRECTION, Record, Settled, Status
from pipeline.printable import printable

# The signals that stop a run at once when they come a second time.
_SECOND = {ExitCode.SIGINT: "Ctrl-C", ExitCode.SIGTERM: "SIGTERM", ExitCode.SIGHUP: "SIGHUP"}

# The length of a task id that is a digest: ~ and 16 digits.
_DIGEST = 17

_MINUTE, _HOUR, _DAY = 60, 3600, 86400


def money(amount: Decimal | None) -> str:
    """Format an amount of US dollars."""
    return "unknown" if amount is None else dollars(amount)


def duration(seconds: float) -> str:
    """Format a time span in seconds, in two units at most."""
    whole = round(seconds)
    if whole < _MINUTE:
        return f"{seconds:.1f} s" if 0 < seconds < 10 else f"{whole} s"  # noqa: PLR2004
    if whole < _HOUR:
        return f"{whole // _MINUTE} min {whole % _MINUTE:02} s"
    if whole < _DAY:
        return f"{whole // _HOUR} h {whole % _HOUR // _MINUTE:02} min"
    return f"{whole // _DAY} d {whole % _DAY // _HOUR} h"


def clock(at: float) -> str:
    """Format Unix time as local time, with the date if it is not today."""
    moment = datetime.fromtimestamp(at).astimezone()
    today = moment.date() == datetime.now().astimezone().date()
    return moment.strftime("%H:%M:%S" if today else "%Y-%m-%d %H:%M")


def tasks(number: int) -> str:
    """Format a number of tasks."""
    return f"{number:,} task" + ("" if number == 1 else "s")


def waiting(number: int) -> str:
    """Format a number of requests that the provider has accepted and not yet ended."""
    return f"{number:,} waiting at the provider"


def saved(number: int) -> str:
    """Format a number of outputs that are here, and not in their place yet."""
    return f"{number:,} saved here and not in place"


def line(event: ev.Event) -> str | None:
    """Describe an event in one line; None for events that are not worth a line in a log."""
    text = _text(event)
    return None if text is None else printable(text)


def _text(event: ev.Event) -> str | None:  # noqa: C901, PLR0911 - one return a kind
    match event:
        case ev.Started():
            return _started(event)
        case ev.Finished():
            return _finished(event.record, event.name)
        case ev.Recovered():
            return _recovered(event.record)
        case ev.Held():
            until = f", until {clock(event.until)}" if event.until else ""
            return f"{paused(event.reason)}{until}: {event.detail}"
        case ev.Resumed(going_on=True):
            why = paused(event.reason).removeprefix("paused")
            return f"resumed after {duration(event.seconds)}{why}"
        case ev.Stopping():
            return _stopping(event)
        case ev.Asked():
            return f"status: {'; '.join(standing(event.standing))}"
        case ev.Reloaded():
            return f"reloaded: {event.detail}"
        case ev.Warned() | ev.CapNear():
            return f"warning: {event.message if isinstance(event, ev.Warned) else cap(event)}"
        case ev.Summary():
            return summary(event)
        case _:
            return None


def paused(reason: str) -> str:
    """Say that a run is paused, and why; a pause that somebody asked for needs no reason."""
    return "paused" if reason == ev.Reason.PAUSED else f"paused ({reason})"


def cap(event: ev.CapNear) -> str:
    """Say how much of a cap is used, and until when it applies."""
    used = f"{money(event.used)} of the {money(event.limit)} a {event.period}"
    zone = f" ({event.zone})" if event.zone else ""
    until = f"the {event.period}{zone} ends at {clock(event.ends)}"
    return f"the runs of this account have used {used}; {until}"


def again(until: float | None) -> str:
    """Say when a run that a cap has stopped can continue; nothing for any other."""
    return f"run again after {clock(until)}" if until else ""


def _started(event: ev.Started) -> str:
    c = event.counts
    done = f", {c.succeeded:,} done" if c.succeeded else ""
    failed = f", {c.failed:,} failed" if c.failed else ""
    doubt = f", {c.in_doubt:,} in doubt" if c.in_doubt else ""
    accepted = f", {waiting(c.accepted)}" if c.accepted else ""
    price = f", about {money(event.expected_cost)}" if event.expected_cost is not None else ""
    where = f", at {event.host}" if event.host else ""
    return (
        f"{event.job}: {tasks(c.total)}{done}{failed}{doubt}{accepted};"
        f" {event.selected:,} to render{price},"
        f" {event.concurrency} at a time{where}, into {event.output}"
    )


def _finished(record: Record, name: str = "") -> str | None:
    """Describe the end of a task; None for a clip that came as expected."""
    if record.settled is None:
        return None if record.status is Status.SUCCEEDED else _without_clip(record, name)
    if record.status is Status.SUCCEEDED:
        return f"found: {named(record, name)}: the provider lists it, and it is taken in"
    if record.settled is Settled.FOUND and record.reason != CORRECTION:
        return _without_clip(record, name)
    return f"settled: {named(record, name)}: {record.error}"


def _without_clip(record: Record, name: str = "") -> str:
    status = "in doubt" if record.status is Status.IN_DOUBT else "failed"
    return f"{status}: {named(record, name)}: {record.error}"


def _recovered(record: Record) -> str:
    if record.settled is not None:
        return _finished(record) or ""
    if record.status is Status.SUCCEEDED:
        return f"recovered: {named(record)}: it was complete when the last run was killed"
    return _without_clip(record)


def named(record: Record, name: str = "") -> str:
    """Name a task: its file, else its id, and the first words of its prompt."""
    prompt = first_words(str(record.params.get("prompt", "")))
    label = name or record.output or record.task
    if prompt and label.startswith("~"):  # a digest means nothing to people; what follows it does
        return prompt + label[_DIGEST:]
    return label + (f" ({prompt})" if prompt else "")


def first_words(text: str, most: int = 60) -> str:
    """Shorten a text to its first words, on one line."""
    line = " ".join(text[: 4 * most].split())
    return line if len(line) <= most else line[:most].rsplit(" ", 1)[0].rstrip(",;:. ") + " …"


def _stopping(event: ev.Stopping) -> str:
    text = f"stopping: {event.detail}"
    if event.until:
        text += f"; {again(event.until)}"
    if event.accepted:
        text += f"; {waiting(event.accepted)}: the next run asks for them"
    if event.in_flight:
        text += f"; {tasks(event.in_flight)} in flight will be finished and saved"
        if signal := _SECOND.get(event.exit_code):
            text += f" (a second {signal} stops at once, and leaves them in doubt)"
    return text


def standing(now: ev.Standing) -> list[str]:
    """Describe how a run stands, in two lines: what it does and how, and how far it is."""
    doing = [f"{now.job}: {now.state}" + (f" ({now.reason})" if now.state == "waiting" else "")]
    doing[0] += f", until {clock(now.until)}" if now.until else ""
    doing[0] += f": {now.detail}" if now.detail else ""
    doing += [f"{now.in_flight:,} in flight", f"concurrency {now.concurrency}"]
    doing += [f"rate {now.rate or 'none'}"]
    doing += [f"budget {'none' if now.budget is None else money(now.budget)}"]
    parts = [f"{now.succeeded:,} of {now.total:,} succeeded"]
    parts += [f"{now.failed:,} failed"] if now.failed else []
    parts += [f"{now.in_doubt:,} in doubt"] if now.in_doubt else []
    parts += [waiting(now.accepted)] if now.accepted else []
    parts += [saved(now.saved)] if now.saved else []
    parts += [f"{now.pending:,} left to do"]
    parts += _spent(ev.Money(now.spent, now.at_risk, remaining=now.remaining_credits))
    return [", ".join(doing), ", ".join(parts)]


def _spent(m: ev.Money) -> list[str]:
    parts = [f"spent {money(m.spent)}"]
    parts += [f"{money(m.at_risk)} at risk"] if m.at_risk else []
    return parts + ([f"{money(m.remaining)} credits left"] if m.remaining is not None else [])


def summary(event: ev.Summary) -> str:
    """Summarise a run in one line: its results, what is left, what it cost."""
    here, all_ = event.here, event.counts
    parts = [f"{here.succeeded:,} rendered in {duration(event.seconds)}"]
    if all_.failed:
        parts.append(f"{all_.failed:,} failed")
    if all_.in_doubt:
        parts.append(f"{all_.in_doubt:,} in doubt")
    if all_.accepted:
        parts.append(waiting(all_.accepted))
    if all_.saved:
        parts.append(saved(all_.saved))
    if all_.pending:
        price = event.price_left
        cost = f" (about {money(price)})" if price and event.left == all_.pending else ""
        parts.append(f"{all_.pending:,} left to do{cost}")
    parts += _spent(event.money)
    ended = "; ".join(filter(None, [event.detail, again(event.until)]))
    return f"exit {int(event.exit_code)}: {ended}. {', '.join(parts)}."


class Step(NamedTuple):
    """How to continue: what it is for, the command with its flags, and a caution."""

    what: str
    flags: list[str]
    caution: str = ""
    command: str = "run"


def next_steps(event: ev.Summary) -> list[Step]:
    """List how to continue after a run."""
    counts, steps = event.counts, list[Step]()
    if counts.failed:
        steps.append(Step("failed tasks again:", ["--retry", "failed"]))
    if counts.in_doubt:
        steps.append(Step("settle the doubts:", [], command="settle"))
        again = ["--retry", "in-doubt"]
        steps.append(Step("tasks in doubt again:", again, "   (may pay twice)"))
    if counts.pending:
        when = f"   (after {clock(event.until)})" if event.until else ""
        steps.append(Step("the rest:", [], when))
    elif counts.accepted or counts.saved:
        steps.append(Step("what is waiting:", []))
    return steps
