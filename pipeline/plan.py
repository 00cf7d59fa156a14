"""The job against its manifest: what is done, what changed, what is to do, what it would cost."""

import os
from collections import Counter
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from itertools import islice
from pathlib import Path

from pipeline.events import Counts
from pipeline.jobfile.params import PUBLISHED_PRICES
from pipeline.manifest import History, Standing, last_records
from pipeline.models import InDoubt, Job, Status, Task
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
        if not self.missing_count:
            return []
        names = ", ".join(self.missing[:_NAMED]) + (", …" if self.missing_count > _NAMED else "")
        clips = "clip is" if self.missing_count == 1 else "clips are"
        return [f"{self.missing_count} finished {clips} not in place, and stay done: {names}"]

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
    lost = _missing(history, manifest)
    plan = Plan(prices=PriceBook(job.credits.cost, PUBLISHED_PRICES.get(job.model)))
    taken = _taken_up(job, retry)
    for task in job.tasks():
        standing = history.standing(task)
        plan.total += 1
        plan.standings[standing] += 1
        if standing is not Standing.DONE:
            _show(plan.names.setdefault(standing, []), task.id)
        elif lost and task.id in lost:
            plan.missing_count += 1
            _show(plan.missing, task.id)
        if standing in taken or (Retry.MISSING in retry and task.id in lost):
            _select(plan, task, standing, limit, take)
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


def _missing(history: History, manifest: Path) -> set[str]:
    """Find the tasks that have succeeded and whose clip somebody moved away."""
    if not history.counts[Status.SUCCEEDED]:
        return set()
    root = f"{manifest.parent}{os.sep}"
    return {
        record.task
        for record in last_records(manifest, history)
        # A `Path` for each of a million clips would take longer than all the rest of this.
        if record.output is not None and not os.path.exists(root + record.output)  # noqa: PTH110
    }


def _removed(job: Job, history: History, manifest: Path) -> list[str]:
    """Name the first tasks of the manifest that are no longer in the job."""
    here = {task.id for task in job.tasks()}
    gone = (r.task for r in last_records(manifest, history) if r.task not in here)
    return list(islice(gone, SHOWN))


def _show(names: list[str], name: str) -> None:
    if len(names) < SHOWN:
        names.append(name)
