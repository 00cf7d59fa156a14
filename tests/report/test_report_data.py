from collections.abc import Callable
from decimal import Decimal

from pipeline.models import CORRECTION, Record, Settled, Status
from pipeline.report import ReportData

MakeRecord = Callable[..., Record]
MakeReport = Callable[..., ReportData]


def test_the_last_record_of_a_task_says_how_it_stands_and_money_counts_them_all(
    a_record: MakeRecord, a_report: MakeReport
) -> None:
    data = a_report(
        a_record("one", status=Status.IN_DOUBT, at_risk=Decimal("0.95")),
        a_record("one"),
        a_record("two", status=Status.FAILED, cost=Decimal("0.10")),
        a_record("three", status=Status.IN_DOUBT, at_risk=Decimal("0.95")),
        pending=3,
    )
    totals = data.totals
    assert (totals.succeeded, totals.failed, totals.in_doubt, totals.pending) == (1, 1, 1, 3)
    assert totals.total == 6
    assert totals.spent == Decimal("1.05")
    assert totals.at_risk == Decimal("1.90")
    assert [record.task for record in data.records] == ["one", "two", "three"]
    assert data.records[0].status is Status.SUCCEEDED


def test_the_balance_is_the_one_given(a_record: MakeRecord, a_report: MakeReport) -> None:
    one = a_record("one", remaining_credits=Decimal("12.5"))
    assert a_report(one, balance=Decimal(11)).totals.remaining_credits == Decimal(11)
    assert a_report(one).totals.remaining_credits is None


def test_tasks_that_left_the_job_or_changed_are_marked_and_not_counted(
    a_record: MakeRecord, a_report: MakeReport
) -> None:
    kept, changed, former = a_record("kept"), a_record("changed", "Old words"), a_record("former")
    current = {"new": "f", "changed": "another", "kept": kept.fingerprint}
    data = a_report(former, changed, kept, current=current)
    assert data.former == {"former"}
    assert data.changed == {"changed"}
    assert (data.totals.succeeded, data.totals.pending, data.totals.total) == (1, 2, 3)


def test_what_is_left_can_be_told_from_outside(a_record: MakeRecord, a_report: MakeReport) -> None:
    record = a_record("one")
    assert a_report(record, current={"one": record.fingerprint}, pending=7).totals.pending == 7
    assert a_report(record).totals.pending == 0


def test_meta_is_what_the_job_says_now(a_record: MakeRecord, a_report: MakeReport) -> None:
    records = [a_record(task, meta={"publish": "2026-12-01"}) for task in ("moved", "former")]
    data = a_report(*records, meta={"moved": {"publish": "2026-12-24"}, "new": {}})
    assert [record.meta["publish"] for record in data.records] == ["2026-12-24", "2026-12-01"]


def test_records_come_in_the_order_of_the_job_and_former_tasks_after_them(
    a_record: MakeRecord, a_report: MakeReport
) -> None:
    records = [a_record(task) for task in ("gone", "b", "a")]
    current = {record.task: record.fingerprint for record in reversed(records[1:])}
    ordered = a_report(*records, current=current).records
    assert [record.task for record in ordered] == ["a", "b", "gone"]


def test_a_record_without_times_counts_and_is_not_drawn(
    a_record: MakeRecord, a_report: MakeReport
) -> None:
    data = a_report(a_record("one", started_at="", finished_at=""))
    assert data.totals.succeeded == 1
    assert data.nights == ()


def test_one_simulated_answer_marks_the_report(a_record: MakeRecord, a_report: MakeReport) -> None:
    assert a_report(a_record("one"), a_record("two", simulated=True)).simulated
    assert not a_report(a_record("one")).simulated


def test_an_empty_manifest_makes_an_empty_report(a_report: MakeReport) -> None:
    data = a_report()
    assert data.totals.total == 0
    assert data.records == ()
    assert data.nights == ()


def test_what_waits_at_the_provider_is_counted_apart(
    a_record: MakeRecord, a_report: MakeReport
) -> None:
    doubt = a_record("found", status=Status.IN_DOUBT, at_risk=Decimal("0.95"))
    done = a_record("done")
    current = dict.fromkeys(("new", "sent", "found", "done"), done.fingerprint)
    data = a_report(doubt, done, current=current, accepted=["sent", "found", "left the job"])
    totals = data.totals
    assert (totals.accepted, totals.pending, totals.in_doubt, totals.total) == (2, 1, 0, 4)
    assert data.accepted == {"sent", "found"}


def test_the_end_of_a_doubt_takes_its_money_back(
    a_record: MakeRecord, a_report: MakeReport
) -> None:
    doubt = a_record("a", status=Status.IN_DOUBT, at_risk=Decimal("0.95"))
    found = a_record("a", at_risk=Decimal("-0.95"), settled=Settled.FOUND)
    data = a_report(doubt, found)
    assert (data.totals.spent, data.totals.at_risk) == (Decimal("0.95"), 0)
    assert data.records == (found,)


def test_what_was_not_charged_is_left_to_do(a_record: MakeRecord, a_report: MakeReport) -> None:
    free = a_record("a", status=Status.FAILED, at_risk=Decimal("-0.95"), settled=Settled.NOT_BILLED)
    doubt = a_record("a", status=Status.IN_DOUBT, at_risk=Decimal("0.95"))
    totals = a_report(doubt, free, current={"a": free.fingerprint}).totals
    assert (totals.failed, totals.pending, totals.total) == (0, 1, 1)


def test_the_end_of_an_older_doubt_leaves_its_task_as_it_stands(
    a_record: MakeRecord, a_report: MakeReport
) -> None:
    doubt = a_record("a", status=Status.IN_DOUBT, at_risk=Decimal("0.95"))
    done = a_record("a", started_at="2026-11-22T22:00:00.000Z")
    late = a_record(
        "a",
        status=Status.FAILED,
        cost=Decimal(1),
        at_risk=Decimal("-0.95"),
        settled=Settled.FOUND,
        reason=CORRECTION,
    )
    data = a_report(doubt, done, late)
    assert data.records == (done,)
    assert data.totals.succeeded == 1
    assert (data.totals.spent, data.totals.at_risk) == (Decimal("1.95"), 0)
    assert sum(sum(night.succeeded) + sum(night.failed) for night in data.nights) == 1
