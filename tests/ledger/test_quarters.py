"""Which quarter of an hour a record's money belongs to: what limits a day and a month count."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.ledger.history import History
from pipeline.ledger.manifest import encode, replay
from pipeline.ledger.quarters import DAYS, Quarters, posting
from pipeline.models import CORRECTION, Cause, Record, Settled, Status, rfc3339

PRICE, ZERO = Decimal("0.95"), Decimal(0)
NOON = datetime(2026, 3, 14, 12, 0, tzinfo=UTC).timestamp()
NOW = NOON + 86_400


def record(start: float, end: float, **more: Any) -> Record:
    fields = {
        "task": "a", "status": Status.SUCCEEDED, "model": "m", "params": {}, "fingerprint": "00",
        "started_at": rfc3339(start), "finished_at": rfc3339(end), "cost": PRICE, "at_risk": ZERO,
    }  # fmt: skip
    return Record(**{**fields, **more})


def quarter(seconds: float) -> int:
    return int(seconds // 900)


def test_money_belongs_to_the_quarter_in_which_its_attempt_ended() -> None:
    over_the_edge = record(NOON - 60, NOON + 60)

    assert posting(over_the_edge, NOW) == (quarter(NOON), PRICE, ZERO)


def test_what_a_killed_run_left_belongs_to_when_it_was_sent_and_not_to_when_it_was_found() -> None:
    left = record(NOON, NOW, status=Status.IN_DOUBT, cost=None, at_risk=PRICE, reason=Cause.KILLED)

    assert posting(left, NOW) == (quarter(NOON + 20 * 60), ZERO, PRICE)


def test_a_killed_attempt_just_before_midnight_counts_on_the_day_that_may_have_paid() -> None:
    midnight = NOON + 12 * 3600
    left = record(midnight - 30, NOW, cost=None, at_risk=PRICE, reason=Cause.KILLED)

    assert posting(left, NOW)[0] >= quarter(midnight)


@pytest.mark.parametrize(
    "given_back",
    [
        {"cost": -PRICE, "reason": CORRECTION},
        {"cost": ZERO, "at_risk": -PRICE, "settled": Settled.NOT_BILLED},
        {"cost": Decimal("0.50"), "at_risk": -PRICE, "settled": Settled.FOUND},
        {"cost": PRICE, "at_risk": -PRICE, "settled": Settled.BILLED},
    ],
)
def test_what_is_given_back_makes_no_room_on_a_later_day(given_back: dict[str, Any]) -> None:
    late = record(NOON, NOON + 20 * 3600, **given_back)

    assert posting(late, NOW)[0] == quarter(NOON)


def test_a_charge_that_is_found_later_counts_when_it_is_found() -> None:
    late = record(NOON, NOON + 7200, cost=Decimal("0.30"), reason=CORRECTION)

    assert posting(late, NOW) == (quarter(NOON + 7200), Decimal("0.30"), ZERO)


@pytest.mark.parametrize(
    "clocks",
    [
        {"finished_at": rfc3339(NOW + 9e7)},
        {"started_at": "", "finished_at": ""},
        {"started_at": "yesterday", "finished_at": "9999-99-99T99:99:99Z"},
        {"started_at": "0001-01-01T00:00:00+14:00", "finished_at": "x" * 10_000},
    ],
)
def test_money_without_a_credible_time_is_spent_now(clocks: dict[str, str]) -> None:
    strange = record(NOON, NOON, **clocks)
    credible = clocks.get("started_at", "").startswith("0001")

    assert posting(strange, NOW)[0] == quarter(NOW) or credible


def test_money_that_is_given_back_at_no_credible_time_makes_room_on_no_day() -> None:
    future = record(NOW + 3600, NOW, cost=-PRICE, reason=CORRECTION)
    never = record(NOON, NOON, started_at="?", cost=-PRICE, reason=CORRECTION)

    assert posting(future, NOW)[0] == posting(never, NOW)[0] == 0


def test_a_clock_that_was_set_back_dates_no_money_before_its_attempt() -> None:
    assert posting(record(NOON, NOON - 86_400), NOW)[0] == quarter(NOON)


def test_times_with_an_offset_are_the_same_moment() -> None:
    local = datetime.fromtimestamp(NOON, UTC).astimezone().isoformat()
    berlin = (datetime.fromtimestamp(NOON, UTC) + timedelta(hours=1)).strftime("%FT%T+01:00")

    for text in (local, berlin):
        assert posting(record(NOON - 60, 0, finished_at=text), NOW)[0] == quarter(NOON)


def test_a_replay_adds_up_the_quarters_of_the_last_weeks(tmp_path: Path) -> None:
    path, now = tmp_path / "manifest.jsonl", datetime.now(UTC).timestamp()
    old, recent = now - (DAYS + 1) * 86_400, now - 86_400
    records = [
        record(old, old),
        record(recent, recent, task="b"),
        record(recent, recent, task="c", cost=None, at_risk=PRICE, status=Status.IN_DOUBT),
        record(now, now, task="d"),
        record(now, now, task="e", cost=None, at_risk=None),
    ]
    path.write_bytes(b"".join(map(encode, records)))

    history = replay(path)

    expected = [(quarter(recent), PRICE, PRICE), (quarter(now), PRICE, ZERO)]
    assert history.quarters.postings() == expected
    assert history.spent == 3 * PRICE


moments = st.floats(NOON - 30 * 86_400, NOW + 86_400)
amounts = st.decimals(-5, 5, places=2)


@given(st.lists(st.tuples(moments, moments, amounts, amounts), max_size=20))
def test_the_quarters_are_the_sum_of_their_records(
    rows: list[tuple[float, float, Decimal, Decimal]],
) -> None:
    quarters, history = Quarters(NOW), dict[int, list[Decimal]]()
    for start, end, cost, at_risk in rows:
        one = record(start, end, cost=cost, at_risk=at_risk)
        quarters.add(one, cost, at_risk)
        at, *money = posting(one, NOW)
        if at and any(money):
            sums = history.setdefault(at, [ZERO, ZERO])
            history[at] = [a + b for a, b in zip(sums, money, strict=True)]

    assert [(q, [c, r]) for q, c, r in quarters.postings()] == sorted(history.items())
    assert all(at <= quarter(NOW) for at, _, _ in quarters.postings())


def test_a_history_begins_with_no_money() -> None:
    assert History().quarters.postings() == []
