"""What the records of jobs have cost, in groups: by model, day, month, account or `meta`. Pure.

Corrections count where the attempt that they correct counts: they have the same begin.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, tzinfo
from decimal import Decimal
from functools import lru_cache
from typing import Any

import msgspec

from pipeline.amounts import ZERO, rounded
from pipeline.ledger.history import Summary
from pipeline.ledger.quarters import minute_of
from pipeline.models import Record, Status, canonical_json

META = "meta."
FIXED = ("model", "day", "month", "account")

Key = tuple[str | None, ...]
"""What the records of a group share, a value for each dimension; None where a record has none."""

_MONTH = len("2026-11")


class Spending(Summary):
    """The part of a record that costs need."""

    model: str = ""
    account: str | None = None
    sha256: str | None = None
    meta: dict[str, Any] = msgspec.field(default_factory=dict)


Dimension = Callable[[Spending | Record], str | None]


def dimension(name: str, zone: tzinfo | None) -> Dimension:
    """Return what reads the value of a record: one of `FIXED`, or `META` and a key.

    Days and months are those of `zone`, None for local time, in which an attempt began.
    """

    @lru_cache(maxsize=4096)
    def day(minute: int) -> str | None:
        try:
            return datetime.fromtimestamp(minute * 60, UTC).astimezone(zone).strftime("%Y-%m-%d")
        except (ValueError, OverflowError, OSError):
            return None

    def date(record: Spending | Record) -> str | None:
        minute = minute_of(record.started_at)
        return None if minute is None else day(minute)

    def month(record: Spending | Record) -> str | None:
        found = date(record)
        return None if found is None else found[:_MONTH]

    fixed: dict[str, Dimension] = {
        "model": lambda record: record.model,
        "account": lambda record: record.account,
        "day": date,
        "month": month,
    }
    key = name.removeprefix(META)
    return fixed[name] if name in fixed else lambda record: _text(record.meta.get(key))


def _text(value: Any) -> str | None:
    return value if value is None or isinstance(value, str) else canonical_json(value).decode()


class Sums(msgspec.Struct):
    """Money in US dollars. `kept` counts the clips that a person kept."""

    spent: Decimal = ZERO
    at_risk: Decimal = ZERO
    clips: int = 0
    kept: int = 0

    def add(self, spent: Decimal, at_risk: Decimal, clips: int, kept: int) -> None:
        """Add what one record, or another group, has."""
        self.spent += spent
        self.at_risk += at_risk
        self.clips += clips
        self.kept += kept

    @property
    def per_clip(self) -> Decimal | None:
        """What was spent for each clip, also for those that failed; None without clips."""
        return rounded(self.spent / self.clips) if self.clips else None

    @property
    def per_kept_clip(self) -> Decimal | None:
        """What was spent for each clip that was kept; None if there is none."""
        return rounded(self.spent / self.kept) if self.kept else None

    def as_json(self) -> dict[str, Any]:
        """Write them as `costs --json` does."""
        return {
            "spent": self.spent,
            "at_risk": self.at_risk,
            "clips": self.clips,
            "kept": self.kept,
            "cost_per_clip": self.per_clip,
            "cost_per_kept_clip": self.per_kept_clip,
        }


class Costs(msgspec.Struct):
    """The sums of each group, over any number of jobs."""

    _groups: dict[Key, Sums] = msgspec.field(default_factory=dict)

    def add(
        self,
        record: Spending | Record,
        dimensions: Sequence[Dimension],
        *,
        is_last: bool,
        kept: bool = False,
    ) -> None:
        """Count a record.

        `is_last` says whether its task stands as it says, `kept` whether its clip was kept.
        """
        key = tuple(value(record) for value in dimensions)
        sums = self._groups.setdefault(key, Sums())
        clips = is_last and record.status is Status.SUCCEEDED
        sums.add(
            rounded(record.cost or ZERO), rounded(record.at_risk or ZERO), clips, clips and kept
        )

    def groups(self) -> Iterator[tuple[Key, Sums]]:
        """Yield the groups in the order of their keys; what has no value comes last."""
        yield from sorted(
            self._groups.items(), key=lambda one: [(value is None, value or "") for value in one[0]]
        )

    def total(self) -> Sums:
        """Return the sums over all groups."""
        total = Sums()
        for sums in self._groups.values():
            total.add(sums.spent, sums.at_risk, sums.clips, sums.kept)
        return total
