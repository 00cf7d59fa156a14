"""A world for the gate: an API, a client that asks the gate as the coordinator does, and time.

Nothing here waits. A tape of bytes says what happens next among all that could, so that
hypothesis can search the orders of events, and shrink them.
"""

from bisect import insort
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from enum import StrEnum

from pipeline.models import CreditPolicy, Gate
from pipeline.money.account import Way
from pipeline.money.balance import Question
from pipeline.money.gate import CreditGate, Verdict
from pipeline.money.prices import Booked
from pipeline.money.reservation import Reservation, Retained
from support.ledger_in_memory import MemoryLedger

ZERO = Decimal(0)
_NEXT = {"claimed": "_arrive", "sent": "_complete", "done": "_deliver"}


class Header(StrEnum):
    """What an answer says of the balance."""

    NONE = "none"
    EXACT = "exact"  # after its own charge
    LAG = "lag"  # before its own charge
    LATE = "late"  # as it was several changes ago
    SOMETIMES = "sometimes"  # exact, on every other answer
    CONSTANT = "constant"  # as it was in the beginning


@dataclass(frozen=True, slots=True)
class Setting:
    """One world. `prices` are true prices by class; `written` is the price of the job file."""

    balance: Decimal
    prices: dict[str, Decimal]
    tasks: tuple[str, ...]
    written: Decimal | None = None
    published: Decimal | None = None
    concurrency: int = 4
    header: Header = Header.EXACT
    call: bool = True
    at_accept: bool = False
    x_cost: bool = False
    lies: tuple[Decimal | None, ...] = ()  # what answers say of their cost instead, in turn
    gate: Gate = Gate.AUTO
    budget: Decimal | None = None
    reserve: Decimal = ZERO
    top_ups: tuple[Decimal, ...] = ()
    spends: tuple[Decimal, ...] = ()  # by somebody else
    troubles: tuple[str, ...] = ()  # of the first requests: "500", "lost", "lost paid", "withdrawn"


@dataclass(slots=True, eq=False)
class Wanted:
    """A task that is left: its price class, its rank, the money that is retained for it."""

    name: str
    rank: int
    retained: Retained | None = None


@dataclass(slots=True, eq=False)
class Request:
    """One request, from its reservation to its answer."""

    name: str
    task: Wanted
    token: Reservation
    sent: int
    trouble: str = ""
    stage: str = "claimed"  # then sent, done
    status: int = 0
    charged: bool = False
    header: Decimal | None = None
    entry: Booked | Decimal | None = None  # what its record will say: a cost, or what is at risk


@dataclass(frozen=True, slots=True)
class Reported:
    """A reading that the client has received, and between which moments it was asked for."""

    value: Decimal
    sent: int
    received: int
    by_call: bool


@dataclass(slots=True, eq=False)
class Asking:
    """A balance call on its way."""

    question: Question
    sent: int
    lesson_of: Request | None = None
    x_cost: Decimal | None = None
    value: Decimal | None = None
    answered: bool = False


@dataclass(slots=True)
class World:
    """Everything that happens in one run."""

    setting: Setting
    tape: Iterator[int]
    balance: Decimal = ZERO
    gate: CreditGate = field(init=False)
    ledger: MemoryLedger = field(default_factory=MemoryLedger)
    left: list[Wanted] = field(init=False)  # the most important first
    aside: list[Wanted] = field(default_factory=list)
    later: list[Wanted] = field(default_factory=list)  # they wait for their retry
    flying: list[Request] = field(default_factory=list)
    calls: list[Asking] = field(default_factory=list)
    to_record: list[Request] = field(default_factory=list)
    readings: list[Reported] = field(default_factory=list)
    closed: list[Request] = field(default_factory=list)
    past: list[Decimal] = field(default_factory=list)
    clock: int = 0
    refusals: int = 0
    rendered: list[int] = field(default_factory=list)  # the ranks of the tasks
    paid: Decimal = ZERO
    peak: int = 0
    verdict: Verdict | None = None
    stopped: bool = False
    beliefs: list[tuple[Decimal, Decimal]] = field(default_factory=list)
    lonely: int = 0
    x_reported: set[str] = field(default_factory=set)

    def __post_init__(self) -> None:
        s = self.setting
        self.balance = s.balance
        self.past = [s.balance]
        self.left = [Wanted(name, rank) for rank, name in enumerate(s.tasks)]
        self.gate = CreditGate(
            CreditPolicy(cost=s.written, budget=s.budget, reserve=s.reserve, gate=s.gate),
            self.ledger,
            published=s.published,
        )
        self.top_ups, self.spends = deque(s.top_ups), deque(s.spends)
        self.troubles = deque(s.troubles)

    next: Wanted | None = None
    top_ups: deque[Decimal] = field(init=False)
    spends: deque[Decimal] = field(init=False)
    troubles: deque[str] = field(init=False)

    # -- the loop -----------------------------------------------------------------------------

    def run(self) -> "World":
        """Let things happen until nothing can."""
        while moves := self._moves():
            assert self.clock < 10_000, "it never ends"
            self.clock += 1
            move = moves[next(self.tape, 0) % len(moves)]
            getattr(self, move[0])(*move[1:])
            self.gate.check()
        self.gate.forgo_all()
        self.gate.check()
        return self

    def _moves(self) -> list[tuple]:
        moves: list[tuple] = [("_choose",)] if self._may_choose() else []
        moves += [(_NEXT[request.stage], request) for request in self.flying]
        moves += [("_come_due", task) for task in self.later]
        moves += [("_record", request) for request in self.to_record]
        moves += [("_hear_call" if c.answered else "_answer_call", c) for c in self.calls]
        if moves and self.top_ups:
            moves.append(("_top_up",))
        if moves and self.spends:
            moves.append(("_spend",))
        return moves

    def _may_choose(self) -> bool:
        if self.stopped or not (self.left or self.aside):
            return False
        if len(self.flying) >= self.setting.concurrency or any(
            call.lesson_of is None for call in self.calls
        ):
            return False
        self._consider()
        if self.verdict is Verdict.ASK and self.calls:  # one question at a time
            return False
        idle = self.verdict is Verdict.WAIT and self.later  # a retry that comes due changes it
        return not (idle or (self.verdict in {Verdict.WAIT, Verdict.CLOSED} and self.flying))

    # -- the client, as the coordinator has it --------------------------------------------------

    def _consider(self) -> None:
        """Look at the next task; where it may not go, one that money is retained for may."""
        self.next = self.left[0] if self.left else None
        self.verdict = self._ask_gate(self.next)
        if self.verdict in {Verdict.WAIT, Verdict.CLOSED}:
            waiting = next((task for task in self.left if task.retained), None)
            if waiting is not None:
                self.next, self.verdict = waiting, self._ask_gate(waiting)

    def _ask_gate(self, task: Wanted | None) -> Verdict:
        return self.gate.consider(task.name, task.retained) if task else Verdict.CLOSED

    def _put_back(self, task: Wanted) -> None:
        insort(self.left, task, key=lambda one: one.rank)

    def _come_due(self, task: Wanted) -> None:
        self.later.remove(task)
        self._put_back(task)

    def _choose(self) -> None:
        if self.verdict is Verdict.GO:
            assert self.next is not None
            self.left.remove(self.next)
            self._dispatch(self.next)
        elif self.verdict is Verdict.ASK:
            self.calls.append(Asking(self.gate.ask(), self.clock))
        elif self.verdict is Verdict.CLOSED and not self.flying:
            self._close()
        else:
            assert self.verdict is not Verdict.WAIT, "the gate waits, and nothing is in flight"

    def _close(self) -> None:
        if self.next and self.next.retained:
            self.next.retained.forgo()
            self.next.retained = None
        elif any(self.gate.consider(task.name) is Verdict.GO for task in self.left):
            self.aside.append(self.left.pop(0))
        else:
            assert not self.later, "the run ends, and a task waits for its retry"
            self.stopped = True
            self.gate.forgo_all()

    def _dispatch(self, task: Wanted) -> None:
        name = task.name
        if (bound := self.reported_bound()) is not None:
            self.beliefs.append((bound, self.known_price(name)))
        self._assert_the_account_lets_go_what_the_gate_does(name, task.retained)
        token = self.gate.reserve(name, task.rank, task.retained)
        task.retained = None
        trouble = self.troubles.popleft() if self.troubles else ""
        self.flying.append(Request(name, task, token, self.clock, trouble))
        self.peak = max(self.peak, len(self.flying))
        self.lonely += len(self.flying) == 1

    def _assert_the_account_lets_go_what_the_gate_does(
        self, name: str, retained: Retained | None
    ) -> None:
        """Judge by the same figures as the account does: else the two wait for each other."""
        bid, balance = self.gate.bid_for(name, retained), self.gate.balance
        bound = balance.least if bid.way is Way.BESIDE else balance.most
        if bid.way is not Way.UNCHECKED and bid.need is not None and bound is not None:
            assert bound >= bid.need, (bid, bound)

    def known_price(self, name: str) -> Decimal:
        """What the client can know of a price; nothing, where nobody has reported it."""
        if self.setting.written is None and name not in self.x_reported:
            return ZERO
        return self.setting.prices[name]

    def reported_bound(self) -> Decimal | None:
        """The most that can be left, by every figure that no surely newer one has replaced.

        It takes off only what was surely not in a figure: what left after it had come. A header
        can be old, so it replaces nothing where the balance can be asked.
        """
        asks = self.setting.call and self.setting.gate is Gate.AUTO
        latest = max((f.sent for f in self.readings if f.by_call or not asks), default=0)
        self.readings = [f for f in self.readings if f.received >= latest]
        bounds = [f.value - self._sent_after(f) for f in self.readings]
        return min(bounds, default=None)

    def _sent_after(self, figure: Reported) -> Decimal:
        paid = [*self.flying, *(r for r in self.closed if r.status == 200)]
        later = (r for r in paid if r.sent >= figure.received)
        return sum((self.known_price(r.name) for r in later), ZERO)

    def _x_cost(self, request: Request) -> Decimal | None:
        if self.setting.lies:
            return self.setting.lies[len(self.closed) % len(self.setting.lies)]
        return self.setting.prices[request.name] if self.setting.x_cost else None

    def _deliver(self, request: Request) -> None:
        self.flying.remove(request)
        self.closed.append(request)
        gate, token = self.gate, request.token
        x_cost = self._x_cost(request)
        if request.header is not None and self.setting.gate is not Gate.OFF:
            self.readings.append(Reported(request.header, request.sent, self.clock, by_call=False))
        if request.status == 200:
            self.rendered.append(request.task.rank)
            if x_cost is not None:
                self.x_reported.add(request.name)
            request.entry = token.charge(request.header, x_cost)
            gate.processed()
            if gate.wants_a_reading:
                self.calls.append(Asking(gate.ask(), self.clock, request, x_cost))
            else:
                self.to_record.append(request)
        elif request.status == 0:
            request.entry = token.doubt()
            self.to_record.append(request)
        elif request.status == 406:
            token.release(request.header)
            self.refusals += 1
            self.stopped = True
            self._put_back(request.task)
        else:
            request.task.retained = token.retain(request.header)
            self.later.append(request.task)

    def _hear_call(self, call: Asking) -> None:
        self.calls.remove(call)
        self.gate.answer(call.question, call.value)
        if call.value is not None:
            self.readings.append(Reported(call.value, call.sent, self.clock, by_call=True))
        if call.lesson_of is not None:
            call.lesson_of.entry = call.lesson_of.token.rebook(call.x_cost)
            self.to_record.append(call.lesson_of)

    def _record(self, request: Request) -> None:
        """Let the record of a request enter the ledger, and the token know it, in one step."""
        self.to_record.remove(request)
        if isinstance(request.entry, Booked):
            self.ledger.enter(request.entry, self.setting.written)
        else:
            self.ledger.doubt(request.entry)
        request.token.recorded()

    # -- the API --------------------------------------------------------------------------------

    def _arrive(self, request: Request) -> None:
        if request.trouble == "withdrawn":
            self.flying.remove(request)
            request.task.retained = request.token.withdraw()
            self._put_back(request.task)
            return
        price = self.setting.prices[request.name]
        request.stage = "sent"
        request.status = 200 if self.balance >= price else 406
        if request.status == 200 and request.trouble == "500":
            request.status = 500
        if request.status == 200 and self.setting.at_accept:
            self._charge(request)

    def _complete(self, request: Request) -> None:
        request.stage = "done"
        before = self.balance + (self.setting.prices[request.name] if request.charged else 0)
        if request.status == 200 and not request.charged and request.trouble != "lost":
            if self.balance >= self.setting.prices[request.name]:
                self._charge(request)
            else:
                request.status = 406
        request.header = self._header(before)
        if request.trouble.startswith("lost") and request.status == 200:
            request.status, request.header = 0, None

    def _charge(self, request: Request) -> None:
        request.charged = True
        self.paid += self.setting.prices[request.name]
        self._move(-self.setting.prices[request.name])

    def _header(self, before: Decimal) -> Decimal | None:
        match self.setting.header:
            case Header.NONE:
                return None
            case Header.EXACT:
                return self.balance
            case Header.LAG:
                return before
            case Header.LATE:
                return self.past[-5] if len(self.past) >= 5 else self.past[0]
            case Header.SOMETIMES:
                return self.balance if self.clock % 2 else None
            case Header.CONSTANT:
                return self.past[0]

    def _answer_call(self, call: Asking) -> None:
        call.answered = True
        call.value = self.balance if self.setting.call else None

    def _top_up(self) -> None:
        self._move(self.top_ups.popleft())

    def _spend(self) -> None:
        self._move(-min(self.spends.popleft(), self.balance))

    def _move(self, amount: Decimal) -> None:
        self.balance += amount
        self.past.append(self.balance)
