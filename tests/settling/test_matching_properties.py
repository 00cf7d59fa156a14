"""What matching promises, over all worlds that hypothesis can think of.

A world knows which request each attempt has really made; the list shows them, some late, some not.
"""

import itertools
import os
import random
from dataclasses import dataclass, replace
from typing import Any

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from msgspec import structs

from pipeline.api.outcome import Progress, RequestState, Row
from pipeline.models import rfc3339
from pipeline.settling.attempts import Doubt, Expected, Known, KnownAttempt
from pipeline.settling.matching import SKEW, explain, pair

T0 = 1_795_694_400.0
DONE, WAITING, FAILED = RequestState.DONE, RequestState.WAITING, RequestState.FAILED
SEARCH = settings(
    max_examples=int(os.environ.get("MATCHING_EXAMPLES", "60")),
    deadline=None,
    suppress_health_check=list(HealthCheck),
    print_blob=True,
)

BODIES: list[dict[str, Any]] = [
    {"prompt": "a"},
    {"prompt": "a", "loop": False},
    {"prompt": "a", "loop": True},
    {"prompt": "b"},
]


@dataclass(frozen=True)
class Truth:
    """One attempt as it was: what this machine knows of it, and its request, if there was one."""

    attempt: Doubt | KnownAttempt
    row: Row | None
    earlier: tuple[Row, ...] = ()

    @property
    def is_doubt(self) -> bool:
        return isinstance(self.attempt, Doubt)


numbers = itertools.count()


@st.composite
def truths(draw: st.DrawFn, *, bodies: list[dict[str, Any]], listed: bool) -> Truth:
    number = next(numbers)
    began = T0 + draw(st.integers(0, 600))
    took = draw(st.integers(0, 100))
    kind = draw(st.sampled_from(["doubt", "doubt", "done", "failed", "in flight"]))
    states = {
        "doubt": [DONE, WAITING, FAILED],
        "done": [DONE],
        "failed": [FAILED],
        "in flight": [DONE, WAITING, FAILED],
    }[kind]
    body = draw(st.sampled_from(bodies))
    has_id = draw(st.booleans())
    # The clocks differ by two minutes at most, and a row is made while its request is under way.
    at = began + draw(st.integers(-int(SKEW), took + int(SKEW)))
    there = draw(st.booleans()) if kind in {"doubt", "in flight"} or not listed else True
    row = _row(f"r{number}", body, at, draw(st.sampled_from(states))) if there else None
    times = draw(st.lists(st.integers(-300, 0), max_size=2))
    seen = [draw(st.booleans()) for _ in times]
    earlier = tuple(
        _row(f"e{number}.{n}", body, began + dt, FAILED)
        for n, (dt, shown) in enumerate(zip(times, seen, strict=True))
        if shown
    )
    fields: dict[str, Any] = {
        "task": f"t{number}",
        "started_at": rfc3339(began),
        "model": "luma",
        "params": body,
        "request_id": row.id if row and has_id else f"other-{number}" if has_id else None,
        "attempt": 1 + len(times),
    }
    if kind == "doubt":
        return Truth(Doubt(**fields), row, earlier)
    expected = {"done": Expected.DONE, "failed": Expected.FAILED, "in flight": Expected.IN_FLIGHT}
    ended = None if kind == "in flight" else began + took
    return Truth(KnownAttempt(**fields, ended=ended, expected=expected[kind]), row, earlier)


def _row(name: str, body: dict[str, Any], at: float, state: RequestState) -> Row:
    return Row(id=name, model="luma", sent=body, created=at, progress=Progress(state=state))


def worlds(*, bodies: list[dict[str, Any]], listed: bool = False) -> st.SearchStrategy[list[Truth]]:
    return st.lists(truths(bodies=bodies, listed=listed), max_size=12)


def explained(world: list[Truth], shuffle: random.Random | None = None) -> dict[Any, Row]:
    doubts = [t.attempt for t in world if isinstance(t.attempt, Doubt)]
    attempts = [t.attempt for t in world if isinstance(t.attempt, KnownAttempt)]
    rows = [row for t in world for row in (*t.earlier, t.row) if row is not None]
    ids = frozenset(a.request_id for a in attempts if a.request_id)
    if shuffle:
        for each in (doubts, attempts, rows):
            shuffle.shuffle(each)
    return explain(doubts, Known(attempts=tuple(attempts), ids=ids), rows)


@SEARCH
@given(worlds(bodies=BODIES))
def test_one_row_explains_one_doubt_of_its_model_and_parameters(world: list[Truth]) -> None:
    found = explained(world)
    doubts = {t.attempt.key: t.attempt for t in world if t.is_doubt}
    assert found.keys() <= doubts.keys()
    assert len({row.id for row in found.values()}) == len(found)
    for key, row in found.items():
        began = doubts[key].began
        assert row.sent is not None
        assert row.created is not None
        assert began is not None
        assert row.sent.items() >= doubts[key].params.items()
        assert row.id == doubts[key].request_id or row.created >= began - SKEW


@SEARCH
@given(worlds(bodies=BODIES), st.randoms(use_true_random=False))
def test_the_order_changes_nothing(world: list[Truth], shuffle: random.Random) -> None:
    assert explained(world) == explained(world, shuffle)


@SEARCH
@given(worlds(bodies=BODIES))
def test_an_id_that_another_attempt_has_explains_no_doubt(world: list[Truth]) -> None:
    others = {t.attempt.request_id for t in world if not t.is_doubt}
    assert not others & {row.id for row in explained(world).values()}


@SEARCH
@given(worlds(bodies=BODIES[:1], listed=True))
def test_no_more_doubts_are_explained_than_requests_were_theirs(world: list[Truth]) -> None:
    """So none is explained by the request of a success, of a failure, or of one in flight."""
    theirs = sum(t.is_doubt and t.row is not None for t in world)
    assert len(explained(world)) <= theirs


@SEARCH
@given(worlds(bodies=BODIES[:1], listed=True))
def test_no_more_doubts_are_called_free_than_requests_of_theirs_failed(world: list[Truth]) -> None:
    """So a doubt that was charged stays one, whoever else has failed, earlier or now."""
    theirs = sum(t.is_doubt and _has_failed(t.row) for t in world)
    assert sum(map(_has_failed, explained(world).values())) <= theirs


def _has_failed(row: Row | None) -> bool:
    return row is not None and row.progress.state is FAILED


@SEARCH
@given(worlds(bodies=BODIES))
def test_every_doubt_that_stands_alone_is_explained_by_its_request(world: list[Truth]) -> None:
    for truth in world:
        if truth.row is None or not truth.is_doubt or truth.earlier:
            continue
        alone = replace(truth, attempt=structs.replace(truth.attempt, attempt=1))
        assert list(explained([alone]).values()) == [truth.row]


@SEARCH
@given(worlds(bodies=BODIES[:1], listed=True))
def test_more_rows_of_others_never_make_two_doubts_share_one(world: list[Truth]) -> None:
    twice = [replace(t, earlier=(*t.earlier, *t.earlier)) for t in world]
    assert explained(twice) == explained(world)


@SEARCH
@given(worlds(bodies=BODIES, listed=True))
def test_every_attempt_has_its_own_row_where_the_ids_say_so(world: list[Truth]) -> None:
    known = [
        structs.replace(t.attempt, request_id=t.row.id)
        for t in world
        if isinstance(t.attempt, KnownAttempt) and t.row is not None
    ]
    rows = [row for t in world for row in (*t.earlier, t.row) if row is not None]
    paired = pair(known, rows)
    assert {key: row.id for key, row in paired.items()} == {a.key: a.request_id for a in known}


def _known(number: int, began: float, ended: float | None, created: float | None) -> Truth:
    """Make a success, or one in flight, and its request."""
    attempt = KnownAttempt(
        task=f"t{number}",
        started_at=rfc3339(T0 + began),
        model="luma",
        params=BODIES[0],
        ended=None if ended is None else T0 + ended,
        expected=Expected.IN_FLIGHT if ended is None else Expected.DONE,
    )
    made = None if created is None else _row(f"r{number}", BODIES[0], T0 + created, DONE)
    return Truth(attempt, made)


# The one in flight has no row; either row is near enough for it, and only one is for the first.
AS_MANY_WITHOUT_ONE_OF_THEM = [
    _known(1, began=0, ended=0, created=1),
    _known(2, began=1, ended=25, created=145),
    _known(3, began=20, ended=None, created=None),
]


@example(AS_MANY_WITHOUT_ONE_OF_THEM)
@SEARCH
@given(worlds(bodies=BODIES[:1], listed=True))
def test_every_success_and_failure_has_a_row_where_the_list_has_all(world: list[Truth]) -> None:
    known = [
        structs.replace(t.attempt, request_id=None)
        for t in world
        if isinstance(t.attempt, KnownAttempt)
    ]
    rows = [row for t in world for row in (*t.earlier, t.row) if row is not None]
    paired = pair(known, rows)
    ended = [a for a in known if a.expected is not Expected.IN_FLIGHT]
    assert {attempt.key for attempt in ended} <= paired.keys()
    assert len({row.id for row in paired.values()}) == len(paired)
