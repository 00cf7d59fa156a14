"""The table of what is in doubt, to compare with the list of requests on the provider's page."""

from collections.abc import Iterable, Iterator, Sequence
from decimal import Decimal
from typing import Any

from pipeline.amounts import ZERO
from pipeline.cli.output import aligned
from pipeline.display.words import money
from pipeline.errors import DirectoryError
from pipeline.ledger.manifest import open_doubts, replay
from pipeline.models import Job
from pipeline.printable import printable
from pipeline.settling.attempts import Doubt
from pipeline.store.layout import Layout
from pipeline.store.outstanding import attempts_of, sent_claims, unrecorded

_HEAD = ("task", "sent (UTC)", "request id", "price")
_UNKNOWN = "\N{EN DASH}"


def table(doubts: Sequence[Doubt]) -> Iterator[str]:
    """Yield the lines of the table: task, when it was sent, request id, price."""
    return aligned([_HEAD, *(_row(doubt) for doubt in doubts)])


def _row(doubt: Doubt) -> tuple[str, str, str, str]:
    return (
        printable(doubt.task),
        printable(doubt.started_at.partition(".")[0].replace("T", " ") or _UNKNOWN),
        printable(doubt.request_id or _UNKNOWN),
        money(doubt.at_risk),
    )


def at_risk(doubts: Iterable[Doubt]) -> Decimal:
    """Add up what is at risk, in US dollars, as far as it is known."""
    return sum((doubt.at_risk or ZERO for doubt in doubts), ZERO)


def as_json(doubt: Doubt) -> dict[str, Any]:
    """Write a doubt as `settle --json` does."""
    return {
        "task": doubt.task,
        "started_at": doubt.started_at,
        "request_id": doubt.request_id,
        "model": doubt.model,
        "at_risk": doubt.at_risk,
    }


def still_open(job: Job) -> list[Doubt]:
    """Read what is in doubt, of all providers, in the order in which it was sent.

    Raises:
        DirectoryError: the output directory cannot be read.
    """
    layout = Layout(job.output_dir)
    try:
        claims = sent_claims(layout)
        history = replay(layout.manifest, attempts=attempts_of(claims))
        doubts = [
            *map(Doubt.of_record, open_doubts(layout.manifest, history)),
            *map(Doubt.of_leftover, unrecorded(claims, history).doubtful),
        ]
    except OSError as error:
        raise DirectoryError(f"{layout.root} cannot be read: {error.strerror}") from error
    return sorted(doubts, key=lambda doubt: (doubt.started_at, doubt.task))
