"""Which rows of the provider's list explain which doubts. Pure.

A row is proof, and the lack of one is not: what nothing explains stays in doubt. A row explains
one attempt only. What is known takes its rows first, so that a doubt is never explained by the row
of another attempt, where the two had the same model and parameters.
"""

import math
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

from msgspec.structs import replace

from pipeline.api.outcome import RequestState, Row
from pipeline.settling.assigning import Claimant, Rows, assign
from pipeline.settling.attempts import Attempt, Doubt, Expected, Key, Known, KnownAttempt
from pipeline.settling.bodies import Bodies, Body, body_of
from pipeline.settling.inputs import Signs, contradicts, of_row

SKEW = 120.0
"""Seconds by which the provider's clock and this machine's may differ."""

Span = tuple[float, float]
"""From when to when a list was read whole, in Unix seconds."""

_ALWAYS: Sequence[Span] = ((-math.inf, math.inf),)
_COMPLETED, _PENDING, _FAILED = range(3)
_KINDS = {RequestState.DONE: _COMPLETED, RequestState.FAILED: _FAILED}
_FITTING = {
    Expected.DONE: (_COMPLETED, _PENDING),  # a list that lags says of what is here that it waits
    Expected.FAILED: (_FAILED,),
    Expected.IN_FLIGHT: (_PENDING, _COMPLETED, _FAILED),
    Expected.ANY: (_COMPLETED, _PENDING, _FAILED),
}
_Group = tuple[str, Body, Signs]
A = TypeVar("A", bound=Attempt)


def explain(
    doubts: Iterable[Doubt],
    known: Known,
    rows: Iterable[Row],
    *,
    whole: Sequence[Span] = _ALWAYS,
) -> dict[Key, Row]:
    """Return the row that explains each doubt, by the key of the doubt, where one does.

    `whole` is when the list can be relied on to show every request. The order of doubts, of what is
    known and of rows of different ids changes nothing; of rows of one id the first with a media
    address counts.
    """
    distinct = {doubt.key: doubt for doubt in doubts}
    table = _Table(list(distinct.values()), known, merged(rows))
    table.by_id()
    table.by_time(whole)
    return table.found


def pair(attempts: Iterable[KnownAttempt], rows: Iterable[Row]) -> dict[Key, Row]:
    """Return the row of each attempt, by its key, where one can be its own: by id, then by time."""
    known = Known(attempts=tuple(attempts))
    table = _Table([], known, merged(rows), audit=True)
    table.by_id()
    table.by_time(_ALWAYS)
    return table.taken


def merged(rows: Iterable[Row]) -> dict[str, Row]:
    """Make one row of those of one id: a request with several outputs has a row for each.

    The first with a media address counts; what it does not say is taken from the others.
    """
    by_id: dict[str, Row] = {}
    for row in rows:
        if row.id:
            before = by_id.get(row.id)
            by_id[row.id] = row if before is None else _joined(before, row)
    return by_id


def _joined(first: Row, other: Row) -> Row:
    if _worth(other) < _worth(first):
        first, other = other, first
    times = [row.created for row in (first, other) if row.created is not None]
    return replace(
        first,
        model=first.model or other.model,
        sent=other.sent if first.sent is None else first.sent,
        created=min(times, default=None),
    )


def _worth(row: Row) -> tuple[bool, int]:
    return row.progress.media is None, _kind(row)


def _kind(row: Row) -> int:
    return _KINDS.get(row.progress.state, _PENDING)


class Certainty:
    """Knows when older rows of the list could change nothing that matters for some doubts.

    It is so where each is explained, by its own request id or by a row that is COMPLETED while no
    other attempt that is known can have had that row.
    """

    def __init__(self, doubts: Sequence[Doubt], known: Known) -> None:
        self._doubts = doubts
        related = Related(doubts)
        self._crowded = {attempt.model for attempt in known.attempts if related.to(attempt)}
        self._is_possible = not any(d.model in self._crowded and not d.request_id for d in doubts)

    def is_reached(self, explained: Callable[[], Mapping[Key, Row]]) -> bool:
        """Whether it is so; `explained` matches what was read so far, and takes its time."""
        if not self._is_possible:
            return False
        found = explained()
        return all(self._is_certain(doubt, found.get(doubt.key)) for doubt in self._doubts)

    def _is_certain(self, doubt: Doubt, row: Row | None) -> bool:
        if row is None or row.id == doubt.request_id:
            return row is not None
        return _kind(row) is _COMPLETED and doubt.model not in self._crowded


class Related:
    """Knows which attempts can have had the row of one of these doubts."""

    def __init__(self, doubts: Iterable[Doubt]) -> None:
        bodies: dict[str, list[Body]] = {}
        for doubt in doubts:
            if (body := body_of(doubt.params)) is not None:
                bodies.setdefault(doubt.model, []).append(body)
        self._by_model = {model: Bodies(found) for model, found in bodies.items()}

    def to(self, attempt: Attempt) -> bool:
        """Whether its row could be one of theirs, by model and parameters."""
        bodies = self._by_model.get(attempt.model)
        body = body_of(attempt.params) if bodies is not None else None
        return bodies is not None and body is not None and bodies.related(body)


class Interest:
    """Knows which rows can matter for doubts and what is known: most of a long list cannot."""

    def __init__(self, doubts: Sequence[Doubt], known: Known) -> None:
        attempts = [*doubts, *known.attempts]
        self._ids = {attempt.request_id for attempt in attempts}
        self._by_model = {
            model: Bodies(body for other, body, _ in _grouped(attempts) if other == model)
            for model in {attempt.model for attempt in attempts}
        }

    def has(self, row: Row) -> bool:
        """Whether a row can be of one of them, by its id, or by its model and parameters."""
        bodies = self._by_model.get(row.model)
        if bodies is None or row.id in self._ids:
            return row.id in self._ids
        if row.sent is None:  # another row of the same id may say it
            return True
        sent = body_of(row.sent)
        return sent is not None and bool(bodies.within(sent))


class _Table:
    """Doubts, what is known, and the rows that are left. Groups have one model and one body."""

    def __init__(
        self,
        doubts: list[Doubt],
        known: Known,
        rows: dict[str, Row],
        *,
        audit: bool = False,
    ) -> None:
        """`audit` is about what is known itself, not about doubts."""
        self.found: dict[Key, Row] = {}
        self.taken: dict[Key, Row] = {}  # by what is known
        self._is_audit = audit
        self._rows = {name: row for name, row in rows.items() if name not in known.ids}
        self._doubts = _grouped(doubts)
        self._unreadable = [doubt for doubt in doubts if body_of(doubt.params) is None]
        related, keys = Related(doubts), {doubt.key for doubt in doubts}
        self._attempts = [a for a in known.attempts if a.key not in keys]
        others = [a for a in self._attempts if audit or related.to(a)]
        self._known = _grouped(a for a in others if a.request_id not in rows)
        self._all = _grouped([*doubts, *others])

    def by_id(self) -> None:
        """Give away the rows whose id an attempt has."""
        for attempt in self._attempts:
            if (row := self._rows.pop(attempt.request_id or "", None)) is not None:
                self.taken[attempt.key] = row
        for group, doubts in self._doubts.items():
            self._doubts[group] = [doubt for doubt in doubts if not self._has_own(doubt, group[1])]
        for doubt in self._unreadable:
            self._has_own(doubt, ())

    def _has_own(self, doubt: Doubt, body: Body) -> bool:
        """Explain a doubt by its own request id, unless that row says that it is another's."""
        row = self._rows.get(doubt.request_id or "")
        if row is None or row.model not in {"", doubt.model}:
            return False
        if row.sent is not None and not set(body_of(row.sent) or ()).issuperset(body):
            return False
        if row.sent is not None and contradicts(row.sent, doubt.inputs):
            return False
        self.found[doubt.key] = self._rows.pop(row.id)
        return True

    def by_time(self, whole: Sequence[Span]) -> None:
        """Give the other rows away: to what is known first, then to doubts."""
        names = self._sorted_rows()
        for group in self._all:
            self._give_known(group, names.get(group, []), whole)
        for group, doubts in self._doubts.items():
            wanting = [(d, who) for d in doubts if (who := _of_doubt(d, whole)) is not None]
            given = self._assign([who for _, who in wanting], names.get(group, []))
            for index, row in given.items():
                self.found[wanting[index][0].key] = row

    def _give_known(self, group: _Group, names: list[str], whole: Sequence[Span]) -> None:
        """Give to what is known the rows that can be its own, before a doubt gets any."""
        wanting = [
            (attempt, who)
            for attempt in self._known.get(group, [])
            if (who := _of_known(attempt)) is not None
        ]
        # Of those that were sent before what was read, the own rows may not be there.
        listed = [one for one in wanting if _is_listed(one[0], whole)]
        attempts = [] if self._is_audit else self._all[group]
        earlier = [who for a in attempts for who in _earlier(a, len(names))]
        given = self._assign([*(who for _, who in listed), *earlier], names)
        missing = [one for index, one in enumerate(listed) if index not in given]
        for index, row in given.items():
            if index < len(listed):
                self.taken[listed[index][0].key] = row
        if self._is_audit:
            return
        others = [who for attempt, who in wanting if not _is_listed(attempt, whole)]
        self._assign(others, names, exchange=False)
        # One whose row should be there, and is not at its time: the clocks differ by more.
        late = [replace(who, until=math.inf) for a, who in missing if _is_due(a, whole)]
        # Any of those may be the one that has failed, whatever row it was given.
        perhaps = [
            replace(who, kinds=_FITTING[Expected.FAILED])
            for attempt, who in wanting
            if attempt.expected in {Expected.IN_FLIGHT, Expected.ANY}
        ]
        self._assign([*late, *perhaps], names)

    def _assign(
        self, claimants: list[Claimant], names: list[str], *, exchange: bool = True
    ) -> dict[int, Row]:
        if not claimants:
            return {}
        rows = [self._rows[name] for name in names if name in self._rows]
        timed = [
            (_kind(row), (row.created, row.id))
            for row in rows
            if row.created is not None and math.isfinite(row.created)
        ]
        given = assign(claimants, Rows.of(timed), exchange=exchange)
        return {index: self._rows.pop(name) for index, name in given.items()}

    def _sorted_rows(self) -> dict[_Group, list[str]]:
        """List the rows that each group can have, by model and parameters."""
        bodies: dict[str, list[Body]] = {}
        inputs: dict[tuple[str, Body], list[Signs]] = {}
        for model, body, signs in self._all:
            bodies.setdefault(model, []).append(body)
            inputs.setdefault((model, body), []).append(signs)
        by_model = {model: Bodies(found) for model, found in bodies.items()}
        names: dict[_Group, list[str]] = {}
        for name, row in sorted(self._rows.items()):
            sent = body_of(row.sent) if row.sent is not None and row.model in by_model else None
            within = by_model[row.model].within(sent) if sent is not None else []
            candidates = [signs for body in within for signs in inputs[row.model, body]]
            possible = of_row(row.sent or {}, candidates) if any(candidates) else candidates
            for body in within:
                for signs in set(inputs[row.model, body]).intersection(possible):
                    names.setdefault((row.model, body, signs), []).append(name)
        return names


def _grouped(attempts: Iterable[A]) -> dict[_Group, list[A]]:
    groups: dict[_Group, list[A]] = {}
    for attempt in sorted(attempts, key=lambda a: (a.started_at, a.task)):
        if (body := body_of(attempt.params)) is not None:
            groups.setdefault((attempt.model, body, attempt.inputs), []).append(attempt)
    # What says most of itself goes first: its row may also have all that another one has sent.
    return dict(sorted(groups.items(), key=lambda item: _most_said(item[0])))


def _most_said(group: _Group) -> tuple[object, ...]:
    model, body, inputs = group
    return -len(body), -len(inputs), model, body, sorted(inputs)


def _of_doubt(doubt: Doubt, whole: Sequence[Span]) -> Claimant | None:
    began = doubt.began
    if began is None:
        return None
    # That one has failed and was not charged is concluded from a whole list only.
    kinds = _FITTING[Expected.ANY if _is_listed(doubt, whole) else Expected.DONE]
    return Claimant(began, began - SKEW, math.inf, kinds)


def _of_known(attempt: KnownAttempt) -> Claimant | None:
    began = attempt.began
    if began is None:
        return None
    ended = math.inf if attempt.ended is None else max(attempt.ended, began)
    sure = attempt.expected in {Expected.DONE, Expected.FAILED}
    return Claimant(began, began - SKEW, ended + SKEW, _FITTING[attempt.expected], sure)


def _earlier(attempt: Attempt, most: int) -> list[Claimant]:
    """Take what was sent for the same task before: nothing is known of it but that it failed."""
    began = attempt.began
    if began is None:
        return []
    before = Claimant(began, -math.inf, began + SKEW, _FITTING[Expected.FAILED], sure=False)
    return [before] * min(attempt.attempt - 1, most)


def _is_listed(attempt: Attempt, whole: Sequence[Span]) -> bool:
    """Whether the list was read where the row of an attempt begins to be possible."""
    began = attempt.began
    return began is not None and any(
        since <= began - SKEW and began <= until for since, until in whole
    )


def _is_due(attempt: KnownAttempt, whole: Sequence[Span]) -> bool:
    """Whether the list must show a success, by its times: it is older than what may lag."""
    began, ended = attempt.began, attempt.ended
    if attempt.expected is not Expected.DONE or began is None or ended is None:
        return False
    return any(since <= began - SKEW and ended <= until for since, until in whole)
