"""The job against its manifest: what is done, what changed, what is to do, what it would cost."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from itertools import islice
from pathlib import Path

from pipeline.disk import Disk
from pipeline.events import Counts
from pipeline.jobfile.params import PUBLISHED_PRICES
from pipeline.manifest import History, Standing, last_records
from pipeline.models import InDoubt, Job, Task
from pipeline.prices import PriceBook, price_class

# Names that a plan keeps of each kind, to show.
SHOWN = 10
_NAMED = 3


class Retry(StrEnum):
    """What a run takes up again, on request."""

    FAILED = "failed"
    IN_DOUBT = "in-doubt"
    MISSING = "missing"


@dataclass(slots=True)
class Plan:
    """How the tasks of a job stand, and what a run would do."""

    total: int = 0
    standings: Counter[Standing] = field(default_factory=Counter)
    names: dict[Standing, list[str]] = field(default_factory=dict)
    missing: list[str] = field(default_factory=list)
    missing_count: int = 0
    unowned: list[str] = field(default_factory=list)
    removed: list[str] = field(default_factory=list)
    removed_count: int = 0
    classes: Counter[str] = field(default_factory=Counter)
    prices: PriceBook = field(default_factory=lambda: PriceBook(None, None))
    selected: int = 0

    @property
    def counts(self) -> Counts:
        """The counts that `status` tells."""
        return count(self.total, self.standings)

    @property
    def price(self) -> Decimal | None:
        """What the selected tasks are expected to cost; None where a price is unknown."""
        return self.price_of(self.classes, self.prices)

    @property
    def warnings(self) -> list[str]:
        """What a person should know before the run."""
        return [*self._about_missing(), *self._about_unowned()]

    def _about_missing(self) -> Iterator[str]:
        if self.missing_count:
            clips = "clip is" if self.missing_count == 1 else "clips are"
            names = _some(self.missing, self.missing_count)
            yield f"{self.missing_count} finished {clips} not in place, and stay done: {names}"

    def _about_unowned(self) -> Iterator[str]:
        if self.unowned:
            count = len(self.unowned)
            clips = "clip here has" if count == 1 else "clips here have"
            yield (
                f"{count} {clips} no record ({_some(self.unowned, count)}): where they are this"
                " job's, stop, restore manifest.jsonl from a backup, and pay for nothing twice"
            )

    @staticmethod
    def price_of(classes: Counter[str], prices: PriceBook) -> Decimal | None:
        """Price tasks by class; None where a price is unknown."""
        each = {name: prices.estimate(name) for name, number in classes.items() if number > 0}
        known = {name: price for name, price in each.items() if price is not None}
        if len(known) < len(each):
            return None
        return sum((price * classes[name] for name, price in known.items()), Decimal(0))


def count(total: int, standings: Counter[Standing]) -> Counts:
    """Count by standing. What is new or changed is pending: a plain run would render it."""
    return Counts(
        total=total,
        succeeded=standings[Standing.DONE],
        failed=standings[Standing.FAILED],
        in_doubt=standings[Standing.IN_DOUBT],
        pending=standings[Standing.NEW] + standings[Standing.CHANGED],
    )


def make(  # noqa: PLR0913 - what a run may be asked for
    job: Job,
    history: History,
    manifest: Path,
    *,
    retry: Collection[Retry] = (),
    limit: int | None = None,
    take: Callable[[Task, Standing], None] | None = None,
    name_removed: bool = False,
) -> Plan:
    """Expand the job and hold it against the manifest; each task to do goes to `take`.

    Raises:
        JobFileError: with every problem of the rows.
    """
    disk = Disk(manifest.parent)
    lost = disk.hold_against(history, manifest)
    plan = Plan(prices=PriceBook(job.credits.cost, PUBLISHED_PRICES.get(job.model)))
    taken = _taken_up(job, retry)
    for task in job.tasks():
        standing = history.standing(task)
        disk.look_into(task.output.rpartition("/")[0])
        plan.total += 1
        plan.standings[standing] += 1
        if standing is not Standing.DONE:
            _show(plan.names.setdefault(standing, []), task.id)
        elif lost and task.id in lost:
            plan.missing_count += 1
            _show(plan.missing, task.id)
        if standing in taken or (Retry.MISSING in retry and task.id in lost):
            _select(plan, task, standing, limit, take)
    plan.unowned = sorted(disk.unowned) if plan.selected else []
    plan.removed_count = len(history) - (plan.total - plan.standings[Standing.NEW])
    if name_removed and plan.removed_count:
        plan.removed = _removed(job, history, manifest)
    return plan


def _select(
    plan: Plan,
    task: Task,
    standing: Standing,
    limit: int | None,
    take: Callable[[Task, Standing], None] | None,
) -> None:
    # Which of them a limit leaves, the queue decides: it knows all priorities.
    plan.selected += limit is None or plan.selected < limit
    plan.classes[price_class(task)] += 1
    if take is not None:
        take(task, standing)


def _taken_up(job: Job, retry: Collection[Retry]) -> set[Standing]:
    taken = {Standing.NEW, Standing.CHANGED}
    if Retry.FAILED in retry:
        taken.add(Standing.FAILED)
    if Retry.IN_DOUBT in retry or job.retry.in_doubt is InDoubt.RESEND:
        taken.add(Standing.IN_DOUBT)
    return taken


def _removed(job: Job, history: History, manifest: Path) -> list[str]:
    """Name the first tasks of the manifest that are no longer in the job."""
    here = {task.id for task in job.tasks()}
    gone = (r.task for r in last_records(manifest, history) if r.task not in here)
    return list(islice(gone, SHOWN))


def _some(names: list[str], count: int) -> str:
    return ", ".join(names[:_NAMED]) + (", …" if count > _NAMED else "")


def _show(names: list[str], name: str) -> None:
    if len(names) < SHOWN:
        names.append(name)
