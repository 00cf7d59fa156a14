"""The composition root: how the parts of a run are made, started and summed up."""

import time
from collections import Counter
from collections.abc import Iterable
from contextlib import AbstractAsyncContextManager, ExitStack, closing
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path

import anyio
import anyio.to_thread

from pipeline import events as ev
from pipeline.account.payer import payer
from pipeline.account.shared import Accounts
from pipeline.amounts import ZERO, rounded
from pipeline.api import providers
from pipeline.api.endpoint import Endpoint
from pipeline.api.provider import Provider, Session
from pipeline.engines.crew import Crew, CrewFactory, Gather, Setting, of_nobody
from pipeline.engines.local import local
from pipeline.errors import BucketError, DirectoryError, ExitCode, StorageError
from pipeline.ledger.history import TaskState
from pipeline.ledger.plan import Kind, Plan, count, make
from pipeline.models import Claim, Gate, Job, Record, Task
from pipeline.money.gate import CreditGate
from pipeline.money.topup import TopUp
from pipeline.runtime.circuit import Circuit
from pipeline.runtime.control import Control, Listening, over_socket, refuse_unknown_price
from pipeline.runtime.engine import Engine
from pipeline.runtime.homecoming import wait_for_workers
from pipeline.runtime.leftover import places_kept, slowest
from pipeline.runtime.lookups import Lookups, names_of
from pipeline.runtime.membership import member, shared_by
from pipeline.runtime.options import Options
from pipeline.runtime.pauses import Pauses
from pipeline.runtime.poller import Poller
from pipeline.runtime.queue import Backlog, Queue
from pipeline.runtime.reloading import Reloading
from pipeline.runtime.resuming import resume
from pipeline.runtime.schedule import hours
from pipeline.runtime.signals import obeying
from pipeline.runtime.state import RunState, clock
from pipeline.runtime.streak import MOST, Streak
from pipeline.runtime.uploads import tending
from pipeline.store.again_file import as_asked_before, forget, note
from pipeline.store.bringing import bring_leftovers
from pipeline.store.claims import Leftover
from pipeline.store.commit import Hop, Store, in_thread
from pipeline.store.layout import lock_output, wrong_origin
from pipeline.store.outstanding import outstanding
from pipeline.store.recovery import recover
from pipeline.store.shelf import ShelfFactory, open_shelf
from pipeline.store.state_file import StateFile

_WARY = (
    "the last answers of the run before cost and brought no clip:"
    f" {MOST} requests at a time go out until a clip comes"
)


# What a plan shows of tasks that a lookup may yet end.
_WATCHED = {Kind.ACCEPTED: TaskState.ACCEPTED, Kind.IN_DOUBT: TaskState.IN_DOUBT}
_FLAWED = (TaskState.FAILED, TaskState.IN_DOUBT, TaskState.ACCEPTED, TaskState.SAVED)


def ignore(_: ev.Event) -> None:
    """Watch nothing."""


def both(first: ev.Watcher, second: ev.Watcher) -> ev.Watcher:
    """Make one watcher of two."""

    def watch(event: ev.Event) -> None:
        first(event)
        second(event)

    return watch


async def run(  # noqa: PLR0913 - each port once
    job: Job,
    endpoint: Endpoint,
    *,
    options: Options = Options(),  # noqa: B008 - frozen
    watch: ev.Watcher = ignore,
    provider: Provider | None = None,
    crew: CrewFactory = local,
    gather: Gather = of_nobody,
    shelf: ShelfFactory = open_shelf,
    account: Accounts | None = None,
    control: Listening = over_socket,
    hop: Hop = in_thread,
) -> ev.Summary:
    """Render a job, or continue where an earlier run stopped.

    `provider`, `crew`, `shelf`, `account` and `control` are the ports to the API, to whoever makes
    the attempts, to where outputs lie, to other runs on the same key (None: as the job says), and
    to whoever controls the run meanwhile. `gather` waits for the workers that a killed run has left
    elsewhere.
    `hop` is how the disk is reached: on virtual time, inline.

    Raises:
        PipelineError: nothing was sent: a bad job file, a directory locked or another job's, …
    """
    provider = provider or providers.get(job.provider)
    refuse_unknown_price(job, provider.model(job.model))
    accounts = account or shared_by(job, endpoint)
    began, start = time.time(), anyio.current_time()
    with ExitStack() as resources:
        store = take_store(job, resources, watch, hop, shelf, fsync=options.fsync)
        usual = provider.model(job.model).seconds
        await gather(job, store)
        if options.keep_places:
            no_wait = "; --no-wait does not wait"
            await wait_for_workers(store, usual=usual, timeout=job.timeout, hint=no_wait)
        recovered = take_in(job, store)
        noting = StateFile(store.layout, store.history)
        resources.callback(noting.close)
        watch = both(noting, watch)
        backlog = resources.enter_context(closing(Backlog()))
        connection = provider.connect(endpoint, timeout=job.timeout, max_size=job.max_size)
        async with connection as session:
            # First, as what is found is not rendered again.
            lookups = Lookups(job, provider, store, session, watch)
            claims = await _look_up(lookups, options)
            watch = both(lookups.see, watch)
            origins: dict[str, TaskState] = {}
            select = as_asked_before(options.select, store.layout)
            options = replace(options, select=select)
            plan = _plan(job, provider, store, backlog, options, claims, origins)
            options.confirm(plan)
            options = _note_again(store, options, plan)
            limbo = partial(slowest, store.history.durations, usual=usual, timeout=job.timeout)
            setting = Setting(job, provider, session, store, limbo)
            async with crew(setting) as workers:
                queue = Queue(backlog, plan.classes)
                state = compose(
                    job, provider, store, session, queue,
                    options=options, watch=watch, accounts=accounts,
                )  # fmt: skip
                state.plan, state.outdated = plan, plan.outdated
                noting.count = lambda: state.counts
                state.simulated = await _origin(store, session, unknown=bool(claims))
                watch(_started(job, plan, began, endpoint.host_unless(provider.base_url)))
                found = [*recovered, *lookups.recorded]
                _report_start(found, (*job.warnings, *plan.warnings), state)
                # From its first word on: what it follows was a dead run's until then.
                state.inherited = [left.claim for left in claims if left.claim is not None]
                async with accounts.join(member(state, hop, workers.jitter)) as state.account:
                    await _take_up(state, claims, origins, keep_places=options.keep_places)
                    engine = Engine(state, lookups, origins)
                    unfollowed = _unfollowed(state, claims)
                    reloading = Reloading(engine, options, hop, unfollowed, origins)
                    listening = control(state, Control(engine, workers, reloading))
                    await _serve(engine, workers, options, listening)
                    if store.shelf.far:
                        await anyio.to_thread.run_sync(store.shelf.end, abandon_on_cancel=True)
                        store.report_warnings()
        _forget_again(state, options)
        summary = _sum_up(state, options, anyio.current_time() - start)
    watch(summary)
    return summary


def take_in(job: Job, store: Store) -> list[Record]:
    """Take in what a killed run left in the output directory, and bring it to its place.

    Returns:
        The records.
    """
    try:
        if store.shelf.far:
            bring_leftovers(store)
        return recover(store, partial(names_of, job))
    except BucketError:
        raise  # what is paid and whole here is kept: 7, not 2
    except (OSError, StorageError) as error:
        raise _unusable(job.output_dir, error) from error


def take_store(  # noqa: PLR0913 - what a store is made of
    job: Job,
    resources: ExitStack,
    watch: ev.Watcher,
    hop: Hop = in_thread,
    shelf: ShelfFactory = open_shelf,
    *,
    fsync: bool = True,
) -> Store:
    """Take the output directory."""

    def warn(text: str) -> None:
        watch(ev.Warned(text, time.time()))

    try:
        lock = lock_output(job)
        resources.callback(lock.close)
        store = Store(lock.layout, fsync=fsync, warn=warn, hop=hop, shelf=partial(shelf, job))
        resources.callback(store.close)
        for warning in lock.warnings:
            store.warn(warning)
        _take_place(store, resources)
    except BucketError:
        raise  # what is paid and whole here is kept: 7, not 2
    except (OSError, StorageError) as error:
        raise _unusable(job.output_dir, error) from error
    return store


def _take_place(store: Store, resources: ExitStack) -> None:
    """Take the place of outputs where that is no directory."""
    if not store.shelf.far:
        return
    try:
        store.shelf.begin()
    except BucketError as error:
        if not error.lasts:
            raise
        raise DirectoryError(f"{error.message}; nothing was sent", hint=error.hint) from error
    resources.callback(store.shelf.end)


async def _look_up(lookups: Lookups, options: Options) -> list[Leftover]:
    try:
        return await lookups.before(record=not options.settle_only)
    except (OSError, StorageError) as error:
        raise _unusable(lookups.job.output_dir, error) from error


def _plan(  # noqa: PLR0913, PLR0917 - what a plan is made from
    job: Job,
    provider: Provider,
    store: Store,
    backlog: Backlog,
    options: Options,
    claims: list[Leftover],
    origins: dict[str, TaskState],
) -> Plan:
    """Hold the job against its manifest; what is to do goes to the backlog.

    `claims` are those that the run follows; `origins` gets the tasks that are waited for, and those
    in doubt.
    """
    left = (left.claim for left in (*store.accepted, *claims))
    accepted = {claim.task: claim for claim in left if claim is not None}

    def note(task: Task, kind: Kind, chosen: bool) -> None:
        if not chosen and kind in _WATCHED:
            origins[task.id] = _WATCHED[kind]

    plan = make(
        job,
        store.history,
        store.layout.manifest,
        store.shelf,
        retry=options.retry,
        select=options.select,
        limit=options.limit,
        take=None if options.settle_only else backlog.add,
        show=note if accepted or store.history.open_doubts else None,
        provider=provider,
        accepted=accepted,
    )
    if options.settle_only:
        plan.selected = 0
        plan.classes.clear()
    backlog.seal(options.limit)
    if options.limit is not None:
        plan.cut = sum(plan.classes.values()) > len(backlog)
        plan.classes = backlog.classes()
    return plan


def _note_again(store: Store, options: Options, plan: Plan) -> Options:
    """Make durable what is to be rendered anew, so that the same command never pays for it twice.

    Returns the options with where the records of it begin.
    """
    if not plan.again:
        return options
    size = store.manifest_size
    try:
        return replace(
            options, select=note(options.select, store.layout, size, fsync=options.fsync)
        )
    except OSError as error:
        raise _unusable(store.layout.root, error) from error


def _forget_again(state: RunState, options: Options) -> None:
    """Note that what was to be rendered anew has ended, if nothing of it is left."""
    left = state.stopped or len(state.queue) or state.left or state.plan.cut
    if not options.select.again or options.settle_only or left:
        return
    try:
        forget(state.store.layout)
    except OSError as error:
        state.warn(f"{state.store.layout.again} cannot be removed: {error.strerror}")


def _unusable(root: Path, error: Exception) -> DirectoryError:
    return DirectoryError(
        f"{root} cannot be used: {error}",
        hint="make room, fix its permissions, or choose another directory with --output",
    )


def compose(  # noqa: PLR0913 - what a run is made of
    job: Job,
    provider: Provider,
    store: Store,
    session: Session,
    queue: Queue,
    *,
    options: Options,
    watch: ev.Watcher,
    accounts: Accounts,
) -> RunState:
    """Make the state of a run from what is open, and from what earlier runs have left."""
    history = store.history
    within = hours(job.schedule, options.until, datetime.fromtimestamp(time.time(), UTC))
    wait, longest = options.wait_for_credits, job.timeout + provider.longest_silence
    return RunState(
        job=job,
        provider=provider,
        queue=queue,
        gate=CreditGate(
            job.credits,
            published=provider.model(job.model).price,
            past=history.last_cost,
            ledger=history,
            balance=accounts.balance(),
            prices=accounts.prices,
        ),
        store=store,
        session=session,
        payer=payer(job.account.name, session.endpoint),
        watch=watch,
        circuit=Circuit(job.concurrency, job.retry.outage),
        pauses=Pauses(watch, within, history.durations, longest=longest),
        poller=Poller(session.ask, job.poll),
        streak=Streak(wary=history.without_clip >= MOST),
        top_up=None if wait is None else TopUp(wait),
    )


async def _take_up(
    state: RunState, claims: list[Leftover], origins: dict[str, TaskState], *, keep_places: bool
) -> None:
    """Count what earlier runs have sent, before anything goes out."""
    if claims and state.job.credits.gate is Gate.AUTO:
        await state.ask_balance()  # while nothing counts as in flight
    resume(state, claims, origins)
    _mind_the_killed(state, keep_places=keep_places)


def _mind_the_killed(state: RunState, *, keep_places: bool) -> None:
    """Count what a killed run may still have at the API, and say so."""
    history, now = state.store.history, time.time()
    kept = places_kept(
        history.killed,
        history.durations,
        usual=state.provider.model(state.job.model).seconds,
        timeout=state.job.timeout,
        now=now,
    )
    ends = [clock() + each for each in kept]
    state.stray(*ends)
    if not kept or not keep_places or not len(state.queue):
        return
    state.places += ends
    what = "request of a killed run" if len(kept) == 1 else "requests of a killed run"
    state.warn(
        f"{len(kept)} {what} may still be at work at the API, and keep their places for up to"
        f" {kept[-1]:.0f} s; --no-wait does not wait"
    )


def _verify(state: RunState) -> None:
    """See that what was recorded is found in the manifest."""
    try:
        state.store.verify()
    except StorageError as error:
        state.stop(ExitCode.STORAGE, error.message)


def _unfollowed(state: RunState, claims: list[Leftover]) -> dict[str, Claim]:
    """Return what waits at a provider that this run does not ask, by task."""
    left = (left.claim for left in (*state.store.accepted, *claims))
    return {one.task: one for one in left if one is not None and one.task not in state.flying}


async def _serve(
    engine: Engine, crew: Crew, options: Options, listening: AbstractAsyncContextManager[None]
) -> None:
    """Run the engine, with the store, the signals and whoever controls it beside it."""
    state, store = engine.state, engine.state.store
    async with anyio.create_task_group() as beside:
        beside.start_soon(store.serve)
        beside.start_soon(state.account.serve)
        try:
            with anyio.CancelScope() as working:
                async with (
                    listening,
                    tending(state),
                    obeying(state, working, handle=options.handle_signals),
                ):
                    await engine.run(crew)
            state.abandon()
        finally:
            store.stop()
            state.account.stop()
            state.queue.backlog.close()  # another one, where the job was read again
    if engine.bugs:
        raise engine.bugs[0]
    _verify(state)


async def _origin(store: Store, session: Session, *, unknown: bool) -> bool | None:
    """Say whether the directory holds simulated clips; refuse to mix them with paid ones.

    Where no record says it, it is asked for if it must not stay `unknown`.
    """
    simulated = store.history.simulated
    if simulated is None:
        if not unknown:
            return None
        return (await session.balance()).simulated if session.endpoint.on_loopback else False
    # The sandbox lives on loopback alone, and marks its answers.
    answers = (await session.balance()).simulated if session.endpoint.on_loopback else False
    if answers is not None and answers != simulated:
        raise DirectoryError(
            wrong_origin(store.layout.root, simulated=answers),
            hint="give this run a directory of its own with --output",
        )
    return simulated


def _started(job: Job, plan: Plan, began: float, host: str | None) -> ev.Started:
    return ev.Started(
        job=job.name,
        output=job.bucket or str(job.output_dir),
        counts=plan.counts,
        selected=plan.selected,
        concurrency=job.concurrency,
        expected_cost=plan.price,
        at=began,
        host=host,
    )


def _report_start(recovered: list[Record], warnings: Iterable[str], state: RunState) -> None:
    """Report what was found at the start."""
    for record in recovered:
        state.watch(ev.Recovered(record, time.time()))
    for warning in (*warnings, *([_WARY] if state.streak.wary else [])):
        state.warn(warning)
    state.store.report_warnings()


def _count_left(state: RunState) -> ev.Money:
    """Count what is left to the next run, as `status` does from now on; return the money then."""
    try:
        doubts, successes = outstanding(state.store.layout)
    except DirectoryError:  # nor can `status` read it
        return state.money
    history, left = state.store.history, {record.task for record in doubts}
    saved = {record.task for record in successes}
    for attempt in (*state.left, *state.queue.begun):
        if attempt.task.id in saved:
            state.count(attempt, TaskState.SAVED)
            continue
        if attempt.claim is not None and attempt.claim.handle is not None:
            state.count(attempt, TaskState.ACCEPTED)
            continue
        # One that was to be sent again, as the job asks, stands in doubt already.
        in_doubt = history.state_of(attempt.task) is TaskState.IN_DOUBT
        if attempt.task.id in left or (in_doubt and attempt.origin is not TaskState.IN_DOUBT):
            state.count(attempt, TaskState.IN_DOUBT)
    found, known = [*doubts, *successes], state.gate.remaining
    return replace(
        state.money,
        spent=history.spent + sum((rounded(one.cost or ZERO) for one in found), ZERO),
        at_risk=history.at_risk + sum((rounded(one.at_risk or ZERO) for one in found), ZERO),
        remaining=history.remaining if known is None else known,
        reserved=ZERO,
    )


def _judged(state: RunState, options: Options) -> Counter[TaskState]:
    """Return how the tasks stand that the run was asked for."""
    if options.limit is not None:
        return state.ended
    return state.plan.states if state.plan.within is None else state.plan.judged


def _sum_up(state: RunState, options: Options, seconds: float) -> ev.Summary:
    money = _count_left(state)
    plan, states = state.plan, state.plan.states
    if state.stopped is not None:
        code, detail = state.stopped.exit_code, state.stopped.detail
    else:
        judged = _judged(state, options)
        outdated = len(state.edited)
        flawed = sum(judged[one] for one in _FLAWED) + len(state.queue) + outdated
        code = ExitCode.SOME_FAILED if flawed else ExitCode.OK
        detail = code.meaning
        if outdated:
            detail = f"{outdated} changed in the job after they were sent: run again to render them"
        if waiting := judged[TaskState.ACCEPTED]:
            detail = f"{waiting} waiting at the provider: run again to fetch what they bring"
        if options.limit is not None and code is ExitCode.OK:
            detail = "every task that --limit let through has succeeded"
        elif plan.within is not None and code is ExitCode.OK:
            detail = "every task that --only names has succeeded"
    return ev.Summary(
        exit_code=code,
        detail=detail,
        counts=count(plan.total, states),
        here=count(plan.selected, state.ended),
        left=len(state.queue),
        money=money,
        price_left=plan.price_of(state.queue.left_by_class(), state.gate.prices),
        seconds=seconds,
        output=str(state.job.output_dir),
        at=time.time(),
        until=state.stopped.until if state.stopped else None,
    )
