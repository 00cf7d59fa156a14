"""Settles attempts: inquire where it has to be, decide, then apply in one order."""

import time
from collections.abc import Callable
from contextlib import suppress
from decimal import Decimal

import anyio
import msgspec
from msgspec.structs import replace

from pipeline import events as ev
from pipeline.api.inputs import judge_input
from pipeline.api.outcome import Decision, Fault, Judgement, Outcome
from pipeline.backoff import Retries
from pipeline.engines.crew import Assignment
from pipeline.errors import BucketError, ExitCode, StorageError
from pipeline.ledger import records
from pipeline.models import Cause, Claim, Gate, InDoubt, Record, Status
from pipeline.runtime.answers import Answers
from pipeline.runtime.corrections import Corrections
from pipeline.runtime.leftover import slowest
from pipeline.runtime.lifecycle import Attempt, Stage
from pipeline.runtime.making_way import make_way
from pipeline.runtime.resolution import (
    MEANT_FOR_MONEY,
    SUCCESS,
    UNCLEAR,
    Ending,
    Lesson,
    Next,
    Resolution,
    View,
    exhausted,
    resolve,
)
from pipeline.runtime.state import RunState, clock
from pipeline.runtime.uploads import Uploads

# Where an attempt is while its outcome is awaited.
_OPEN = frozenset({Stage.SENT, Stage.ACCEPTED})


class Settle:
    """Settles attempts: their money, their files, and what becomes of their tasks."""

    def __init__(self, state: RunState) -> None:
        self._state = state
        self._unclear = 0  # 406s in a row that fit neither credits nor the request
        self._corrections = Corrections(state)
        self.answers = Answers(state)
        self.uploads = Uploads(state)

    async def settle(self, assignment: Assignment, outcome: Outcome) -> None:
        """Take an outcome: it is durable, or the task is to do again, when this returns.

        One that comes late, of an attempt that is not in flight any more, changes nothing.
        """
        state = self._state
        attempt = self.find(assignment)
        if attempt is None:
            return
        if attempt.money.alone:
            # Whether it was alone on the account, too; what has come is saved in any case.
            with anyio.CancelScope(shield=True):
                await state.account.sync()
        self.answers.warn_of_unkept(attempt, outcome)
        attempt.to(Stage.ANSWERED)
        attempt.answered_at, attempt.received = clock(), time.time()
        state.check_origin(outcome)
        try:
            meaning = judge_input(outcome) or state.provider.judge(attempt.task, outcome)
            if meaning.decision is Decision.SUCCEED:
                resolution = SUCCESS
            else:
                resolution = await self._decide(attempt, outcome, meaning)
            await self._apply(attempt, outcome, resolution)
            self._corrections.warn_of_doubted()
            # Last, and in one step with its landing: from then on it may go out again.
            if resolution.next is not Next.FINISH:
                self._requeue(attempt, resolution)
        except StorageError as error:
            # Its claim stays, so that the next run knows what may have been paid for.
            state.leave(attempt)
            state.stop(ExitCode.STORAGE, error.message + self._fate(attempt, outcome, error))
        # Not where the run is cut off: what is in flight then is left to the next one.
        if attempt.task.id not in state.settling:
            state.watch(ev.Landed(attempt.task.id, time.time()))
        state.land(attempt)
        # What was to stop or to go has done so: a disk that is slow now keeps nobody waiting.
        if state.gate.prices.taught:
            await self._corrections.write()

    def _fate(self, attempt: Attempt, outcome: Outcome, error: StorageError) -> str:
        """Say what becomes of an output that could not be stored."""
        if isinstance(error, BucketError):
            hint = f" ({error.hint})" if error.hint else ""
            return f"{hint}; what is finished is kept here, and the next run brings it"
        return f"; {attempt.task.id} was paid for and could not be saved" if outcome.ok else ""

    def find(self, assignment: Assignment) -> Attempt | None:
        """Find the attempt of an assignment; None where it is not in flight any more."""
        attempt = self._state.flying.get(assignment.task.id)
        if attempt is None or attempt.id != assignment.attempt or attempt.stage not in _OPEN:
            return None
        return attempt

    async def accept(self, attempt: Attempt, outcome: Outcome) -> None:
        """Make the provider's id durable in the claim: from now on nothing of it is in doubt."""
        state = self._state
        assert attempt.claim is not None
        self.answers.warn_of_unkept(attempt, outcome)
        state.check_origin(outcome)
        simulated = state.simulated if outcome.simulated is None else outcome.simulated
        attempt.claim = msgspec.structs.replace(
            attempt.claim, handle=outcome.accepted, sent=True, simulated=simulated
        )
        try:
            await state.store.accept(attempt.id, attempt.claim)
        except StorageError as error:
            # It is followed all the same: what it brings may yet be saved.
            state.stop(ExitCode.STORAGE, error.message)
        attempt.to(Stage.ACCEPTED)
        assert outcome.accepted is not None
        state.watch(ev.Accepted(attempt.task.id, outcome.accepted.id, time.time()))
        # Whatever the answer was: the API is at work.
        await self._api_is_alive(attempt.sent_at or 0.0)

    # -- decide -------------------------------------------------------------------------------

    async def _decide(self, attempt: Attempt, outcome: Outcome, meaning: Judgement) -> Resolution:
        meaning, fell = await self._inquire(attempt, outcome, meaning)
        attempt.reason = meaning.reason
        return resolve(attempt, outcome, meaning, self._view(attempt, outcome, meaning, fell))

    async def _inquire(
        self, attempt: Attempt, outcome: Outcome, meaning: Judgement
    ) -> tuple[Judgement, bool | None]:
        """Where what an outcome means depends on the balance, ask for that first.

        Returns the meaning, and whether the balance fell by this request (None: unknown).
        """
        stops = meaning.decision is Decision.STOP
        if stops and meaning.charged_if_fell and not meaning.charged:
            return meaning, await self._fell(attempt, outcome)
        if meaning.decision is not Decision.CREDITS:
            return meaning, None
        task = attempt.task
        solvent = self._state.provider.judge(task, outcome, solvent=True)
        if not solvent.charged:
            # Killed while the balance is asked, the next run must not take it for paid.
            self._state.store.drop(attempt.id)
            attempt.retained = attempt.money.retain(outcome.remaining)
        short = await self._out_of_credits(attempt, outcome, meaning)
        return meaning if short else solvent, None

    async def _out_of_credits(self, attempt: Attempt, outcome: Outcome, meaning: Judgement) -> bool:
        """Whether the account cannot pay; the words of a 2xx count where nothing was taken."""
        said = meaning.no_credits
        if said is False:
            self._unclear = 0
            return False
        if outcome.ok:
            return await self._fell(attempt, outcome) is False
        await self._ask_balance()
        if said or self._state.gate.may_be_short(attempt.price_class):
            return True
        # One may be at fault itself; so many in a row are not, whatever the balance says.
        self._unclear += outcome.status in MEANT_FOR_MONEY
        return self._unclear >= UNCLEAR and outcome.status in MEANT_FOR_MONEY

    async def _fell(self, attempt: Attempt, outcome: Outcome) -> bool | None:
        """Whether the balance fell by this request; None where nothing shows it."""
        if outcome.cost:
            return True
        now = await self._ask_balance()
        return attempt.money.balance_fell(now, outcome.remaining)

    async def _ask_balance(self) -> Decimal | None:
        """Ask for the balance, where it may be; nothing goes out while it is not known."""
        state = self._state
        if state.job.credits.gate is not Gate.AUTO:
            return None
        state.paused += 1
        try:
            return await state.ask_balance()
        finally:
            state.paused -= 1

    def _view(
        self, attempt: Attempt, outcome: Outcome, meaning: Judgement, fell: bool | None
    ) -> View:
        state, circuit = self._state, self._state.circuit
        unreachable = outcome.fault is Fault.NOT_SENT
        sent = attempt.sent_at or 0.0
        pauses = circuit.would_pause(attempt.task.id, sent, unreachable=unreachable)
        judged = meaning.decision is Decision.FAIL and meaning.charged
        return View(
            retries=Retries(state.job.retry),
            resend=state.job.retry.in_doubt is InDoubt.RESEND,
            wall_time=time.time(),
            outage=circuit.outage,
            outage_then=circuit.outage or (meaning.outage and pauses),
            beyond_patience=circuit.too_long(outcome.retry_after),
            others_can_tell=len(state.flying) > 1 or state.queue.dispatchable > 0,
            credible_cost=judged and attempt.money.credible(outcome.cost) is not None,
            fell=fell,
            unclear=self._unclear,
        )

    # -- apply --------------------------------------------------------------------------------

    async def _apply(self, attempt: Attempt, outcome: Outcome, resolution: Resolution) -> None:
        """Carry a resolution out.

        What stops or slows the run acts at once. Then money and files, record and ledger in one
        step; and only when they are durable what lets more requests go out. But where a clip is
        here, whole, another request has its place once its money is counted.
        """
        self._brake(attempt, outcome, resolution)
        money = self._end_reservation(attempt, outcome, resolution)
        if resolution.ending is Ending.RELEASED or resolution.ending is Ending.RETAINED:
            # Nothing was paid: killed from here on, the next run must not take it for that.
            self._state.store.drop(attempt.id)
        if resolution.next is Next.FINISH:
            # Where the balance is asked for its price, no other request may be in the reading.
            if not self._state.gate.wants_a_reading:
                self._state.vacate(attempt)
            await make_way(self._state, attempt, outcome.took)
            await self._finish(attempt, outcome, money)
        elif resolution.next is Next.RECORD:
            await self._record_failure(attempt, outcome, resolution, money)
        await self._let_go_on(attempt, resolution)

    def _brake(self, attempt: Attempt, outcome: Outcome, resolution: Resolution) -> None:
        state, now = self._state, clock()
        if resolution.stop is not None:
            state.stop(resolution.stop.exit_code, resolution.stop.detail)
        if resolution.clear:
            self._unclear = 0
        attempt.tries += resolution.tries
        attempt.number -= resolution.unsent
        if resolution.next is not Next.FINISH:
            attempt.failed(outcome, resolution.error, now)
        if resolution.lesson is Lesson.FAILURE:
            state.circuit.failure(
                attempt.task.id,
                now,
                resolution.error,
                sent=attempt.sent_at or 0.0,
                wait=outcome.retry_after,
                unreachable=outcome.fault is Fault.NOT_SENT,
                hopeless=outcome.hopeless,
            )
        elif resolution.lesson is Lesson.THROTTLED:
            state.circuit.throttled(attempt.task.id, now, outcome.retry_after, resolution.error)
            if (seconds := state.circuit.limit.pauses_all(now)) > 0:
                state.account.throttled(seconds, resolution.error)
        if resolution.useless is not None:
            self._count_useless(attempt, outcome, resolution)

    def _count_useless(self, attempt: Attempt, outcome: Outcome, resolution: Resolution) -> None:
        """Count an answer that may have cost and brings no clip; it proves nothing."""
        state, name = self._state, resolution.useless or ""
        said, cut = f"{attempt.task.id}: {resolution.error}", outcome.fault is Fault.CUT
        before = state.streak.full
        state.streak.useless(name, said, clock(), sent=attempt.sent_at or 0.0, cut=cut)
        others = len(state.flying) - 1
        if state.streak.full and not before and others:
            state.warn(
                f"{len(state.streak)} answers in a row cost and brought no clip: nothing new goes"
                f" out until one of the {others} in flight does"
            )

    def _end_reservation(
        self, attempt: Attempt, outcome: Outcome, resolution: Resolution
    ) -> records.Money:
        """End the reservation of an attempt, once; what it has cost or may have."""
        token, header = attempt.money, outcome.remaining
        money = records.FREE
        match resolution.ending:
            case Ending.CHARGED:
                money = records.paid(token.charge(header, outcome.cost, learn=resolution.learns))
            case Ending.DOUBTFUL:
                cost = outcome.cost if resolution.with_cost else None
                money = records.risked(token.doubt(header, cost))
                self._state.stray(clock() + self._state.job.timeout)
                self._keep_place(attempt)
            case Ending.RETAINED:
                attempt.retained = attempt.retained or token.retain(header)
            case Ending.RELEASED if attempt.retained is not None:
                self._state.forgo(attempt)
            case Ending.RELEASED:
                token.release(header)
        if resolution.lesson is Lesson.WORKING:
            self._state.gate.processed()
        return money

    def _keep_place(self, attempt: Attempt) -> None:
        """Keep the place of what the provider may be at work at, though nobody can follow it."""
        state, claim = self._state, attempt.claim
        with_id = state.provider.traits.answers_with_id
        if not (with_id and state.keeps_places) or claim is None or claim.handle is not None:
            return
        longest = slowest(
            state.store.history.durations,
            usual=state.provider.model(state.job.model).seconds,
            timeout=state.job.timeout,
        )
        end, now = (attempt.sent_at or clock()) + longest, clock()
        if end > now:
            state.places.append(end)
            state.warn(
                f"{attempt.task.output} may still be at work at the API, and keeps its place for up"
                f" to {end - now:.0f} s; --no-wait does not wait"
            )

    async def _let_go_on(self, attempt: Attempt, resolution: Resolution) -> None:
        """Open what was closed, as far as this outcome shows that requests are answered."""
        state = self._state
        if resolution.next is Next.FINISH:
            state.streak.clip(attempt.sent_at or 0.0)
            if state.top_up is not None:
                state.top_up.over()
        if resolution.lesson is Lesson.OPEN:
            state.circuit.alive(clock(), attempt.answered_at)
        elif resolution.lesson is Lesson.WORKING:
            await self._api_is_alive(attempt.sent_at or 0.0, attempt.answered_at)

    def _requeue(self, attempt: Attempt, resolution: Resolution) -> None:
        state, now = self._state, clock()
        if resolution.next is Next.AGAIN:
            state.queue.put_later(attempt, now + resolution.wait)
        elif resolution.next is Next.PARK:
            state.queue.park(attempt)
        elif resolution.next is Next.REQUEUE:
            state.queue.put_back(attempt)
        elif resolution.again_after is not None:
            attempt.retained = state.gate.retain_another(attempt.money)
            state.queue.put_later(attempt, now + resolution.again_after)
        if resolution.announce:
            wait, tries = resolution.wait, attempt.tries
            state.watch(ev.Retrying(attempt.task.id, attempt.error, tries, wait, time.time()))
        if resolution.out_of_credits and state.stopped is None:
            state.out_of_credits(resolution.error)

    # -- files and records --------------------------------------------------------------------

    async def _finish(self, attempt: Attempt, outcome: Outcome, money: records.Money) -> None:
        """Place an output, and make it and its record durable."""
        state = self._state
        try:
            claim = self._completed(attempt, outcome, money)
            if state.gate.wants_a_reading:
                # The clip is safe before the balance is asked, however long that takes.
                await state.store.complete(attempt.id, claim)
                attempt.to(Stage.SAVED)
                await state.ask_balance()
                money = records.paid(attempt.money.rebook(outcome.cost))
                claim = self._completed(attempt, outcome, money)
            claim = await self.uploads.bring(attempt, claim)
            await state.store.finish(attempt.id, claim, recorded=self._recorder(attempt))
        except StorageError as error:
            await self._record_unsaved(attempt, outcome, money, error)
            raise
        if outcome.detail:
            state.warn(f"{attempt.task.id}: {outcome.detail}")

    def _completed(self, attempt: Attempt, outcome: Outcome, money: records.Money) -> Claim:
        assert attempt.claim is not None
        remaining, received = self._balance(outcome), attempt.received
        return records.completed(attempt.claim, outcome, money, remaining, received)

    def _balance(self, outcome: Outcome) -> Decimal | None:
        """The balance as known to the run: an older answer never raises it."""
        known = self._state.gate.remaining
        return outcome.remaining if known is None else known

    async def _record_failure(
        self, attempt: Attempt, outcome: Outcome, resolution: Resolution, money: records.Money
    ) -> None:
        last = resolution.again_after is None
        record = await self._record(
            attempt, resolution.status, resolution.error, outcome, money, last=last
        )
        if resolution.useless is not None:
            self._state.streak.describe(resolution.useless, f"{attempt.task.id}: {record.error}")

    async def _record_unsaved(
        self, attempt: Attempt, outcome: Outcome, money: records.Money, error: StorageError
    ) -> None:
        """Record what was paid for and has no claim any more, or the next run would pay again."""
        if self._state.store.has_claim(attempt.id):  # by which the next run takes it in
            return
        unsaved = replace(outcome, fault=Fault.UNSAVED, body=None)
        said = f"it came and could not be saved: {error.message}"
        with suppress(StorageError):  # nothing can be written: the stop says what is lost
            await self._record(attempt, Status.IN_DOUBT, said, unsaved, money, reason=Cause.UNSAVED)

    async def _record(  # noqa: PLR0913 - the parts of a record
        self,
        attempt: Attempt,
        status: Status,
        error: str,
        outcome: Outcome | None,
        money: records.Money = records.FREE,
        *,
        reason: Cause | None = None,
        last: bool = True,
    ) -> Record:
        """Make the record of a task without output durable."""
        state, task = self._state, attempt.task
        record = records.without_output(
            task,
            status,
            error,
            outcome,
            money,
            reason=reason or attempt.reason,
            attempts=attempt.number,
            claim=attempt.claim,
            simulated=state.simulated,
            received=attempt.received,
            remaining=self._balance(outcome) if outcome else None,
            provider=state.provider.name,
            account=state.payer,
        )
        # The body of whatever may have been paid for stays, as evidence.
        orphaned = outcome is not None and outcome.orphaned
        keep = money is not records.FREE and not orphaned
        return await state.store.note(
            attempt.id,
            record,
            keep=f"{task.output}-{task.key[:8]}" if keep else None,
            leave_part=orphaned,
            recorded=self._recorder(attempt, last=last),
        )

    def _recorder(self, attempt: Attempt, *, last: bool = True) -> Callable[[Record], None]:
        """Make what is done in one step with a record's entering the ledger."""

        def recorded(record: Record) -> None:
            attempt.to(Stage.RECORDED)
            attempt.money.recorded()
            self._state.announce(attempt, record, last=last)
            self._corrections.note(attempt.price_class, record)

        return recorded

    # -- parked tasks -------------------------------------------------------------------------

    async def _api_is_alive(self, sent_at: float, answered_at: float | None = None) -> None:
        """Open the pool again; what was parked failed by itself, unless an outage has just ended.

        `sent_at` is when the request was sent whose answer shows that the API is at work, and
        `answered_at` when that came, if it was not just now.
        """
        circuit, queue = self._state.circuit, self._state.queue
        if not circuit.proves(sent_at):
            return
        was_outage = circuit.alive(clock(), answered_at)
        if not queue.parked:
            return
        parked, queue.parked = queue.parked, []
        if was_outage:
            for attempt in parked:
                attempt.tries = 0
                queue.put_later(attempt, clock())
            return
        # An answer to what was sent before a task failed says nothing about it.
        queue.parked = [one for one in parked if (one.failed_at or 0.0) > sent_at]
        await self._give_up([one for one in parked if (one.failed_at or 0.0) <= sent_at])

    async def _give_up(self, attempts: list[Attempt]) -> None:
        """Fail tasks that are out of attempts; what cannot be recorded is left to do."""
        for place, attempt in enumerate(attempts):
            self._state.forgo(attempt)
            error = exhausted(attempt.error, attempt.tries)
            try:
                await self._record(attempt, Status.FAILED, error, attempt.outcome)
            except StorageError as failure:
                self._state.stop(ExitCode.STORAGE, failure.message)
                self._state.queue.parked += attempts[place:]
                return

    async def wind_up(self) -> None:
        """Fail what is parked, once no other task can show that it was an outage."""
        parked, self._state.queue.parked = self._state.queue.parked, []
        await self._give_up(parked)

    async def close_books(self) -> None:
        """Ask once more what is left, where that may show what estimates should have been."""
        await self._corrections.close()
