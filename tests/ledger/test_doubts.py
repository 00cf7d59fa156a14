"""Doubts and how they end: records that take back exactly what a doubt has put at risk."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from pipeline.errors import DirectoryError
from pipeline.ledger.doubts import attempt_digest
from pipeline.ledger.endings import by_word, listed_failed, listed_too_late
from pipeline.ledger.history import History, TaskState
from pipeline.ledger.manifest import encode, last_records, open_doubts, read, replay
from pipeline.ledger.records import correction, doubtful, succeeded
from pipeline.models import (
    CORRECTION,
    Cause,
    Claim,
    Completion,
    CostSource,
    Handle,
    Record,
    Settled,
    Status,
    Task,
    fingerprint,
)
from pipeline.money.prices import Booked

PRICE, ZERO = Decimal("0.95"), Decimal(0)
SENT, LATER = "2026-01-01T00:00:00.000Z", "2026-01-02T00:00:00.000Z"
PRINT = fingerprint("m", {"prompt": "a"})
TASK = Task(id="a", model="m", params={"prompt": "a"}, fingerprint=PRINT, output="a")


def claim(**more: Any) -> Claim:
    fields = {
        "task": "a", "fingerprint": PRINT, "model": "m", "params": {"prompt": "a"}, "meta": {},
        "price": PRICE, "attempt": 1, "output": "a", "started_at": SENT, "provider": "segmind",
    }  # fmt: skip
    return Claim(**{**fields, **more})


def doubt(**more: Any) -> Record:
    made = doubtful(claim(), "the run was killed", answered=False)
    return replace(made, **more)


def done(cost: Decimal | None = PRICE) -> Completion:
    return Completion(
        output="a.mp4", bytes=1, sha256="0" * 64, content_type="video/mp4", http_status=200,
        cost=cost, cost_source=CostSource.REPORTED, remaining_credits=None, request_id="r1",
        finished_at=LATER, duration_s=60.0, simulated=False,
    )  # fmt: skip


def found(of: Record, cost: Decimal | None = PRICE, counted: Decimal = ZERO) -> Record:
    """Write the record of a doubt that the list has as completed."""
    handle = Handle(id="r1", listed=True)
    known = claim(doubted=True, at_risk=of.at_risk, handle=handle, started_at=of.started_at)
    return succeeded(known, done(cost), counted)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "manifest.jsonl"


def replayed(path: Path, *records: Record) -> History:
    """Write a manifest and read it; it says what it said to whoever was there."""
    path.write_bytes(b"".join(map(encode, records)))
    lived, offset = History(), 0
    for record in records:
        lived.add(record, offset)
        offset += len(encode(record))
    history = replay(path)
    assert history == lived
    return history


# -- how a doubt ends -------------------------------------------------------------------------


def test_a_doubt_is_open_until_a_record_ends_it(path: Path) -> None:
    name = attempt_digest("a", SENT)
    assert replayed(path, doubt()).open_doubts == {name: PRICE}
    history = replayed(path, doubt(), found(doubt()))
    assert history.open_doubts == {}
    assert (history.spent, history.at_risk) == (PRICE, 0)
    assert history.state_of(TASK) is TaskState.DONE


def test_a_doubt_that_is_listed_as_failed_was_not_charged(path: Path) -> None:
    ended = listed_failed(doubt(), "moderation", request_id="r1", reason=Cause.MODERATION)
    history = replayed(path, doubt(), ended)
    assert (history.spent, history.at_risk, history.open_doubts) == (0, 0, {})
    assert (ended.request_id, ended.reason, ended.settled) == ("r1", "moderation", "found")
    assert history.state_of(TASK) is TaskState.FAILED


def test_a_word_that_it_was_charged_spends_the_price_and_sends_nothing_again(path: Path) -> None:
    history = replayed(path, doubt(), by_word(doubt(), Settled.BILLED))
    assert (history.spent, history.at_risk, history.unpriced) == (PRICE, 0, 0)
    assert history.state_of(TASK) is TaskState.FAILED


def test_a_word_that_it_was_not_charged_frees_the_budget_and_the_task(path: Path) -> None:
    history = replayed(path, doubt(), by_word(doubt(), Settled.NOT_BILLED))
    assert (history.spent, history.at_risk) == (0, 0)
    assert history.state_of(TASK) is TaskState.RELEASED
    assert history.counts == {Status.SUCCEEDED: 0, Status.FAILED: 1, Status.IN_DOUBT: 0}


def test_a_word_on_a_claim_without_a_record_takes_nothing_back(path: Path) -> None:
    charged = by_word(claim(), Settled.BILLED)
    assert (charged.cost, charged.at_risk, charged.started_at) == (PRICE, 0, SENT)
    assert replayed(path, charged).corrections == PRICE  # no reservation stood behind it
    assert by_word(claim(), Settled.BILLED, price=Decimal(2)).cost == 2
    assert by_word(claim(), Settled.NOT_BILLED).cost == 0


def test_a_doubt_of_unknown_price_counts_as_one_until_it_ends(path: Path) -> None:
    unknown = doubt(at_risk=None)
    assert replayed(path, unknown).unpriced == 1
    assert replayed(path, unknown, found(unknown)).unpriced == 0
    assert replayed(path, unknown, found(unknown, None)).unpriced == 1  # now of what is spent
    assert replayed(path, unknown, by_word(unknown, Settled.NOT_BILLED)).unpriced == 0
    priced = by_word(unknown, Settled.BILLED, price=Decimal(2))
    assert replayed(path, unknown, priced).spent == 2


def test_a_found_request_whose_cost_nobody_says_counts_as_of_unknown_price(path: Path) -> None:
    history = replayed(path, doubt(), found(doubt(), None))
    assert (history.at_risk, history.unpriced) == (0, 1)


def test_what_a_doubt_has_counted_as_cost_is_not_counted_twice(path: Path) -> None:
    """It came, was booked, and could not be saved; now the list has it."""
    booked = doubt(cost=PRICE, at_risk=ZERO, reason=Cause.UNSAVED)
    ended = found(booked, Decimal("1.20"), counted=PRICE)
    history = replayed(path, booked, ended)
    assert (history.spent, history.at_risk) == (Decimal("1.20"), 0)
    assert history.last_cost == Decimal("1.20")
    (last,) = last_records(path, history)
    assert last.cost == Decimal("1.20")
    free = by_word(booked, Settled.NOT_BILLED)
    assert replayed(path, booked, free).spent == 0
    assert replayed(path, booked, by_word(booked, Settled.BILLED)).spent == PRICE


def test_a_request_that_was_never_in_doubt_may_be_found_too(path: Path) -> None:
    ended = succeeded(claim(handle=Handle(id="r1", listed=True)), done())
    assert (ended.settled, ended.at_risk, ended.cost) == (Settled.FOUND, 0, PRICE)
    history = replayed(path, ended)
    assert (history.spent, history.corrections) == (PRICE, 0)


def test_an_accepted_request_that_was_not_listed_is_an_ordinary_success() -> None:
    ended = succeeded(claim(handle=Handle(id="r1")), done())
    assert (ended.settled, ended.at_risk, ended.provider) == (None, 0, "segmind")


def test_what_is_settled_keeps_no_place_and_teaches_no_price(path: Path) -> None:
    assert list(replayed(path, doubt()).killed) == [SENT]
    history = replayed(path, doubt(), by_word(doubt(), Settled.BILLED, price=Decimal(9)))
    assert list(history.killed) == []
    assert history.last_cost is None


# -- an older doubt of a task that has another record since -----------------------------------


RENDERED = succeeded(claim(started_at=LATER), done())


def test_the_end_of_an_older_doubt_leaves_the_task_as_it_stands(path: Path) -> None:
    history = replayed(path, doubt(), RENDERED)
    assert history.is_superseded(doubt())
    for ended in (
        listed_failed(doubt(), "no", request_id="r1", stands=False),
        by_word(doubt(), Settled.BILLED, stands=False),
        by_word(doubt(), Settled.NOT_BILLED, stands=False),
        listed_too_late(doubt(), request_id="r0", cost=Decimal(1)),
    ):
        assert ended.reason == CORRECTION
        history = replayed(path, doubt(), RENDERED, ended)
        assert history.state_of(TASK) is TaskState.DONE
        assert (history.at_risk, history.spent) == (0, PRICE + (ended.cost or 0))
        assert history.counts[Status.SUCCEEDED] == 1
        assert list(last_records(path, history)) == [RENDERED]


def test_a_doubt_that_is_the_last_word_on_its_task_is_not_superseded(path: Path) -> None:
    assert not replayed(path, doubt()).is_superseded(doubt())
    corrected = replace(doubt(cost=ZERO), reason=CORRECTION, at_risk=ZERO)
    assert not replayed(path, doubt(), corrected).is_superseded(doubt())


def test_open_doubts_are_read_whether_or_not_they_are_the_last(path: Path) -> None:
    first, other = doubt(), doubt(task="b")
    second = doubt(started_at=LATER, at_risk=Decimal(2))
    history = replayed(path, first, other, second, by_word(second, Settled.BILLED))
    assert list(open_doubts(path, history)) == [first, other]


def test_a_cost_is_corrected_without_settling_anything_again(path: Path) -> None:
    ended = found(doubt(), Decimal(1))
    mended = correction(ended, Booked(PRICE, CostSource.MEASURED))
    history = replayed(path, doubt(), ended, mended)
    assert mended.settled is None
    assert (history.spent, history.at_risk) == (PRICE, 0)


# -- what the books are told ------------------------------------------------------------------


def test_corrections_are_what_came_through_no_reservation(path: Path) -> None:
    """What is found completed is charged to a reservation; a word and a failure have none."""

    def of(*records: Record) -> Decimal:
        return replayed(path, *records).corrections

    cost = Decimal("1.20")
    assert of(doubt(), found(doubt(), cost)) == -PRICE
    assert of(doubt(), listed_failed(doubt(), "no", request_id="r")) == -PRICE
    assert of(doubt(), by_word(doubt(), Settled.BILLED)) == 0
    assert of(doubt(), by_word(doubt(), Settled.NOT_BILLED)) == -PRICE
    late = listed_too_late(doubt(), request_id="r", cost=cost)
    assert of(doubt(), RENDERED, late) == cost - PRICE
    booked = doubt(cost=PRICE, at_risk=ZERO)
    assert of(booked, found(booked, cost, counted=PRICE)) == -PRICE


# -- forged -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "forged",
    [
        pytest.param(replace(found(doubt()), started_at=LATER), id="of no doubt"),
        pytest.param(replace(found(doubt()), task="b"), id="of another task"),
        pytest.param(replace(found(doubt()), at_risk=-PRICE - 1), id="more than was at risk"),
        pytest.param(replace(found(doubt()), at_risk=ZERO), id="less than was at risk"),
        pytest.param(replace(found(doubt()), cost=Decimal(-1)), id="a negative cost"),
        pytest.param(replace(found(doubt()), settled=None), id="without a word how"),
        pytest.param(replace(found(doubt()), status=Status.IN_DOUBT), id="settled, in doubt"),
        pytest.param(doubt(started_at=LATER, at_risk=-PRICE), id="a negative doubt"),
        pytest.param(replace(found(doubt()), at_risk=Decimal("NaN")), id="not a number"),
    ],
)
def test_a_record_that_takes_back_what_no_doubt_has_put_at_risk_is_refused(
    path: Path, forged: Record
) -> None:
    path.write_bytes(encode(doubt()) + encode(forged))
    with pytest.raises(DirectoryError, match=r"manifest\.jsonl:2: "):
        replay(path)


@pytest.mark.parametrize("at_risk", [PRICE, ZERO, None])
def test_a_second_record_that_settles_a_doubt_is_refused(
    path: Path, at_risk: Decimal | None
) -> None:
    begun = doubt(at_risk=at_risk)
    ended = by_word(begun, Settled.NOT_BILLED)
    path.write_bytes(encode(begun) + encode(ended) + encode(ended))
    with pytest.raises(DirectoryError, match=r"manifest\.jsonl:3: .*an earlier record has settled"):
        replay(path)


def test_a_manifest_of_an_earlier_format_is_read(path: Path) -> None:
    """Format 2 knew neither `provider` nor `settled`; a doubt in it can be ended now."""
    line = encode(doubt()).replace(b',"provider":"segmind","settled":null', b"")
    assert b"settled" not in line
    path.write_bytes(line)
    (old,) = read(path)
    history = replay(path)
    assert history.open_doubts == {attempt_digest("a", SENT): PRICE}
    ended = by_word(old, Settled.NOT_BILLED)
    path.write_bytes(line + encode(ended))
    assert replay(path).at_risk == 0


# -- any order --------------------------------------------------------------------------------


@given(
    moves=st.lists(
        st.tuples(st.sampled_from("abc"), st.sampled_from(["doubt", "done", "end"]),
                  st.sampled_from([None, ZERO, PRICE, Decimal("0.333333"), Decimal("1.000001")])),
        max_size=30,
    ),
    words=st.lists(st.sampled_from(list(Settled)), min_size=30, max_size=30),
)  # fmt: skip
def test_whatever_the_order_sums_are_never_negative_and_end_at_nothing(
    tmp_path_factory: pytest.TempPathFactory,
    moves: list[tuple[str, str, Decimal | None]],
    words: list[Settled],
) -> None:
    path = tmp_path_factory.mktemp("any") / "manifest.jsonl"
    records: list[Record] = []
    lived, offset, open_now = History(), 0, list[Record]()

    def write(record: Record) -> None:
        nonlocal offset
        assert lived.doubts.fault(record) is None
        records.append(record)
        lived.add(record, offset)
        offset += len(encode(record))
        assert min(lived.spent, lived.at_risk) >= 0

    def end(one: Record, word: Settled, amount: Decimal | None) -> None:
        stands = not lived.is_superseded(one)
        if word is not Settled.FOUND:
            write(by_word(one, word, price=amount, stands=stands))
        elif amount and stands:
            write(found(replace(one, task="a"), amount) if one.task == "a" else
                  listed_failed(one, "no", request_id="r"))  # fmt: skip
        else:
            write(listed_failed(one, "no", request_id="r", stands=stands))

    for number, (task, move, amount) in enumerate(moves):
        at = f"2026-01-01T00:00:{number:02}.000Z"
        if move == "doubt":
            write(doubt(task=task, started_at=at, at_risk=amount))
            open_now.append(records[-1])
        elif move == "done":
            write(replace(RENDERED, task=task, started_at=at))
        elif open_now:
            end(open_now.pop(number % len(open_now)), words[number], amount)
    risks = sum((one.at_risk or ZERO for one in open_now), ZERO)
    assert lived.at_risk == risks
    assert len(lived.open_doubts) == len(open_now)
    path.write_bytes(b"".join(map(encode, records)))
    assert replay(path) == lived
    for one in open_now:
        end(one, Settled.NOT_BILLED, None)
    assert (lived.at_risk, lived.open_doubts) == (0, {})
