"""What is simulated: how many tasks, on which workers, at a vendor with which faults."""

import heapq
import random
from array import array
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

PRICE = Decimal("0.95")


@dataclass(frozen=True, slots=True)
class Scenario:
    """A simulated night. Times in seconds, money in US dollars.

    A request takes `seconds`, half as much more or less. Every `deaths` seconds a worker dies with
    all that it holds. In the `outage`, from its begin for its length, each request gets a 503. The
    API takes `rate` requests a second, and `burst` at once; the others get a 429. The balance in a
    header is `lag` seconds old. The account has `credits` for this share of all tasks, and
    `top_up` seconds after they have run out it has all that is needed.
    """

    name: str
    tasks: int
    in_flight: int
    jobs: int = 1
    workers: int = 100
    seconds: float = 60.0
    deaths: float | None = None
    outage: tuple[float, float] | None = None
    rate: float | None = None
    burst: int = 1
    lag: float = 0.0
    credits: float = 2.0
    top_up: float | None = None

    def durations(self, seed: int) -> Sequence[Sequence[float]]:
        """How long the request of each task takes, by job."""
        chance = random.Random(seed)
        mine = self.tasks // self.jobs
        return [
            array("d", (self.seconds * (0.5 + chance.random()) for _ in range(mine)))
            for _ in range(self.jobs)
        ]

    def ideal(self, durations: Iterable[Sequence[float]]) -> float:
        """How long it takes whoever knows all in advance, and never waits for anything else.

        What is at work when an outage begins or the money runs out goes on meanwhile.
        """
        places = [0.0] * self.in_flight
        ends, sent, paid_again = 0.0, 0, 0.0
        for each in durations:
            for seconds in each:
                begin = max(self._possible(places[0], sent), paid_again)
                sent += 1
                if self.top_up is not None and sent == self.paid_for:
                    paid_again = begin + self.top_up
                ends = max(ends, begin + seconds)
                heapq.heapreplace(places, begin + seconds)
        return ends

    @property
    def paid_for(self) -> int:
        """How many requests the account can pay for at first."""
        return int(self.credits * self.tasks)

    def _possible(self, begin: float, sent: int) -> float:
        """Return from when on the API takes a request, after so many others."""
        if self.rate is not None:
            begin = max(begin, (sent - self.burst) / self.rate)
        if self.outage is not None and self.outage[0] <= begin < sum(self.outage):
            return sum(self.outage)
        return begin


def scenarios(tasks: int, in_flight: int = 10_000) -> list[Scenario]:
    """All scenarios, of so many tasks together: most of them without a fault, the others with one.

    At least 25 waves go out in each, so that its end is not all of it.
    """
    part = tasks // 20
    most, few = (min(in_flight, max(n // 25, 8)) for n in (tasks - 5 * part, part))
    usual = Scenario("steady", part, few, workers=min(100, few // 4))
    span = part / few * usual.seconds  # of a night without faults, about
    rate = 0.7 * few / usual.seconds
    return [
        replace(usual, tasks=tasks - 5 * part, in_flight=most, workers=min(100, most // 4)),
        replace(usual, name="losses", deaths=span / 20),
        replace(usual, name="outage", outage=(span / 3, 600.0)),
        replace(usual, name="limit", rate=rate, burst=few // 4),
        replace(usual, name="credits", lag=30.0, credits=0.5, top_up=3600.0),
        replace(usual, name="two jobs", jobs=2, tasks=part - part % 2),
    ]
