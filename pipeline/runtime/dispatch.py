"""Which task goes out next, and when: the circuit, the window, the disk, the gate and the rate."""

import shutil
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

import anyio
from aiolimiter import AsyncLimiter

from pipeline import events as ev
from pipeline.errors import ExitCode, StorageError
from pipeline.ledger import records
from pipeline.models import Claim, Task, rfc3339
from pipeline.money.figures import Verdict
from pipeline.runtime.desk import LONGEST_WAIT, Desk, Flight, clock
from pipeline.runtime.queue import Work
from pipeline.store.claims import Noting, boot_id

# Room for one output while none has been seen.
FIRST_GUESS = 4 * 1024**2

# Connecting takes a little more or less time: requests must not arrive closer than they left.
_MARGIN = 0.005


class Dispatch:
    """Hands out tasks, one caller at a time.

    `wind_up` gives the verdict on what is parked.
    """

    def __init__(self, desk: Desk, wind_up: Callable[[], Awaitable[None]]) -> None:
        self._desk = desk
        self._wind_up = wind_up
        self._turn = anyio.Lock(fast_acquire=True)
        rate = desk.job.rate
        self._interval = rate.interval * 1.01 + _MARGIN if rate else 0.0
        self._limiter = AsyncLimiter(1, self._interval) if rate else None
        self._last = float("-inf")

    async def next(self) -> tuple[Task, Path, Noting] | None:
        """Wait for the next task that may go, with its files; None when nothing more goes out."""
        desk = self._desk
        while True:
            async with self._turn:
                work = await self._choose()
                if work is None:
                    return None
                flight = self._reserve(work)
                gone = self._limiter is not None and await self._go_at_pace(flight)
            if self._limiter is None:
                # Outside the turn, so that many claims share one commit.
                gone = self._may_go(flight) and await self._claim(flight)
            if gone and self._may_go(flight):
                self._announce(flight)
                flight.noting = desk.store.noting(work.task.key, self._cannot_note)
                return work.task, desk.store.layout.part(work.task.key), flight.noting
            self._withdraw(flight)

    # -- choosing -----------------------------------------------------------------------------

    async def _choose(self) -> Work | None:
        desk, queue = self._desk, self._desk.queue
        while True:
            now = clock()
            if desk.circuit.outage and queue.parked and not queue.dispatchable:
                # Nothing else is left to probe with.
                queue.put_later(queue.parked.pop(0), now)
            if desk.stopped or not (desk.flying or queue.dispatchable):
                desk.holds.end()
                return None
            if (wait := self._must_wait(now)) is not None:
                await desk.wait(wait)
            elif (work := queue.head(now, fresh=desk.circuit.outage)) is None:
                await self._wait_for_others(now)
            else:
                work, verdict = self._judge(work)
                if verdict is Verdict.GO:
                    if not desk.circuit.outage:  # a probe does not end it
                        desk.holds.end()
                    queue.take(work)
                    return work
                await self._heed(verdict, work)

    def _judge(self, work: Work) -> tuple[Work, Verdict]:
        """Ask the gate; where the next task may not go, one that money is kept for may."""
        verdict = self._verdict(work)
        waiting = self._desk.queue.waiting()
        if verdict in {Verdict.WAIT, Verdict.CLOSED} and waiting not in {None, work}:
            assert waiting is not None
            return waiting, self._verdict(waiting)
        return work, verdict

    async def _wait_for_others(self, now: float) -> None:
        """Wait for a retry, or for what is in flight; else end what else holds the next task."""
        desk, queue = self._desk, self._desk.queue
        due = queue.next_due()
        if desk.flying or due is not None:
            await desk.wait(LONGEST_WAIT if due is None else max(due - now, 0.0))
        elif queue.parked and desk.circuit.outage:
            queue.put_later(queue.parked.pop(0), now)
        elif queue.parked:
            # No other task can go that would show whether they are at fault.
            await self._wind_up()
        elif not queue.restore():
            await desk.wait(LONGEST_WAIT)

    def _must_wait(self, now: float) -> float | None:
        """Seconds to wait before looking again; None where the next task may be considered."""
        desk = self._desk
        held = desk.paused or desk.streak.holds(len(desk.flying))
        if held or not desk.queue.dispatchable:
            return LONGEST_WAIT
        if (wait := self._wait_for_window()) is not None:
            return wait
        if (wait := self._wait_for_circuit(now)) is not None:
            return wait
        if (wait := self._wait_for_places(now)) is not None:
            return wait
        if desk.top_up is not None and (wait := desk.top_up.waits(now)) is not None:
            return wait
        return self._wait_for_room()

    def _wait_for_window(self) -> float | None:
        desk = self._desk
        if (wait := desk.holds.until_window()) is not None:
            return wait
        if desk.holds.window_closes():
            desk.stop(ExitCode.WINDOW, "the time window closes before another task would end")
            return 0.0
        return None

    def _wait_for_circuit(self, now: float) -> float | None:
        desk, circuit = self._desk, self._desk.circuit
        if circuit.out_of_patience(now, in_flight=len(desk.flying)):
            lasting = "; nothing was ever reached, and waiting would not mend it"
            detail = f"{circuit.held} has not ended: {circuit.reason}"
            desk.stop(ExitCode.OUTAGE, detail + (lasting if circuit.hopeless else ""))
            return 0.0
        wait = circuit.waits(now)
        if wait is None or circuit.held is None:
            return wait
        desk.holds.begin(ev.Reason(circuit.held or ""), circuit.reason, wait)
        return min(wait, circuit.patience_left(now))

    def _wait_for_places(self, now: float) -> float | None:
        """Leave their places to the requests of a killed run that may still be at work."""
        desk = self._desk
        desk.kept = [end for end in desk.kept if end > now]
        if not desk.kept or len(desk.flying) + len(desk.kept) < desk.job.concurrency:
            return None
        return min(desk.kept) - now

    def _wait_for_room(self) -> float | None:
        desk = self._desk
        root, each = desk.store.layout.root, desk.store.history.largest or FIRST_GUESS
        try:
            disk = shutil.disk_usage(root)
        except OSError as error:
            desk.stop(ExitCode.STORAGE, f"{root}: {error.strerror}")
            return 0.0
        # A total of nothing: some shares do not tell.
        if not disk.total or disk.free >= each * (len(desk.flying) + 1):
            return None
        if desk.flying:
            return LONGEST_WAIT
        size = f"{each / 1e6:.1f} MB"
        desk.stop(ExitCode.STORAGE, f"the disk of {root} has no room for another output of {size}")
        return 0.0

    def _verdict(self, work: Work) -> Verdict:
        desk = self._desk
        verdict = desk.gate.consider(work.price_class, work.kept)
        if desk.top_up is None or not desk.top_up.awaited:
            return verdict
        # Whether a top-up has come is tried with one request; without a balance call, only so.
        if desk.flying:
            return Verdict.WAIT
        blind = verdict is Verdict.CLOSED and not desk.gate.call_works
        return Verdict.GO if blind else verdict

    async def _heed(self, verdict: Verdict, work: Work) -> None:
        """Do what the gate wants before `work` may go."""
        desk = self._desk
        if verdict is Verdict.ASK:
            await desk.ask_balance()
        elif verdict is Verdict.WAIT or desk.flying:
            # What is being saved now may yet be charged differently.
            await self._wait_for_others(clock())
        elif work.kept is not None:
            # What is kept for it does not cover it any more: it stands behind the others again.
            desk.gate.forgo(work.kept)
            work.kept = None
        elif any(desk.gate.consider(c) is Verdict.GO for c in desk.queue.classes_left()):
            desk.queue.set_aside(work)
        else:
            desk.queue.restore()
            desk.out_of_credits(desk.gate.why_closed(work.price_class))

    # -- going out ----------------------------------------------------------------------------

    def _reserve(self, work: Work) -> Flight:
        held = self._desk.gate.reserve(work.price_class, work.place, work.kept)
        flight = Flight(work, held)
        self._desk.flying[work.task.id] = flight
        self._desk.circuit.dispatched(work.task.id)
        return flight

    def _may_go(self, flight: Flight) -> bool:
        """Look once more: while a claim was written, the world may have changed."""
        desk = self._desk
        if desk.stopped or desk.paused or desk.streak.full or desk.holds.window_closes():
            return False
        held = desk.circuit.waits(clock()) is not None
        return not held or desk.circuit.probing == flight.work.task.id

    async def _go_at_pace(self, flight: Flight) -> bool:
        """Wait for the rate's turn, or for a stop; then claim, and even out what that took."""
        assert self._limiter is not None
        if self._desk.stopped:
            return False
        with anyio.CancelScope() as self._desk.pacing:
            await self._limiter.acquire()
            if not self._may_go(flight) or not await self._claim(flight):
                return False
            await anyio.sleep(max(self._last + self._interval - clock(), 0.0))
        self._last = clock()
        return True

    async def _claim(self, flight: Flight) -> bool:
        desk, work = self._desk, flight.work
        flight.claim = Claim(
            task=work.task.id,
            fingerprint=work.task.fingerprint,
            model=work.task.model,
            params=records.written(work.task.params),
            meta=work.task.meta,
            price=desk.gate.prices.estimate(work.price_class),
            attempt=work.sent + 1,
            output=work.task.output,
            started_at=rfc3339(time.time()),
            simulated=desk.simulated,
            boot_id=boot_id(),
        )
        try:
            await desk.store.claim(work.task.key, flight.claim)
        except StorageError as error:
            desk.stop(ExitCode.STORAGE, error.message)
            return False
        return True

    def _cannot_note(self, error: OSError) -> None:
        root = self._desk.store.layout.root
        self._desk.stop(ExitCode.STORAGE, f"{root}: a claim cannot be written: {error.strerror}")

    def _announce(self, flight: Flight) -> None:
        flight.work.sent += 1
        flight.work.kept = None  # it is used up
        flight.sent = clock()
        task, sent = flight.work.task, flight.work.sent
        self._desk.watch(ev.Dispatched(task.id, task.prompt, sent, time.time(), task.output))

    def _withdraw(self, flight: Flight) -> None:
        """Take a dispatch back that has not gone out."""
        desk, task = self._desk, flight.work.task
        desk.store.drop(task.key)
        desk.gate.withdraw(flight.held)
        if flight.work.kept is not None:
            flight.work.kept = desk.gate.keep_on(flight.held)
        desk.queue.put_back(flight.work)
        desk.landed(task.id)
