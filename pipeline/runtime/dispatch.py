"""Which task goes out next, and when: the circuit, the window, the disk, the gate and the rate."""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from datetime import datetime

import anyio
import msgspec

from pipeline import events as ev
from pipeline.common.boot import boot_id
from pipeline.engines.crew import Assignment
from pipeline.errors import ExitCode, StorageError
from pipeline.ledger import records
from pipeline.models import Claim, Job, Rate, once_of, part_of, recorded, rfc3339
from pipeline.money.account import Bid, Obstacle, Refusal
from pipeline.money.balance import Moment
from pipeline.money.errors import BooksError
from pipeline.money.gate import Verdict
from pipeline.runtime.lifecycle import Attempt, Stage
from pipeline.runtime.pace import Pace
from pipeline.runtime.permits import FILLING
from pipeline.runtime.refusals import Refusals
from pipeline.runtime.room import Room
from pipeline.runtime.state import LONGEST_WAIT, RunState, clock

# Room for one output while none has been seen.
FIRST_GUESS = 4 * 1024**2

# Other runs of the account are in the way: so many seconds without a request are worth a word.
_OF_OTHERS = frozenset({Obstacle.PLACES, Obstacle.SHARE, Obstacle.ALONE, Obstacle.CREDITS})
_SAY_AFTER = 10.0
# A request that is later than its turn by so many seconds takes another, at most so often.
_LATE, _TURNS = 0.004, 5
# Seconds up to which answers are so fast that the next requests are prepared ahead of them; and
# how many are where no answer has come yet.
_SLOW, _UNTRIED = 10.0, 64
# Seconds between two looks where others alone may change something: within them the account does
# not forget that this run waits.
_WHILE_OTHERS = 0.5


class Dispatch:
    """Hands out tasks, one caller at a time.

    `wind_up` ends the tasks that are parked.
    """

    def __init__(self, state: RunState, wind_up: Callable[[], Awaitable[None]]) -> None:
        self._state = state
        self._wind_up = wind_up
        self._turn = asyncio.Lock()
        self._pace = Pace.of(state.job.rate)
        self._refusals = Refusals()
        self._room = Room()

    async def next(self) -> Assignment | None:
        """Wait for the next task that may go; None when nothing more goes out."""
        while True:
            async with self._turn:
                attempt = await self._choose()
                if attempt is None:
                    return None
                bid = self._reserve(attempt)
                job = self._state.job
                paced = self._is_paced
                going = paced and await self._go_at_pace(attempt, bid)
            if not paced:
                # Outside the turn, so that many share one transaction, and claims one commit.
                going = await self._prepare(attempt, bid)
            # A rate was set meanwhile, or a run has come that keeps one.
            too_fast = not paced and self._is_paced
            if going and not too_fast and await self._is_let_go(attempt, job):
                return self._send(attempt)
            self._state.withdraw(attempt)

    def allow_for(self, jitter: float) -> None:
        """Keep requests further apart where they may take so many seconds more on their way."""
        self._pace.jitter = jitter
        self._pace.change(self._state.job.rate)

    def keep_pace(self, rate: Rate | None) -> None:
        """Keep another rate from now on."""
        self._pace.change(rate)
        self._state.recall()

    async def _prepare(self, attempt: Attempt, bid: Bid) -> bool:
        """Get the account's leave for a request, and make its claim durable."""
        if not await self._is_admitted(attempt, bid) or self._state.stopped:
            return False
        return await self._claim(attempt)

    async def _is_admitted(self, attempt: Attempt, bid: Bid) -> bool:
        """Ask the account, where all runs meet, whether a request may go."""
        answer = await self._bid(bid)
        if isinstance(answer, Refusal):
            return False
        if answer is not None:
            attempt.money.sent = answer
        return True

    async def _bid(self, bid: Bid) -> Moment | Refusal | None:
        self._refusals.asking = True
        try:
            answer = await self._state.account.bid(bid)
        finally:
            self._refusals.asking = False
            self._state.notify()
        if isinstance(answer, Refusal):
            self._refused(answer)
        else:
            self._refusals.end()
            self._end_pause(of_account=True)
        return answer

    def _refused(self, refusal: Refusal) -> None:
        """Wait before the account is asked again; say so where that lasts."""
        state, now = self._state, clock()
        if durations := state.store.history.durations:
            self._refusals.suit(durations[-1])
        lasts = self._refusals.add(refusal, now, sent=state.sent) >= _SAY_AFTER
        if refusal.obstacle is Obstacle.PAUSE and state.circuit.too_long(refusal.wait):
            until = datetime.fromtimestamp(time.time() + refusal.wait).astimezone()
            state.stop(ExitCode.OUTAGE, f"{refusal.detail}, until {until:%Y-%m-%d %H:%M}")
            return
        if refusal.obstacle is Obstacle.PAUSE:
            state.circuit.limit.told(now, refusal.wait)
            present = state.pauses.present
            # Where this run was asked to wait itself, what the account says is only its echo.
            if present is None or present[0] is not ev.Reason.RATE_LIMIT:
                state.pauses.begin(ev.Reason.ACCOUNT, refusal.detail, refusal.wait)
        elif lasts and refusal.obstacle in _OF_OTHERS and not state.sent:
            state.pauses.begin(ev.Reason.ACCOUNT, refusal.detail, math.inf)

    def _end_pause(self, *, of_account: bool) -> None:
        """Announce the end of a pause; that of the account lasts until a request is let go."""
        present = self._state.pauses.present
        if present is not None and (present[0] is ev.Reason.ACCOUNT) is of_account:
            self._state.pauses.end()

    # -- choosing -----------------------------------------------------------------------------

    async def _choose(self) -> Attempt | None:
        state, queue = self._state, self._state.queue
        while True:
            now = clock()
            if state.permits.are_filling(now) and state.stopped is None:
                await asyncio.sleep(FILLING)  # answers that come together come first
                continue
            if state.circuit.outage and queue.parked and not queue.dispatchable:
                # Nothing else is left to probe with.
                queue.put_later(queue.parked.pop(0), now)
            if state.stopped or state.has_no_place or not (state.flying or queue.dispatchable):
                self._give_way()
                state.pauses.end()
                return None
            if (wait := self._must_wait(now)) is not None:
                self._give_way()
                await state.wait(wait)
            elif (attempt := queue.head(now, fresh=state.circuit.outage)) is None:
                await self._wait_for_others(now)
            else:
                attempt, verdict = self._judge(attempt)
                if verdict is Verdict.GO:
                    if not state.circuit.outage:  # a probe does not end it
                        self._end_pause(of_account=False)
                    queue.take(attempt)
                    self._room.take()
                    return attempt
                await self._follow(verdict, attempt)

    def _judge(self, attempt: Attempt) -> tuple[Attempt, Verdict]:
        """Ask the gate; where the next task may not go, one that has money set aside may."""
        verdict = self._verdict(attempt)
        if verdict is Verdict.GO or verdict is Verdict.ASK:
            return attempt, verdict
        waiting = self._state.queue.waiting()
        if waiting is None or waiting is attempt:
            return attempt, verdict
        return waiting, self._verdict(waiting)

    async def _wait_for_others(self, now: float) -> None:
        """Wait for a retry, or for what is in flight; else end what else blocks the next task."""
        state, queue = self._state, self._state.queue
        due, elsewhere = queue.next_due(), state.gate.elsewhere
        if state.flying or due is not None:
            await state.wait(LONGEST_WAIT if due is None else max(due - now, 0.0))
        elif elsewhere.flying or elsewhere.open:
            await state.wait(_WHILE_OTHERS)
        elif queue.parked and state.circuit.outage:
            queue.put_later(queue.parked.pop(0), now)
        elif queue.parked:
            # No other task can go that would show whether they are at fault.
            await self._wind_up()
        elif not queue.restore():
            await state.wait(LONGEST_WAIT)

    def _must_wait(self, now: float) -> float | None:
        """Seconds to wait before looking again; None where the next task may be considered."""
        state = self._state
        state.forget_strays(now)
        blocked = state.paused or state.streak.blocks(len(state.flying))
        if blocked or not state.queue.dispatchable:
            return LONGEST_WAIT
        if (wait := self._wait_for_window()) is not None:
            return wait
        if (wait := self._wait_for_circuit(now)) is not None:
            return wait
        if (wait := self._wait_for_places(now)) is not None:
            return wait
        if state.top_up is not None and (wait := state.top_up.waits(now)) is not None:
            return wait
        return self._wait_for_room(now)

    def _wait_for_window(self) -> float | None:
        """Wait for the window, and for whoever has paused the run."""
        state = self._state
        if (wait := state.pauses.until_window()) is not None:
            return wait
        if state.pauses.window_closes():
            state.stop(ExitCode.WINDOW, "the time window closes before another task would end")
            return 0.0
        if state.held_since is None:
            return None
        # Only now: a run that is paused ends with its window all the same.
        state.pauses.begin(ev.Reason.PAUSED, "as asked by `pipeline control`", math.inf)
        return LONGEST_WAIT

    def _wait_for_circuit(self, now: float) -> float | None:
        state, circuit = self._state, self._state.circuit
        if circuit.is_closed:
            return None
        if circuit.out_of_patience(now, in_flight=self._in_flight):
            lasting = "; nothing was ever reached, and waiting would not fix it"
            detail = f"{circuit.paused} has not ended: {circuit.reason}"
            state.stop(ExitCode.OUTAGE, detail + (lasting if circuit.hopeless else ""))
            return 0.0
        wait, reason = circuit.waits(now), circuit.holds(now)
        if wait is None or reason is None:
            return wait
        state.pauses.begin(reason, circuit.reason, wait)
        return min(wait, circuit.patience_left(now))

    @property
    def _in_flight(self) -> int:
        """Requests in flight, here and in other runs: they share what the API allows."""
        return len(self._state.flying) + self._state.gate.elsewhere.flying

    def _wait_for_places(self, now: float) -> float | None:
        """Leave places to what earlier runs have sent, and to other runs of the account."""
        state = self._state
        state.places = [end for end in state.places if end > now]
        places = state.job.concurrency - len(state.places) + self._ahead
        if state.prepared + len(state.permits) < places:
            return self._refusals.wait(now, state)
        return min(state.places, default=now + LONGEST_WAIT) - now

    @property
    def _ahead(self) -> int:
        """How many requests may be prepared before there is a place for them.

        Where answers come fast, the time that a claim takes would be lost at each of them. Not
        where the next request depends on what comes of those before, or other runs wait for it.
        """
        state = self._state
        bound, most = state.job.account.concurrency, state.permits.most()
        bounded = self._is_paced or (bound is not None and bound < state.job.concurrency)
        kept = state.places or state.permits.kept
        if bounded or kept or state.top_up or not (self._is_calm and state.gate.is_ample):
            return 0
        if (usual := state.usual) is not None:
            return most if usual <= _SLOW else 0
        # Who answers with an id takes longer than that.
        return 0 if state.provider.traits.answers_with_id else min(most, _UNTRIED)

    @property
    def _is_paced(self) -> bool:
        return self._pace.interval > 0 or self._state.account.paced

    @property
    def _is_calm(self) -> bool:
        """Whether the next request needs to be judged by nothing that comes meanwhile."""
        state = self._state
        suspect = state.streak.wary or len(state.streak) or state.gate.elsewhere.runs
        return state.circuit.is_closed and not suspect

    def _wait_for_room(self, now: float) -> float | None:
        state = self._state
        root, each = state.store.layout.root, state.store.history.largest or FIRST_GUESS
        if self._room.is_known(now, each):
            return None
        try:
            free = state.store.shelf.room()
        except OSError as error:
            state.stop(ExitCode.STORAGE, f"{root}: {error.strerror}")
            return 0.0
        coming = len(state.flying) - len(state.settling)  # the others lie there already
        if free is None or free >= each * (coming + 1):
            self._room.note(now, each, math.inf if free is None else free // each - coming)
            return None
        if state.flying:
            return LONGEST_WAIT
        size = f"{each / 1e6:.1f} MB"
        state.stop(ExitCode.STORAGE, f"the disk of {root} has no room for another output of {size}")
        return 0.0

    def _verdict(self, attempt: Attempt) -> Verdict:
        state = self._state
        verdict = state.gate.consider(attempt.price_class, attempt.retained)
        if state.top_up is None or not state.top_up.awaited:
            return verdict
        # Whether a top-up has come is tried with one request; without a balance call, only so.
        if state.flying:
            return Verdict.WAIT
        blind = verdict is Verdict.CLOSED and not state.gate.call_works
        covered = state.gate.budget_allows([attempt.price_class])
        return Verdict.GO if blind and covered else verdict

    async def _follow(self, verdict: Verdict, attempt: Attempt) -> None:
        """Do what the gate wants before `attempt` may go."""
        state = self._state
        if verdict is Verdict.ASK:
            await state.ask_balance()
            return
        self._give_way()
        if verdict is Verdict.WAIT or state.flying:
            # What is being saved now may yet be charged differently.
            await self._ask_to_be_alone(attempt)
            # Asking, it may have heard of other runs what changes the verdict.
            if not state.gate.has_way and self._verdict(attempt) is verdict:
                await self._wait_for_others(clock())
        elif await self._is_outdated(attempt):
            return
        elif attempt.retained is not None:
            # The money set aside for it is gone: it stands behind the others again.
            state.forgo(attempt)
        elif any(state.gate.consider(c) is Verdict.GO for c in state.queue.classes_left()):
            state.queue.set_aside(attempt)
        else:
            state.queue.restore()
            cap = state.gate.closed_cap(attempt.price_class)
            why, until = state.gate.why_closed(attempt.price_class), cap.ends if cap else None
            state.out_of_credits(why, until)

    def _give_way(self) -> None:
        """Let other runs go on that have made way for a request which is not to go now."""
        if self._state.gate.has_way:
            self._state.gate.has_way = False
            self._state.account.changed()

    async def _ask_to_be_alone(self, attempt: Attempt) -> None:
        """Let other runs make way where one request has to go alone, or they never would."""
        gate = self._state.gate
        if gate.elsewhere.flying and gate.has_to_be_alone(attempt.price_class):
            bid = gate.bid_for(attempt.price_class, before=self._state.holdings())
            after = bid.before._replace(flying=bid.before.flying + 1, lone=True)
            gate.has_way = not isinstance(await self._bid(bid._replace(after=after)), Refusal)

    async def _is_outdated(self, attempt: Attempt) -> bool:
        """Whether the gate closes only by what it had heard of other runs until now."""
        await self._state.account.sync()
        return self._verdict(attempt) is not Verdict.CLOSED

    # -- going out ----------------------------------------------------------------------------

    def _reserve(self, attempt: Attempt) -> Bid:
        gate, state = self._state.gate, self._state
        bid = gate.bid_for(attempt.price_class, attempt.retained, state.holdings())
        attempt.reservation = gate.reserve(attempt.price_class, attempt.rank, attempt.retained)
        attempt.to(Stage.RESERVED)
        state.depart(attempt)
        return bid._replace(after=state.holdings())

    def _may_go(self, attempt: Attempt) -> bool:
        """Look once more: while a claim was written, the world may have changed."""
        state = self._state
        if state.stopped or state.paused or state.streak.full or state.pauses.window_closes():
            return False
        if state.held_since is not None:
            return False
        if len(state.permits) > max(state.job.concurrency, state.resumed):
            return False
        admitted = state.circuit.admits(attempt.task.id, clock())
        return admitted and state.gate.still_covers(attempt.money)

    async def _is_let_go(self, attempt: Attempt, job: Job) -> bool:
        """Wait for a place at the provider, and look once more.

        `job` has the concurrency by which the account was asked: with another one, also if that
        was in between, it may have been told since of fewer in flight than would be.
        """
        state, waits = self._state, self._state.permits.are_out
        if not waits:
            let_go = await state.permits.wait(attempt.id) and self._may_go(attempt)
            return let_go and state.job is job
        # First: what has stopped the run meanwhile may have recalled all others already.
        if not self._may_go(attempt) or not await state.permits.wait(attempt.id):
            return False
        # A run that has come meanwhile may keep a bound, which the account holds at each request;
        # and where an answer was no output, the others that come with it are to be seen first.
        if not self._is_calm or state.job is not job:
            return False
        try:
            state.check()  # what has left its place is not recorded yet
        except BooksError:
            state.withdraw(attempt)
            raise
        if not self._may_go(attempt):
            return False
        state.gate.leave(attempt.money)
        return True

    async def _go_at_pace(self, attempt: Attempt, bid: Bid) -> bool:
        """Wait for the rate's turn, or for a stop; then claim, and even out what that took."""
        if self._state.stopped:
            return False
        with anyio.CancelScope() as self._state.pacing:
            await self._pace.turn()
            if not self._may_go(attempt) or not await self._prepare(attempt, bid):
                return False
            await self._pace.apart()
            await self._await_turn()
            return True
        return False

    async def _await_turn(self) -> None:
        """Wait for the next place of the account's rate; late, a request would be too close."""
        for _ in range(_TURNS):
            due = clock() + await self._state.account.turn()
            await anyio.sleep(max(due - clock(), 0.0))
            if not self._state.account.paced or clock() - due < _LATE:
                return

    async def _claim(self, attempt: Attempt) -> bool:
        state, task = self._state, attempt.task
        attempt.claim = Claim(
            task=task.id,
            fingerprint=task.fingerprint,
            model=task.model,
            params=records.written(task.params),
            meta=task.meta,
            price=state.gate.prices.estimate(attempt.price_class),
            attempt=attempt.number + 1,
            output=task.output,
            started_at=rfc3339(time.time()),
            simulated=state.simulated,
            boot_id=boot_id(),
            provider=state.provider.name,
            base_url=state.session.endpoint.base_url,
            account=state.payer,
            inputs=recorded(task.inputs),
        )
        try:
            await state.store.claim(attempt.id, attempt.claim)
        except StorageError as error:
            state.stop(ExitCode.STORAGE, error.message)
            return False
        attempt.to(Stage.CLAIMED)
        return True

    def _send(self, attempt: Attempt) -> Assignment:
        """Hand an attempt to a worker."""
        state, task = self._state, attempt.task
        attempt.to(Stage.SENT)
        attempt.number += 1
        attempt.retained = None  # it is used up
        attempt.sent_at = clock()
        state.circuit.sent(task.id, attempt.sent_at)
        self._pace.went(attempt.sent_at)
        if state.sending is not None:
            state.sending.add(task.id)
        assert attempt.claim is not None
        # It may have been prepared seconds ago.
        started_at = rfc3339(time.time())
        attempt.claim = msgspec.structs.replace(attempt.claim, started_at=started_at)
        attempt.witness = state.store.noting(attempt.id, started_at, self._cannot_note)
        state.watch(ev.Dispatched(task.id, task.prompt, attempt.number, time.time(), task.output))
        if state.provider.traits.names_requests:
            task = msgspec.structs.replace(task, once=once_of(task.id, started_at))
        return Assignment(task=task, attempt=attempt.id, part=part_of(attempt.id))

    def _cannot_note(self, error: OSError) -> None:
        root = self._state.store.layout.root
        self._state.stop(ExitCode.STORAGE, f"{root}: a claim cannot be written: {error.strerror}")
