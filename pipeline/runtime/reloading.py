"""Takes up a job file that was edited while its run goes on. What was sent stays what it was.

The file is read and compared with the manifest beside the run, which goes on meanwhile. Then, in
one step on the event loop, the new backlog takes the place of the old one.
"""

from array import array
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from pathlib import Path

from pipeline.errors import UsageError
from pipeline.ledger.history import History, TaskState, print_bits
from pipeline.ledger.picks import Picks
from pipeline.ledger.plan import Kind, Plan, make, standing
from pipeline.models import Claim, Job, Task
from pipeline.money.price_class import price_class
from pipeline.runtime.engine import Engine
from pipeline.runtime.lifecycle import Attempt, Stage
from pipeline.runtime.options import Options
from pipeline.runtime.queue import Backlog, Exchange
from pipeline.runtime.state import LONGEST_WAIT, RunState
from pipeline.store.commit import Hop

# Another of these makes it another run.
_FIXED = ("name", "provider", "model", "bucket")
# What a reload applies; `expand` and `remarks` are the rows.
_APPLIED = frozenset({"path", "expand", "remarks", "concurrency", "rate", "retry", "credits"})
_GOING_OUT = frozenset({Stage.RESERVED, Stage.CLAIMED})
_WATCHED = {Kind.ACCEPTED: TaskState.ACCEPTED, Kind.IN_DOUBT: TaskState.IN_DOUBT}


@dataclass(slots=True)
class Roster:
    """Every task of the job that was read, in a few machine words each: a million are affordable.

    `states` are those by the manifest. Ids are known by their hashes.
    """

    keys: "array[int]" = field(default_factory=lambda: array("q"))
    prints: "array[int]" = field(default_factory=lambda: array("Q"))
    states: bytearray = field(default_factory=bytearray)

    def add(self, task: Task, state: TaskState) -> None:
        """Add a task."""
        self.keys.append(hash(task.id))
        self.prints.append(print_bits(task.fingerprint))
        self.states.append(state)

    def find(self, tasks: Collection[str]) -> dict[str, int]:
        """Return the places of those that the job has."""
        wanted = {hash(task): task for task in tasks}
        return {wanted[key]: i for i, key in enumerate(self.keys) if key in wanted}


@dataclass(slots=True)
class Draft:
    """What was read: the job, its tasks, and those of them that the run may take up."""

    job: Job
    plan: Plan = field(default_factory=Plan)
    backlog: Backlog = field(default_factory=Backlog)
    classes: Counter[str] = field(default_factory=Counter)
    roster: Roster = field(default_factory=Roster)
    origins: dict[str, TaskState] = field(default_factory=dict)
    edited: set[str] = field(default_factory=set)


class Reloading:
    """Reads the job of a run again. Not thread-safe, but for `_read`.

    `unfollowed` are the accepted requests of earlier runs that this one does not follow, and
    `origins` what the engine knows of tasks that a lookup may end.
    """

    def __init__(
        self,
        engine: Engine,
        options: Options,
        hop: Hop,
        unfollowed: Mapping[str, Claim],
        origins: dict[str, TaskState],
    ) -> None:
        self._engine, self._state, self._options = engine, engine.state, options
        self._hop, self._unfollowed, self._origins = hop, unfollowed, origins
        # Records from here on are of this run.
        self._since = _size(self._state.store.layout.manifest)
        self._limit, self._fresh = options.limit, len(self._state.queue.backlog)

    @contextmanager
    def noting(self) -> Iterator[None]:
        """Note what is sent until the end of the reload."""
        state = self._state
        flying = (one for one in state.flying.values() if one.stage not in _GOING_OUT)
        begun = (one for one in state.queue.begun if one.number)
        state.sending = {one.task.id for one in (*flying, *begun)}
        try:
            yield
        finally:
            state.sending = None

    async def read(self) -> Draft:
        """Read the job file and its sheets, and hold them against the manifest.

        Raises:
            PipelineError: the file is not valid, or another run's; nothing has changed.
        """
        found: list[Draft] = []
        await self._hop(lambda: found.append(self._read()))
        return found[0]

    async def swap(self, draft: Draft, prepare: Callable[[Job], None]) -> Exchange:
        """Let the run go on with what was read, at a moment when no claim is being written.

        `prepare` is called just before that, and raises to refuse.

        Raises:
            UsageError: it is refused, or the run ends meanwhile.
        """
        state = self._state
        state.paused += 1
        state.recall()
        state.notify()
        try:
            while any(one.stage in _GOING_OUT for one in state.flying.values()):
                await state.wait(LONGEST_WAIT)
            self.refuse_at_the_end()
            prepare(draft.job)
            return self._swap(draft)
        except BaseException:
            draft.backlog.close()
            raise
        finally:
            state.paused -= 1
            state.notify()

    def refuse_at_the_end(self) -> None:
        """See that the run can still take something up.

        Raises:
            UsageError: it cannot.
        """
        stopped = self._state.stopped
        if stopped is not None or self._engine.is_over:
            why = f"is stopping: {stopped.detail}" if stopped else "is at its end"
            raise UsageError(f"the run {why}; nothing was changed", hint="run the job again")

    # -- in a thread --------------------------------------------------------------------------

    def _read(self) -> Draft:
        if self._options.reread is None or self._options.settle_only:
            raise UsageError("this run cannot read its job again")
        draft = Draft(self._options.reread())
        try:
            self._refuse_another(draft.job)
            self._plan(draft)
        except BaseException:
            draft.backlog.close()
            raise
        return draft

    def _refuse_another(self, new: Job) -> None:
        job = self._state.job
        other = [name for name in _FIXED if getattr(new, name) != getattr(job, name)]
        if new.output_dir.resolve() != job.output_dir.resolve():
            other.append("output.dir")
        if new.account.key != job.account.key:
            other.append("account.key")
        if other:
            raise UsageError(
                f"{job.path}: a run cannot change its {' and '.join(other)}; nothing was changed",
                hint="let it end, or stop it, and run the job again",
            )

    def _plan(self, draft: Draft) -> None:
        """Compare what was read with the manifest; what this run has recorded is not to do."""
        state, history = self._state, self._state.store.history
        credits_ = replace(state.job.credits, budget=None)
        picks = Picks(state.store.layout.manifest)

        def take(task: Task, origin: TaskState) -> None:
            if not self._is_recorded_here(history, task):
                draft.backlog.add(task, origin)
                draft.classes[price_class(task)] += 1

        def note(task: Task, kind: Kind, chosen: bool) -> None:
            if not chosen and kind in _WATCHED:
                draft.origins[task.id] = _WATCHED[kind]

        draft.plan = make(
            replace(draft.job, credits=credits_, expand=lambda: self._enlist(draft, picks)),
            history,
            state.store.layout.manifest,
            state.store.shelf,
            retry=self._options.retry,
            select=self._options.select,
            take=take,
            show=note,
            provider=state.provider,
            accepted=self._unfollowed,
            picks=picks,
        )
        draft.backlog.seal()

    def _enlist(self, draft: Draft, picks: Picks) -> Iterator[Task]:
        """Yield the tasks of the job as they are known, and note how each stands."""
        draft.roster = Roster()  # the names may be read before the tasks
        history = self._state.store.history
        known = history.recognising()
        for read in draft.job.tasks():
            if self._state.stopped is not None or self._engine.is_over:
                self.refuse_at_the_end()
            task = known(read)
            stands = standing(task, history, picks.of(task))
            if stands is TaskState.CHANGED and self._is_recorded_here(history, task):
                draft.edited.add(task.id)
            accepted = task.id in self._unfollowed
            draft.roster.add(task, TaskState.ACCEPTED if accepted else stands)
            yield task

    def _is_recorded_here(self, history: History, task: Task) -> bool:
        place = history.place(task.id)
        return place is not None and place >= self._since

    # -- on the event loop --------------------------------------------------------------------

    def _swap(self, draft: Draft) -> Exchange:
        """Put the new backlog in place, and count the tasks of the job anew."""
        state, queue = self._state, self._state.queue
        begun = [one for one in queue.begun if one.number]
        live = {one.task.id: one for one in (*state.flying.values(), *begun, *state.left)}
        unsent = {one.task.id for one in queue.begun if not one.number}  # no byte of it went out
        sent = live.keys() | ((state.sending or set()) - unsent)
        draft.classes -= draft.backlog.leave_out(sent)
        self._count_anew(draft, live, sent)
        untouched = len(queue) - len(begun)
        if self._limit is not None:
            self._limit = max(self._limit - (self._fresh - untouched), 0)
            draft.plan.cut = len(draft.backlog) > self._limit
            draft.backlog.cut(self._limit)
            draft.classes = draft.backlog.classes()
        draft.plan.selected = state.plan.selected + len(draft.backlog) - untouched
        self._fresh = len(draft.backlog)
        exchange, dropped = queue.swap(draft.backlog, draft.classes)
        for attempt in dropped:
            state.forgo(attempt)
        state.plan = draft.plan
        self._origins.clear()
        self._origins.update(draft.origins)
        self._engine.add_slots()
        return exchange

    def _count_anew(self, draft: Draft, live: Mapping[str, Attempt], sent: Collection[str]) -> None:
        """Count each task of the job by how it stands now; what was sent counts as it was sent."""
        state, history, roster = self._state, self._state.store.history, draft.roster
        known = roster.find({*sent, *state.doubted})
        state.outdated = set(draft.plan.outdated)
        state.edited, state.unmoved = draft.edited, set()
        for task in sent:
            place, attempt = known.get(task), live.get(task)
            if place is None:
                state.unmoved.add(task)
                continue
            bits = roster.prints[place]
            now = history.state_by(task, bits)
            roster.states[place] = now
            if attempt is None:
                if now is TaskState.CHANGED:
                    state.edited.add(task)
                continue
            attempt.origin, attempt.counted = now, True
            if print_bits(attempt.task.fingerprint) != bits:
                state.outdated.add(task)
        for task in state.doubted - live.keys():
            place = known.get(task)
            if place is None or roster.states[place] != TaskState.IN_DOUBT:
                state.unmoved.add(task)
        draft.plan.states = _by_state(roster.states)
        places = roster.find(draft.plan.within or ()).values()
        draft.plan.judged = _by_state(roster.states[place] for place in places)
        draft.plan.total = len(roster.states)


def _by_state(states: Iterable[int]) -> Counter[TaskState]:
    return Counter({TaskState(value): number for value, number in Counter(states).items()})


def next_run(running: Job, new: Job) -> tuple[str, ...]:
    """Name the keys of the edited file that apply only to the next run."""
    names = [
        each.name
        for each in fields(Job)
        if each.compare
        and each.name not in {*_APPLIED, *_FIXED, "output_dir"}
        and getattr(new, each.name) != getattr(running, each.name)
    ]
    names += [
        f"credits.{'cost' if each.name == 'pricing' else each.name}"
        for each in fields(new.credits)
        if each.name != "budget"
        and getattr(new.credits, each.name) != getattr(running.credits, each.name)
    ]
    return tuple(names)


def _size(manifest: Path) -> int:
    return manifest.stat().st_size if manifest.exists() else 0


def describe(state: RunState, exchange: Exchange) -> str:
    """Say what a reload has done to the tasks of the run."""
    said = [
        f"{exchange.joined:,} joined",
        f"{exchange.left:,} left",
        f"{exchange.changed:,} changed",
    ]
    if state.edited or state.outdated:
        number = len(state.edited) + len(state.outdated)
        said.append(f"{number:,} had been sent already, and stay as they were until the next run")
    return "tasks: " + ", ".join(said)
