"""End doubts by an exported list of requests, where what it says decides them.

What completed and can still be asked for becomes an accepted claim, which the next step of `settle`
follows like any other; what has failed was not charged; what completed and is out of reach was.
"""

import time
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass, field

import anyio
from msgspec.structs import replace

from pipeline.api.outcome import Progress, RequestState, Row
from pipeline.api.provider import Provider
from pipeline.models import Handle, Record, Settled, rfc3339
from pipeline.settling.attempts import Doubt
from pipeline.settling.doubts import collect
from pipeline.settling.ending import accept, comes_too_late, end_by_word, end_failed, end_late
from pipeline.settling.matching import explain
from pipeline.store.claims import Leftover
from pipeline.store.commit import Store

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


_SAYS_NOTHING = frozenset({RequestState.UNREACHED, RequestState.REFUSED, RequestState.ELSEWHERE})


async def _end(store: Store, doubt: Doubt, row: Row, reach: Reach, taken: Taken) -> None:
    state = row.progress.state
    if state is RequestState.FAILED:
        taken.records.append(await end_failed(store, doubt, row, reach.provider))
    elif comes_too_late(store, doubt):
        if state in {RequestState.DONE, RequestState.GONE}:
            taken.records.append(await end_late(store, doubt, row))
        else:
            taken.open.append(doubt)
    elif state is RequestState.UNREACHED:
        taken.open.append(doubt)
    elif reach.can_ask and state is not RequestState.GONE:
        handle, names = _handle(row), reach.names
        left = await accept(store, doubt, handle, names=names, base_url=reach.base_url)
        store.accepted.append(left)
        taken.accepted.append(left)
    elif _is_out_of_reach(doubt, row):
        price = row.progress.cost
        record = await end_by_word(store, doubt, Settled.BILLED, price=price, request_id=row.id)
        taken.records.append(record)
    else:
        taken.open.append(doubt)


def _is_out_of_reach(doubt: Doubt, row: Row) -> bool:
    """Whether a request was charged, as far as is known for how much, and its output is lost."""
    done = row.progress.state in {RequestState.DONE, RequestState.GONE}
    lost = done and row.progress.media is None
    return lost and (row.progress.cost is not None or bool(doubt.at_risk))


def _handle(row: Row) -> Handle:
    """Name a request by its row, with the output that the row has, if it has one."""
    said = row.progress
    media = said.media if said.state is RequestState.DONE else None
    cost = said.cost if media else None
    return Handle(id=row.id, listed=True, at=rfc3339(time.time()), media=media, cost=cost)
