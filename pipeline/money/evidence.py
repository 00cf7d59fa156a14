"""What shows the price of one class: costs that answers reported, falls of the balance. Pure."""

from collections import Counter, deque
from decimal import Decimal

import msgspec

from pipeline.amounts import ZERO, rounded

# Amounts that differ by this factor or more cannot be the same price.
_FAR = 10

# So many reported costs are remembered.
_MOST_REPORTED = 3


def near(cost: Decimal, price: Decimal) -> bool:
    """Say whether two amounts can be the same price."""
    return price / _FAR < cost < price * _FAR


class Evidence(msgspec.Struct):
    """What was observed of one price class.

    `reported` are the last three costs that were believed, `falls` counts by how much the balance
    fell over one request. `odd` is a cost far off everything else, which the answer `odd_by`
    reported. `still` says that the balance did not fall by a request. `most` bounds the price: the
    least fall over what may have been several requests.
    """

    reported: deque[Decimal] = msgspec.field(default_factory=lambda: deque(maxlen=_MOST_REPORTED))
    falls: Counter[Decimal] = msgspec.field(default_factory=Counter)
    odd: Decimal | None = None
    odd_by: int = 0
    still: bool = False
    most: Decimal | None = None

    def is_news(self, cost: Decimal) -> bool:
        """Say whether reporting this cost would change anything."""
        return self.odd is not None or list(self.reported) != [cost] * _MOST_REPORTED

    def report(self, cost: Decimal) -> None:
        """Take the cost that an answer has reported, and that is believed."""
        if not any(near(cost, before) for before in self.reported):
            self.reported.clear()
        self.reported.append(cost)
        self.odd = None

    def fell(self, amount: Decimal, count: int) -> None:
        """Take by how much the balance fell over `count` requests."""
        each = self._each(amount, count)
        # The mean of several confirms a price, and is not one itself.
        if each > ZERO and (count == 1 or each in self.falls):
            self.falls[each] += 1

    def fell_for_several(self, amount: Decimal, count: int) -> None:
        """Take by how much the balance fell over `count` requests and, maybe, those of others."""
        each = self._each(amount, count)
        if each > ZERO:
            self.most = each if self.most is None else min(self.most, each)

    def _each(self, amount: Decimal, count: int) -> Decimal:
        self.still |= amount == ZERO
        return rounded(amount / count)

    def is_odd_again(self, cost: Decimal, answer: int) -> bool:
        """Note a cost that is far off, and say whether the odd answer before reported it too."""
        again = self.odd == cost and self.odd_by != answer
        self.odd, self.odd_by = cost, answer
        return again

    @property
    def cost(self) -> Decimal | None:
        """Of the costs that were reported the middle one, of two the larger.

        Where the balance fell by something quite different, they do not count.
        """
        costs = sorted(
            cost
            for cost in self.reported
            if not self.falls or any(near(cost, fall) for fall in self.falls)
        )
        return costs[len(costs) // 2] if costs else None

    @property
    def fall(self) -> Decimal | None:
        """The lowest fall that was seen twice, else the lowest."""
        twice = [fall for fall, times in self.falls.items() if times > 1]
        return min(twice or self.falls, default=None)
