"""Which rows of the provider's list explain which doubts."""

from decimal import Decimal
from typing import Any

import pytest

from pipeline.api.outcome import Progress, RequestState, Row
from pipeline.ledger.records import written
from pipeline.models import rfc3339
from pipeline.settling.attempts import Doubt, Expected, Known, KnownAttempt
from pipeline.settling.matching import SKEW, explain

T0 = 1_795_694_400.0
DONE, WAITING, FAILED = RequestState.DONE, RequestState.WAITING, RequestState.FAILED
PARAMS = {"prompt": "a lighthouse", "loop": False}


def doubt(task: str = "a", at: float = 0.0, **more: Any) -> Doubt:
    return Doubt(
        **{
            "task": task,
            "started_at": rfc3339(T0 + at),
            "model": "luma",
            "params": PARAMS,
            "at_risk": Decimal("0.95"),
            **more,
        }
    )


def known(
    task: str, at: float, expected: Expected = Expected.DONE, took: float | None = 60.0, **more: Any
) -> KnownAttempt:
    ended = None if took is None else T0 + at + took
    return KnownAttempt(
        **{
            "task": task,
            "started_at": rfc3339(T0 + at),
            "model": "luma",
            "params": PARAMS,
            "ended": ended,
            "expected": expected,
            **more,
        }
    )


def row(name: str, at: float | None = 1.0, state: RequestState = DONE, **more: Any) -> Row:
    media = f"https://media.test/{name}.mp4" if state is DONE else None
    return Row(
        **{
            "id": name,
            "model": "luma",
            "sent": PARAMS,
            "created": None if at is None else T0 + at,
            "progress": Progress(state=state, media=media),
            **more,
        }
    )


def found(doubts: list[Doubt], rows: list[Row], *attempts: KnownAttempt, **more: Any) -> Any:
    explained = explain(doubts, Known(attempts=attempts, **more), rows)
    return {task: row.id for (task, _), row in explained.items()}


def test_a_row_with_the_same_model_and_parameters_explains_a_doubt() -> None:
    assert found([doubt()], [row("r")]) == {"a": "r"}


@pytest.mark.parametrize(
    "other",
    [
        {"model": "luma-ray"},
        {"model": "lum"},
        {"model": "Luma"},
        {"model": ""},
        {"created": T0 - SKEW - 1},
        {"sent": None},
        {"sent": {"prompt": "a lighthouse"}},
        {"sent": {**PARAMS, "prompt": "a lighthouse "}},
        {"sent": {**PARAMS, "loop": 0}},
        {"sent": {**PARAMS, "loop": "False"}},
        {"sent": {**PARAMS, "loop": None}},
        {"created": None},
        {"created": float("nan")},
        {"sent": {**PARAMS, 1: 2, "prompt": {3: 4}}},
    ],
    ids=repr,
)
def test_a_row_that_differs_explains_nothing(other: dict[str, Any]) -> None:
    assert found([doubt()], [row("r", **other)]) == {}


@pytest.mark.parametrize(
    ("sent", "listed"),
    [
        (1, 1.0),
        (1.0, 1),
        (10**20, 1e20),
        ([1, 2], (1.0, 2)),
        ({"x": [1]}, {"x": [1.0]}),
        (None, None),
        ("é", "é"),
        ("x" * 100_000, "x" * 100_000),
        (list(range(50_000)), list(range(50_000))),
    ],
    ids=lambda value: repr(value)[:20],
)
def test_equal_values_are_equal_however_they_are_written(sent: Any, listed: Any) -> None:
    recorded = written({"prompt": sent})
    assert found([doubt(params=recorded)], [row("r", sent={"prompt": listed, "more": 1})])


@pytest.mark.parametrize(
    ("sent", "listed"), [(True, 1), (1, True), (0, False), ("1", 1), ("\u00e9", "e\u0301")]
)
def test_values_of_other_types_are_not_equal(sent: Any, listed: Any) -> None:
    assert not found([doubt(params={"x": sent})], [row("r", sent={"x": listed})])


def test_its_own_request_id_comes_before_every_other_row() -> None:
    rows = [row("near", 0.0), row("own", 5000.0, FAILED)]
    assert found([doubt(request_id="own")], rows) == {"a": "own"}


def test_a_row_without_a_time_explains_only_by_its_id() -> None:
    assert found([doubt(request_id="own")], [row("own", None)]) == {"a": "own"}


def test_completed_comes_before_pending_before_failed() -> None:
    rows = [row("failed", 0.0, FAILED), row("pending", 1.0, WAITING), row("done", 500.0)]
    assert found([doubt()], rows) == {"a": "done"}
    assert found([doubt()], rows[:2]) == {"a": "pending"}
    assert found([doubt()], rows[:1]) == {"a": "failed"}


def test_the_closest_in_time_comes_first() -> None:
    assert found([doubt()], [row("far", 90.0), row("near", 4.0), row("before", -20.0)]) == {
        "a": "near"
    }


def test_two_doubts_and_one_row_leave_one_in_doubt() -> None:
    assert found([doubt("a"), doubt("b", 10.0)], [row("r", 9.0)]) == {"b": "r"}


def test_equal_takes_share_the_rows_one_each() -> None:
    explained = found([doubt("a"), doubt("b"), doubt("c", 2.0)], [row("x"), row("y"), row("z")])
    assert sorted(explained.values()) == ["x", "y", "z"]


def test_a_row_is_given_to_whom_no_other_row_fits() -> None:
    rows = [row("early", -100.0), row("late", 5.0)]
    assert len(found([doubt("a"), doubt("b", 60.0)], rows)) == 2


def test_several_rows_of_one_id_are_one_request() -> None:
    twice = [row("r", progress=Progress(state=DONE)), row("r"), row("r", 2.0)]
    explained = explain([doubt("a"), doubt("b")], Known(), twice)
    assert [each.progress.media for each in explained.values()] == ["https://media.test/r.mp4"]


def test_the_row_of_a_known_success_explains_no_doubt() -> None:
    assert found([doubt("a", 1.0)], [row("r")], known("b", 0.0)) == {}
    assert found([doubt("a", 1.0)], [row("r"), row("s", 2.0)], known("b", 0.0)) == {"a": "s"}


def test_a_success_takes_its_row_by_id_however_far_it_is() -> None:
    rows = [row("own", 3000.0), row("other", 1.0)]
    assert found([doubt()], rows, known("b", 0.0, request_id="own")) == {"a": "other"}


def test_an_id_of_a_record_explains_no_doubt() -> None:
    assert found([doubt()], [row("r")], ids=frozenset({"r"})) == {}
    assert found([doubt(request_id="r")], [row("r")], ids=frozenset({"r"})) == {}


def test_a_success_of_another_day_takes_no_row_of_today() -> None:
    day_before = known("b", -86400.0)
    whole = ((T0 - SKEW, T0 + 100),)
    assert explain([doubt()], Known(attempts=(day_before,)), [row("r")], whole=whole)


def test_a_success_whose_row_is_late_by_another_clock_still_takes_it() -> None:
    """The provider's clock is ten minutes ahead: what is listed is the success."""
    assert found([doubt("a", 30.0)], [row("r", 600.0)], known("b", 0.0)) == {}


def test_what_is_in_flight_takes_a_row_of_any_state() -> None:
    for state in (DONE, WAITING, FAILED):
        flying = known("b", 0.5, Expected.ANY, took=None)
        assert found([doubt()], [row("r", 1.0, state)], flying) == {}


def test_a_success_takes_no_failed_row_and_a_failure_no_completed_one() -> None:
    assert found([doubt()], [row("r", 1.0, FAILED)], known("b", 0.0)) == {"a": "r"}
    assert found([doubt()], [row("r")], known("b", 0.0, Expected.FAILED)) == {"a": "r"}
    assert found([doubt()], [row("r", 1.0, FAILED)], known("b", 0.0, Expected.FAILED)) == {}


def test_a_failed_row_may_be_of_an_earlier_attempt() -> None:
    first, second = row("first", -1.0, FAILED), row("second", 1.0, FAILED)
    assert found([doubt(attempt=2)], [first]) == {}
    assert found([doubt(attempt=2)], [second]) == {}  # the clocks may differ by a second
    assert found([doubt(attempt=2)], [first, second])
    assert found([doubt(attempt=2)], [first, row("done", 1.0)]) == {"a": "done"}
    assert found([doubt(attempt=2)], [row("late", SKEW + 1, FAILED)]) == {"a": "late"}


def test_a_number_of_attempts_from_a_forged_record_costs_no_memory() -> None:
    assert found([doubt(attempt=10**15)], [row("r", 1.0, FAILED)]) == {}


def test_earlier_attempts_of_a_success_take_failed_rows() -> None:
    assert found([doubt()], [row("r", 1.0, FAILED)], known("b", 50.0, attempt=2)) == {}


def test_a_failed_row_settles_nothing_while_the_list_was_not_read_whole() -> None:
    rows = [row("r", 1.0, FAILED)]
    assert explain([doubt()], Known(), rows, whole=[(T0, T0 + 100)]) == {}
    assert explain([doubt()], Known(), rows, whole=[(T0 - SKEW, T0 + 100)])


def test_what_shows_more_parameters_may_still_be_a_success_that_sent_fewer() -> None:
    """The list shows a default that the success did not send."""
    fewer = known("b", 0.0, params={"prompt": "a lighthouse"})
    assert found([doubt()], [row("r")], fewer) == {}


def test_the_row_of_a_success_that_sent_more_is_not_a_doubt_s_that_sent_less() -> None:
    more = known("b", 0.0, params={**PARAMS, "seed": 7})
    less = doubt()
    rows = [row("r", sent={**PARAMS, "seed": 7})]
    assert found([less], rows, more) == {}
    assert found([less], [*rows, row("s")], more) == {"a": "s"}


def test_the_doubt_that_sent_more_gets_the_row_that_has_more() -> None:
    more = doubt("b", params={**PARAMS, "seed": 7})
    rows = [row("r", sent={**PARAMS, "seed": 7}), row("s")]
    assert found([doubt(), more], rows) == {"a": "s", "b": "r"}


def test_parameters_of_endless_depth_explain_nothing() -> None:
    deep: Any = "x"
    for _ in range(100_000):
        deep = [deep]
    assert found([doubt()], [row("r", sent={**PARAMS, "x": deep})]) == {}


def test_what_was_sent_before_the_list_begins_takes_a_row_that_is_free() -> None:
    since_now = [(T0 - SKEW, T0 + 100)]
    before = Known(attempts=(known("b", -150.0),))
    assert explain([doubt()], before, [row("r", -20.0)], whole=since_now) == {}
    both = explain([doubt()], before, [row("r", -20.0), row("s", 1.0)], whole=since_now)
    assert [each.id for each in both.values()] == ["s"]


def test_what_is_in_flight_may_be_what_has_failed() -> None:
    flying = known("b", 0.5, Expected.IN_FLIGHT, took=None)
    rows = [row("pending", 1.0, WAITING), row("failed", 1.0, FAILED)]
    assert found([doubt()], rows, flying) == {}
    assert found([doubt()], [*rows, row("other", 2.0, FAILED)], flying) == {"a": "other"}


def test_what_is_in_flight_is_most_likely_not_done() -> None:
    flying = known("b", 0.5, Expected.IN_FLIGHT, took=None)
    rows = [row("pending", 1.0, WAITING), row("done", 1.0)]
    assert found([doubt()], rows, flying) == {"a": "done"}


def test_a_success_may_still_be_listed_as_pending() -> None:
    assert found([doubt()], [row("r", 1.0, WAITING)], known("b", 0.0)) == {}


def test_its_own_id_under_another_model_or_body_is_another_request() -> None:
    mine = doubt(request_id="own")
    for other in ({"model": "kling"}, {"sent": {"prompt": "something else"}}):
        assert found([mine], [row("own", **other), row("r")]) == {"a": "r"}
    assert found([mine], [row("own", sent=None)]) == {"a": "own"}


def test_a_doubt_without_parameters_is_explained_by_any_row_of_its_model() -> None:
    assert found([doubt(params={})], [row("r"), row("s", model="kling")]) == {"a": "r"}
