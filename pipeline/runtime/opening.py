"""How a run begins: it takes the output directory, and in what lies there, and makes its plan."""

import time
from contextlib import ExitStack
from dataclasses import replace
from functools import partial
from pathlib import Path

from pipeline import events as ev
from pipeline.api.provider import Provider
from pipeline.errors import BucketError, DirectoryError, StorageError
from pipeline.ledger.history import TaskState
from pipeline.ledger.plan import Kind, Plan, make
from pipeline.models import Job, Record, Task
from pipeline.runtime.lookups import Lookups, names_of
from pipeline.runtime.options import Options
from pipeline.runtime.queue import Backlog
from pipeline.store.again_file import as_asked_before, note
from pipeline.store.bringing import bring_leftovers
from pipeline.store.claims import Leftover
from pipeline.store.commit import Hop, Store, in_thread
from pipeline.store.layout import lock_output
from pipeline.store.recovery import recover
from pipeline.store.shelf import ShelfFactory, open_shelf

# What a plan shows of tasks that a lookup may yet end.
_WATCHED = {Kind.ACCEPTED: TaskState.ACCEPTED, Kind.IN_DOUBT: TaskState.IN_DOUBT}


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


async def look_up(lookups: Lookups, options: Options) -> list[Leftover]:
    """Look up what earlier runs left in doubt or waiting; returns what this run follows."""
    try:
        return await lookups.before(record=not options.settle_only)
    except (OSError, StorageError) as error:
        raise _unusable(lookups.job.output_dir, error) from error


async def plan_run(  # noqa: PLR0913 - what a plan is made from
    job: Job,
    provider: Provider,
    store: Store,
    backlog: Backlog,
    *,
    options: Options,
    claims: list[Leftover],
    origins: dict[str, TaskState],
    hop: Hop,
) -> tuple[Plan, Options]:
    """Hold the job against its manifest; what is to do goes to the backlog.

    Returns the options as well, with what was rendered already for the same `--again`. `claims` are
    those that the run follows; `origins` gets the tasks that are waited for, and those in doubt.
    """
    options = replace(options, select=as_asked_before(options.select, store.layout))
    found: list[Plan] = []
    # Beside the loop, as it reads the files that are sent.
    await hop(lambda: found.append(_plan(job, provider, store, backlog, options, claims, origins)))
    options.confirm(found[0])
    # A run that only waits may be given tasks by a reload.
    begins = (found[0].selected or claims) and not options.settle_only
    return found[0], _note_again(store, options) if begins else options


def _plan(  # noqa: PLR0913, PLR0917 - what a plan is made from
    job: Job,
    provider: Provider,
    store: Store,
    backlog: Backlog,
    options: Options,
    claims: list[Leftover],
    origins: dict[str, TaskState],
) -> Plan:
    left = (left.claim for left in (*store.accepted, *claims))
    accepted = {claim.task: claim for claim in left if claim is not None}

    def see(task: Task, kind: Kind, chosen: bool) -> None:
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
        show=see if accepted or store.history.open_doubts else None,
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


def _note_again(store: Store, options: Options) -> Options:
    """Make durable what is to be rendered anew, so that the same command never pays for it twice.

    Also where nothing of it is done yet: what is new now is done when the command is repeated.
    Returns the options with where the records of it begin.
    """
    size = store.manifest_size
    try:
        return replace(
            options, select=note(options.select, store.layout, size, fsync=options.fsync)
        )
    except OSError as error:
        raise _unusable(store.layout.root, error) from error


def _unusable(root: Path, error: Exception) -> DirectoryError:
    return DirectoryError(
        f"{root} cannot be used: {error}",
        hint="make room, fix its permissions, or choose another directory with --output",
    )
