"""The composition root: how the parts of a run are made, started and summed up."""

import time
from collections.abc import Iterable
from contextlib import AbstractAsyncContextManager, ExitStack, closing
from datetime import UTC, datetime
from functools import partial

import anyio
import anyio.to_thread

from pipeline import events as ev
from pipeline.account.payer import payer
from pipeline.account.shared import Accounts
from pipeline.api import providers
from pipeline.api.endpoint import Endpoint
from pipeline.api.provider import Provider, Session
from pipeline.engines.crew import Crew, CrewFactory, Gather, Setting, of_nobody
from pipeline.engines.local import local
from pipeline.errors import DirectoryError, ExitCode, StorageError
from pipeline.ledger.history import TaskState
from pipeline.ledger.plan import Plan
from pipeline.models import Claim, Gate, Job, Record
from pipeline.money.gate import CreditGate
from pipeline.money.topup import TopUp
from pipeline.runtime.circuit import Circuit
from pipeline.runtime.control import Control, Listening, over_socket, refuse_unknown_price
from pipeline.runtime.engine import Engine
from pipeline.runtime.homecoming import wait_for_workers
from pipeline.runtime.leftover import places_kept, slowest
from pipeline.runtime.lookups import Lookups
from pipeline.runtime.membership import member, shared_by
from pipeline.runtime.opening import (
    look_up,
    plan_run,
    take_in,
    take_store,
)
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
from pipeline.runtime.summing import ends_again, sum_up
from pipeline.runtime.uploads import tending
from pipeline.store.again_file import forget
from pipeline.store.claims import Leftover
from pipeline.store.commit import Hop, Store, in_thread
from pipeline.store.layout import wrong_origin
from pipeline.store.shelf import ShelfFactory, open_shelf
from pipeline.store.state_file import StateFile

_WARY = (
    "the last answers of the run before cost and brought no clip:"
    f" {MOST} requests at a time go out until a clip comes"
)


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
            claims = await look_up(lookups, options)
            watch = both(lookups.see, watch)
            origins: dict[str, TaskState] = {}
            plan, options = await plan_run(
                job, provider, store, backlog,
                options=options, claims=claims, origins=origins, hop=hop,
            )  # fmt: skip
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
        summary = sum_up(state, options, anyio.current_time() - start)
    if ends_again(state, options):
        _forget_again(state, options)
    watch(summary)
    return summary


def _forget_again(state: RunState, options: Options) -> None:
    """Forget what was to be rendered again, or leave that to the caller."""
    forgetting = partial(forget, options.select, state.store.layout)
    if options.defer is not None:
        options.defer(forgetting)
    elif warning := forgetting():
        state.warn(warning)


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
        poller=Poller(
            session.ask,
            job.poll or provider.traits.every,
            warn=lambda said: watch(ev.Warned(said, time.time())),
        ),
        streak=Streak(wary=history.without_clip >= MOST),
        top_up=None if wait is None else TopUp(wait),
        sends_doubts=options.sends_doubts,
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
    state.keeps_places = keep_places
    # Where the answer is an id, what was not answered may be at work as well.
    lost = history.lost if state.provider.traits.answers_with_id else ()
    kept = places_kept(
        (*history.killed, *lost),
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
    what = what.replace("a killed", "an earlier") if lost else what
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
