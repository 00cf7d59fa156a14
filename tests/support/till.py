"""One account at an API of its own, for several runs on virtual time.

till = Till(tmp_path, balance="20", price="0.95")
a, b = till.night("a", tasks=30), till.night("b", tasks=30)
summaries = till.play({a: {"concurrency": 4}, b: {}}, credits=CreditPolicy(cost=Decimal("0.95")))
"""

import itertools
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import anyio

from pipeline import events as ev
from pipeline.account.shared import Shared
from pipeline.api.outcome import Balance
from support import virtual
from support.night import Answer, Call, Night


def _now() -> float:
    """Look at the clock as it is then: on virtual time it is another one."""
    return time.time()


@dataclass
class Till:
    """What the account has, and every request that came: when, whose, and what it took."""

    folder: Path
    balance: Decimal = Decimal(20)
    price: Decimal = Decimal("0.95")
    seconds: float = 10.0
    told: bool = True  # whether answers report the balance
    call: bool = True  # whether the balance call does
    cost: bool = False  # whether answers report their cost
    taken: Decimal = Decimal(0)
    refused: int = 0
    nights: list[Night] = field(default_factory=list)
    peak: int = 0  # requests of all at once
    starts: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    charges: list[tuple[float, Decimal]] = field(default_factory=list)  # by Unix time

    def accounts(self) -> Shared:
        folder = self.folder / "pipeline" / "accounts" / "till"
        return Shared(folder, wall=_now)

    def night(self, name: str, tasks: int, **changes: Any) -> Night:
        (self.folder / name).mkdir()
        night = Night(self.folder / name, [f"{name}-{n:03}" for n in range(tasks)], **changes)
        night.api = partial(self.generate, name)
        if self.call:
            night.balance = lambda: Balance(self.balance, simulated=True)
        self.nights.append(night)
        return night

    def generate(self, name: str, call: Call) -> Answer:
        self.starts[name].append(call.at)
        self.peak = max(self.peak, sum(night.in_flight for night in self.nights))
        if self.balance < self.price:
            self.refused += 1
            return Answer(406, text='{"error": "insufficient credits"}', seconds=0.1)
        self.balance -= self.price
        self.taken += self.price
        self.charges.append((time.time(), self.price))
        remaining = self.balance if self.told else None
        cost = self.price if self.cost else None
        return Answer(200, body=b"clip", seconds=self.seconds, remaining=remaining, cost=cost)

    def play(
        self,
        nights: Mapping[Night, dict[str, Any]] | list[Night],
        *,
        at: float = virtual.NOON,
        after: dict[int, float] | None = None,
        **changes: Any,
    ) -> list[ev.Summary]:
        """Run nights at once; `after` says how many seconds later the n-th begins."""
        own = dict(nights) if isinstance(nights, Mapping) else {night: {} for night in nights}
        found: dict[int, ev.Summary] = {}

        async def one(number: int, night: Night, mine: dict[str, Any]) -> None:
            await anyio.sleep((after or {}).get(number, 0.001 * number))
            found[number] = await night.play(accounts=self.accounts(), **changes | mine)

        async def main() -> list[ev.Summary]:
            async with anyio.create_task_group() as group:
                for number, (night, mine) in enumerate(own.items()):
                    group.start_soon(one, number, night, mine)
            return [found[number] for number in range(len(own))]

        return virtual.run(main(), at=at)

    def shares(self, begin: float = 0.0, end: float = float("inf")) -> dict[str, int]:
        """Count starts in the time in which all were there."""
        begin = max(begin, *(starts[0] for starts in self.starts.values()))
        end = min(end, *(starts[-1] for starts in self.starts.values()))
        return {n: sum(begin <= s <= end for s in starts) for n, starts in self.starts.items()}

    def gaps(self) -> list[float]:
        return [b - a for a, b in itertools.pairwise(self.times())]

    def times(self) -> list[float]:
        return sorted(at for each in self.starts.values() for at in each)
