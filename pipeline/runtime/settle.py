"""What came of a task: an output and a record, a retry, a doubt, or a stop."""

import time
from contextlib import suppress
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from pipeline import events as ev
from pipeline.api.outcomes import (
    Decision,
    Fault,
    Outcome,
    Row,
    cause,
    decide,
    describe,
    means_no_credits,
)
from pipeline.backoff import Retries
from pipeline.errors import ExitCode, StorageError
from pipeline.ledger import records
from pipeline.models import Cause, Gate, InDoubt, Record, Status, Task
from pipeline.money.prices import Booked
from pipeline.runtime.corrections import Corrections
from pipeline.runtime.desk import Desk, Flight, clock
from pipeline.runtime.queue import Work
from pipeline.store.layout import wrong_origin

# So many 406s in a row that say nothing mean the account, and not each its own request.
_UNCLEAR = 3
_MEANT_FOR_MONEY = frozenset({402, 406})


class Settle:
    """Carries out what `outcomes.TABLE` decides."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._retries = Retries(desk.job.retry)
        self._unclear = 0  # 406s in a row that fit neither credits nor the request
        self._corrections = Corrections(desk)

    async def settle(self, task: Task, outcome: Outcome) -> None:
        """Take the outcome of a task: it is durable, or to do again, when this returns."""
        desk = self._desk
        flight = desk.flying[task.id]
        try:
            self._check_origin(outcome)
            await self._act(flight, outcome, decide(outcome))
            self._corrections.tell_what_is_odd()
            await self._corrections.write()
        except StorageError as error:
            # Its claim stays, so that the next run knows what may have been paid for.
            lost = f"{task.id} was paid for and could not be saved"
            desk.stop(ExitCode.STORAGE, f"{error.message}; {lost}" if outcome.ok else error.message)
        finally:
            desk.watch(ev.Landed(task.id, time.time()))
            desk.landed(task.id)

    def _check_origin(self, outcome: Outcome) -> None:
        desk = self._desk
        if outcome.status is None:
            return
        if desk.simulated is None:
            desk.simulated = outcome.simulated
        elif desk.simulated != outcome.simulated:
            root = desk.store.layout.root
            desk.stop(ExitCode.REFUSED, wrong_origin(root, simulated=outcome.simulated))

    async def _act(self, flight: Flight, outcome: Outcome, row: Row) -> None:
        match row.decision:
            case Decision.SUCCEED:
                await self._succeed(flight, outcome)
            case Decision.RETRY:
                await self._retry(flight, outcome, row)
            case Decision.THROTTLE:
                self._throttle(flight, outcome, row)
            case Decision.FAIL:
                await self._fail(flight, outcome, row)
            case Decision.CREDITS:
                await self._refused_for_credits(flight, outcome, row)
            case Decision.IN_DOUBT:
                await self._doubt(flight, outcome, row)
            case Decision.STOP:
                await self._refuse(flight, outcome, row)

    # -- it came ------------------------------------------------------------------------------

    async def _succeed(self, flight: Flight, outcome: Outcome) -> None:
        desk, work = self._desk, flight.work
        assert flight.claim is not None
        self._unclear = 0
        desk.streak.clip(flight.sent)
        booked = desk.gate.charge(flight.held, outcome.remaining, outcome.cost)
        desk.gate.processed()
        claim = records.completed(flight.claim, outcome, booked)
        try:
            if desk.gate.wants_a_figure:
                # The clip is safe before the balance is asked, however long that takes.
                await desk.store.complete(work.task.key, claim)
                await desk.ask_balance()
                booked = desk.gate.rebook(flight.held, outcome.cost, booked)
                claim = records.completed(flight.claim, outcome, booked)
            record = await desk.store.finish(work.task.key, claim)
        except StorageError as error:
            await self._note_unsaved(work, outcome, booked, error)
            raise
        if outcome.detail:
            desk.watch(ev.Warned(f"{work.task.id}: {outcome.detail}", time.time()))
        if desk.top_up is not None:
            desk.top_up.over()
        desk.announce(work, record)
        self._corrections.note(work.price_class, record)
        await self._api_is_alive(flight)

    async def _note_unsaved(
        self, work: Work, outcome: Outcome, booked: Booked, error: StorageError
    ) -> None:
        """Record what was paid for and has no claim any more, or the next run would pay again."""
        store = self._desk.store
        if store.has_claim(work.task.key):  # by which the next run takes it in
            return
        unsaved = replace(outcome, fault=Fault.UNSAVED, body=None)
        said = f"it came and could not be saved: {error.message}"
        with suppress(StorageError):  # nothing can be written: the stop tells what is lost
            await self._record(work, Status.IN_DOUBT, said, unsaved, records.paid(booked))

    async def _api_is_alive(self, flight: Flight) -> None:
        """Open the pool again; what was parked was poison, unless an outage has just ended."""
        circuit, queue = self._desk.circuit, self._desk.queue
        if not circuit.proves(flight.sent):
            return
        was_outage = circuit.alive(clock())
        parked, queue.parked = queue.parked, []
        if was_outage:
            for work in parked:
                work.attempts = 0
                queue.put_later(work, clock())
            return
        # An answer to what was sent before a task failed tells nothing of it.
        queue.parked = [work for work in parked if work.failed_at > flight.sent]
        await self._give_up_all([work for work in parked if work.failed_at <= flight.sent])

    # -- it failed ----------------------------------------------------------------------------

    async def _retry(self, flight: Flight, outcome: Outcome, row: Row) -> None:
        desk, work, now = self._desk, flight.work, clock()
        desk.store.drop(work.task.key)
        work.kept = desk.gate.keep(flight.held, outcome.remaining)
        work.failed(outcome, describe(outcome, row))
        work.failed_at = now
        work.sent -= outcome.fault is Fault.NOT_SENT
        costs_nothing = self._count_failure(flight, outcome, row)
        if desk.circuit.outage:
            self._leave_alone(outcome, work.error)
        if costs_nothing:
            desk.queue.put_later(work, now)
            return
        work.attempts += 1
        wait = self._retries.wait(work.attempts, outcome.retry_after)
        hopeless = desk.circuit.too_long(outcome.retry_after)
        if not hopeless and not self._retries.exhausted(work.attempts):
            desk.queue.put_later(work, now + wait)
            desk.watch(ev.Retrying(work.task.id, work.error, work.attempts, wait, time.time()))
        elif row.outage and (self._others_can_tell() or desk.circuit.outage):
            desk.queue.parked.append(work)
        else:
            await self._give_up(work)

    def _count_failure(self, flight: Flight, outcome: Outcome, row: Row) -> bool:
        """Tell the circuit; True where the failure is an outage's and costs no attempt."""
        if not row.outage:
            return False
        circuit = self._desk.circuit
        before, unreachable = circuit.outage, outcome.fault is Fault.NOT_SENT
        circuit.failure(
            flight.work.task.id,
            clock(),
            flight.work.error,
            sent=flight.sent,
            wait=outcome.retry_after,
            unreachable=unreachable,
            hopeless=outcome.hopeless,
        )
        return before or unreachable

    def _others_can_tell(self) -> bool:
        """Whether another task will show if the API is at work: only then is a verdict due."""
        return len(self._desk.flying) > 1 or self._desk.queue.dispatchable > 0

    async def _give_up(self, work: Work) -> None:
        """Fail a task that has had its attempts."""
        self._desk.gate.forgo(work.kept)
        times = "once" if work.attempts == 1 else f"{work.attempts} times"
        await self._record(work, Status.FAILED, f"{work.error} (tried {times})", work.outcome)

    async def _give_up_all(self, works: list[Work]) -> None:
        """Fail tasks that have had their attempts; what cannot be recorded is left to do."""
        for place, work in enumerate(works):
            try:
                await self._give_up(work)
            except StorageError as error:
                self._desk.stop(ExitCode.STORAGE, error.message)
                self._desk.queue.parked += works[place:]
                return

    async def wind_up(self) -> None:
        """Give the verdict on what was parked, once no other task can tell more."""
        parked, self._desk.queue.parked = self._desk.queue.parked, []
        await self._give_up_all(parked)

    async def close_books(self) -> None:
        """Ask once more what is left, where that may tell what estimates should have been."""
        await self._corrections.close()

    def _throttle(self, flight: Flight, outcome: Outcome, row: Row) -> None:
        desk, work, now = self._desk, flight.work, clock()
        desk.store.drop(work.task.key)
        work.kept = desk.gate.keep(flight.held, outcome.remaining)
        desk.circuit.throttled(now, outcome.retry_after, describe(outcome, row))
        self._leave_alone(outcome, describe(outcome, row))
        desk.queue.put_later(work, now)

    def _leave_alone(self, outcome: Outcome, error: str) -> None:
        """Stop where the server wants to be left alone for longer than the run would wait."""
        if self._desk.circuit.too_long(outcome.retry_after):
            end = datetime.fromtimestamp(time.time() + (outcome.retry_after or 0.0)).astimezone()
            wish = f"the server wants to be left alone until {end:%Y-%m-%d %H:%M}"
            self._desk.stop(ExitCode.OUTAGE, f"{error}: {wish}")

    async def _fail(self, flight: Flight, outcome: Outcome, row: Row) -> None:
        desk, work, money = self._desk, flight.work, records.FREE
        if outcome.status not in _MEANT_FOR_MONEY:
            self._unclear = 0
        if not row.charged:
            desk.gate.release(flight.held, outcome.remaining)
        elif desk.gate.credible(flight.held, outcome.cost) is not None:
            gate, held = desk.gate, flight.held
            money = records.paid(gate.charge(held, outcome.remaining, outcome.cost, learn=False))
        else:
            money = records.risked(desk.gate.doubt(flight.held, outcome.remaining))
        work.attempts += 1
        error = describe(outcome, row)
        if row.charged and outcome.ok:
            name = self._useless(flight, outcome, error)
            record = await self._record(work, Status.FAILED, error, outcome, money)
            desk.streak.kept(name, f"{work.task.id}: {record.error}")
            return
        desk.gate.processed()
        await self._record(work, Status.FAILED, error, outcome, money)
        await self._api_is_alive(flight)

    def _useless(self, flight: Flight, outcome: Outcome, error: str) -> str:
        """Note an answer that may have cost and brings no clip; it proves nothing."""
        desk, task = self._desk, flight.work.task
        # One prompt is refused in each take and format of it: that is one cause.
        name = task.prompt if cause(outcome) is Cause.MODERATION else task.id
        said, cut = f"{task.id}: {error}", outcome.fault is Fault.CUT
        before = desk.streak.full
        desk.streak.useless(name, said, clock(), sent=flight.sent, cut=cut)
        others = len(desk.flying) - 1
        if desk.streak.full and not before and others:
            said = f"{len(desk.streak)} answers in a row cost and brought no clip: nothing new goes"
            desk.watch(
                ev.Warned(f"{said} out until one of the {others} in flight does", time.time())
            )
        return name

    # -- it may have been paid for ------------------------------------------------------------

    async def _doubt(self, flight: Flight, outcome: Outcome, row: Row) -> None:
        desk, work = self._desk, flight.work
        at_risk = desk.gate.doubt(flight.held, outcome.remaining, outcome.cost)
        work.failed(outcome, describe(outcome, row))
        self._count_failure(flight, outcome, row)
        work.attempts += 1  # in an outage too: each may have been paid for
        resend = desk.job.retry.in_doubt is InDoubt.RESEND
        again = resend and not self._retries.exhausted(work.attempts)
        error = f"{work.error}: it may have been paid for"
        money = records.risked(at_risk)
        name = self._useless(flight, outcome, work.error) if outcome.ok else ""
        record = await self._record(work, Status.IN_DOUBT, error, outcome, money, last=not again)
        desk.streak.kept(name, f"{work.task.id}: {record.error}")
        if again:
            wait = self._retries.wait(work.attempts, None)
            work.kept = desk.gate.keep_another(flight.held)
            desk.queue.put_later(work, clock() + wait)

    # -- the run stops ------------------------------------------------------------------------

    async def _refused_for_credits(self, flight: Flight, outcome: Outcome, row: Row) -> None:
        """Read what speaks of credits: its text, then the balance."""
        desk, work = self._desk, flight.work
        if not outcome.ok:
            # Killed while the balance is asked, the next run must not take it for paid.
            desk.store.drop(work.task.key)
            desk.gate.release(flight.held, outcome.remaining)
        if not await self._broke(flight, outcome):
            await self._act(flight, outcome, decide(outcome, solvent=True))
            return
        desk.store.drop(work.task.key)
        desk.gate.release(flight.held, outcome.remaining)
        desk.queue.put_back(work)
        desk.circuit.alive(clock())
        if desk.stopped is None:
            desk.out_of_credits(describe(outcome, row))

    async def _broke(self, flight: Flight, outcome: Outcome) -> bool:
        """Whether the account cannot pay; the words of a 2xx count where nothing was taken."""
        said = means_no_credits(outcome)
        if said is False:
            self._unclear = 0
            return False
        if outcome.ok:
            return await self._fell(flight, outcome) is False
        await self._ask_balance()
        if said or self._desk.gate.may_be_short(flight.work.price_class):
            return True
        return outcome.status in _MEANT_FOR_MONEY and self._is_unclear_again()

    def _is_unclear_again(self) -> bool:
        """One may be at fault itself; so many in a row are not, whatever the balance says."""
        self._unclear += 1
        if self._unclear >= _UNCLEAR:
            # No top-up would help: there seems to be enough.
            detail = f"{_UNCLEAR} in a row were refused with 406 and no reason"
            self._desk.stop(ExitCode.CREDITS, detail)
        return self._unclear >= _UNCLEAR

    async def _ask_balance(self) -> Decimal | None:
        """Ask for the balance, where it may be; nothing goes out while it is not known."""
        desk = self._desk
        if desk.job.credits.gate is not Gate.AUTO:
            return None
        desk.paused += 1
        try:
            return await desk.ask_balance()
        finally:
            desk.paused -= 1

    async def _fell(self, flight: Flight, outcome: Outcome) -> bool | None:
        """Whether the balance fell by this request; None where nothing tells."""
        if outcome.cost:
            return True
        told = await self._ask_balance()
        return self._desk.gate.fell(flight.held, told, outcome.remaining)

    async def _refuse(self, flight: Flight, outcome: Outcome, row: Row) -> None:
        """Stop the run: the API refuses it, or what it sends cannot be saved or is elsewhere."""
        desk, work, error = self._desk, flight.work, describe(outcome, row)
        if outcome.fault is Fault.UNSAVED:
            error = f"{error}: {work.task.id} was paid for and could not be saved"
        advice = "; ".join(filter(None, (row.why, row.remedy)))
        hint = "" if outcome.fault is Fault.UNSAVED else f". Hint: {advice}"
        desk.stop(row.exit_code or ExitCode.API_REFUSES, error + hint)
        if row.charged or (row.if_fell and await self._fell(flight, outcome)):
            at_risk = desk.gate.doubt(flight.held, outcome.remaining, outcome.cost or None)
            work.attempts += 1
            error = f"{error}: it may have been paid for"
            await self._record(work, Status.IN_DOUBT, error, outcome, records.risked(at_risk))
            return
        desk.gate.release(flight.held, outcome.remaining)
        desk.store.drop(work.task.key)
        desk.queue.put_back(work)

    async def _record(  # noqa: PLR0913 - the parts of a record
        self,
        work: Work,
        status: Status,
        error: str,
        outcome: Outcome | None,
        money: records.Money = records.FREE,
        *,
        last: bool = True,
    ) -> Record:
        """Make the record of a task without output durable, and tell it."""
        desk = self._desk
        flight = desk.flying.get(work.task.id)
        record = records.without_output(
            work.task,
            status,
            error,
            outcome,
            money,
            attempts=work.sent,
            claim=flight.claim if flight else None,
            simulated=desk.simulated,
        )
        # Whatever came of what may have been paid for is kept.
        name = f"{work.task.output}-{work.task.key[:8]}"
        keep = name if money is not records.FREE else None
        record = await desk.store.note(work.task.key, record, keep=keep)
        desk.announce(work, record, last=last)
        return record
