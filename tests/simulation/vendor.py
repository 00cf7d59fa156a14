"""The vendor: it takes requests, charges for them, tells the balance, and keeps its own books."""

import asyncio
import time
from array import array
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from itertools import islice

from pipeline.api.outcome import (
    Balance,
    Body,
    Outcome,
    Page,
    Progress,
    Query,
    RequestState,
    Row,
)
from simulation.scenario import PRICE, Scenario

MODEL = "luma-txt-2-video"
CLIP = Body(4, "0" * 64, ".mp4", "video/mp4")
_PER_PAGE = 100  # as the real list has
_LISTED = 100 * _PER_PAGE
_QUICK = 0.2  # seconds that a refusal takes
_CENTS = int(PRICE * 100)

Answered = Callable[[Outcome], None]


@dataclass(eq=False)
class Vendor:
    """One account at a vendor, on the loop's clock, which counts in cents.

    `durations` are by job and task; of each, `ends` says when its request that was charged ends.
    `repeated` counts requests for tasks that were charged already.
    """

    scenario: Scenario
    durations: Sequence[Sequence[float]]
    loop: asyncio.AbstractEventLoop
    balance: int = field(init=False)
    taken: int = 0
    requests: int = 0
    repeated: int = 0
    in_flight: int = 0
    peak: int = 0
    answers: Counter[int] = field(default_factory=Counter)
    ends: list["array[float]"] = field(init=False)
    _listed: "deque[tuple[float, int, int]]" = field(default_factory=lambda: deque(maxlen=_LISTED))
    _past: "deque[tuple[float, int]]" = field(default_factory=deque)  # balances, of the lag
    _shown: int = 0
    _tokens: float = field(init=False)
    _filled: float = 0.0

    def __post_init__(self) -> None:
        self.ends = [array("d", bytes(8 * len(each))) for each in self.durations]
        self.balance = self._shown = self.scenario.paid_for * _CENTS
        self._tokens = float(self.scenario.burst)

    @property
    def charged(self) -> Decimal:
        """All that was charged, in US dollars."""
        return Decimal(self.taken) / 100

    def generate(self, job: int, number: int, answered: Answered) -> None:
        """Take a request, and call `answered` with what comes of it."""
        self.requests += 1
        self.in_flight += 1
        self.peak = max(self.peak, self.in_flight)
        now = self.loop.time()
        refusal = self._refusal(now)
        if refusal is not None:
            self.loop.call_later(_QUICK, self._refuse, refusal, answered)
            return
        seconds = self.durations[job][number]
        self.repeated += self.ends[job][number] > 0
        self.ends[job][number] = now + seconds
        self._charge(now)
        self._listed.appendleft((time.time(), job, number))
        self.loop.call_later(seconds, self._deliver, job, number, answered)

    def _refusal(self, now: float) -> int | None:
        outage = self.scenario.outage
        if outage is not None and outage[0] <= now < sum(outage):
            return 503
        if not self._has_token(now):
            return 429
        return None if self.balance >= _CENTS else 406

    def _has_token(self, now: float) -> bool:
        rate, burst = self.scenario.rate, self.scenario.burst
        if rate is None:
            return True
        self._tokens = min(burst, self._tokens + (now - self._filled) * rate)
        self._filled = now
        if self._tokens < 1:
            return False
        self._tokens -= 1
        return True

    def _charge(self, now: float) -> None:
        self.balance -= _CENTS
        self.taken += _CENTS
        self._past.append((now, self.balance))
        if self.balance < _CENTS and self.scenario.top_up is not None:
            self.loop.call_later(self.scenario.top_up, self._top_up)

    def _top_up(self) -> None:
        self.balance += self.scenario.tasks * _CENTS
        self._past.append((self.loop.time(), self.balance))

    def _refuse(self, status: int, answered: Answered) -> None:
        self.in_flight -= 1
        self.answers[status] += 1
        text = '{"error": "insufficient credits"}' if status == 406 else ""
        answered(
            Outcome(took=_QUICK, status=status, text=text, remaining=self._header(), simulated=True)
        )

    def _deliver(self, job: int, number: int, answered: Answered) -> None:
        self.in_flight -= 1
        self.answers[200] += 1
        answered(
            Outcome(
                took=self.durations[job][number],
                status=200,
                body=CLIP,
                content_type=CLIP.content_type,
                cost=PRICE,
                remaining=self._header(),
                request_id=_name(job, number),
                simulated=True,
            )
        )

    def _header(self) -> Decimal:
        """The balance as it was a while ago."""
        then = self.loop.time() - self.scenario.lag
        while self._past and self._past[0][0] <= then:
            self._shown = self._past.popleft()[1]
        return Decimal(self._shown) / 100

    # -- what is asked, free of charge --------------------------------------------------------

    def tell(self) -> Balance:
        """Answer the balance call."""
        return Balance(Decimal(self.balance) / 100, simulated=True)

    def list(self, job: int, query: Query, page: int) -> Page:
        """List the newest requests of one job."""
        mine = (each for each in self._listed if each[1] == job)
        rows = list(islice(mine, (page - 1) * _PER_PAGE, page * _PER_PAGE))
        inside = tuple(self._row(*each) for each in rows if query.since <= each[0] <= query.until)
        return Page(rows=inside, more=len(rows) == _PER_PAGE)

    def _row(self, created: float, job: int, number: int) -> Row:
        return Row(
            id=_name(job, number),
            model=MODEL,
            sent={"prompt": prompt(job, number)},
            created=created,
            progress=self.progress(_name(job, number)),
        )

    def progress(self, name: str) -> Progress:
        """Say where a request is."""
        job, number = map(int, name.split("-")[1:])
        if self.loop.time() < self.ends[job][number]:
            return Progress(state=RequestState.RUNNING)
        return Progress(state=RequestState.DONE, media=name, cost=PRICE, remaining=self._header())

    def fetch(self) -> Outcome:
        """Hand an output out."""
        return Outcome(took=_QUICK, status=200, body=CLIP, simulated=True)


def prompt(job: int, number: int) -> str:
    """Make the prompt of a task, unlike all others."""
    return f"{job}-{number}"


def _name(job: int, number: int) -> str:
    return f"r-{job}-{number}"
