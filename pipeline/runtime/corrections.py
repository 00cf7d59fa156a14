"""Costs that were estimates: once their price is known, a record for each difference."""

import time
from decimal import Decimal

import anyio

from pipeline import events as ev
from pipeline.amounts import dollars
from pipeline.errors import DirectoryError, ExitCode, StorageError
from pipeline.ledger import records
from pipeline.models import CostSource, Record, Settled
from pipeline.money.price_class import class_of
from pipeline.money.prices import Booked
from pipeline.runtime.state import RunState

# By whom a cost may yet turn out to be wrong.
_REVISABLE = frozenset({CostSource.ESTIMATED, CostSource.MEASURED})


class Corrections:
    """What this run has booked by the fall of the balance, and what becomes of it.

    A correction is written by the run that has learned better, once: after a kill its estimates
    stay estimates.
    """

    def __init__(self, state: RunState) -> None:
        self._state = state
        self._booked: dict[str, set[Decimal]] = {}  # by price class
        self._warned = self._is_stale = False
        self._turn = anyio.Lock()  # what one is correcting, another must not find uncorrected

    def note(self, name: str, record: Record) -> None:
        """Note a record that is durable; `name` is its price class."""
        # A charge that is known from the provider's list came with no balance.
        self._is_stale = self._is_stale or record.settled is Settled.FOUND
        if record.cost_source in _REVISABLE and record.cost is not None:
            self._booked.setdefault(name, set()).add(record.cost)
            self._state.gate.prices.taught.add(name)

    def warn_of_doubted(self) -> None:
        """Say once that answers report a cost that cannot be right."""
        doubted = self._state.gate.doubted
        if doubted is None or self._warned or self._state.provider.traits.is_free:
            return
        self._warned = True
        reported, booked = map(dollars, doubted)
        known = f"far off the {booked} that is known" if doubted[1] else "more than there was"
        field = self._state.provider.traits.cost_field
        self._state.warn(
            f"an answer says that it has cost {reported} ({field}), {known}: that is not believed"
        )

    async def close(self) -> None:
        """Ask for the balance a last time, and correct by it."""
        gate = self._state.gate
        if (self._booked or self._is_stale) and gate.call_works and not gate.in_flight:
            await self._state.ask_balance()
        await self.write(last=True)

    async def write(self, *, last: bool = False) -> None:
        """Correct the records of each class whose price is known better now, or at the `last`."""
        taught = self._state.gate.prices.taught
        names = sorted(self._booked if last else self._booked.keys() & taught)
        taught.clear()
        for name in names:
            if self._wrong(name, last=last) is not None:
                async with self._turn:
                    await self._correct(name, last=last)

    def _wrong(self, name: str, *, last: bool) -> tuple[set[Decimal], Booked] | None:
        """Find the costs of a class that were booked and are wrong, and what is right."""
        final = self._state.gate.prices.final(name, last=last)
        if final is None or final.cost is None:
            return None
        wrong = self._booked[name] - {final.cost}
        return (wrong, final) if wrong else None

    async def _correct(self, name: str, *, last: bool) -> None:
        if (found := self._wrong(name, last=last)) is None:
            return
        wrong, final = found
        self._booked[name] -= wrong

        def revisable(record: Record) -> bool:
            return (
                record.cost in wrong
                and record.cost_source in _REVISABLE
                and class_of(record.model, record.params) == name
            )

        store = self._state.store
        try:
            for record in await store.find(revisable):
                if not self._is_sent_again(record):
                    await store.correct(records.correction(record, final), self._corrected)
        except (StorageError, DirectoryError) as error:
            self._state.stop(ExitCode.STORAGE, error.message)

    def _corrected(self, correction: Record) -> None:
        self._state.watch(ev.Finished(correction, self._state.money, time.time(), last=False))

    def _is_sent_again(self, record: Record) -> bool:
        attempt = self._state.flying.get(record.task)
        return attempt is not None and (
            attempt.claim is None or attempt.claim.started_at != record.started_at
        )
