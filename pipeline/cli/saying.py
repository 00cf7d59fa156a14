"""Records what a person says of what is in doubt, in words or by an exported list."""

from collections.abc import Awaitable, Callable, Sequence
from contextlib import ExitStack, suppress
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import anyio

from pipeline import events as ev
from pipeline.account.errors import LedgerError
from pipeline.cli.access import endpoint
from pipeline.cli.chosen import provider
from pipeline.cli.environment import NoKeyError
from pipeline.cli.output import message
from pipeline.display.words import line, money, named
from pipeline.models import Job, Record, Settled, Status
from pipeline.runtime.homecoming import wait_for_workers
from pipeline.runtime.membership import settled
from pipeline.runtime.opening import take_in, take_store
from pipeline.settling.exported import Reach, Taken, take_list
from pipeline.settling.usage import read_usage
from pipeline.settling.words import Said, say
from pipeline.store.commit import Store

if TYPE_CHECKING:  # it imports HTTP, which a person's words do not need
    from pipeline.api.endpoint import Endpoint

T = TypeVar("T")


def take_words(job: Job, *, billed: Sequence[str], not_billed: Sequence[str]) -> None:
    """Record a person's words, all of them or none. Needs no key and no network.

    Raises:
        PipelineError: a word is about no task in doubt, or the directory cannot be used.
    """
    cost, published = job.credits.cost, provider(job).model(job.model).price
    hear = partial(
        say,
        billed=billed,
        not_billed=not_billed,
        price=published if cost is None else cost,
        tasks=[task.id for task in job.tasks()],
    )
    said: Said = _with_store(job, hear)
    for record in said.records:
        message(_in_words(record))
    for task in said.before:
        message(f"{task}: this was said before, nothing was written")


def take_exported(job: Job, file: Path, base_url: str | None) -> bool:
    """Settle what a list explains that a person has exported. Needs no key.

    With one, what completed is asked for. Returns whether there are outputs to fetch.

    Raises:
        PipelineError: the list cannot be read, or the directory cannot be used.
    """
    rows = read_usage(file, provider(job))
    access: Endpoint | None = None
    with suppress(NoKeyError):
        access, job = endpoint(job, base_url)
    reach = Reach(provider(job), names={task.id: task.output for task in job.tasks()})

    async def take(store: Store) -> Taken:
        if access is None:
            return await take_list(store, rows, reach)
        session = provider(job).connect(access, timeout=job.timeout, max_size=job.max_size)
        async with session as connected:
            asking = replace(reach, base_url=access.base_url, ask=connected.ask)
            return await take_list(store, rows, asking)

    taken = _with_store(job, take)
    for record in taken.records:
        message(_in_words(record))
    for doubt in taken.open:
        message(f"{doubt.task}: listed, and it is not known yet how it ended")
    return bool(taken.accepted)


def _with_store(job: Job, settle: Callable[[Store], Awaitable[T]]) -> T:
    """Take the output directory and settle in it.

    Raises:
        DirectoryError: a run uses it, it is another job's, or it cannot be used.
        StorageError: a record cannot be written.
    """

    async def main() -> T:
        with ExitStack() as resources:
            store = take_store(job, resources, _warn)
            # What a killed run's workers bring home needs no word, and a word may be wrong.
            usual = provider(job).model(job.model).seconds
            await wait_for_workers(store, usual=usual, timeout=job.timeout)
            take_in(job, store)
            result = await settle(store)
            store.report_warnings()
            try:
                settled(job, store)
            except LedgerError as error:
                message(f"warning: {error}")
            return result

    return anyio.run(main)


def _warn(event: ev.Event) -> None:
    if (text := line(event)) is not None:
        message(text)


def _in_words(record: Record) -> str:
    """Say what has been recorded."""
    if record.settled is Settled.NOT_BILLED:
        return f"{named(record)}: not charged; the next run sends it"
    if record.settled is Settled.BILLED:
        return f"{named(record)}: charged, and not sent again by itself"
    what = "failed" if record.status is Status.FAILED else f"charged {money(record.cost)}"
    return f"{named(record)}: {what}: {record.error}"
