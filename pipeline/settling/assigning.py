"""Give rows to attempts, one to one: as many as can be, each to what it fits best. Pure."""

import heapq
from bisect import bisect_left, bisect_right, insort
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

import msgspec

Place = tuple[float, str]
"""A row by its time (Unix seconds) and id."""


class Claimant(msgspec.Struct, frozen=True):
    """Whoever a row can be of: created from `since` to `until`, best near `near`.

    `kinds` are the kinds of rows that fit, the best first. Times are in Unix seconds. One that is
    `sure` to have a row does not stay without where one that may have none could.
    """

    near: float
    since: float
    until: float
    kinds: tuple[int, ...]
    sure: bool = True


@dataclass(slots=True)
class Rows:
    """Rows by kind and in the order of time: all of them, and those that are free."""

    _all: dict[int, list[Place]] = field(default_factory=dict)
    _free: dict[int, list[Place]] = field(default_factory=dict)

    @classmethod
    def of(cls, rows: Iterable[tuple[int, Place]]) -> "Rows":
        """Sort rows, each with its kind."""
        made = cls()
        for kind, place in rows:
            insort(made._all.setdefault(kind, []), place)
        made._free = {kind: list(places) for kind, places in made._all.items()}
        return made

    def take(self, kind: int, place: Place) -> None:
        """Give a free row away."""
        places = self._free[kind]
        del places[bisect_left(places, place)]

    def is_free(self, kind: int, place: Place) -> bool:
        """Return whether this row is not given away yet."""
        places = self._free.get(kind, [])
        index = bisect_left(places, place)
        return index < len(places) and places[index] == place

    def best(self, claimant: Claimant) -> tuple[int, float, int, Place] | None:
        """Find the free row that fits best: its rank, its distance in seconds, its kind, it."""
        for rank, kind in enumerate(claimant.kinds):
            places = self._free.get(kind, [])
            index = bisect_left(places, (claimant.near, ""))
            around = [p for p in places[max(index - 1, 0) : index + 1] if _fits(claimant, p)]
            if around:
                place = min(around, key=lambda p: (abs(p[0] - claimant.near), p))
                return rank, abs(place[0] - claimant.near), kind, place
        return None

    def fitting(self, claimant: Claimant) -> Iterator[tuple[int, Place]]:
        """Yield all rows that fit, free or not."""
        for kind in claimant.kinds:
            places = self._all.get(kind, [])
            begin = bisect_left(places, (claimant.since, ""))
            end = bisect_right(places, (claimant.until, chr(0x10FFFF)))
            yield from ((kind, place) for place in places[begin:end])


def _fits(claimant: Claimant, place: Place) -> bool:
    return claimant.since <= place[0] <= claimant.until


def assign(claimants: Sequence[Claimant], rows: Rows, *, exchange: bool = True) -> dict[int, str]:
    """Give free rows to claimants; returns the row's id by the index of the claimant.

    The best pair goes first, by rank and distance. With `exchange`, a claimant left without gets
    one where others can make way and still have one themselves: as many get one as can, and among
    them as many as can of those that are sure to have one.
    """
    given: dict[int, tuple[int, Place]] = {}
    queue = [(*found, index) for index, who in enumerate(claimants) if (found := rows.best(who))]
    heapq.heapify(queue)
    while queue:
        _, _, kind, place, index = heapq.heappop(queue)
        if rows.is_free(kind, place):
            rows.take(kind, place)
            given[index] = kind, place
        elif found := rows.best(claimants[index]):
            heapq.heappush(queue, (*found, index))
    if exchange:
        _Exchange(claimants, rows, given).serve_all()
    return {index: place[1] for index, (_, place) in given.items()}


_Row = tuple[int, Place]


class _Exchange:
    """Finds a row for those without one where others can take another (Berge's theorem)."""

    def __init__(self, claimants: Sequence[Claimant], rows: Rows, given: dict[int, _Row]) -> None:
        self._claimants, self._rows, self._given = claimants, rows, given
        self._owner = {row: index for index, row in given.items()}
        self._may_displace = False
        self._hopeless: set[_Row] = set()  # reached in vain: no path will ever lead on

    def serve_all(self) -> None:
        """Find as many rows as there can be; who may have none makes way for who has one."""
        for index in range(len(self._claimants)):
            if index not in self._given:
                self._serve(index)
        self._may_displace = True
        self._hopeless.clear()
        for index, who in enumerate(self._claimants):
            if who.sure and index not in self._given:
                self._serve(index)

    def _serve(self, index: int) -> None:
        path: dict[_Row, int] = {}  # a row, and who would take it
        row = self._search(index, path)
        if row is None:
            self._hopeless.update(path)
            return
        if (owner := self._owner.get(row)) is None:
            self._rows.take(*row)
        else:
            del self._given[owner]
        while row is not None:
            taker = path[row]
            before = self._given.get(taker)
            self._given[taker], self._owner[row] = row, taker
            row = before

    def _search(self, start: int, path: dict[_Row, int]) -> _Row | None:
        """Search breadth first for a row that can be had; `path` is how it is reached."""
        waiting = deque([start])
        while waiting:
            index = waiting.popleft()
            for row in self._rows.fitting(self._claimants[index]):
                if row in path or row in self._hopeless:
                    continue
                path[row] = index
                if self._can_be_had(row):
                    return row
                waiting.append(self._owner[row])
        return None

    def _can_be_had(self, row: _Row) -> bool:
        owner = self._owner.get(row)
        return owner is None or (self._may_displace and not self._claimants[owner].sure)
