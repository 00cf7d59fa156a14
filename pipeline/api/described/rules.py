"""Rules: what an answer leads to, by its status and its body. The first that matches. Pure."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pipeline.api.described.expressions import Expression
from pipeline.api.described.words import Charged, Then

# Characters of an answer in which words are looked for.
_READ = 16_384


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule; what it does not say matches everything. `words` are in lower case."""

    then: Then
    statuses: frozenset[int] = frozenset()
    where: Expression | None = None
    values: tuple[Any, ...] = ()
    words: tuple[str, ...] = ()
    charged: Charged | None = None
    why: str = ""

    def matches(self, status: int, body: Any, text: str, headers: Mapping[str, str]) -> bool:
        """Whether it is about this answer."""
        if self.statuses and status not in self.statuses:
            return False
        if self.where is not None:
            found = self.where.find(body, headers)
            if not (any(_same(found, one) for one in self.values) if self.values else found):
                return False
        return not self.words or any(word in text[:_READ].lower() for word in self.words)

    def hides(self, other: "Rule") -> bool:
        """Whether another one, after it, can never match."""
        if self.statuses and not (other.statuses and other.statuses <= self.statuses):
            return False
        if self.where is not None:
            same = other.where is not None and other.where.text == self.where.text
            if not same or not set(map(str, other.values)) <= set(map(str, self.values)):
                return False
            if self.values and not other.values:
                return False
        return not self.words or (bool(other.words) and set(other.words) <= set(self.words))

    def may_cost(self, status: int | None = None) -> bool:
        """Whether a request that ends so, under a status, may have cost something.

        It is as `charged` says; else it may, unless the status itself refuses the request.
        """
        if self.charged is not None:
            return self.charged is not Charged.NEVER
        codes = self.statuses if status is None else {status}
        return not codes or any(code not in range(400, 500) for code in codes)

    @property
    def shown(self) -> str:
        """What it matches, for people."""
        codes = ", ".join(map(str, sorted(self.statuses)))
        where = ""
        if self.where is not None:
            listed = " or ".join(map(str, self.values))
            where = f"{self.where.text} is {listed}" if listed else f"{self.where.text} is there"
        words = f"says {' or '.join(map(repr, self.words))}" if self.words else ""
        return "; ".join(filter(None, (codes, where, words))) or "anything"


def first(
    rules: Iterable[Rule],
    status: int,
    body: Any,
    text: str,
    headers: Mapping[str, str] | None = None,
) -> Rule | None:
    """Find the rule of an answer; None where none is about it."""
    return next((rule for rule in rules if rule.matches(status, body, text, headers or {})), None)


def _same(found: Any, wanted: Any) -> bool:
    """Compare as JSON does, but that a number may be written as a text."""
    if isinstance(found, bool) or isinstance(wanted, bool):
        return found is wanted
    return found is not None and not isinstance(found, dict | list) and str(found) == str(wanted)
