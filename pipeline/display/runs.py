"""The runs of all accounts as text: what `status` without a job writes. Pure."""

from collections.abc import Callable, Iterator
from pathlib import Path

from pipeline.amounts import ZERO
from pipeline.display.words import clock, duration, money, saved, waiting
from pipeline.events import Counts
from pipeline.money.account import Cap
from pipeline.overview import AccountView, Overview, Pause, Run

_UNITS = [("a second", 1.0), ("a minute", 60.0), ("an hour", 3600.0), ("a day", 86400.0)]
NOTHING = "no run of pipeline is known on this machine"

Spelling = Callable[..., str]
"""Writes our arguments as a command to copy."""


def lines(overview: Overview, spelled: Spelling) -> Iterator[str]:
    """Write everything, account by account; `spelled` writes the commands that help."""
    if not overview.accounts:
        yield NOTHING
    for account in overview.accounts:
        yield f"{title(account)}:"
        yield from (f"  {line}" for line in limits(account))
        for run in (*account.runs, *in_doubt(account)):
            yield from (f"  {line}" for line in _run(run, overview, spelled))
        yield from (f"  {line}" for line in _others(account, overview.days))


def in_doubt(account: AccountView) -> list[Run]:
    """Return the jobs that have no run and something at risk: they need somebody."""
    return [run for run in account.ended if run.is_left]


def _others(account: AccountView, days: int) -> Iterator[str]:
    """Say what the jobs have spent that are not listed."""
    others = [run for run in account.ended if not run.is_left]
    if others:
        number = "1 job" if len(others) == 1 else f"{len(others):,} jobs"
        spent = money(sum((run.spent for run in others), ZERO))
        yield f"{number} without a run: {spent} spent in the last {days} days"
    elif account.problem is None and not account.runs and not account.ended:
        yield "no run"


def title(account: AccountView) -> str:
    """Name an account, and say what it has left."""
    if account.problem is not None:
        return f"account ledger {account.ledger}"
    where = f" at {account.host}" if account.host else ""
    return f"account {account.name or account.ledger}{where}, {balance(account)}"


def balance(account: AccountView) -> str:
    """Say what the account has left."""
    if account.balance is None:
        return "balance unknown"
    return f"{money(account.balance)} credits left as last reported"


def limits(account: AccountView) -> Iterator[str]:
    """Say what holds for all runs of an account: what is wrong, its pause and its caps."""
    if account.problem is not None:
        yield f"cannot be read: {account.problem}"
    if account.pause is not None:
        yield f"all runs paused{pause_end(account.pause)}: {account.pause.reason}"
    if account.concurrency is not None:
        flying = sum(run.in_flight for run in account.runs)
        yield f"{flying:,} of at most {account.concurrency:,} requests in flight"
    if account.interval:
        yield f"at most {rate(account.interval)}"
    yield from map(cap, account.caps)


def rate(interval: float) -> str:
    """Write so many seconds between two requests as a rate."""
    unit, seconds = next((u for u in _UNITS if u[1] >= interval), _UNITS[-1])
    number = f"{seconds / interval:,.1f}".removesuffix(".0")
    return f"{number} request{'' if number == '1' else 's'} {unit}"


def cap(one: Cap) -> str:
    """Say how much of a cap is used, and until when it applies."""
    zone = f" ({one.zone})" if one.zone else ""
    used = f"{money(one.used)} of {money(one.limit)} used"
    return f"cap of the {one.period}: {used}, until {clock(one.ends)}{zone}"


def pause_end(pause: Pause) -> str:
    """Say when a pause ends, if that is known."""
    return f" until {clock(pause.until)}" if pause.until else ""


def condition(run: Run) -> str:
    """Say in few words what a run is doing."""
    if not run.running:
        return "not running"
    if run.pause is None:
        return "running"
    return run.pause.reason if run.pause.reason in {"paused", "stopping"} else "paused"


def advice(run: Run, spelled: Spelling) -> str | None:
    """Say what to do about the money that a dead run has left at risk."""
    if not run.is_left:
        return None
    risk = f"{money(run.at_risk)} may have been paid for without an output"
    if run.gone:
        return f"{risk}, and its output directory is gone: see the account's page"
    if run.file is None:
        return f"{risk}: run its job again, or use `pipeline settle`"
    usual = Path(run.file).parent / "outputs" / run.job
    output = [] if str(usual) == run.output else ["--output", run.output]
    again, settle = (spelled(command, run.file, *output) for command in ("run", "settle"))
    return f"{risk}; `{again}` continues, `{settle}` finds out what became of it"


def progress(tasks: Counts) -> str:
    """Say how the tasks of a job stand."""
    parts = [f"{tasks.succeeded:,} of {tasks.total:,} succeeded"]
    parts += [f"{tasks.failed:,} failed"] if tasks.failed else []
    parts += [f"{tasks.in_doubt:,} in doubt"] if tasks.in_doubt else []
    parts += [waiting(tasks.accepted)] if tasks.accepted else []
    parts += [saved(tasks.saved)] if tasks.saved else []
    return ", ".join([*parts, f"{tasks.pending:,} to do"])


def _run(run: Run, overview: Overview, spelled: Spelling) -> Iterator[str]:
    state = f"running, pid {run.pid}, {run.in_flight:,} in flight"
    if not run.running:
        state = f"not running; it had {run.left:,} in flight" if run.left else "not running"
    yield f"{run.job}: {state}"
    if run.running:
        yield f"  held      {money(run.held):>8}  for requests in flight and retries"
    yield f"  spent     {money(run.spent):>8}  in the last {overview.days} days"
    yield f"  at risk   {money(run.at_risk):>8}"
    if run.tasks is not None:
        yield f"  tasks     {progress(run.tasks)}"
    if run.pause is not None:
        yield f"  paused    {reason(run.pause, overview.at)}"
    if (what := advice(run, spelled)) is not None:
        yield f"  to do     {what}"
    yield f"  output    {run.output}"


def reason(pause: Pause, now: float) -> str:
    """Say why a run is paused, and when it looks again."""
    left = max(pause.until - now, 0) if pause.until else None
    when = f", next look in {duration(left)}" if left is not None else ""
    return f"{pause.reason}{when}: {pause.detail}" if pause.detail else f"{pause.reason}{when}"
