"""What the report shows, gathered from records. No I/O."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from msgspec.structs import replace

from pipeline.amounts import ZERO, rounded
from pipeline.ledger.manifest import corrected
from pipeline.ledger.verdicts import Verdicts, Word
from pipeline.models import CORRECTION, Expect, Record, Settled, Status, Task
from pipeline.report.commands import Commands
from pipeline.report.night import Night, Span, nights, span
from pipeline.report.shortening import shortened_params
from pipeline.store.posters import PosterIndex, Shown

# What a person has said of a doubt.
_WORDS = frozenset({Settled.BILLED, Settled.NOT_BILLED})


@dataclass(frozen=True, slots=True)
class Totals:
    """How the job stands. Money in US dollars, over the manifest's life.

    `remaining_credits` is the balance as last reported, or None. `accepted` tasks wait at the
    provider, `saved` ones are rendered and not in their place yet.
    """

    total: int
    succeeded: int
    failed: int
    in_doubt: int
    pending: int
    spent: Decimal
    at_risk: Decimal
    remaining_credits: Decimal | None
    accepted: int = 0
    saved: int = 0


@dataclass(frozen=True, slots=True)
class ReportData:
    """All that the page says.

    `generated_at` is RFC 3339. `records` has
    the last record of each task. The sets name tasks: `former` ones left the job, `changed` ones
    will be rendered again, `missing` ones succeeded and their file is not there now, `accepted`
    ones wait at the provider, `saved` ones are rendered and not in their place yet. `names` has for
    tasks of the job what their files are called, without extension. `link` makes the URL of an
    output; None is beside the page. `expect` says
    what the clips should be like. `tasks` are those of the job, in its order, by their ids; one
    that has no record is shown as it is planned. `verdicts` are what people have said of clips,
    `by_row` what only a sheet says. `earlier` has the clips before the present one of a task, the
    oldest first, and `versions` those of them whose file is there, with that, the newest first.
    `current` maps the tasks of the job to their fingerprints; `end` is where in the manifest the
    records end that were read. `posters` are the still
    pictures beside the page.
    """

    name: str
    commands: Commands
    generated_at: str
    totals: Totals
    records: tuple[Record, ...]
    nights: tuple[Night, ...] = ()
    simulated: bool = False
    former: frozenset[str] = frozenset()
    changed: frozenset[str] = frozenset()
    missing: frozenset[str] = frozenset()
    accepted: frozenset[str] = frozenset()
    saved: frozenset[str] = frozenset()
    names: Mapping[str, str] = field(default_factory=dict)
    link: Callable[[str], str | None] | None = None
    expect: Expect | None = None
    timezone: str | None = None
    tasks: Mapping[str, Task] = field(default_factory=dict)
    verdicts: Verdicts = field(default_factory=Verdicts)
    by_row: Mapping[str, Word] = field(default_factory=dict)
    earlier: Mapping[str, Sequence[Record]] = field(default_factory=dict)
    versions: Mapping[str, Sequence[tuple[Record, str]]] = field(default_factory=dict)
    current: Mapping[str, str] = field(default_factory=dict)
    end: int = 0
    posters: PosterIndex | None = None

    def poster_of(self, record: Record) -> Shown:
        """Return the poster of a record's clip, as far as it has one."""
        if self.posters is None or record.output is None:
            return Shown()
        return self.posters.poster_of(record.output, record.sha256) or Shown()

    def url_of(self, output: str | None) -> str | None:
        """Return where the page finds an output that is not beside it; None where it is."""
        return None if self.link is None or output is None else self.link(output)


@dataclass(slots=True)
class _Tally:
    """What one pass over the records leaves."""

    last: dict[str, Record] = field(default_factory=dict)
    spans: list[Span] = field(default_factory=list)
    spent: Decimal = Decimal(0)
    at_risk: Decimal = Decimal(0)
    simulated: bool = False
    clips: dict[str, Record] = field(default_factory=dict)
    earlier: dict[str, list[Record]] = field(default_factory=dict)

    def add(self, record: Record) -> None:
        self.last[record.task] = corrected(self.last.get(record.task), record)
        self.spent += rounded(record.cost or ZERO)
        self.at_risk += rounded(record.at_risk or ZERO)
        if record.reason == CORRECTION or record.settled in _WORDS:
            return  # nothing was in flight for it
        if record.status is Status.SUCCEEDED and record.output is not None:
            before = self.clips.get(record.task)
            if before is not None:  # it may hold whole pictures
                light = replace(before, params=shortened_params(before.params))
                self.earlier.setdefault(record.task, []).append(light)
            self.clips[record.task] = record
        self.simulated |= bool(record.simulated)
        if (placed := span(record)) is not None:
            self.spans.append(placed)

    def before(self) -> dict[str, list[Record]]:
        """Return the clips of each task before the present one; the last, where none is now."""
        gone = {
            task: [*self.earlier.get(task, ()), clip]
            for task, clip in self.clips.items()
            if self.last[task].status is not Status.SUCCEEDED
        }
        return {**self.earlier, **gone}

    def describe(self, meta: Mapping[str, dict[str, Any]]) -> None:
        for task in self.last.keys() & meta.keys():
            self.last[task] = replace(self.last[task], meta=meta[task])


def collect(  # noqa: PLR0913  # all but the first are passed by name
    records: Iterable[Record],
    *,
    name: str,
    commands: Commands,
    generated_at: str,
    pending: int | None = None,
    current: Mapping[str, str] | None = None,
    meta: Mapping[str, dict[str, Any]] | None = None,
    names: Mapping[str, str] | None = None,
    balance: Decimal | None = None,
    accepted: Collection[str] = (),
    saved: Collection[str] = (),
    kept: Collection[str] = (),
) -> ReportData:
    """Gather the report of the job `name` from all records of its manifest, in their order.

    `current` maps each task of the job as it is now to its fingerprint, in the order of the job
    file: with it, tasks that left the job or changed are marked and not counted, and the page keeps
    its order. `meta` is what the job says of its
    tasks now, which editing it changes without rendering anything. `pending` counts the tasks that
    no record settles; where it is None, `current` decides. `balance` is what is left, where that is
    known. `accepted` are the tasks that wait at the provider, `saved` those whose output is here
    and not in its place yet: `records` have a success of each. A clip that was `kept` stands for
    its task, whatever has changed.
    """
    tally = _Tally()
    for record in records:
        tally.add(record)
    if meta is not None:
        tally.describe(meta)
    former, changed = _moved_on(tally.last, current)
    changed -= frozenset(kept)
    waiting, here = _among(accepted, current), _among(saved, current)
    return ReportData(
        name=name,
        commands=commands,
        generated_at=generated_at,
        totals=_totals(
            tally,
            former | changed,
            waiting,
            here,
            wanted=len(current or ()),
            pending=pending,
            balance=balance,
        ),
        records=_in_order(tally.last, current),
        nights=nights(tally.spans),
        simulated=tally.simulated,
        former=former,
        changed=changed,
        accepted=waiting,
        saved=here,
        names=names or {},
        earlier=tally.before(),
    )


def _among(tasks: Collection[str], current: Mapping[str, str] | None) -> frozenset[str]:
    return frozenset(tasks if current is None else current.keys() & set(tasks))


def _moved_on(
    last: Mapping[str, Record], current: Mapping[str, str] | None
) -> tuple[frozenset[str], frozenset[str]]:
    if current is None:
        return frozenset(), frozenset()
    former = frozenset(task for task in last if task not in current)
    changed = frozenset(
        task
        for task, record in last.items()
        if task in current and current[task] != record.fingerprint
    )
    return former, changed


def _totals(  # noqa: PLR0913 - what they are made of
    tally: _Tally,
    unsettled: frozenset[str],
    waiting: frozenset[str],
    saved: frozenset[str],
    *,
    wanted: int,
    pending: int | None,
    balance: Decimal | None,
) -> Totals:
    elsewhere = unsettled | waiting | saved
    counts = Counter(
        record.status
        for task, record in tally.last.items()
        if task not in elsewhere and record.settled is not Settled.NOT_BILLED
    )
    ended = counts.total() + len(waiting) + len(saved)
    if pending is None:
        pending = max(0, wanted - ended)
    return Totals(
        total=ended + pending,
        accepted=len(waiting),
        saved=len(saved),
        succeeded=counts[Status.SUCCEEDED],
        failed=counts[Status.FAILED],
        in_doubt=counts[Status.IN_DOUBT],
        pending=pending,
        spent=tally.spent,
        at_risk=tally.at_risk,
        remaining_credits=balance,
    )


def _in_order(last: Mapping[str, Record], current: Mapping[str, str] | None) -> tuple[Record, ...]:
    if current is None:
        return tuple(last.values())
    kept = [last[task] for task in current if task in last]
    return (*kept, *(record for task, record in last.items() if task not in current))
