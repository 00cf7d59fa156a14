"""The result of `pipeline audit` in words."""

import math
from collections.abc import Iterator
from datetime import UTC, datetime
from decimal import Decimal

from pipeline.cli.output import aligned
from pipeline.display.words import money
from pipeline.printable import printable
from pipeline.settling.audit import Audit, Difference, DifferenceKind

_UNKNOWN = "\N{EN DASH}"
_HEAD = ("task", "sent (UTC)", "request id", "here", "there", "what it is")
_KINDS = {
    DifferenceKind.UNKNOWN_HERE: "charged there, unknown here",
    DifferenceKind.UNKNOWN_THERE: "recorded here, not in the list",
    DifferenceKind.AMOUNT: "other amounts",
    DifferenceKind.IN_DOUBT: "in doubt here, charged there: settle takes it in",
    DifferenceKind.ACCEPTED: "charged there, waiting here: the next run takes it in",
}


def lines(found: Audit, *, several: bool) -> Iterator[str]:
    """Yield both totals, and a line for each difference; `several` jobs are named in each."""
    if math.isinf(found.since):
        yield "nothing was sent yet"
        return
    yield f"{_moment(found.since)} to {_moment(found.until)} UTC"
    yield f"  recorded here   {money(found.here):>9}  {found.attempts:,} requests"
    if found.readable:
        yield f"  charged there   {money(found.there):>9}  {found.requests:,} requests"
    if found.at_risk:
        yield f"  at risk here    {money(found.at_risk):>9}"
    if found.differences:
        yield ""
        yield from _table(found.differences, several=several)
        yield ""
    if found.readable:
        yield "The books agree." if found.agrees else "The books do not agree."


def _table(differences: tuple[Difference, ...], *, several: bool) -> Iterator[str]:
    return aligned([_HEAD, *(_row(one, several=several) for one in differences)])


def _row(one: Difference, *, several: bool) -> tuple[str, ...]:
    task = f"{one.job}: {one.task}" if several and one.job and one.task else one.task
    return (
        printable(task or _UNKNOWN),
        _moment(one.at),
        printable(one.request_id or _UNKNOWN),
        _amount(one.here),
        _amount(one.there),
        _KINDS[one.kind],
    )


def _amount(amount: Decimal | None) -> str:
    return _UNKNOWN if amount is None else money(amount)


def _moment(at: float | None) -> str:
    if at is None:
        return _UNKNOWN
    try:
        return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S")
    except (ValueError, OverflowError, OSError):  # a time that no calendar has
        return _UNKNOWN
