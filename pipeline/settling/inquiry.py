"""Ask the provider's list what became of doubts: free, rarely, for many at once, never for long."""

import time
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Protocol

import anyio
from msgspec.structs import replace

from pipeline.api.outcome import Asked, Page, Query, RequestState, Row
from pipeline.backoff import Backoff
from pipeline.models import once_of
from pipeline.printable import printable
from pipeline.settling.attempts import Doubt, Key, Known
from pipeline.settling.listing import Listing, windows
from pipeline.settling.matching import Certainty, Interest, Related, explain

ALLOWANCE = 15.0
"""Seconds that a list which fails or is slow may cost a run, in all."""

# Seconds that one reading may take at no charge to the allowance, however many pages it has.
_USUAL = 1.0
# Seconds between two readings of the list of one model.
_APART = 0.5
# Seconds without asking after a failure: the first, the most.
_FIRST_WAIT, _MOST_WAIT = 5.0, 300.0
_NOTHING_KNOWN = Known()


class ListsRequests(Protocol):
    """What an inquiry needs of a session; see `pipeline.api.provider.Session`."""

    async def list_requests(self, query: Query, page: int) -> Page:
        """List what was requested with this key, one page, counted from 1. Never raises."""


@dataclass(slots=True, eq=False)
class _Asking:
    """One caller who waits for the list of one model."""

    doubts: list[Doubt]
    known: Known
    found: dict[Key, Row] | None = None


class Inquiry:
    """Asks the list of one session, for one run.

    It never gives one row to two attempts in its life, whatever its callers know by then. Several
    may ask at once: all that wait are served by the next reading of the list.
    """

    def __init__(self, session: ListsRequests, *, allowance: float = ALLOWANCE) -> None:
        """`allowance` is what failures and slow answers may take, in seconds."""
        self._session = session
        self._access = _Access(allowance)
        self._given: dict[Key, Row] = {}
        self._waiting: dict[str, list[_Asking]] = {}
        self._turns: dict[str, anyio.Lock] = {}
        self._read_at: dict[str, float] = {}

    @property
    def said(self) -> str | None:
        """Why the list gives no answer, in one line for people; None where it does."""
        return self._access.said

    @property
    def is_open(self) -> bool:
        """Whether the list would be asked now: it has not just failed, nor cost too much time."""
        return self._access.is_open

    async def explain(
        self, doubts: Iterable[Doubt], known: Known = _NOTHING_KNOWN
    ) -> dict[Key, Row]:
        """Return the row that explains each doubt, by the doubt's key, where one does.

        `known` are the other attempts of the job as far as they have a doubt's model and
        parameters, those in flight too, and the ids of all records. What is not in the answer stays
        in doubt: it is not listed, or not yet, or there was no answer (`said`). Never raises.
        """
        by_model: dict[str, list[Doubt]] = {}
        for doubt in doubts:
            by_model.setdefault(doubt.model, []).append(doubt)
        found: dict[Key, Row] = {}
        for model in sorted(by_model):
            found |= await self._explain_model(model, by_model[model], known)
        return found

    async def _explain_model(self, model: str, doubts: list[Doubt], known: Known) -> dict[Key, Row]:
        asking = _Asking(doubts, known)
        waiting = self._waiting.setdefault(model, [])
        waiting.append(asking)
        try:
            async with self._turns.setdefault(model, anyio.Lock()):
                if asking.found is None:
                    await self._serve(model, waiting)
        finally:
            if asking in waiting:
                waiting.remove(asking)
        return asking.found or {}

    async def _serve(self, model: str, waiting: list[_Asking]) -> None:
        """Read the list once for all who wait."""
        if self.is_open and (last := self._read_at.get(model)) is not None:
            await anyio.sleep(max(last + _APART - anyio.current_time(), 0))
        batch = list(waiting)
        doubts = list({doubt.key: doubt for asking in batch for doubt in asking.doubts}.values())
        known = Known()
        for asking in batch:
            known |= asking.known
        found = await self._look_up(model, doubts, known) if self.is_open else {}
        for asking in batch:
            if asking not in waiting:  # it was cancelled meanwhile, and takes no row
                continue
            keys = [doubt.key for doubt in asking.doubts]
            asking.found = {key: found[key] for key in keys if key in found}
            self._given |= asking.found
            waiting.remove(asking)

    async def _look_up(self, model: str, doubts: list[Doubt], known: Known) -> dict[Key, Row]:
        doubts = [self._as_given(doubt) for doubt in doubts]
        known = self._with_given(doubts, known)
        listing = Listing(Interest(doubts, known).has)
        certainty = Certainty(doubts, known)

        def explained() -> dict[Key, Row]:
            return explain(doubts, known, listing.rows, whole=listing.whole)

        asked = tuple(
            Asked(
                once=once_of(*doubt.key),
                params=doubt.params,
                began=doubt.began,
                base_url=doubt.base_url if doubt.named else None,
                inputs=doubt.given,
            )
            for doubt in doubts
            if doubt.began is not None
        )

        async def ask(query: Query, page: int) -> Page | None:
            query = replace(query, asked=asked)
            return await self._access.ask(self._session, query, page)

        self._access.begin()
        await listing.read(
            model,
            windows(doubts, filter(Related(doubts).to, known.attempts), time.time()),
            ask,
            enough=lambda: certainty.is_reached(explained),
        )
        self._read_at[model] = anyio.current_time()
        return explained()

    def _as_given(self, doubt: Doubt) -> Doubt:
        """Say of a doubt what was found before: its id, or which earlier attempts have failed."""
        if (row := self._given.get(doubt.key)) is not None:
            return replace(doubt, request_id=row.id)
        failed = sum(
            row.progress.state is RequestState.FAILED
            for (task, _), row in self._given.items()
            if task == doubt.task
        )
        return replace(doubt, attempt=max(doubt.attempt - failed, 1)) if failed else doubt

    def _with_given(self, doubts: list[Doubt], known: Known) -> Known:
        """Add to what is known the rows that were given to others."""
        keys = {doubt.key for doubt in doubts}
        given = {key: row.id for key, row in self._given.items() if key not in keys}
        attempts = tuple(
            replace(attempt, request_id=given[attempt.key]) if attempt.key in given else attempt
            for attempt in known.attempts
        )
        return Known(attempts=attempts, ids=known.ids | frozenset(given.values()))


class _Access:
    """Whether the list may be asked: not while it has just failed, nor once it cost too much."""

    def __init__(self, allowance: float) -> None:
        self.said: str | None = None
        self._left = self._allowance = allowance
        self._free = _USUAL
        self._backoff = Backoff(_FIRST_WAIT, _MOST_WAIT)
        self._failures = 0
        self._closed_until = float("-inf")

    @property
    def is_open(self) -> bool:
        return self._left > 0 and anyio.current_time() >= self._closed_until

    def begin(self) -> None:
        """Begin a reading: its first pages are free while they are quick."""
        self._free = _USUAL

    async def ask(self, session: ListsRequests, query: Query, page: int) -> Page | None:
        """Ask for a page; None where it cannot be read, and then not again for a while."""
        began = anyio.current_time()
        answer: Page | None = None
        with anyio.move_on_after(self._left):
            answer = await session.list_requests(query, page)
        took = anyio.current_time() - began
        if answer is not None and answer.readable:
            self._left -= max(took - self._free, 0.0)
            self._free = max(self._free - took, 0.0)
            self._failures, self.said = 0, None
        else:
            self._left -= took
            self._fail(answer.detail if answer else "it does not answer")
            answer = None
        if self._left <= 0:
            self.said = (
                f"the provider's list of requests has taken {self._allowance:g} s in all and is not"
                " asked again in this run: what is in doubt stays in doubt"
            )
        return answer

    def _fail(self, detail: str) -> None:
        self._failures += 1
        self._closed_until = anyio.current_time() + self._backoff.after(self._failures)
        why = f" ({printable(detail)})" if detail else ""
        self.said = (
            f"the provider's list of requests cannot be read{why}: what is in doubt stays in doubt"
        )
