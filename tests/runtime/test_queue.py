"""The tasks that are left, in the order of dispatch."""

from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.api.outcome import Outcome
from pipeline.ledger.history import TaskState
from pipeline.models import Task, fingerprint
from pipeline.money.price_class import price_class
from pipeline.runtime.lifecycle import Attempt, Stage
from pipeline.runtime.queue import Backlog, Queue


def task(name: str, priority: int = 0, **params: Any) -> Task:
    told = {"prompt": name, **params}
    return Task(
        id=name,
        model="m",
        params=told,
        fingerprint=fingerprint("m", told),
        output=name,
        priority=priority,
    )


def filled(*tasks: Task, limit: int | None = None) -> Queue:
    backlog, classes = Backlog(), Counter[str]()
    for one in tasks:
        backlog.add(one)
        classes[price_class(one)] += 1
    backlog.seal(limit)
    return Queue(backlog, classes)


@pytest.fixture
def queue() -> Iterator[Queue]:
    queue = filled(*(task(name) for name in "abcd"))
    with closing(queue.backlog):
        yield queue


def take(queue: Queue, now: float = 0.0, *, fresh: bool = False) -> Attempt:
    attempt = queue.head(now, fresh=fresh)
    assert attempt is not None
    queue.take(attempt)
    return attempt


def answered(queue: Queue, now: float = 0.0, *, fresh: bool = False) -> Attempt:
    """Take a task, and have it sent and answered."""
    attempt = take(queue, now, fresh=fresh)
    for stage in (Stage.RESERVED, Stage.CLAIMED, Stage.SENT, Stage.ANSWERED):
        attempt.to(stage)
    return attempt


def order(queue: Queue, now: float = 0.0) -> str:
    names = ""
    while (attempt := queue.head(now)) is not None:
        queue.take(attempt)
        names += attempt.task.id
    return names


def test_tasks_come_in_the_order_of_the_file(queue: Queue) -> None:
    assert order(queue) == "abcd"
    assert len(queue) == 0


def test_higher_priorities_come_first_and_equals_keep_their_order() -> None:
    queue = filled(task("a"), task("b", 2), task("c", -1), task("d", 2), task("e"))
    with closing(queue.backlog):
        assert order(queue) == "bdaec"


@given(st.lists(st.integers(-3, 3)), st.none() | st.integers(1, 5))
def test_any_priorities_and_any_limit_keep_the_order(
    priorities: list[int], limit: int | None
) -> None:
    tasks = [task(str(place), priority) for place, priority in enumerate(priorities)]
    queue = filled(*tasks, limit=limit)
    expected = sorted(tasks, key=lambda one: -one.priority)[:limit]
    with closing(queue.backlog):
        assert queue.backlog.classes() == Counter(map(price_class, expected))
        assert len(queue) == len(expected)
        found = [take(queue).task for _ in expected]
    assert found == expected
    assert queue.head(0.0) is None


def test_a_task_comes_back_from_disk_as_it_was() -> None:
    one = task("ä", params={"nested": [1, 2.5, None, True, "\n"]}, big=10**30)
    backlog = Backlog()
    with closing(backlog):
        backlog.add(one, TaskState.CHANGED)
        backlog.seal()
        attempt = backlog.pop()
    assert attempt is not None
    assert attempt.task.id == "ä"
    assert attempt.task.params["params"] == {"nested": [1, 2.5, None, True, "\n"]}
    assert attempt.origin is TaskState.CHANGED


def test_looking_at_the_next_task_takes_nothing(queue: Queue) -> None:
    assert queue.head(0.0) is queue.head(0.0)
    assert len(queue) == 4


def test_a_task_put_back_is_the_next_again(queue: Queue) -> None:
    attempt = answered(queue)
    queue.put_back(attempt)
    assert order(queue) == "abcd"


def test_a_retry_comes_when_it_is_due_and_before_the_backlog(queue: Queue) -> None:
    attempt = answered(queue)
    queue.put_later(attempt, 10.0)
    assert queue.next_due() == 10
    assert take(queue, 9.9).task.id == "b"
    assert take(queue, 10.0).task.id == "a"
    assert queue.next_due() is None


def test_a_retry_that_is_not_due_is_counted_and_not_given(queue: Queue) -> None:
    attempts = [answered(queue) for _ in range(4)]
    for attempt in attempts:
        queue.put_later(attempt, 5.0)
    assert len(queue) == queue.dispatchable == 4
    assert queue.head(4.0) is None


def test_a_probe_is_a_task_that_was_never_sent_where_there_is_one(queue: Queue) -> None:
    tried = answered(queue)
    tried.number = 1
    queue.put_later(tried, 0.0)
    assert take(queue, 1.0, fresh=True).task.id == "b"
    for _ in "cd":
        take(queue, 1.0, fresh=True)
    assert take(queue, 1.0, fresh=True).task.id == "a"


def test_a_probe_may_be_a_retry_that_is_not_due_where_nothing_else_is_left(queue: Queue) -> None:
    for _ in "abcd":
        attempt = answered(queue)
        attempt.number = 1
        queue.put_later(attempt, 100.0)
    assert queue.head(0.0) is None
    assert queue.head(0.0, fresh=True) is not None


def test_what_is_set_aside_comes_back_in_its_order(queue: Queue) -> None:
    for _ in "ab":
        attempt = queue.head(0.0)
        assert attempt is not None
        queue.set_aside(attempt)
    assert len(queue) == 4
    assert take(queue).task.id == "c"
    assert queue.restore()
    assert not queue.restore()
    assert order(queue) == "abd"


def test_what_is_parked_is_left_but_not_to_dispatch(queue: Queue) -> None:
    queue.park(answered(queue))
    assert (len(queue), queue.dispatchable) == (4, 3)


def test_classes_are_counted_as_tasks_come_and_go() -> None:
    queue = filled(task("a", size=1), task("b", size=2))
    with closing(queue.backlog):
        first, second = (answered(queue) for _ in "ab")
        assert queue.classes_left() == []
        queue.put_later(first, 1.0)
        assert queue.classes_left() == [first.price_class]
        queue.put_back(second)
        assert len(queue.classes_left()) == 2


def test_what_failed_is_noted_without_its_text(queue: Queue) -> None:
    attempt = take(queue)
    attempt.failed(Outcome(took=1.0, status=500, text="x" * 65536), "HTTP 500: x", 2.0)
    assert attempt.outcome is not None
    assert (attempt.outcome.status, attempt.outcome.text) == (500, "")
    assert attempt.error == "HTTP 500: x"
