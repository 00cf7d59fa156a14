"""Answers that cost and bring no clip: so many in a row, and nothing new is sent. Pure.

An API that has changed answers each request with a 200, charges it, and sends JSON. Such an answer
proves nothing, and the next one would cost as much.
"""

from dataclasses import dataclass, field

# As many different tasks as make an outage, at any concurrency.
MOST = 3


@dataclass(slots=True)
class Streak:
    """Different tasks in a row that were answered and perhaps charged, and brought no clip.

    `first` says what the first of them brought, for people. `wary` says that the last run ended in
    such answers: no more than `MOST` requests are to be in flight until a clip comes. Times are
    monotonic seconds.
    """

    wary: bool = False
    first: str = ""
    _names: set[str] = field(default_factory=set)
    _began: float = 0.0

    def __len__(self) -> int:
        return len(self._names)

    @property
    def full(self) -> bool:
        """Whether there are so many that only a clip may open the pool again."""
        return len(self._names) >= MOST

    def holds(self, in_flight: int) -> bool:
        """Whether a clip has to come before another request goes out."""
        return self.full or (self.wary and in_flight >= MOST)

    def useless(self, name: str, said: str, now: float, *, cut_since: float | None = None) -> None:
        """Note an answer without a clip; `name` tells it from others of the same cause.

        `cut_since` is when the request of a body was sent that broke off. Many are cut at once
        where a line breaks: only those sent after the first count.
        """
        if not self._names:
            self.first, self._began = said, now
        elif cut_since is not None and cut_since < self._began:
            return
        self._names.add(name)

    def clip(self) -> None:
        """Note a clip: what came before it was each its own fault."""
        self._names.clear()
        self.wary = False
