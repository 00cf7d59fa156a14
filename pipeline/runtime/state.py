"""The state of one run: what choosing and settling share."""

import asyncio
import math
import time
from collections import Counter
from dataclasses import dataclass, field
from decimal import Decimal

import anyio

from pipeline import events as ev
from pipeline.amounts import ZERO
from pipeline.api.outcome import Outcome
from pipeline.api.provider import Provider, Session
from pipeline.errors import ExitCode
from pipeline.ledger.history import TASK_STATES, TaskState
from pipeline.ledger.plan import Plan, count
from pipeline.models import Claim, Job, Record
from pipeline.money.account import Account, Alone, Holdings
from pipeline.money.errors import BooksError
from pipeline.money.gate import CreditGate
from pipeline.money.price_class import price_class
from pipeline.money.topup import TopUp
from pipeline.runtime.circuit import Circuit
from pipeline.runtime.lifecycle import Attempt, Stage
from pipeline.runtime.pauses import Pauses
from pipeline.runtime.permits import Permits
from pipeline.runtime.poller import Poller
from pipeline.runtime.queue import Queue
from pipeline.runtime.streak import Streak
from pipeline.settling.ending import task_of
from pipeline.store.commit import Store
from pipeline.store.layout import wrong_origin

# Stops that go on asking for what the provider has accepted; after all others that is left to the
# next run, so that a stop takes seconds.
_FOLLOWED = frozenset({ExitCode.CREDITS, ExitCode.API_REFUSES})

_CLAIMED = frozenset({TaskState.ACCEPTED, TaskState.SAVED})

# How a task stands whose attempt has come so far and has no record.
_UNRECORDED = {Stage.ACCEPTED: TaskState.ACCEPTED, Stage.SAVED: TaskState.SAVED}

# Waits are cut into pieces, and the wall clock is read again: a laptop may have slept.
LONGEST_WAIT = 15.0

# Ids of the provider's that are known again: the last ones, as a run may have a million.
_MOST_ACCEPTED = 50_000


def clock() -> float:
    """Read the event loop's clock, in seconds: each dispatch looks at it several times."""
    return asyncio.get_running_loop().time()


@dataclass(frozen=True, slots=True)
class Stop:
    """Why nothing new is dispatched; `until` is when the cap ends that is the reason."""

    exit_code: ExitCode
    detail: str
    until: float | None = None


@dataclass(slots=True, eq=False)
class RunState:
    """The parts of a run, what is in flight, what has ended, and the stop.

    `ended` counts the tasks of this run by how they ended; `places` are the times until which
    requests of a killed run, and those in doubt, keep their places, in monotonic seconds, unless
    the run does not `keeps_places`, and `strays` those until which
    requests in doubt, of any run, may yet be charged. Of what is in flight, that has
    one of the `permits` which is or may be at the provider; before that it is being prepared, and
    what has given its permit back is `settling`. `resumed` counts what an
    earlier run has sent and this one follows: it may be more than the concurrency; `inherited` is
    what of that is not in flight here yet, for which the account is to keep money. While `paused`
    is not 0, nothing goes out; nor since `held_since` (monotonic seconds), when a person has paused
    the run. `crowd` are those in flight from before the concurrency was lowered. `doubted` are the
    tasks that this run has recorded in doubt, `outdated` those that have changed in the job since
    what is in flight or waits was sent, `edited` those that have changed since they ended. The
    state of what is `unmoved` in the job is not this run's to change: it has left the job, or is
    another task now. `sending`, while the job is read again, has what was sent meanwhile. `lost`
    are the attempts, by task and begin, whose output the provider lists and does not have;
    `owners` has the ids that the provider has last given, each with the task that has it;
    `sends_doubts` where the user wants them, and all others that stay in doubt, sent again. `took`
    says how many seconds the last output took to come, which may not be recorded yet. The states
    of `plan` are those of the job's tasks as they stand now.
    """

    job: Job
    provider: Provider
    queue: Queue
    gate: CreditGate
    store: Store
    session: Session
    watch: ev.Watcher
    circuit: Circuit
    pauses: Pauses
    poller: Poller
    streak: Streak = field(default_factory=Streak)
    account: Account = field(default_factory=Alone)
    payer: str | None = None
    top_up: TopUp | None = None
    simulated: bool | None = None
    stopped: Stop | None = None
    flying: dict[str, Attempt] = field(default_factory=dict)
    permits: Permits = field(init=False)
    settling: set[str] = field(default_factory=set)
    left: list[Attempt] = field(default_factory=list)
    inherited: list[Claim] = field(default_factory=list)
    resumed: int = 0
    took: float | None = None
    doubted: set[str] = field(default_factory=set)
    outdated: set[str] = field(default_factory=set)
    edited: set[str] = field(default_factory=set)
    unmoved: set[str] = field(default_factory=set)
    sending: set[str] | None = None
    lost: set[tuple[str, str]] = field(default_factory=set)
    owners: dict[str, str] = field(default_factory=dict)
    sends_doubts: bool = False
    paused: int = 0
    held_since: float | None = None
    crowd: int = 0
    ended: Counter[TaskState] = field(default_factory=Counter)
    places: list[float] = field(default_factory=list)
    keeps_places: bool = True
    strays: list[float] = field(default_factory=list)
    plan: Plan = field(default_factory=Plan)
    pacing: anyio.CancelScope = field(default_factory=anyio.CancelScope)
    _changed: asyncio.Future[None] | None = None
    _asking: anyio.Lock = field(default_factory=anyio.Lock)

    def __post_init__(self) -> None:
        self.permits = Permits(lambda: self.job.concurrency - len(self.places))

    async def wait(self, seconds: float) -> None:
        """Wait until something changes, at most for `seconds`."""
        if self._changed is None:
            self._changed = asyncio.get_running_loop().create_future()
        await asyncio.wait((self._changed,), timeout=min(seconds, LONGEST_WAIT))

    async def wait_to_ask(self, seconds: float, end: float = math.inf) -> bool:
        """Wait before the provider is asked again; False where the run stops asking meanwhile.

        So it does at `end`, in monotonic seconds.
        """
        due = clock() + seconds
        while (now := clock()) < due:
            if self.poller.ended or now >= end:
                return False
            await self.wait(due - now)
        return not self.poller.ended

    def notify(self) -> None:
        """Wake whoever waits for a change."""
        if self._changed is not None:
            self._changed.set_result(None)
            self._changed = None

    def hear(self) -> None:
        """Go on by what other runs do: what is prepared would keep money from them."""
        if self.gate.elsewhere.runs:
            self.permits.recall()
        self.notify()

    def stop(self, exit_code: ExitCode, detail: str, until: float | None = None) -> None:
        """Dispatch nothing more; what is in flight finishes. The first reason stays."""
        if self.stopped is None:
            self.stopped = Stop(exit_code, detail, until)
            self.pauses.end(going_on=False)
            self.recall()
            left = 0  # not waited for
            if exit_code not in _FOLLOWED:
                self.poller.end()
                left = self.accepted
            flying = self.sent - left
            self.watch(ev.Stopping(exit_code, detail, flying, time.time(), left, until))
        self.notify()

    def out_of_credits(self, detail: str, until: float | None = None) -> None:
        """Stop for credits, or pause for a top-up where one was asked for and can help.

        `until` is when a cap ends that is the reason.
        """
        hopeless = not self.gate.budget_allows(self.queue.classes_left())
        if self.top_up is None or hopeless or not self.top_up.wait_on(clock()):
            self.stop(ExitCode.CREDITS, detail, until)
            return
        wait = self.top_up.waits(clock())
        self.pauses.begin(ev.Reason.CREDITS, detail, wait or 0.0)
        self.gate.recheck()
        self.notify()

    def warn(self, message: str) -> None:
        """Say what a person should know, and that stops nothing."""
        self.watch(ev.Warned(message, time.time()))

    # -- in flight ----------------------------------------------------------------------------

    def depart(self, attempt: Attempt) -> None:
        """Note that an attempt is in flight from now on: it counts for every bound."""
        attempt.id = self.store.new_attempt(attempt.task)
        self.flying[attempt.task.id] = attempt
        self.circuit.dispatched(attempt.task.id, clock())

    def resume(self, attempt: Attempt) -> None:
        """Note that what an earlier run has sent is in flight: it counts for every bound."""
        self.flying[attempt.task.id] = attempt
        self.permits.take(attempt.id)
        self.circuit.sent(attempt.task.id, clock())
        self.resumed += 1

    def vacate(self, attempt: Attempt, *, durable: bool = False) -> None:
        """Let another request take the place of one whose output is here.

        Of those that are not yet `durable` there are at most as many as may be in flight: a full
        disk costs no more.
        """
        if attempt.task.id in self.settling:
            return
        if attempt.sent_at is not None and attempt.answered_at is not None:
            self.took = attempt.answered_at - attempt.sent_at
        if durable or len(self.settling) < self.job.concurrency:
            self.settling.add(attempt.task.id)
            self.circuit.landed(attempt.task.id, clock())
            self.permits.free(attempt.id)
            self.watch(ev.Landed(attempt.task.id, time.time()))
            self.notify()

    def recall(self) -> None:
        """Take back what was prepared and has not gone out: it is chosen anew."""
        self.pacing.cancel()
        self.permits.recall()

    def land(self, attempt: Attempt) -> None:
        """Note that nothing of an attempt is on its way any more.

        Where answers cost and bring no clip, a clip among what is in flight would show that they
        are exceptions. Once there is none, the run stops.
        """
        if not attempt.money.spent:
            raise BooksError(f"the reservation of {attempt.task.id} was not ended")
        self.flying.pop(attempt.task.id, None)
        self.settling.discard(attempt.task.id)
        # What stays accepted is at work at the provider: its place is not taken again.
        self.permits.free(attempt.id, keep=attempt.stays_accepted)
        self.circuit.landed(attempt.task.id, clock())
        self.account.changed()
        if self.streak.full and not self.flying:
            detail = f"{len(self.streak)} in a row cost and brought no clip; the first: "
            self.stop(ExitCode.API_REFUSES, detail + self.streak.first)
        self.notify()

    def withdraw(self, attempt: Attempt) -> None:
        """Take an attempt back that has not gone out."""
        if attempt.stage is Stage.CLAIMED:
            self.store.drop(attempt.id)
        attempt.retained = attempt.money.withdraw()
        self.queue.put_back(attempt)
        self.land(attempt)

    def leave(self, attempt: Attempt) -> None:
        """Leave an attempt to the next run: its claim on the disk says what is known of it."""
        if attempt.stage is not Stage.RECORDED:
            attempt.to(Stage.LEFT)
            self.left.append(attempt)

    def abandon(self) -> None:
        """Leave to the next run what is in flight when this one is cut off."""
        for attempt in list(self.flying.values()):
            if attempt.stage in {Stage.RESERVED, Stage.CLAIMED}:
                self.withdraw(attempt)
                continue
            sent = attempt.witness is not None and attempt.witness.sent
            if attempt.stage is Stage.ACCEPTED:
                attempt.money.release()
            elif sent and not attempt.money.spent:
                attempt.money.doubt()
            self.leave(attempt)
        self.flying.clear()
        self.settling.clear()
        self.gate.forgo_all()

    # -- money --------------------------------------------------------------------------------

    def stray(self, *ends: float) -> None:
        """Note until when (monotonic seconds) requests in doubt may be at work, and be charged."""
        self.strays += ends
        if ends:
            self.gate.strays(at_work=True)

    def forget_strays(self, now: float) -> None:
        """Forget what is over by now."""
        if self.strays:
            self.strays = [end for end in self.strays if end > now]
            if not self.strays:
                self.gate.strays(at_work=False)

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

    def holdings(self) -> Holdings:
        """Return what is set aside, and what stays accepted at the provider: it may yet cost."""
        own = self.gate.holdings
        # Not all that is prepared can be there at once.
        flying = min(own.flying, max(self.job.concurrency, len(self.permits)))
        held = own.held
        if self.left or self.inherited:
            left = [each.claim for each in self.left if each.claim is not None]
            claims = [claim for claim in (*left, *self.inherited) if claim.handle]
            prices = [self._price(claim) for claim in claims if not claim.doubted]
            flying, held = flying + len(prices), held + sum(prices, ZERO)
        return Holdings(held, own.unrecorded, flying, own.lone, self.wanted)

    def _price(self, claim: Claim) -> Decimal:
        """Return what a claim may cost: as when it was made, or as is known now."""
        known = claim.price
        if known is None:
            known = self.gate.prices.estimate(price_class(task_of(claim)))
        return known or ZERO

    @property
    def wanted(self) -> int:
        """How many requests would go out, if they could be paid for."""
        present = self.pauses.present
        held_up = present is not None and present[0] is not ev.Reason.ACCOUNT
        return 0 if self.stopped or self.paused or held_up else self.queue.dispatchable

    def forgo(self, attempt: Attempt) -> None:
        """Give back what was set aside for sending a task again."""
        if attempt.retained is not None:
            attempt.retained.forgo()
            attempt.retained = None

    def check(self) -> None:
        """See that the books balance, and that no more is in flight than may be.

        Raises:
            BooksError: a bug; nothing new may go out.
        """
        self.gate.check()
        most = max(self.job.concurrency, self.resumed, self.crowd)
        self.crowd = min(self.crowd, len(self.permits))
        if self.gate.in_flight > len(self.flying) or len(self.permits) > most:
            raise BooksError(
                f"{self.gate.in_flight} reservations, {len(self.flying)} attempts and"
                f" {len(self.permits)} permits are out, with a concurrency of"
                f" {self.job.concurrency}"
            )

    async def ask_balance(self) -> Decimal | None:
        """Ask for the balance, and let the gate know; one question at a time, so none is late."""
        async with self._asking:
            await self.account.sync()
            question = self.gate.ask()
            credits_left = (await self.session.balance()).credits
            await self.account.sync()  # what others have charged meanwhile is in it, or not
            self.gate.answer(question, credits_left)
            self.account.changed()
        return credits_left

    # -- who answers --------------------------------------------------------------------------

    def other_owner(self, id_: str, task: str) -> str | None:
        """Note whose request an id of the provider's is; returns the other task that had it."""
        owner = self.owners.setdefault(id_, task)
        if len(self.owners) > _MOST_ACCEPTED:
            del self.owners[next(iter(self.owners))]
        return None if owner == task else owner

    def check_origin(self, outcome: Outcome) -> None:
        """Stop where simulated and paid clips would be mixed; the first answer decides which."""
        answers = outcome.simulated
        if answers is None:
            return
        if self.simulated is None:
            self.simulated = answers
        elif self.simulated != answers:
            root = self.store.layout.root
            self.stop(ExitCode.REFUSED, wrong_origin(root, simulated=answers))

    # -- what has ended -----------------------------------------------------------------------

    def announce(self, attempt: Attempt, record: Record, *, last: bool = True) -> None:
        """Count and announce what is durable; `last` where the task is not tried again."""
        if last:
            self.count(attempt, TASK_STATES[record.status])
        self.watch(ev.Finished(record, self.money, time.time(), last, attempt.task.output))

    def count(self, attempt: Attempt, ended: TaskState) -> None:
        """Count how a task of the job stands now."""
        if not attempt.counted:
            return
        self.ended[ended] += 1
        stands = ended
        if attempt.task.id in self.outdated and ended not in _CLAIMED:
            self.edited.add(attempt.task.id)
            stands = TaskState.CHANGED
        self.shift(attempt.task.id, attempt.origin, stands)
        if stands is not ended:
            self.unmoved.add(attempt.task.id)
        if ended is TaskState.IN_DOUBT:
            self.doubted.add(attempt.task.id)

    def shift(self, task: str, before: TaskState | None, after: TaskState | None) -> None:
        """Count a task of the job by its new state; None is none."""
        if task not in self.unmoved:
            self.plan.shift(task, before, after)

    @property
    def counts(self) -> ev.Counts:
        """The tasks of the job by status; what is in flight is still to do."""
        states = self.plan.states.copy()
        for each in self.flying.values():
            stands = _UNRECORDED.get(each.stage)
            if stands is not None and each.counted and each.origin is not None:
                states[each.origin] -= 1
                states[stands] += 1
        return count(self.plan.total, states)

    @property
    def sent(self) -> int:
        """How many requests are at the provider, on their way there or back, or being settled."""
        return len(self.flying) - self.prepared

    @property
    def prepared(self) -> int:
        """How many requests have neither gone out nor a permit to."""
        at_provider = len(self.permits) - self.permits.kept
        return len(self.flying) - at_provider - len(self.settling)

    @property
    def has_no_place(self) -> bool:
        """Whether this run will have no place at the provider any more: all are kept."""
        return not self.flying and self.permits.kept >= self.job.concurrency

    @property
    def usual(self) -> float | None:
        """How many seconds the last output took to come; None while there was none."""
        if self.took is not None:
            return self.took
        durations = self.store.history.durations
        return durations[-1] if durations else None

    @property
    def accepted(self) -> int:
        """How many requests wait at the provider."""
        return sum(each.stage is Stage.ACCEPTED for each in self.flying.values())
