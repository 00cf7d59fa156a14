"""The job compared with its manifest: what is done, changed and to do, and what it would cost."""

from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from decimal import Decimal
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from pipeline.amounts import ZERO, dollars
from pipeline.api import providers
from pipeline.api.provider import Model, Provider
from pipeline.events import Counts
from pipeline.job.selecting import called
from pipeline.ledger.disk import Clips, Disk
from pipeline.ledger.history import History, TaskState
from pipeline.ledger.manifest import last_records
from pipeline.ledger.picks import Picks
from pipeline.ledger.selection import Resolved, Selection, resolve
from pipeline.models import Claim, InDoubt, Job, Record, Task
from pipeline.money.price_class import price_class
from pipeline.money.prices import PriceBook

if TYPE_CHECKING:
    from pipeline.ledger.verdicts import Word

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
    AGAIN = "again"
    KEPT = "kept"


KINDS = {
    TaskState.NEW: Kind.NEW,
    TaskState.CHANGED: Kind.CHANGED,
    TaskState.FAILED: Kind.FAILED,
    TaskState.IN_DOUBT: Kind.IN_DOUBT,
    TaskState.RELEASED: Kind.NEW,  # nothing of it was processed
    TaskState.ACCEPTED: Kind.ACCEPTED,
    TaskState.SAVED: Kind.SAVED,
    TaskState.KEPT: Kind.KEPT,
}

Show = Callable[[Task, Kind, bool], None]
"""Takes each task that is not simply done, and whether the run would render it."""


class Plan(msgspec.Struct):
    """How the tasks of a job stand, and what a run would do.

    `outdated` are accepted tasks that have changed in the job since they were sent. `verdicts`
    counts clips by what a person said of them. `again` counts what is done and rendered anew,
    `locked` what was asked for and is left because its clip was kept, `guarded` the same of what
    has failed or is in doubt since, `held` what `--again` names and is in doubt or waits, and
    `repeated` what was rendered for the same request before it was stopped. `cut` says that a limit
    has left some out. `namesakes` are words for verdicts that were used, and are ids of tasks too.
    Where tasks were left out by their names, `within` has the others, and `judged` how those stand.
    """

    total: int = 0
    states: Counter[TaskState] = msgspec.field(default_factory=Counter)
    missing: list[str] = msgspec.field(default_factory=list)
    missing_count: int = 0
    missing_again: bool = False
    unowned: list[str] = msgspec.field(default_factory=list)
    removed_count: int = 0
    classes: Counter[str] = msgspec.field(default_factory=Counter)
    prices: PriceBook = msgspec.field(default_factory=lambda: PriceBook(None, None))
    selected: int = 0
    outdated: set[str] = msgspec.field(default_factory=set)
    budget_left: Decimal | None = None
    too_short: str | None = None
    verdicts: Counter[str] = msgspec.field(default_factory=Counter)
    again: int = 0
    locked: int = 0
    guarded: int = 0
    held: int = 0
    repeated: int = 0
    cut: bool = False
    namesakes: set[str] = msgspec.field(default_factory=set)
    within: set[str] | None = None
    judged: Counter[TaskState] = msgspec.field(default_factory=Counter)

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

    def _about_again(self) -> Iterator[str]:
        if self.locked:
            clips, are = ("clip", "is") if self.locked == 1 else ("clips", "are")
            yield f"{self.locked} kept {clips} {are} locked, and left: --include-kept renders anew"
        if self.guarded:
            task, has, its = (
                ("task", "has", "its") if self.guarded == 1 else ("tasks", "have", "their")
            )
            yield (
                f"{self.guarded} {task} that failed or ended in doubt {has} an older clip that was"
                f" kept, and {its} retry would replace it: --include-kept sends it"
            )
        if self.held:
            what = "task is" if self.held == 1 else "tasks are"
            yield (
                f"{self.held} {what} in doubt or waiting at the provider, and --again does not send"
                " them"
            )
        for word in sorted(self.namesakes):
            yield (
                f"a task of this job is called {word}, and {word} names the clips that were {word}:"
                f" write '[{word[0]}]{word[1:]}*' for that task"
            )
        if self.repeated:
            what = "task was" if self.repeated == 1 else "tasks were"
            yield (
                f"{self.repeated} {what} rendered for this --again before it was stopped, and left:"
                " this run ends it, and another one would render everything anew"
            )

    @property
    def advice(self) -> list[str]:
        """What will go wrong with the run as it is asked for."""
        advice = [*self._about_unowned(), *self._about_again()]
        if self.too_short and self.selected:
            advice.append(self.too_short)
        left, price = self.budget_left, self.price
        if left is not None and price is not None and price > left:
            advice.append(
                f"the budget leaves {dollars(max(left, ZERO))}, and this plan costs about"
                f" {dollars(price)}: the run would stop for credits (exit code 3)"
            )
        return advice

    def shift(self, task: str, before: TaskState | None, after: TaskState | None) -> None:
        """Count a task of the job by its new state; None is none."""
        is_judged = self.within is not None and task in self.within
        for states in (self.states, self.judged) if is_judged else (self.states,):
            if before is not None:
                states[before] -= 1
            if after is not None:
                states[after] += 1

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
_DONE = frozenset({TaskState.DONE, TaskState.KEPT})
# What `--again` takes up: nothing that may have been paid for, and has no clip.
_ANEW = frozenset({*_DONE, TaskState.FAILED})
_HELD = frozenset({*_CLAIMED, TaskState.IN_DOUBT})


def count(total: int, states: Counter[TaskState]) -> Counts:
    """Count by state. What a plain run would render is pending."""
    return Counts(
        total=total,
        succeeded=sum(states[state] for state in _DONE),
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
    select: Selection = Selection(),  # noqa: B008 - frozen
    limit: int | None = None,
    take: Callable[[Task, TaskState], None] | None = None,
    show: Show | None = None,
    provider: Provider | None = None,
    accepted: Mapping[str, Claim] | None = None,
    picks: Picks | None = None,
) -> Plan:
    """Expand the job and hold it against the manifest; each task to do goes to `take`.

    `show` is given each task that is not simply done, to do or not. `provider` says what is
    published of the model, where it is not the job's own. `accepted` has by task the claims of
    requests that the provider knows by an id, of whatever parameters, and of what is completed and
    not in place yet: those tasks are not rendered now. `picks` says what people said of clips; None
    reads it.

    Raises:
        JobFileError: with every problem of the rows.
        UsageError: a pattern of `select` means no task.
        DirectoryError: the manifest, or what people said of its clips, cannot be read.
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
    waits = partial(_waits, accepted)
    named = resolve(select, lambda: (t.id for t in map(history.recognising(waits), job.tasks())))
    choice = _Choice(plan, history, select, named, _taken_up(job, retry), Retry.MISSING in retry)
    picks, recorded = picks or Picks(manifest), 0
    plan.within = set() if select.only else None
    # Of a million tasks nearly all are done, and nothing was said of them: those are only counted.
    skips_done = not (lost or accepted or picks.verdicts or select.only or select.again)
    done = 0
    for task in map(history.recognising(waits), job.tasks()):
        folder = task.output.rpartition("/")[0] if "/" in task.output else ""
        disk.look_into(folder)
        if skips_done and task.verdict is None and history.is_done(task):
            done += 1
            continue
        word = picks.of(task)
        state = _state_of(plan, task, history, accepted, word)
        if named.words:
            plan.namesakes |= called(task.id, named.words)
        _count(plan, task, state, word, allowed=named.allows(task.id, word))
        if state in _CLAIMED:
            recorded += history.has(task.id)
        else:
            recorded += state is not TaskState.NEW
        gone = bool(lost) and state in _DONE and task.id in lost
        if gone:
            plan.miss(task)
        kind = choice.of(task, state, word, gone=gone)
        if kind is not None:
            if take is not None:  # it will be rendered
                disk.refuse_unwritable(folder)
            _select(plan, task, state, limit, take)
        if show is not None and (gone or kind or state is not TaskState.DONE):
            show(task, kind or KINDS.get(state, Kind.MISSING), kind is not None)
    plan.total += done
    plan.states[TaskState.DONE] += done
    plan.unowned = sorted(disk.unowned) if plan.selected else []
    plan.removed_count = len(history) - recorded - done
    return plan


class _Choice(msgspec.Struct):
    """Says of each task whether a run takes it up, and counts in the plan what is left, and why."""

    plan: Plan
    history: History
    select: Selection
    named: Resolved
    taken: set[TaskState]
    missing: bool

    def of(self, task: Task, state: TaskState, word: "Word | None", *, gone: bool) -> Kind | None:
        """Return why the run takes a task up; None where it does not. `gone`: its clip is."""
        if not self.named.allows(task.id, word):
            return None
        lost = gone and self.missing
        again = self.named.again.has(task.id, word) and self._is_anew(task, state, word)
        unlocked = state is TaskState.KEPT and self.select.include_kept
        if not (lost or again or unlocked or state in self.taken):
            return None
        if word == "kept" and not (lost or self.select.include_kept):
            if state in _DONE:
                self.plan.locked += 1
            else:
                self.plan.guarded += 1
            return None
        if again and not lost:
            self.plan.again += 1
            return Kind.AGAIN
        return Kind.CHANGED if unlocked else KINDS.get(state, Kind.MISSING)

    def _is_anew(self, task: Task, state: TaskState, word: "Word | None") -> bool:
        """Return whether `--again` may take up a task that it names.

        A clip that was rendered for this request and is rejected by now is asked for once more.
        """
        self.plan.held += state in _HELD and state not in self.taken
        since, place = self.select.since, self.history.place(task.id)
        if state not in _ANEW:
            return False
        repeated = since is not None and place is not None and place >= since
        rejected = word == "rejected" and word in self.named.again.words and state in _DONE
        repeated = repeated and not rejected
        self.plan.repeated += repeated and state not in self.taken
        return not repeated


def _count(plan: Plan, task: Task, state: TaskState, word: "Word | None", *, allowed: bool) -> None:
    plan.total += 1
    plan.states[state] += 1
    if word is not None:
        plan.verdicts[word] += 1
    if allowed and plan.within is not None:
        plan.within.add(task.id)
        plan.judged[state] += 1


def _waits(accepted: Mapping[str, Claim] | None, task: Task) -> bool:
    """Return whether what an earlier version has sent for a task is at the provider."""
    claim = accepted.get(task.id) if accepted else None
    return claim is not None and claim.fingerprint == task.fingerprint


def _state_of(
    plan: Plan,
    task: Task,
    history: History,
    accepted: Mapping[str, Claim] | None,
    word: "Word | None",
) -> TaskState:
    claim = accepted.get(task.id) if accepted else None
    if claim is None:
        return standing(task, history, word)
    if claim.fingerprint != task.fingerprint:
        plan.outdated.add(task.id)
    return TaskState.ACCEPTED if claim.completion is None else TaskState.SAVED


def standing(task: Task, history: History, word: "Word | None") -> TaskState:
    """Return the state of a task by its records, and by the verdict on its clip.

    A clip that was kept stands for its task, whatever the parameters are now.
    """
    state = history.state_of(task)
    return TaskState.KEPT if state is TaskState.CHANGED and word == "kept" else state


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
    here = {task.id for task in map(history.recognising(), job.tasks())}
    return (record for record in last_records(manifest, history) if record.task not in here)


def _some(names: list[str], count: int) -> str:
    return ", ".join(names[:_NAMED]) + (", …" if count > _NAMED else "")
