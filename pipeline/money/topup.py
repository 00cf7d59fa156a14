"""`--wait-for-credits`: hold until a top-up comes. Pure; times are monotonic seconds."""

from dataclasses import dataclass, field

from pipeline.backoff import TOP_UP_FIRST, TOP_UP_MOST, Backoff


@dataclass(slots=True)
class TopUp:
    """The wait for credits: for at most `patience` seconds, looking now and then."""

    patience: float = float("inf")
    _since: float | None = None
    _until: float = 0.0
    _tries: int = 0
    _backoff: Backoff = field(default_factory=lambda: Backoff(TOP_UP_FIRST, TOP_UP_MOST))

    @property
    def awaited(self) -> bool:
        """Whether a top-up is being waited for."""
        return self._since is not None

    def wait_on(self, now: float) -> bool:
        """Begin or go on waiting; False when the patience is at its end."""
        if now < self._until:
            return True  # another answer of the same burst
        self._since = now if self._since is None else self._since
        left = self._since + self.patience - now
        if left <= 0:
            return False
        self._tries += 1
        self._until = now + min(self._backoff.after(self._tries), left)
        return True

    def waits(self, now: float) -> float | None:
        """Seconds until the next look; None when it is time to look, or nothing is awaited."""
        return self._until - now if now < self._until else None

    def look_now(self, now: float, *, paused: float = 0.0) -> None:
        """Look at once, and do not count the `paused` seconds as waiting."""
        if self._since is not None:
            self._since, self._until = min(self._since + paused, now), now

    def over(self) -> None:
        """Note that a request was paid for: the wait has ended."""
        self._since, self._until, self._tries = None, 0.0, 0
