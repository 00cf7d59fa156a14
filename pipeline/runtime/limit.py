"""How many requests go after a 429: half-open, as the limit is unknown. Pure; monotonic seconds.

A 429 begins a hold. After it one request goes, and while a quiet second passes without another 429,
1, 2, 4, … more, until the concurrency is reached. An answer leaves its place to the next request at
once, in the hold too, but nothing goes before a time that the server has named.

So a limit of concurrency is kept by the answers, and one of rate by the holds. There is no window
of how many may be in flight: what it learned from a limit of rate would be wrong.
"""

from dataclasses import dataclass, field

NEVER, ALWAYS = float("inf"), float("-inf")
# A hold may be so much shorter than the last pause that was long enough.
_SHORTER = 0.95
# A quiet time is longer than a 429 takes.
_SLOWER = 1.5
# So much of the first hold a run with requests in flight waits for those that have none.
_POLITE = 0.25


@dataclass(slots=True)
class Limit:
    """What may go while the API limits.

    A hold lasts `first` seconds, and `growth` times as long each time that the request after it is
    refused; at most `most`, or where requests are in flight, as long as one takes, up to `longest`:
    it is their answers that let others go, and what goes beside them is refused where the limit is
    one of concurrency. Where a pause was long enough, the next hold is nearly as long at once.
    `quiet` is for how many seconds no 429 must have come.

    `named` is the time before which the server wants nothing, `due` when the next one may go
    without an answer. An attempt is `dispatched`, then `sent`, then perhaps `refused`, and `landed`
    in any case.
    """

    first: float = 1.0
    growth: float = 1.5
    most: float = 10.0
    longest: float = 300.0
    quiet: float = 1.0
    active: bool = False
    named: float = ALWAYS
    due: float = ALWAYS
    _began: float = ALWAYS  # the hold
    _waves: int = 0  # how many went since: the first is of one request
    _vain: int = 0  # holds in a row that were too short
    _pause: float = 0.0  # the last one that was long enough, nearly
    _before: float = ALWAYS  # when the request was sent that went before the present first wave
    _last: float = ALWAYS  # when the last one was sent that was not refused
    _earlier: float = ALWAYS  # and the one before
    _free: int = 0  # places that may be taken now
    _fresh: int = 0  # those of them that the last wave has added
    _owed: int = 0  # places that answers have left, to be taken one by one from `_again` on
    _again: float = NEVER
    _second: bool = False  # the last one that was taken so
    _deaf: bool = False  # answers let nothing go in a hold: it was refused
    _calm: float = 0.0
    _taken: float = 0.0  # how long the last request was in flight
    # Dispatched since the hold began, and not sent: whether to a place that a wave has added.
    _granted: dict[str, bool] = field(default_factory=dict)
    _flying: dict[str, float] = field(default_factory=dict)  # when each was sent

    def waits(self, now: float) -> float | None:
        """Return the seconds until the next may go, if no answer comes; None: now."""
        if not self.active:
            return None
        if now < self.named:
            return self.named - now
        if self._free:
            return None
        due = min(self.due, self._again)
        if now < due:
            return due - now
        return self._calm if any(self._granted.values()) else None

    def admits(self, task: str, now: float) -> bool:
        """Return whether an attempt may still go out that was dispatched."""
        return task in self._granted or self.waits(now) is None

    def holds(self, now: float) -> bool:
        """Return whether nothing goes, and no answer will change that."""
        nothing = not self._waves and not self._flying
        return self.active and (now < self.named or (now < self.due and nothing))

    def pauses_all(self, now: float) -> float:
        """Return for how many seconds a 429 pauses the other runs of the account, too.

        Until the time that the server has named. Where it names none, they go on with the places
        that they have; but a run that has none would never get one from them, unless all wait.
        """
        until = self.due if self.named <= now and not self._flying else self.named
        return max(until - now, 0.0)

    # -- what happens -------------------------------------------------------------------------

    def dispatched(self, task: str, now: float, concurrency: int) -> None:
        """Note that an attempt is to go out, as `waits` has let it."""
        if not self.active:
            return
        if not self._free and now >= self.due:
            self._next_wave(concurrency)
        elif not self._free and now >= self._again:
            self._take_owed(now)
        if self.active:
            fresh = self._granted[task] = self._fresh > 0
            self._free, self._fresh = max(self._free - 1, 0), self._fresh - fresh
            self._await_quiet(now, fresh=fresh)

    def sent(self, task: str, now: float, concurrency: int) -> None:
        """Note that an attempt goes out."""
        if task not in self._granted:  # prepared before the hold: it takes a place of now
            self.dispatched(task, now, concurrency)
        fresh = self._granted.pop(task, False)
        self._flying[task] = now
        self._earlier, self._last = self._last, now
        self._await_quiet(now, fresh=fresh)

    def landed(self, task: str, now: float, concurrency: int) -> None:
        """Note that an attempt was answered, or that it was taken back before it was sent."""
        full, sent = len(self._flying) >= concurrency, self._flying.pop(task, None)
        if sent is None:
            if task in self._granted:
                self._free += 1
                self._fresh += self._granted.pop(task)
            return
        self._taken = now - sent
        if not self.active:
            return
        if full and now >= self.due + (0.0 if self._waves else self._calm):
            self._open()
        else:
            self._leave_place(now)

    def refused(self, task: str, now: float, wait: float | None) -> None:
        """Note a 429, and for how many seconds the server wants to be left alone."""
        sent = self._flying.pop(task, now)
        if sent == self._last:
            self._last = self._earlier
        if wait:
            self.named = max(self.named, now + wait)
        self._calm = min(max(self.quiet, _SLOWER * (now - sent)), max(self.quiet, self.most))
        if not self.active or sent >= self._began:
            self._hold(now)
        elif now < self.named:  # one of the same burst, but it says more
            self._close(now)
        self.due = max(self.due, self.named)

    def told(self, now: float, wait: float) -> None:
        """Note that another run of the account has met a 429: all are to wait.

        What has places lets go first who has none.
        """
        if now + wait <= self.named:
            return
        self.named = now + wait + (_POLITE * self.first if self._flying else 0.0)
        self._calm = max(self.quiet, self._calm)
        self.active = True
        self._close(now)
        self.due = max(self.due, self.named)

    # -- holds --------------------------------------------------------------------------------

    def _hold(self, now: float) -> None:
        """Begin a hold, or go on with it where what was refused was let go by an answer."""
        left_by_answer, was_first = self.active and not self._waves, self._waves == 1
        second = self._second
        self.active = True
        self._close(now)
        if left_by_answer and not second:
            # The server may know a little late that a place is free.
            self._owed, self._again = 1, now + self.first
            return
        if left_by_answer:
            self._deaf, self.due = True, min(self.due, now + self.most)
            return
        most = self._longest(now)
        if was_first:
            hold = self.first * self.growth**self._vain
            self._vain += hold < most
        else:
            pause = 0.0 if now < self.named else self._last + self._pause - now
            hold = max(self.first, pause)
            self._vain = int(hold == self.first)
        self.due = now + min(hold, most)

    def _close(self, now: float) -> None:
        self._began = now
        self._waves = self._free = self._fresh = 0
        self._forget_owed()
        self._granted.clear()

    def _longest(self, now: float) -> float:
        """Return how long a hold may be."""
        if self._deaf or not self._flying:
            return self.most
        taken = max(self._taken, now - min(self._flying.values()))
        return max(self.most, min(taken, self.longest))

    # -- what goes ----------------------------------------------------------------------------

    def _next_wave(self, concurrency: int) -> None:
        """Let one go after a hold; 1, 2, 4, … more after each quiet time."""
        size = 2 ** max(self._waves - 1, 0)
        if self._waves and size >= concurrency:
            self._open()
            return
        if not self._waves:
            self._before = self._last
        elif self._waves == 1:
            self._pause = _SHORTER * (self._last - self._before)
            self._deaf = False
        self._waves += 1
        self._free = self._fresh = size
        self._forget_owed()

    def _await_quiet(self, now: float, *, fresh: bool) -> None:
        """Let the next wave wait: this one is not yet out, or no 429 can have come.

        What takes the place of an answer adds nothing to what is in flight. Where answers are
        quick, there is one in each quiet time, and the pool would never open.
        """
        if fresh:
            self.due = max(self.due, now + self._calm)

    def _leave_place(self, now: float) -> None:
        """Let the next one have the place of what was answered."""
        if self._deaf and not self._waves:
            return
        if now >= self.named:
            self._free, self._second = self._free + 1, False
        else:
            self._owed, self._again = self._owed + 1, self.named

    def _take_owed(self, now: float) -> None:
        self._owed, self._second, self._free = self._owed - 1, True, 1
        self._again = now + self._calm if self._owed else NEVER

    def _forget_owed(self) -> None:
        self._owed, self._again, self._second = 0, NEVER, False

    def _open(self) -> None:
        """Let everything go, until the next 429."""
        self.active = self._deaf = False
        self._waves = self._free = self._fresh = 0
        self._pause = 0.0
        self._forget_owed()
        self._granted.clear()
