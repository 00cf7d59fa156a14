"""The wait for a top-up, told the time."""

from pipeline.money.topup import TopUp


def test_nothing_is_awaited_at_first() -> None:
    wait = TopUp()
    assert not wait.awaited
    assert wait.waits(0.0) is None


def test_looks_come_after_waits_that_double_up_to_five_minutes() -> None:
    wait, now, waits = TopUp(), 0.0, []
    for _ in range(9):
        assert wait.wait_on(now)
        seconds = wait.waits(now)
        assert seconds is not None
        waits.append(seconds)
        now += seconds
        assert wait.waits(now) is None
    assert waits == [5, 10, 20, 40, 80, 160, 300, 300, 300]


def test_it_gives_up_when_the_patience_is_at_its_end_and_not_later() -> None:
    wait, now = TopUp(patience=100.0), 0.0
    while wait.wait_on(now):
        now += wait.waits(now) or 0.0
    assert now == 100.0


def test_without_patience_it_does_not_wait() -> None:
    assert not TopUp(patience=0.0).wait_on(5.0)


def test_a_paid_request_ends_it_and_the_next_wait_begins_anew() -> None:
    wait = TopUp(patience=60.0)
    for now in (0.0, 5.0, 15.0):
        wait.wait_on(now)
    wait.over()
    assert not wait.awaited
    assert wait.waits(16.0) is None
    assert wait.wait_on(1000.0)
    assert wait.waits(1000.0) == 5


def test_a_burst_of_refusals_is_one_reason_to_wait() -> None:
    wait = TopUp()
    for _ in range(8):
        assert wait.wait_on(0.0)
    assert wait.waits(0.0) == 5
