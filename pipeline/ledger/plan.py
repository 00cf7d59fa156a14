"""The job compared with its manifest: what is done, changed and to do, and what it would cost."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum
from pathlib import Path

from pipeline.amounts import ZERO, dollars
from pipeline.api import providers
from pipeline.api.provider import Model, Provider
from pipeline.events import Counts
from pipeline.ledger.disk import Clips, Disk
from pipeline.ledger.history import History, TaskState
from pipeline.ledger.manifest import last_records
from pipeline.models import Claim, InDoubt, Job, Record, Task
from pipeline.money.price_class import price_class
from pipeline.money.prices import PriceBook

# Clips out of place that a warning names.
_NAMED = 3


class Retry(StrEnum):
    """What a run takes up again, on request."""

    FAILED = "failed"
    IN_DOUBT = "in-doubt"
    MISSING = "missing"


class Kind(StrEnum):
    """What there is to say of a task that is not simply done."""

    NEW = "new"
    CHANGED = "changed"
    FAILED = "failed"
    IN_DOUBT = "in_doubt"
    MISSING = "missing"
    ACCEPTED = "accepted"
    SAVED = "saved"


KINDS = {
    TaskState.NEW: Kind.NEW,
    TaskState.CHANGED: Kind.CHANGED,
    TaskState.FAILED: Kind.FAILED,
    TaskState.IN_DOUBT: Kind.IN_DOUBT,
    TaskState.RELEASED: Kind.NEW,  # nothing of it was processed
    TaskState.ACCEPTED: Kind.ACCEPTED,
    TaskState.SAVED: Kind.SAVED,
}

Show = Callable[[Task, Kind, bool], None]
"""Takes each task that is not simply done, and whether the run would render it."""


@dataclass(slots=True)
class Plan:
    """How the tasks of a job stand, and what a run would do.

    `outdated` are accepted tasks that have changed in the job since they were sent.
    """

    total: int = 0
    states: Counter[TaskState] = field(default_factory=Counter)
    missing: list[str] = field(default_factory=list)
    missing_count: int = 0
    missing_again: bool = False
    unowned: list[str] = field(default_factory=list)
    removed_count: int = 0
    classes: Counter[str] = field(default_factory=Counter)
    prices: PriceBook = field(default_factory=lambda: PriceBook(None, None))
    selected: int = 0
    outdated: set[str] = field(default_factory=set)
    budget_left: Decimal | None = None
    too_short: str | None = None

    @property
    def counts(self) -> Counts:
        """The counts that `status` shows."""
        return count(self.total, self.states)

    @property
    def price(self) -> Decimal | None:
        """What the selected tasks are expected to cost; None where a price is unknown."""
        return self.price_of(self.classes, self.prices)

    @property
    def warnings(self) -> list[str]:
        """What a person should know before the run."""
        return [*self._about_missing(), *self.advice]

    def _about_missing(self) -> Iterator[str]:
        if self.missing_count:
            one = self.missing_count == 1
            clips, stay = ("clip is", "stays") if one else ("clips are", "stay")
            fate = "rendered again (--retry missing)" if self.missing_again else f"{stay} done"
            names = _some(self.missing, self.missing_count)
            yield f"{self.missing_count} finished {clips} not in place, and {fate}: {names}"

    def _about_unowned(self) -> Iterator[str]:
        if self.unowned:
            count = len(self.unowned)
            clips = "clip here has" if count == 1 else "clips here have"
            yield (
                f"{count} {clips} no record ({_some(self.unowned, count)}): where they are this"
                " job's, stop, restore manifest.jsonl from a backup, and pay for nothing twice"
            )

    @property
    def advice(self) -> list[str]:
        """What will go wrong with the run as it is asked for."""
        advice = list(self._about_unowned())
        if self.too_short and self.selected:
            advice.append(self.too_short)
        left, price = self.budget_left, self.price
        if left is not None and price is not None and price > left:
            advice.append(
                f"the budget leaves {dollars(max(left, ZERO))}, and this plan costs about"
                f" {dollars(price)}: the run would stop for credits (exit code 3)"
            )
        return advice

    def miss(self, task: Task) -> None:
        """Count a task whose clip is not in place."""
        self.missing_count += 1
        if len(self.missing) < _NAMED:
            self.missing.append(task.output)

    @staticmethod
    def price_of(classes: Counter[str], prices: PriceBook) -> Decimal | None:
        """Price tasks by class; None where a price is unknown."""
        each = {name: prices.estimate(name) for name, number in classes.items() if number > 0}
        known = {name: price for name, price in each.items() if price is not None}
        if len(known) < len(each):
            return None
        return sum((price * classes[name] for name, price in known.items()), Decimal(0))


# What open claims say, and no record.
_CLAIMED = frozenset({TaskState.ACCEPTED, TaskState.SAVED})
# What a plain run renders.
_PLAIN = frozenset({TaskState.NEW, TaskState.CHANGED, TaskState.RELEASED})


def count(total: int, states: Counter[TaskState]) -> Counts:
    """Count by state. What a plain run would render is pending."""
    return Counts(
        total=total,
        succeeded=states[TaskState.DONE],
        failed=states[TaskState.FAILED],
        in_doubt=states[TaskState.IN_DOUBT],
        pending=sum(states[state] for state in _PLAIN),
        accepted=states[TaskState.ACCEPTED],
        saved=states[TaskState.SAVED],
    )


def make(  # noqa: PLR0913 - what a run may be asked for
    job: Job,
    history: History,
    manifest: Path,
    clips: Clips,
    *,
    retry: Collection[Retry] = (),
    limit: int | None = None,
    take: Callable[[Task, TaskState], None] | None = None,
    show: Show | None = None,
    provider: Provider | None = None,
    accepted: Mapping[str, Claim] | None = None,
) -> Plan:
    """Expand the job and hold it against the manifest; each task to do goes to `take`.

    `show` is given each task that is not simply done, to do or not. `provider` says what is
    published of the model, where it is not the job's own. `accepted` has by task the claims of
    requests that the provider knows by an id, of whatever parameters, and of what is completed and
    not in place yet: those tasks are not rendered now.

    Raises:
        JobFileError: with every problem of the rows.
    """
    disk = Disk(clips)
    asked = not clips.far or Retry.MISSING in retry  # of a bucket, only where it is asked for
    lost = disk.compare(history, manifest) if asked else set[str]()
    model = (provider or providers.get(job.provider)).model(job.model)
    policy = job.credits
    prices = PriceBook(policy.cost, model.price, history.last_cost, pricing=policy.pricing)
    plan = Plan(prices=prices)
    plan.too_short = _too_short(job, model, history)
    plan.missing_again = Retry.MISSING in retry
    plan.budget_left = _budget_left(job, history, accepted)
    taken, recorded = _taken_up(job, retry), 0
    for task in (_known(task, history, accepted) for task in job.tasks()):
        state = _state_of(plan, task, history, accepted)
        disk.look_into(task.output.rpartition("/")[0])
        plan.total += 1
        plan.states[state] += 1
        if state in _CLAIMED:
            recorded += history.has(task.id)
        else:
            recorded += state is not TaskState.NEW
        gone = bool(lost) and state is TaskState.DONE and task.id in lost
        if gone:
            plan.miss(task)
        chosen = state in taken or (gone and Retry.MISSING in retry)
        if chosen:
            if take is not None:  # it will be rendered
                disk.refuse_unwritable(task.output.rpartition("/")[0])
            _select(plan, task, state, limit, take)
        if show is not None and (gone or state is not TaskState.DONE):
            show(task, KINDS.get(state, Kind.MISSING), chosen)
    plan.unowned = sorted(disk.unowned) if plan.selected else []
    plan.removed_count = len(history) - recorded
    return plan


def _known(task: Task, history: History, accepted: Mapping[str, Claim] | None) -> Task:
    """Return a task as it is known, by the manifest or by what an earlier version has sent."""
    former = task.former
    claim = accepted.get(former.id) if accepted and former is not None else None
    if claim is None or former is None or claim.fingerprint != former.fingerprint:
        return history.known(task)
    return former


def _state_of(
    plan: Plan, task: Task, history: History, accepted: Mapping[str, Claim] | None
) -> TaskState:
    claim = accepted.get(task.id) if accepted else None
    if claim is None:
        return history.state_of(task)
    if claim.fingerprint != task.fingerprint:
        plan.outdated.add(task.id)
    return TaskState.ACCEPTED if claim.completion is None else TaskState.SAVED


def _budget_left(
    job: Job, history: History, accepted: Mapping[str, Claim] | None
) -> Decimal | None:
    """Return what a budget leaves, in US dollars; accepted requests will cost their price."""
    if job.credits.budget is None:
        return None
    claims = accepted.values() if accepted else ()
    # What is in doubt by a record is at risk already, and what is completed is spent.
    open_claims = (claim for claim in claims if not claim.doubted and claim.completion is None)
    awaited = sum((claim.price or ZERO for claim in open_claims), ZERO)
    used = history.spent + history.at_risk + history.understated(job.credits.cost)
    return job.credits.budget - used - awaited


def _select(
    plan: Plan,
    task: Task,
    state: TaskState,
    limit: int | None,
    take: Callable[[Task, TaskState], None] | None,
) -> None:
    # Which of them a limit leaves, the queue decides: it knows all priorities.
    plan.selected += limit is None or plan.selected < limit
    plan.classes[price_class(task)] += 1
    if take is not None:
        take(task, state)


def usual_seconds(model: Model, history: History) -> tuple[float | None, bool]:
    """Tell how long a task takes, and whether past tasks taught it; None where nobody knows."""
    past = sorted(history.durations)
    return (past[len(past) // 2], True) if past else (model.seconds, False)


def _too_short(job: Job, model: Model, history: History) -> str | None:
    usual, learned = usual_seconds(model, history)
    if usual is None or job.timeout >= usual:
        return None
    source = "as past tasks did" if learned else "as its vendor says"
    return (
        f"timeout: {job.timeout:g} s is less than a task of {job.model} takes, {usual:g} s"
        f" {source}: answers would come too late, in doubt and perhaps paid for"
    )


def _taken_up(job: Job, retry: Collection[Retry]) -> set[TaskState]:
    taken = set(_PLAIN)
    if Retry.FAILED in retry:
        taken.add(TaskState.FAILED)
    if Retry.IN_DOUBT in retry or job.retry.in_doubt is InDoubt.RESEND:
        taken.add(TaskState.IN_DOUBT)
    return taken


def removed(job: Job, history: History, manifest: Path) -> Iterator[Record]:
    """Yield the last records of the tasks that are no longer in the job."""
    here = {history.known(task).id for task in job.tasks()}
    return (record for record in last_records(manifest, history) if record.task not in here)


def _some(names: list[str], count: int) -> str:
    return ", ".join(names[:_NAMED]) + (", …" if count > _NAMED else "")
