"""Whether a request may go, as far as all runs of the account are concerned."""

from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest
from account.ledger_world import NOON, PRICE, Clock, Member, members, read, refused

from pipeline.account.telling import Pause, Posting, Terms
from pipeline.money.account import Bid, Holdings, Obstacle, Refusal, Way, without
from pipeline.money.balance import Moment

UTC = Terms(zone="UTC")


def three(folder: Path, clock: Clock, *terms: Terms) -> list[Member]:
    runs = members(folder, clock, "/a", "/b", "/c")
    for run, wanted in zip(runs, [*terms, *[Terms()] * 3], strict=False):
        run.register(wanted)
    return runs


def test_all_runs_together_keep_the_least_concurrency(folder: Path, clock: Clock) -> None:
    runs = three(folder, clock, Terms(concurrency=4), Terms(concurrency=3))
    assert [run.starts() for run in runs] == [True] * 3
    assert [refused(run.bid()) for run in runs] == [Obstacle.PLACES] * 3
    sent = Moment()
    runs[2].ends(sent)
    assert runs[0].starts()


def test_the_limits_of_a_run_that_has_left_hold_no_longer(folder: Path, clock: Clock) -> None:
    one, two, _ = three(folder, clock, Terms(concurrency=1, interval=60.0))
    one.ledger.leave(Holdings(), now=clock.now)
    assert two.starts()
    assert two.starts()
    assert two.news.interval == 0


def test_a_request_that_must_be_alone_waits_for_all_others(folder: Path, clock: Clock) -> None:
    one, two, _ = three(folder, clock)
    assert one.starts()
    assert refused(two.bid(way=Way.ALONE)) is Obstacle.ALONE
    one.ends(Moment())
    assert two.starts(way=Way.ALONE)


def test_nothing_goes_beside_a_request_that_must_be_alone(folder: Path, clock: Clock) -> None:
    one, two, three_ = three(folder, clock)
    assert one.starts(way=Way.ALONE)
    assert two.news.elsewhere.lone is False
    for way in Way:
        assert refused(two.bid(way=way)) is Obstacle.ALONE
    assert refused(three_.bid()) is Obstacle.ALONE
    assert two.news.elsewhere.lone


def test_beside_others_the_least_that_can_be_left_decides_and_alone_the_most(
    folder: Path, clock: Clock
) -> None:
    one, two, _ = three(folder, clock)
    one.tell(*read("1"))
    one.holdings = Holdings(held=Decimal("0.04"))
    one.tell()
    assert two.starts(price=PRICE, need=Decimal("0.96"))
    two.ends(Moment(), Decimal(0))
    two.holdings = Holdings()
    assert refused(two.bid(need=Decimal("0.97"))) is Obstacle.CREDITS
    assert refused(two.bid(need=Decimal("0.97"), way=Way.ALONE)) is Obstacle.CREDITS
    assert two.starts(need=Decimal(100), way=Way.UNCHECKED)


def test_where_no_balance_is_known_the_gate_has_judged(folder: Path, clock: Clock) -> None:
    one, two, _ = three(folder, clock)
    assert one.starts(need=Decimal(10**6))
    assert two.starts(need=Decimal(10**6))


def test_one_run_s_pause_is_everybody_s_until_its_time(folder: Path, clock: Clock) -> None:
    one, two, _ = three(folder, clock)
    one.tell(pause=Pause(clock.now + 30, "429 Too Many Requests"))
    one.tell(pause=Pause(clock.now + 10, "a shorter one"))
    refusal = two.bid()
    assert isinstance(refusal, Refusal)
    assert refusal[:2] == (Obstacle.PAUSE, 30)
    assert refusal.detail.endswith("asked a run of this account to wait: 429 Too Many Requests")
    clock.now += 30.1
    assert two.starts()


def test_a_pause_that_cannot_be_is_bounded_to_a_day(folder: Path, clock: Clock) -> None:
    one, *_ = three(folder, clock)
    one.tell(pause=Pause(clock.now + 1e9, "Retry-After: 1000000000"))
    refusal = one.bid()
    assert isinstance(refusal, Refusal)
    assert refusal.wait <= 24 * 3600


@pytest.mark.parametrize("asks", [1, 2, 3])
def test_turns_of_all_runs_are_an_interval_apart(folder: Path, clock: Clock, asks: int) -> None:
    """Also where two ask at once, or much later: a formula of an earlier version let both go."""
    runs = three(folder, clock, Terms(interval=1.0), Terms(interval=0.2))
    turns = []
    for _ in range(6):
        turns += [clock.now + run.turn() for run in runs[:asks]]
        clock.now += 0.9
    clock.now += 100
    turns += [clock.now + run.turn() for run in runs]
    gaps = [later - earlier for earlier, later in pairwise(turns)]
    assert min(gaps) >= 1.0
    assert turns[0] == 1000.0


def test_a_bid_far_ahead_of_the_next_turn_waits_for_it(folder: Path, clock: Clock) -> None:
    one, two, _ = three(folder, clock, Terms(interval=1.0))
    one.turn()
    refusal = two.bid()
    assert isinstance(refusal, Refusal)
    assert refusal.obstacle is Obstacle.RATE
    assert 0.7 < refusal.wait < 0.8
    clock.now += refusal.wait
    assert two.starts()


def test_a_next_turn_that_cannot_be_is_forgotten(folder: Path, clock: Clock) -> None:
    one, two, _ = three(folder, clock, Terms(interval=1.0))
    clock.now += 10_000
    one.turn()
    clock.now -= 10_000  # the ledger is from another machine, or its clock was
    assert two.turn() == 0


def test_a_bid_without_a_price_goes_until_the_cap_is_used_up(folder: Path, clock: Clock) -> None:
    one, two, _ = three(folder, clock, Terms(day=Decimal(2), zone="UTC"))
    assert one.starts(price=None)
    quarter = int(clock.wall() // 900)
    two.tell(postings=[Posting(quarter, Decimal("1.5"), Decimal("0.49"))])
    assert one.starts(price=None)
    two.tell(postings=[Posting(quarter, Decimal(0), Decimal("0.01"))])
    assert refused(one.bid(price=None)) is Obstacle.CAP


def test_a_cap_counts_from_the_beginning_of_its_day(folder: Path, clock: Clock) -> None:
    one, two, _ = three(folder, clock, Terms(day=PRICE, month=3 * PRICE, zone="UTC"))
    two.tell(postings=[Posting(int((NOON - 86_400) // 900), PRICE, Decimal(0))])  # yesterday
    (day, month) = one.tell().elsewhere.caps
    assert (day.used, month.used) == (0, PRICE)
    assert one.starts()
    one.ends(Moment())
    assert refused(one.bid()) is Obstacle.CAP
    clock.now += 86_400
    assert one.starts()
    one.ends(Moment())
    clock.now += 86_400
    refusal = one.bid()
    assert isinstance(refusal, Refusal)
    assert "month's cap" in refusal.detail
    clock.now += 86_400  # the first of June
    assert one.starts()


def test_a_correction_counts_where_the_money_was_counted(folder: Path, clock: Clock) -> None:
    one, *_ = three(folder, clock, Terms(day=PRICE, zone="UTC"))
    one.tell(postings=[Posting(int(NOON // 900), Decimal(0), PRICE)])
    assert refused(one.bid()) is Obstacle.CAP
    one.tell(postings=[Posting(int(NOON // 900), Decimal(0), -PRICE)])
    assert one.starts()


def test_each_zone_has_a_cap_of_its_own(folder: Path, clock: Clock) -> None:
    """Noon in London is the next day in Kiritimati, where the cap of its day is not used up."""
    one, two, _ = three(
        folder, clock, Terms(day=PRICE, zone="UTC"), Terms(day=PRICE, zone="Pacific/Kiritimati")
    )
    one.tell(postings=[Posting(int((NOON - 3 * 3600) // 900), PRICE, Decimal(0))])
    first, second = two.tell().elsewhere.caps
    assert (first.zone, first.used) == ("UTC", PRICE)
    assert (second.zone, second.used) == ("Pacific/Kiritimati", 0)
    assert refused(two.bid()) is Obstacle.CAP


def test_what_another_run_corrects_in_the_past_changes_no_sum_of_today(
    folder: Path, clock: Clock
) -> None:
    one, two, _ = three(folder, clock, Terms(day=Decimal(5), zone="UTC"))
    assert [cap.used for cap in one.tell().elsewhere.caps] == [0]
    two.tell(postings=[Posting(int((NOON - 86_400) // 900), PRICE, Decimal(0))])
    assert [cap.used for cap in one.tell().elsewhere.caps] == [0]


def test_one_that_is_refused_does_not_hide_what_more_than_the_places_are_prepared() -> None:
    """At full concurrency the next bid tells of no more in flight, and it is as much."""

    def bid(before: int, after: int) -> Bid:
        return Bid(PRICE, None, Way.BESIDE, Holdings(flying=before), Holdings(flying=after))

    dear = bid(3, 4)
    assert without(bid(4, 4), [dear]).after.flying == 4
    assert without(bid(4, 5), [dear]).after.flying == 4
