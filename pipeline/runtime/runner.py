"""The composition root: one task's way from the job file to its record, read top to bottom.

job file → plan → queue → gate → claim → attempt → output → record → summary
"""

import time
from collections.abc import Callable, Collection, Iterable
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from datetime import time as clock_time

import anyio

from pipeline import events as ev
from pipeline.api.client import Client, Endpoint
from pipeline.errors import DirectoryError, ExitCode, StorageError, UsageError
from pipeline.job.keys.params import PUBLISHED_PRICES, PUBLISHED_SECONDS
from pipeline.ledger.history import Standing
from pipeline.ledger.plan import Plan, Retry, count, make
from pipeline.models import Gate, Job, Record
from pipeline.money.gate import CreditGate
from pipeline.money.topup import TopUp
from pipeline.runtime.coordinator import Coordinator
from pipeline.runtime.leftover import places_kept
from pipeline.runtime.pool import run_workers
from pipeline.runtime.queue import Backlog, Queue
from pipeline.runtime.schedule import hours
from pipeline.runtime.signals import obeying
from pipeline.runtime.streak import MOST
from pipeline.store.commit import Store
from pipeline.store.layout import hold, wrong_origin
from pipeline.store.recovery import recover

# Open files that no request needs: libraries, the manifest, the terminal, the log.
_OTHER_FILES = 40

_WARY = (
    "the last answers of the run before cost and brought no clip:"
    f" {MOST} requests at a time go out until a clip comes"
)
_NO_MEMORY = (
    "this machine has no memory left for another answer. Hint: a lower --concurrency, or close"
    " other programs; what was in flight here may be in doubt"
)


@dataclass(frozen=True, slots=True)
class Options:
    """What one run is asked for, beside its job.

    `limit` bounds how many of the tasks left it takes. `until` is a wall-clock time to be done
    by. `keep_places` leaves their places to what a killed run may still have at the API.
    `wait_for_credits` is the patience for a top-up in seconds; None stops instead. `confirm`
    is called with the plan before anything is sent, and raises to refuse.
    """

    retry: Collection[Retry] = ()
    limit: int | None = None
    until: clock_time | None = None
    keep_places: bool = True
    wait_for_credits: float | None = None
    fsync: bool = True
    handle_signals: bool = False
    confirm: Callable[[Plan], None] = lambda _: None


def ignore(_: ev.Event) -> None:
    """Watch nothing."""


async def run(
    job: Job,
    endpoint: Endpoint,
    *,
    options: Options = Options(),
    watch: ev.Watcher = ignore,
) -> ev.Summary:
    """Render a job, or go on where an earlier run of it stopped.

    Raises:
        PipelineError: nothing was sent: a bad job file, a directory locked or another job's, …
    """
    _refuse_unknown_price(job)
    allow_files(job.concurrency)
    began, start = time.time(), anyio.current_time()
    with ExitStack() as resources:
        store, recovered = _open(job, resources, watch, fsync=options.fsync)
        backlog = Backlog()
        resources.callback(backlog.close)
        plan = _plan(job, store, backlog, options)
        options.confirm(plan)

        async with Client(endpoint, timeout=job.timeout, max_size=job.max_size) as client:
            coordinator = Coordinator(
                job,
                queue=Queue(backlog, plan.classes),
                gate=_gate(job, store),
                store=store,
                balances=client,
                watch=watch,
                hours=hours(job.schedule, options.until, datetime.now(UTC)),
                top_up=_top_up(options),
                simulated=await _origin(store, client),
            )
            watch(_started(job, plan, began, endpoint.unusual_host))
            _tell(recovered, (*job.warnings, *plan.warnings), coordinator, watch)
            store.speak()
            if options.keep_places:
                _keep_places(job, store, coordinator, watch)
            await _serve(coordinator, client, store, job.concurrency, options)
            _verify(store, coordinator)
        seconds = anyio.current_time() - start
        summary = _sum_up(job, coordinator, plan, options, seconds)
    watch(summary)
    return summary


def _open(
    job: Job, resources: ExitStack, watch: ev.Watcher, *, fsync: bool
) -> tuple[Store, list[Record]]:
    """Take the output directory, and take in what a killed run left in it."""

    def warn(text: str) -> None:
        watch(ev.Warned(text, time.time()))

    try:
        held = hold(job)
        resources.callback(held.close)
        store = Store(held.layout, fsync=fsync, warn=warn)
        resources.callback(store.close)
        for warning in held.warnings:
            store.tell(warning)
        return store, recover(store)
    except (OSError, StorageError) as error:
        raise DirectoryError(
            f"{job.output_dir} cannot be used: {error}",
            hint="make room, mend its permissions, or choose another directory with --output",
        ) from error


def _plan(job: Job, store: Store, backlog: Backlog, options: Options) -> Plan:
    """Hold the job against its manifest; what is to do goes to the backlog."""
    plan = make(
        job,
        store.history,
        store.layout.manifest,
        retry=options.retry,
        limit=options.limit,
        take=backlog.add,
    )
    backlog.seal(options.limit)
    if options.limit is not None:
        plan.classes = backlog.classes()
    return plan


def _keep_places(job: Job, store: Store, coordinator: Coordinator, watch: ev.Watcher) -> None:
    """Count what a killed run may still have at the API, and say so."""
    history, now = store.history, time.time()
    kept = places_kept(
        history.killed,
        history.durations,
        usual=PUBLISHED_SECONDS.get(job.model),
        timeout=job.timeout,
        now=now,
    )
    if not kept or not len(coordinator.queue):
        return
    coordinator.keep_places(kept)
    what = "request of a killed run" if len(kept) == 1 else "requests of a killed run"
    text = f"{len(kept)} {what} may still be at work at the API, and keep their places"
    watch(ev.Warned(f"{text} for up to {kept[-1]:.0f} s; --no-wait does not wait", now))


def _verify(store: Store, coordinator: Coordinator) -> None:
    """See that what was recorded is found in the manifest."""
    try:
        store.verify()
    except StorageError as error:
        coordinator.stop(ExitCode.STORAGE, error.message)


async def _serve(
    coordinator: Coordinator, client: Client, store: Store, concurrency: int, options: Options
) -> None:
    """Run the workers, with the store and the signals beside them."""
    bugs: list[Exception] = []

    async def work() -> None:
        try:
            while (assignment := await coordinator.next()) is not None:
                outcome = await client.attempt(assignment.task, assignment.part, assignment.noting)
                await coordinator.settle(assignment.task, outcome)
        except MemoryError:
            coordinator.stop(ExitCode.STORAGE, _NO_MEMORY)
        except Exception as bug:  # noqa: BLE001 - the others' requests are paid: they end well
            bugs.append(bug)
            said = client.endpoint.redact(f"{type(bug).__name__}: {bug}")
            coordinator.stop(ExitCode.BUG, said)

    async with anyio.create_task_group() as beside:
        beside.start_soon(store.serve)
        try:
            with anyio.CancelScope() as workers:
                async with obeying(coordinator, workers, handle=options.handle_signals):
                    await run_workers(work, min(concurrency, len(coordinator.queue)))
                    await coordinator.wind_up()
            coordinator.abandon()
        finally:
            store.stop()
    if bugs:
        raise bugs[0]


def _refuse_unknown_price(job: Job) -> None:
    known = job.credits.cost or PUBLISHED_PRICES.get(job.model)
    if job.credits.gate is Gate.OFF and job.credits.budget is not None and known is None:
        raise UsageError(
            "credits.budget cannot be held: with gate: off nothing tells the price",
            hint="write credits.cost, what one request costs",
        )


def allow_files(concurrency: int) -> None:
    """Let the process open a socket and a part for each request in flight, and some more.

    Raises:
        UsageError: the system does not allow so many.
    """
    try:
        import resource  # noqa: PLC0415 - POSIX alone has it, and the limit
    except ImportError:
        return
    needed = 2 * concurrency + _OTHER_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY or needed <= soft:
        return
    if hard != resource.RLIM_INFINITY and needed > hard:
        raise UsageError(
            f"a concurrency of {concurrency} needs {needed} open files, and {hard} are allowed",
            hint=f"--concurrency {max((hard - _OTHER_FILES) // 2, 1)}, or a higher `ulimit -n`",
        )
    resource.setrlimit(resource.RLIMIT_NOFILE, (needed, hard))


def _gate(job: Job, store: Store) -> CreditGate:
    return CreditGate(
        job.credits,
        published=PUBLISHED_PRICES.get(job.model),
        past=store.history.last_cost,
        spent=store.history.spent,
        at_risk=store.history.at_risk,
        unpriced=store.history.unpriced,
        understated=store.history.understated(job.credits.cost),
    )


def _top_up(options: Options) -> TopUp | None:
    return None if options.wait_for_credits is None else TopUp(options.wait_for_credits)


async def _origin(store: Store, client: Client) -> bool | None:
    """Say whether the directory holds simulated clips; refuse to mix them with paid ones."""
    simulated = store.history.simulated
    if simulated is None:
        return None
    # The sandbox lives on loopback alone, and marks its answers.
    answers = (await client.balance()).simulated if client.endpoint.on_loopback else False
    if answers is not None and answers != simulated:
        raise DirectoryError(
            wrong_origin(store.layout.root, simulated=answers),
            hint="give this run a directory of its own with --output",
        )
    return simulated


def _started(job: Job, plan: Plan, began: float, host: str | None) -> ev.Started:
    return ev.Started(
        job=job.name,
        output=str(job.output_dir),
        counts=plan.counts,
        selected=plan.selected,
        concurrency=job.concurrency,
        expected_cost=plan.price,
        at=began,
        host=host,
    )


def _tell(
    recovered: list[Record], warnings: Iterable[str], coordinator: Coordinator, watch: ev.Watcher
) -> None:
    """Tell what the start has found."""
    now = time.time()
    for record in recovered:
        watch(ev.Recovered(record, now))
    for warning in (*warnings, *([_WARY] if coordinator.wary else [])):
        watch(ev.Warned(warning, now))


def _sum_up(
    job: Job, coordinator: Coordinator, plan: Plan, options: Options, seconds: float
) -> ev.Summary:
    standings = plan.standings.copy()
    standings.subtract(coordinator.moved)
    standings.update(coordinator.ended)
    counts = count(plan.total, standings)
    stopped = coordinator.stopped
    if stopped is not None:
        code, detail = stopped.exit_code, stopped.detail
    else:
        judged = coordinator.ended if options.limit is not None else standings
        flawed = judged[Standing.FAILED] + judged[Standing.IN_DOUBT]
        code = ExitCode.SOME_FAILED if flawed else ExitCode.OK
        detail = code.meaning
        if options.limit is not None and code is ExitCode.OK:
            detail = "every task that --limit let through has succeeded"
    return ev.Summary(
        exit_code=code,
        detail=detail,
        counts=counts,
        here=count(plan.selected, coordinator.ended),
        left=len(coordinator.queue),
        money=coordinator.money,
        price_left=plan.price_of(coordinator.queue.left_by_class(), coordinator.gate.prices),
        seconds=seconds,
        output=str(job.output_dir),
        at=time.time(),
    )
