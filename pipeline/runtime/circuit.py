"""Poison or outage: a circuit breaker over the whole pool. Pure; times are monotonic seconds.

Different tasks that fail with no success between them are an outage: dispatch pauses, and one
probe at a time goes out with backoff until the first success. Fewer are poison, each its own
fault. A failure of what was sent before the last success says little about now: enough of those
only make the next requests go one at a time, until one of them is conclusive. A 429 pauses the pool
too; how it opens again is in `limit.py`.
"""

from dataclasses import dataclass, field

from pipeline.backoff import PROBE_FIRST, PROBE_MOST, Backoff
from pipeline.events import Reason
from pipeline.runtime.limit import Limit

PATIENCE = 2 * 3600.0
PATIENCE_AT_FIRST = 600.0
# Nothing listens on this machine, no such name, a wrong certificate: waiting fixes none of these.
PATIENCE_WITHOUT_HOPE = 5.0


@dataclass(slots=True)
class Circuit:
    """The state of the breaker.

    `concurrency` sets how many different tasks make an outage: min(concurrency, 3), but never a
    single one, since a task alone proves nothing but itself. `patience` is in seconds; None is
    the default, which is short until something has succeeded.
    """

    concurrency: int
    patience: float | None = None
    paused: Reason | None = None
    until: float = 0.0
    reason: str = ""
    probing: str | None = None
    limit: Limit = field(default_factory=Limit)
    _failing: set[str] = field(default_factory=set)
    _older: set[str] = field(default_factory=set)  # failed too, but sent before the last success
    _success: float = float("-inf")
    _reached: bool = False
    _hopeless: bool = False
    _since: float = 0.0
    _began: float = 0.0
    _tries: int = 0
    _answered: bool = False
    _probe_failed: bool = False
    _backoff: Backoff = field(default_factory=lambda: Backoff(PROBE_FIRST, PROBE_MOST))

    @property
    def outage(self) -> bool:
        """Whether dispatch is paused by an outage."""
        return self.paused is Reason.OUTAGE

    @property
    def threshold(self) -> int:
        """How many different tasks must fail in a row to be an outage."""
        return max(2, min(self.concurrency, 3))

    @property
    def is_closed(self) -> bool:
        """Whether nothing stands in the way of the next requests."""
        free = self.paused is None and not self.limit.active
        return free and self.probing is None and not self._failing and not self.cautious

    @property
    def cautious(self) -> bool:
        """Whether requests go one at a time, as what was sent earlier makes them suspect."""
        if self.paused is not None or not self._older:
            return False
        return len(self._failing | self._older) >= self.threshold

    @property
    def hopeless(self) -> bool:
        """Whether nothing was ever reached, and waiting alone would not fix it."""
        return self._hopeless and not self._reached

    def proves(self, sent: float) -> bool:
        """Whether an answer to what was dispatched at `sent` shows the API at work.

        What was sent before an outage began and is only now answered does not: with a hundred in
        flight, each would let a hundred more out to fail.
        """
        return not (self.outage and sent < self._began)

    def came(self, answered: float) -> None:
        """Note when an output came that is not recorded yet: what was sent before is older."""
        self._success = max(self._success, answered)

    def alive(self, now: float, answered: float | None = None) -> bool:
        """Note an answer that shows the API at work: the pool is open again, but for its limit.

        `answered` is when it came, if that was before `now`: what went out since was sent later.

        True where it ends an outage in which a probe had failed. Otherwise what has failed
        since the last such answer failed by itself: it is poison.
        """
        ended_outage, self._probe_failed = self._probe_failed, False
        self._answered = self._reached = True
        self._success = max(self._success, now if answered is None else answered)
        self._failing.clear()
        self._older.clear()
        if self.paused is Reason.RATE_LIMIT and now < self.limit.named:
            # An answer to what was sent before the 429: its time still applies.
            self._since = now
        else:
            self.paused, self.until, self.reason = None, 0.0, ""
            self.probing, self._tries = None, 0
        return ended_outage

    def failure(  # noqa: PLR0913 - what there is to know of a failure
        self,
        task: str,
        now: float,
        reason: str,
        *,
        sent: float = float("inf"),
        wait: float | None = None,
        unreachable: bool = False,
        hopeless: bool = False,
    ) -> bool:
        """Note a failure that may be an outage's; True where this one has begun an outage.

        `sent` is when its request was dispatched, `wait` for how many seconds the server does not
        want to be asked. `unreachable` says that no connection came about, `hopeless` that none
        will.
        """
        self._reached |= not unreachable
        self._hopeless = hopeless
        if not self.outage and sent < self._success:
            self._older.add(task)
            return False
        conclusive = unreachable or self._is_conclusive(task)
        self._failing.add(task)
        if self.outage:
            if self.probing == task:
                self._probe_failed = True
                self._next_probe(now, reason, wait)
            return False
        if not conclusive and len(self._failing) < self.threshold:
            return False
        self._begin(Reason.OUTAGE, now)
        self._next_probe(now, reason, wait)
        return True

    def would_pause(self, task: str, sent: float, *, unreachable: bool) -> bool:
        """Say whether there is an outage once `failure` is noted."""
        if self.outage:
            return True
        if sent < self._success:
            return False
        if unreachable or self._is_conclusive(task):
            return True
        return len(self._failing | {task}) >= self.threshold

    def _is_conclusive(self, task: str) -> bool:
        """Whether a failure of a task confirms what others make likely, which were sent before."""
        return self.cautious and self.probing == task

    def throttled(self, task: str, now: float, wait: float | None, reason: str) -> None:
        """Note a 429: pause until the time it names, or back off where it names none."""
        if self.outage:
            # The API is there again, and only slow to let us in.
            self._failing.clear()
            self._older.clear()
        if self.paused is not Reason.RATE_LIMIT:
            self._begin(Reason.RATE_LIMIT, now)
        self.limit.refused(task, now, wait)
        self.until, self.reason, self.probing = 0.0, reason, None

    def _begin(self, reason: Reason, now: float) -> None:
        if self.paused is None:
            self._since = now
        self.paused, self.probing, self._tries, self._began = reason, None, 0, now

    def _next_probe(self, now: float, reason: str, wait: float | None) -> None:
        self._tries += 1
        self.probing = None
        pause = max(self._backoff.after(self._tries), wait or 0.0)
        # The time that a 429 has named applies in an outage too.
        self.until = max(self.until, now + pause, self.limit.named)
        self.reason = reason

    def waits(self, now: float) -> float | None:
        """Seconds for which dispatch waits, or None where the next one may go."""
        if self.probing is not None and (self.outage or self.cautious):
            return float("inf")
        if self.outage:
            return self.until - now if self.until > now else None
        return self.limit.waits(now)

    def holds(self, now: float) -> Reason | None:
        """Why nothing goes out, until there is more to see than the answer of another request."""
        if self.paused is Reason.RATE_LIMIT and not self.limit.holds(now):
            return None
        return self.paused

    def admits(self, task: str, now: float) -> bool:
        """Whether a task may still go out that was dispatched: the world may have changed."""
        if self.probing == task:
            return True
        if self.outage or self.cautious:  # what was prepared before is no probe
            return False
        return self.limit.admits(task, now)

    def excuse(self, seconds: float, now: float) -> None:
        """Do not count the last `seconds`, in which nothing was to go out, as patience."""
        self._since = min(self._since + seconds, now)

    def dispatched(self, task: str, now: float) -> None:
        """Note that a task is to go out: in an outage, or with caution, it is the probe."""
        if self.outage or self.cautious:
            self.probing = task
        if not self.outage:  # its probes show nothing of a limit
            self.limit.dispatched(task, now, self.concurrency)

    def sent(self, task: str, now: float) -> None:
        """Note that a request goes out."""
        self.limit.sent(task, now, self.concurrency)

    def landed(self, task: str, now: float) -> None:
        """Note that a request was answered, or was taken back before it was sent."""
        if self.probing == task:
            self.probing = None
        self.limit.landed(task, now, self.concurrency)

    def out_of_patience(self, now: float, *, in_flight: int = 0) -> bool:
        """Whether the present pause has lasted too long to go on waiting.

        A rate limit pauses nothing while what the API has taken is in flight, but for a time that
        the server has named.
        """
        if self.paused is Reason.RATE_LIMIT and now >= self.limit.named and in_flight:
            return False
        return self.paused is not None and now - self._since >= self._patience

    def too_long(self, retry_after: float | None) -> bool:
        """Whether a server asks for a longer wait than the run would pause for an outage."""
        return retry_after is not None and retry_after > self._usual_patience

    def patience_left(self, now: float) -> float:
        """Seconds until the run gives up, while dispatch is paused."""
        return self._since + self._patience - now

    @property
    def _patience(self) -> float:
        usual = self._usual_patience
        return min(usual, PATIENCE_WITHOUT_HOPE) if self.hopeless else usual

    @property
    def _usual_patience(self) -> float:
        if self.patience is not None:
            return self.patience
        return PATIENCE if self._answered else PATIENCE_AT_FIRST
