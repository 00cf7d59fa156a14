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

    The row is that of their sending: where a later request has brought a clip, an answer is its own
    fault, however late it comes. `wary` says that the last run ended in such answers: no more than
    `MOST` requests are to be in flight until a clip comes. Times are monotonic seconds.
    """

    wary: bool = False
    _brought: dict[str, str] = field(default_factory=dict)
    _began: float = 0.0
    _clip: float = float("-inf")  # when the latest request was sent that has brought one

    def __len__(self) -> int:
        return len(self._brought)

    @property
    def first(self) -> str:
        """What the first of them brought, for people."""
        return next(iter(self._brought.values()), "")

    @property
    def full(self) -> bool:
        """Whether there are so many that only a clip may open the pool again."""
        return len(self._brought) >= MOST

    def blocks(self, in_flight: int) -> bool:
        """Whether a clip has to come before another request goes out."""
        return self.full or (self.wary and in_flight >= MOST)

    def useless(self, name: str, said: str, now: float, *, sent: float, cut: bool = False) -> None:
        """Note an answer without a clip; answers of the same cause have the same `name`.

        `sent` is when its request was sent, `cut` says that its body broke off. Many are cut at
        once where a line breaks: only those sent after the first count.
        """
        if sent <= self._clip:
            return
        if not self._brought:
            self._began = now
        elif cut and sent < self._began:
            return
        self._brought.setdefault(name, said)

    def describe(self, name: str, said: str) -> None:
        """Replace what is said of an answer that was noted, once its body is in `errors/`."""
        if name in self._brought:
            self._brought[name] = said

    def came(self, sent: float) -> None:
        """Note when a clip was asked for that is not recorded yet."""
        self._clip = max(self._clip, sent)

    def clip(self, sent: float) -> None:
        """Note a clip, and when it was asked for: what came before it was each its own fault."""
        self._clip = max(self._clip, sent)
        self._brought.clear()
        self.wary = False
