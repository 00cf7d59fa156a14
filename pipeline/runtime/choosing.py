"""Which task goes out next, and what it waits for: the window, the circuit, places, money, disk."""

import asyncio
import math
import time
from collections.abc import Awaitable, Callable
from datetime import datetime

from pipeline import events as ev
from pipeline.errors import ExitCode
from pipeline.money.account import Bid, Obstacle, Refusal
from pipeline.money.balance import Moment
from pipeline.money.gate import Verdict
from pipeline.runtime.lifecycle import Attempt
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
# Seconds up to which answers are so fast that the next requests are prepared ahead of them; and
# how many are where no answer has come yet.
_SLOW, _UNTRIED = 10.0, 64
# Seconds between two looks where others alone may change something: within them the account does
# not forget that this run waits.
_WHILE_OTHERS = 0.5


class Choosing:
    """Chooses the next task as soon as one may go.

    `wind_up` ends the tasks that are parked.
    """

    def __init__(self, state: RunState, pace: Pace, wind_up: Callable[[], Awaitable[None]]) -> None:
        self._state = state
        self._pace = pace
        self._wind_up = wind_up
        self._refusals = Refusals()
        self._room = Room()

    async def choose(self) -> Attempt | None:
        """Wait for the next task that may go, and take it; None when nothing more goes out."""
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
        bounded = self.is_paced or (bound is not None and bound < state.job.concurrency)
        kept = state.places or state.permits.kept
        if bounded or kept or state.top_up or not (self.is_calm and state.gate.is_ample):
            return 0
        if (usual := state.usual) is not None:
            return most if usual <= _SLOW else 0
        # Who answers with an id takes longer than that.
        return 0 if state.provider.traits.answers_with_id else min(most, _UNTRIED)

    @property
    def is_paced(self) -> bool:
        """Whether requests go at a rate, of this run or of the account."""
        return self._pace.interval > 0 or self._state.account.paced

    @property
    def is_calm(self) -> bool:
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
            gate.has_way = not isinstance(await self.bid(bid._replace(after=after)), Refusal)

    async def _is_outdated(self, attempt: Attempt) -> bool:
        """Whether the gate closes only by what it had heard of other runs until now."""
        await self._state.account.sync()
        return self._verdict(attempt) is not Verdict.CLOSED

    # -- the account -----------------------------------------------------------------------------

    async def bid(self, bid: Bid) -> Moment | Refusal | None:
        """Ask the account, where all runs meet, whether a request may go."""
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
