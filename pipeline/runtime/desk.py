"""What choosing and settling share: the parts of a run, what is in flight, money, and the stop."""

import asyncio
import time
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Protocol

import anyio

from pipeline import events as ev
from pipeline.api.outcomes import Balance
from pipeline.errors import ExitCode
from pipeline.ledger.history import STANDINGS, Standing
from pipeline.models import Claim, Job, Record
from pipeline.money.figures import Reservation
from pipeline.money.gate import CreditGate
from pipeline.money.topup import TopUp
from pipeline.runtime.circuit import Circuit
from pipeline.runtime.holds import Holds
from pipeline.runtime.queue import Queue, Work
from pipeline.runtime.streak import Streak
from pipeline.store.claims import Noting
from pipeline.store.commit import Store

# Waits are cut into pieces, and the wall clock is read again: a laptop may have slept.
LONGEST_WAIT = 15.0


def clock() -> float:
    """Read the event loop's clock, in seconds: each dispatch looks at it several times."""
    return asyncio.get_running_loop().time()


class Balances(Protocol):
    """What a run needs of a client beside its attempts."""

    async def balance(self) -> Balance:
        """Ask for the balance."""


@dataclass(slots=True, eq=False)
class Flight:
    """A task between its reservation and its record; `sent` is in monotonic seconds."""

    work: Work
    held: Reservation
    claim: Claim | None = None
    sent: float = 0.0
    noting: Noting | None = None


@dataclass(frozen=True, slots=True)
class Stop:
    """Why nothing new is dispatched."""

    exit_code: ExitCode
    detail: str


@dataclass(slots=True, eq=False)
class Desk:
    """The state of one run. `moved` and `ended` count, by standing, from where to where."""

    job: Job
    queue: Queue
    gate: CreditGate
    store: Store
    balances: Balances
    watch: ev.Watcher
    circuit: Circuit
    holds: Holds
    streak: Streak = field(default_factory=Streak)
    top_up: TopUp | None = None
    simulated: bool | None = None
    stopped: Stop | None = None
    flying: dict[str, Flight] = field(default_factory=dict)
    paused: int = 0
    ended: Counter[Standing] = field(default_factory=Counter)
    moved: Counter[Standing] = field(default_factory=Counter)
    kept: list[float] = field(default_factory=list)  # until when a killed run's places are kept
    pacing: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    _changed: anyio.Event | None = None
    _asking: anyio.Lock = field(default_factory=anyio.Lock)

    async def wait(self, seconds: float) -> None:
        """Wait until something changes, at most for `seconds`."""
        changed = self._changed = self._changed or anyio.Event()
        with anyio.move_on_after(min(seconds, LONGEST_WAIT)):
            await changed.wait()

    def notify(self) -> None:
        """Wake whoever waits for a change."""
        if self._changed is not None:
            self._changed.set()
            self._changed = None

    def stop(self, exit_code: ExitCode, detail: str) -> None:
        """Dispatch nothing more; what is in flight finishes. The first reason stays."""
        if self.stopped is None:
            self.stopped = Stop(exit_code, detail)
            self.holds.end(going_on=False)
            self.pacing.cancel()
            self.watch(ev.Stopping(exit_code, detail, len(self.flying), time.time()))
        self.notify()

    def landed(self, task: str) -> None:
        """Note that nothing of a task is on its way any more.

        Where answers cost and bring no clip, a clip among what is in flight would show that they
        are exceptions. Once there is none, the run stops.
        """
        self.flying.pop(task, None)
        # Whatever came, it is no probe on its way any more.
        self.circuit.withdrawn(task)
        if self.streak.full and not self.flying:
            detail = f"{len(self.streak)} in a row cost and brought no clip; the first: "
            self.stop(ExitCode.API_REFUSES, detail + self.streak.first)
        self.notify()

    # -- money --------------------------------------------------------------------------------

    @property
    def money(self) -> ev.Money:
        """What is spent, at risk, reserved and left."""
        return ev.Money(
            spent=self.gate.spent,
            at_risk=self.gate.at_risk,
            spent_here=self.gate.spent_here,
            remaining=self.gate.remaining,
            reserved=self.gate.reserved,
            budget=self.job.credits.budget,
        )

    async def ask_balance(self) -> Decimal | None:
        """Ask for the balance, and tell the gate; one question at a time, so that none is late."""
        async with self._asking:
            question = self.gate.ask()
            told = (await self.balances.balance()).credits
            self.gate.told(question, told)
        return told

    def out_of_credits(self, detail: str) -> None:
        """Stop for credits, or hold for a top-up where the run was asked to and one can help."""
        hopeless = not self.gate.budget_allows(self.queue.classes_left())
        if self.top_up is None or hopeless or not self.top_up.wait_on(clock()):
            self.stop(ExitCode.CREDITS, detail)
            return
        wait = self.top_up.waits(clock())
        self.holds.begin(ev.Reason.CREDITS, detail, wait or 0.0)
        self.gate.recheck()
        self.notify()

    # -- what has ended -----------------------------------------------------------------------

    def announce(self, work: Work, record: Record, *, last: bool = True) -> None:
        """Count and tell what is durable; `last` where the task is not tried again."""
        if last:
            self.moved[work.standing] += 1
            self.ended[STANDINGS[record.status]] += 1
        self.watch(ev.Finished(record, self.money, time.time(), last, work.task.output))

    def tell(self) -> None:
        """Say how the run stands."""
        ended = self.ended
        here = ev.Counts(
            total=ended.total() + len(self.flying) + len(self.queue),
            succeeded=ended[Standing.DONE],
            failed=ended[Standing.FAILED],
            in_doubt=ended[Standing.IN_DOUBT],
            pending=len(self.queue),
        )
        self.watch(ev.Asked(here, len(self.flying), self.money, time.time()))

    def abandon(self) -> None:
        """Count what was in flight when the run was cut off: its claims say that it is in doubt."""
        for flight in self.flying.values():
            if flight.noting is not None and flight.noting.sent:
                self.gate.doubt(flight.held)
                self.moved[flight.work.standing] += 1
                self.ended[Standing.IN_DOUBT] += 1
        self.flying.clear()
        self.gate.forgo_all()
