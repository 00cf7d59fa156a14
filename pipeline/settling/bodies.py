"""Whether what the provider lists is what was sent: parameters compared by their values. Pure."""

import json
import math
from collections.abc import Iterable, Mapping
from typing import Any

from pipeline.ledger.records import written

Body = tuple[tuple[str, str], ...]
"""Names and values, each value as a text that equal values share; sorted by name."""

_INCOMPARABLE = (TypeError, ValueError, OverflowError, RecursionError)


def body_of(params: Mapping[str, Any]) -> Body | None:
    """Write parameters so that those of equal values are equal; None where that cannot be.

    1 equals 1.0, True equals no number, a tuple equals a list, texts are compared exactly, very
    long values by their digest, as records have them.
    """
    try:
        pairs = [(name, _canonical(value)) for name, value in written(dict(params)).items()]
    except _INCOMPARABLE:
        return None
    return tuple(sorted(pairs)) if all(isinstance(name, str) for name, _ in pairs) else None


def _canonical(value: Any) -> str:
    return json.dumps(_plain(value), sort_keys=True, allow_nan=False)


def _plain(value: Any) -> Any:
    if isinstance(value, float) and math.isfinite(value) and value.is_integer():
        return int(value)
    if isinstance(value, list | tuple):
        return [_plain(inner) for inner in value]
    if isinstance(value, dict):
        if not all(isinstance(name, str) for name in value):
            raise TypeError("JSON has no such names")
        return {name: _plain(inner) for name, inner in value.items()}
    return value


class Bodies:
    """Finds which of a set of bodies another one is about."""

    def __init__(self, bodies: Iterable[Body] = ()) -> None:
        # By one parameter each, the longest, which few bodies share: most rows meet one candidate.
        self._by_longest: dict[tuple[str, str] | None, set[Body]] = {}
        self._by_pair: dict[tuple[str, str], set[Body]] = {}
        for body in bodies:
            self._by_longest.setdefault(_longest(body), set()).add(body)
            for pair in body:
                self._by_pair.setdefault(pair, set()).add(body)

    def within(self, sent: Body) -> list[Body]:
        """Return the bodies of which `sent` has every parameter; more in it does no harm."""
        there = set(sent)
        candidates = [body for pair in (*sent, None) for body in self._by_longest.get(pair, ())]
        return [body for body in candidates if there.issuperset(body)]

    def related(self, other: Body) -> bool:
        """Return whether `other` has every parameter of one of the bodies, or the reverse.

        Then a row may be of either: a list may show defaults that were not sent.
        """
        longest = _longest(other)
        if longest is None or self.within(other):
            return bool(self._by_longest)
        return any(set(body).issuperset(other) for body in self._by_pair.get(longest, ()))


def _longest(body: Body) -> tuple[str, str] | None:
    return max(body, key=lambda pair: (len(pair[1]), pair), default=None)
