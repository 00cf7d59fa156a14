"""End doubts by an exported list of requests, where what it says decides them.

What completed and can still be asked for becomes an accepted claim, which the next step of `settle`
follows like any other; what has failed was not charged; what completed and is out of reach was.
"""

import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace

import anyio
import msgspec

from pipeline.api.outcome import Outcome, Progress, RequestState, Row
from pipeline.api.provider import Provider
from pipeline.ledger import endings
from pipeline.models import Claim, Handle, Record, Settled, Task, rfc3339, task_key
from pipeline.settling.attempts import Doubt
from pipeline.settling.doubts import collect
from pipeline.settling.matching import explain
from pipeline.settling.words import taken_out, write
from pipeline.store.claims import Leftover
from pipeline.store.commit import Store

# How the end of a request that a list calls failed is judged: as its provider answers for one.
_FAILED = 422


Ask = Callable[[Handle], Awaitable[Progress]]
"""Asks where a request is; see `pipeline.api.provider.Session.ask`."""

# Seconds that questions about rows may take, in all.
_LONGEST = 15.0


@dataclass(slots=True)
class Taken:
    """What an exported list has ended.

    `records` were written. `accepted` are in `store.accepted` now, to be asked for. `open` are
    doubts that it explains and that stay: what is still at work, or has an output out of reach.
    """

    records: list[Record] = field(default_factory=list)
    accepted: list[Leftover] = field(default_factory=list)
    open: list[Doubt] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Reach:
    """What a settling can do: the provider, and its base URL where a key allows to ask there.

    `names` are the outputs of the job's tasks, without extension, as the job has them now. `ask` is
    a session's: without it, what completed counts as one that can be asked for.
    """

    provider: Provider
    base_url: str | None = None
    names: Mapping[str, str] = field(default_factory=dict)
    ask: Ask | None = None

    @property
    def can_ask(self) -> bool:
        """Whether a request can be asked for by its id."""
        return self.base_url is not None and self.provider.lists_requests


async def take_list(store: Store, rows: Iterable[Row], reach: Reach) -> Taken:
    """End the doubts of a directory that these rows explain.

    The directory must be locked, and nothing running in it; `recover` comes before.

    Raises:
        DirectoryError: the manifest cannot be read.
        StorageError: a record or a claim cannot be written.
    """
    leftovers = [*store.accepted, *store.doubtful]
    doubts, known = collect(
        store.layout.manifest, leftovers, provider=reach.provider.name, history=store.history
    )
    found = explain(doubts, known, rows)
    taken = Taken()
    asking = _Asking(reach)
    for doubt in doubts:
        if (row := found.get(doubt.key)) is not None:
            row = await asking.completed(row)
            await _end(store, doubt, row, reach, taken)
    return taken


class _Asking:
    """Asks what became of requests that completed, and of which no output is named."""

    def __init__(self, reach: Reach) -> None:
        self._ask = reach.ask if reach.can_ask else None
        self._until = anyio.current_time() + _LONGEST

    async def completed(self, row: Row) -> Row:
        """Return what the provider says of a row, or the row if it needs no question.

        Where the provider has forgotten the request, the row is GONE: it was charged, and lost.
        """
        said = row.progress
        if self._ask is None or said.state is not RequestState.DONE or said.media is not None:
            return row
        progress: Progress | None = None
        with anyio.move_on_after(max(self._until - anyio.current_time(), 0.0)):
            progress = await self._ask(Handle(id=row.id, listed=True))
        if progress is None or progress.state in _SAYS_NOTHING:
            return replace(row, progress=replace(said, state=RequestState.UNREACHED))
        cost = progress.cost if said.cost is None else said.cost
        return replace(row, progress=replace(progress, cost=cost))


_SAYS_NOTHING = frozenset({RequestState.UNREACHED, RequestState.REFUSED})


async def _end(store: Store, doubt: Doubt, row: Row, reach: Reach, taken: Taken) -> None:
    state = row.progress.state
    if state is RequestState.FAILED:
        taken.records.append(await end_failed(store, doubt, row, reach.provider))
    elif isinstance(doubt.origin, Record) and not store.takes_in(doubt.origin):
        if state in {RequestState.DONE, RequestState.GONE}:
            cost = row.progress.cost
            record = endings.listed_too_late(doubt.origin, request_id=row.id, cost=cost)
            taken.records.append(await store.correct(record))
        else:
            taken.open.append(doubt)
    elif state is RequestState.UNREACHED:
        taken.open.append(doubt)
    elif reach.can_ask and state is not RequestState.GONE:
        taken.accepted.append(await accept(store, doubt, row, reach))
    elif _is_out_of_reach(doubt, row):
        price = row.progress.cost
        record = await write(store, doubt, Settled.BILLED, price=price, request_id=row.id)
        taken.records.append(record)
    else:
        taken.open.append(doubt)


def _is_out_of_reach(doubt: Doubt, row: Row) -> bool:
    """Whether a request was charged, as far as is known for how much, and its output is lost."""
    done = row.progress.state in {RequestState.DONE, RequestState.GONE}
    lost = done and row.progress.media is None
    return lost and (row.progress.cost is not None or bool(doubt.at_risk))


async def accept(store: Store, doubt: Doubt, row: Row, reach: Reach) -> Leftover:
    """Make a doubt that is listed an accepted claim, which is asked for by its id.

    Raises:
        StorageError: it cannot be written.
    """
    origin = doubt.origin
    said = row.progress
    media = said.media if said.state is RequestState.DONE else None
    cost = said.cost if media else None
    handle = Handle(id=row.id, listed=True, at=rfc3339(time.time()), media=media, cost=cost)
    if isinstance(origin, Leftover):
        assert origin.claim is not None
        base_url = origin.claim.base_url or reach.base_url
        claim = msgspec.structs.replace(origin.claim, handle=handle, base_url=base_url)
        await store.accept(origin.attempt, claim)
        taken_out(store, origin)
        accepted = Leftover(origin.attempt, claim)
    else:
        assert origin is not None
        name = reach.names.get(origin.task) or task_key(origin.task)
        accepted = await store.reclaim(origin, handle, output=name, base_url=reach.base_url)
    store.accepted.append(accepted)
    return accepted


async def end_failed(store: Store, doubt: Doubt, row: Row, provider: Provider) -> Record:
    """Record that a request has failed, and was not charged.

    Raises:
        StorageError: it cannot be written.
    """
    origin = doubt.origin
    sent = origin.claim if isinstance(origin, Leftover) else origin
    assert sent is not None
    failed = Outcome(took=0.0, status=_FAILED, text=row.progress.error, request_id=row.id)
    meaning = provider.judge(_task_of(sent), failed)
    record = endings.listed_failed(
        sent,
        meaning.error,
        request_id=row.id,
        reason=meaning.reason,
        stands=isinstance(sent, Claim) or not store.history.is_superseded(sent),
    )
    if not isinstance(origin, Leftover):
        return await store.correct(record)
    return await store.note(origin.attempt, record, keep=taken_out(store, origin))


def _task_of(sent: Claim | Record) -> Task:
    """Make the task of what was sent, as it was then."""
    return Task(
        id=sent.task,
        model=sent.model,
        params=sent.params,
        fingerprint=sent.fingerprint,
        output=(sent.output if isinstance(sent, Claim) else None) or task_key(sent.task),
        meta=sent.meta,
    )
