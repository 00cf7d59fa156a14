"""The owner of queue, gate and manifest. Workers ask it for the next task and hand back outcomes.

The way of a task: `next` chooses it, the gate reserves its price, its claim is made durable; a
worker attempts it; `settle` turns the outcome into an output and a record, a retry, or a stop.
Nothing in a worker reaches around it.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from pipeline import events as ev
from pipeline.api.client import STALL_TIMEOUT
from pipeline.api.outcomes import Outcome
from pipeline.errors import ExitCode
from pipeline.ledger.history import Standing
from pipeline.models import Job, Task
from pipeline.money.gate import CreditGate
from pipeline.money.topup import TopUp
from pipeline.runtime.circuit import Circuit
from pipeline.runtime.desk import Balances, Desk, Stop, clock
from pipeline.runtime.dispatch import Dispatch
from pipeline.runtime.holds import Holds
from pipeline.runtime.queue import Queue
from pipeline.runtime.schedule import ALWAYS, Hours
from pipeline.runtime.settle import Settle
from pipeline.runtime.streak import MOST, Streak
from pipeline.store.claims import Noting
from pipeline.store.commit import Store


@dataclass(frozen=True, slots=True)
class Assignment:
    """A task for a worker, the file for the body of its answer, and its claim to note things in."""

    task: Task
    part: Path
    noting: Noting


class Coordinator:
    """One run's single point of decision. Not thread-safe: it lives on one event loop."""

    def __init__(  # noqa: PLR0913 - the composition root hands in each part once
        self,
        job: Job,
        *,
        queue: Queue,
        gate: CreditGate,
        store: Store,
        balances: Balances,
        watch: ev.Watcher,
        hours: Hours = ALWAYS,
        top_up: TopUp | None = None,
        simulated: bool | None = None,
    ) -> None:
        self._desk = Desk(
            job=job,
            queue=queue,
            gate=gate,
            store=store,
            balances=balances,
            watch=watch,
            circuit=Circuit(job.concurrency, job.retry.outage),
            holds=Holds(watch, hours, store.history.durations, longest=job.timeout + STALL_TIMEOUT),
            streak=Streak(wary=store.history.without_clip >= MOST),
            top_up=top_up,
            simulated=simulated,
        )
        self._settle = Settle(self._desk)
        self._dispatch = Dispatch(self._desk, self._settle.wind_up)

    async def next(self) -> Assignment | None:
        """Wait for the next task that may go; None when this run dispatches nothing more."""
        chosen = await self._dispatch.next()
        return None if chosen is None else Assignment(*chosen)

    async def settle(self, task: Task, outcome: Outcome) -> None:
        """Take the outcome of a task: it is durable, or to do again, when this returns."""
        await self._settle.settle(task, outcome)

    def keep_places(self, seconds: Iterable[float]) -> None:
        """Keep a place for each request of a killed run, for so many seconds."""
        self._desk.kept += [clock() + each for each in seconds]

    def stop(self, exit_code: ExitCode, detail: str) -> None:
        """Dispatch nothing more; what is in flight finishes. The first reason stays."""
        self._desk.stop(exit_code, detail)

    def tell(self) -> None:
        """Say how the run stands, whoever watches."""
        self._desk.tell()

    async def wind_up(self) -> None:
        """Give the verdicts that waited for other tasks, once there are none."""
        if self.stopped is None:
            await self._settle.wind_up()
            await self._settle.close_books()

    def abandon(self) -> None:
        """Count what was in flight when the run was cut off as in doubt."""
        self._desk.abandon()

    @property
    def wary(self) -> bool:
        """Whether the run begins with few requests, as the last one brought answers for nothing."""
        return self._desk.streak.wary

    @property
    def stopped(self) -> Stop | None:
        """Why nothing new is dispatched."""
        return self._desk.stopped

    @property
    def gate(self) -> CreditGate:
        """The gate of this run."""
        return self._desk.gate

    @property
    def queue(self) -> Queue:
        """What is left to dispatch."""
        return self._desk.queue

    @property
    def money(self) -> ev.Money:
        """What is spent, at risk, reserved and left."""
        return self._desk.money

    @property
    def moved(self) -> Counter[Standing]:
        """From which standing tasks have ended in this run."""
        return self._desk.moved

    @property
    def ended(self) -> Counter[Standing]:
        """As what tasks have ended in this run."""
        return self._desk.ended
