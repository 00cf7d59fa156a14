"""What the falls of the balance teach of prices: over a lone request, or between calls. Pure."""

from collections import Counter
from dataclasses import dataclass, field, replace
from decimal import Decimal

from pipeline.money.balance import Moment, Reading
from pipeline.money.prices import LESSONS, PriceBook
from pipeline.money.reservation import Reservation


@dataclass(slots=True)
class _Measure:
    """What was charged since a balance call with nothing in flight: the next shows its price."""

    before: Reading
    charged: Counter[str] = field(default_factory=Counter)

    def others(self, reading: Reading) -> bool:
        """Whether other runs of the account have charged anything between the two readings."""
        before, asked = self.before.came, reading.asked
        charges = asked.charges - before.charges
        return charges != self.charged.total() or asked.at_risk != before.at_risk


@dataclass(slots=True)
class _Streak:
    """The last charges of the account in a row that are known to be of one class.

    They are those after the first `since` of its charges, up to the first `until`.
    """

    name: str | None = None
    since: int = 0
    until: int = 0

    def add(self, name: str | None, before: int) -> None:
        """Note a charge that comes after so many of the account; None is no class."""
        if name is None or name != self.name or self.until != before:
            self.name, self.since = name, before
        self.until = before + 1

    def has_all(self, name: str, since: int, until: int) -> bool:
        """Whether all charges between two counts are of a class."""
        return since == until or (name == self.name and self.since <= since and until <= self.until)


@dataclass(slots=True)
class Learning:
    """Looks at every charge and reading, and notes in the price book what they teach."""

    prices: PriceBook
    _strays: bool = False
    _clear_since: int = -1  # the tick of the last doubt, or the end of the last stray
    _measure: _Measure | None = None
    _last: Decimal | None = None  # the header of the last charge
    _streak: _Streak = field(default_factory=_Streak)

    def charged(
        self,
        token: Reservation,
        header: Decimal | None,
        cost: Decimal | None,
        now: Moment,
    ) -> None:
        """Learn from a charge; `cost` is what its answer reported, where that is believed.

        `now` is the moment before it was taken off the balance.
        """
        name, streak = token.price_class, replace(self._streak)
        self._streak.add(name, now.charges)
        if header is not None and self._last is not None:
            self.prices.stepped(name, self._last - header)
        self._last = self._last if header is None else header
        if self._measure is not None:
            self._measure.charged[name] += 1
            return
        before = token.before
        quiet = before is not None and before.came.charges == token.sent.charges
        lone = quiet and token.alone and now.charged == token.sent.charged
        if before is not None and lone and self._is_clear(before) and header is not None:
            since = before.asked.charges  # headers lag: what was charged later may show only now
            if streak.has_all(name, since, token.sent.charges):
                self.prices.fell(name, before.value - header)
        nothing_else = cost is not None and before is None and header is None
        self._note_lesson(name, LESSONS if nothing_else else 1)

    def doubted(self, now: Moment) -> None:
        """Note a request that may have been charged: what was read before may not show it."""
        self._clear_since, self._measure = now.tick, None

    def strays(self, now: Moment, *, at_work: bool) -> None:
        """Note whether requests are at work that nobody waits for.

        They may be charged at any time, so that no fall shows a price until they are over.
        """
        if self._strays and not at_work:
            self._clear_since = now.tick
        self._strays, self._measure = at_work, None

    def _is_clear(self, reading: Reading) -> bool:
        """Say whether nothing in doubt can have been charged since a reading was asked for."""
        return not self._strays and reading.asked.tick > self._clear_since

    def disturbed(self, header: Decimal | None, now: Moment) -> None:
        """Note a charge that is not a price, or may not be one: the next call measures nothing."""
        self._measure = None
        self._streak.add(None, now.charges)
        self._last = self._last if header is None else header

    def answered(self, reading: Reading | None, *, quiet: bool) -> str | None:
        """Learn from the balance call; returns the class whose price it may have taught.

        `quiet` says that nothing was in flight, and nothing charged, between question and answer.
        """
        measure, self._measure = self._measure, None
        if reading is None and measure and measure.charged:
            self.prices.missed()
        if reading is None or not quiet or not self._is_clear(reading):
            return None
        self._measure = _Measure(reading)
        if measure is None or len(measure.charged) != 1 or measure.others(reading):
            return None
        ((name, count),) = measure.charged.items()
        self.prices.fell(name, measure.before.value - reading.value, count)
        self._note_lesson(name)
        return name

    @property
    def wants_a_reading(self) -> bool:
        """Whether a balance call now, with nothing in flight, would teach an unknown price."""
        charged = self._measure.charged if self._measure is not None else ()
        return any(self.prices.of(name) is None for name in charged)

    def _note_lesson(self, name: str, lessons: int = 1) -> None:
        """Note that a lone request has not settled a price."""
        if self.prices.of(name) is None:
            self.prices.missed(lessons)
