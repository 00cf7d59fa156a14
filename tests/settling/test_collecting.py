"""Which attempts are in doubt, and what is known besides: from the manifest and the claims."""

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from support import virtual

from pipeline.ledger.manifest import encode
from pipeline.models import Claim, Handle, Record, Settled, Status, rfc3339
from pipeline.settling.attempts import Expected
from pipeline.settling.doubts import collect
from pipeline.store.claims import Leftover

NOW = virtual.NOON
PRICE = Decimal("0.95")
PARAMS = {"prompt": "a lighthouse"}


def record(task: str, ago: float, status: Status = Status.IN_DOUBT, **more: Any) -> Record:
    return Record(
        **{
            "task": task,
            "status": status,
            "model": "luma",
            "params": PARAMS,
            "fingerprint": "f",
            "at_risk": Decimal("0.95") if status is Status.IN_DOUBT else Decimal(0),
            "started_at": rfc3339(NOW - ago),
            "finished_at": rfc3339(NOW - ago + 60),
            **more,
        }
    )


def left(task: str, ago: float, **more: Any) -> Leftover:
    claim = Claim(
        **{
            "task": task,
            "fingerprint": "f",
            "model": "luma",
            "params": PARAMS,
            "meta": {},
            "price": Decimal("0.95"),
            "attempt": 1,
            "output": task,
            "started_at": rfc3339(NOW - ago),
            "sent": True,
            **more,
        }
    )
    return Leftover(f"{task}.1", claim)


def manifest(folder: Path, *records: Record) -> Path:
    path = folder / "manifest.jsonl"
    path.write_bytes(b"".join(map(encode, records)))
    return path


def test_a_record_in_doubt_and_a_leftover_claim_are_doubts(tmp_path: Path) -> None:
    path = manifest(tmp_path, record("a", 500), record("b", 400, Status.SUCCEEDED))
    doubts, known = collect(path, [left("c", 300)])
    assert [(doubt.task, doubt.at_risk) for doubt in doubts] == [
        ("a", Decimal("0.95")),
        ("c", Decimal("0.95")),
    ]
    assert [(a.task, a.expected, a.ended) for a in known.attempts] == [
        ("b", Expected.DONE, NOW - 340)
    ]


def test_what_a_later_record_has_settled_is_not_in_doubt(tmp_path: Path) -> None:
    settled = record("a", 500, Status.FAILED, settled=Settled.BILLED, at_risk=-PRICE, cost=PRICE)
    doubts, known = collect(manifest(tmp_path, record("a", 500), settled), [])
    assert (doubts, known.attempts) == ([], ())


def test_a_settled_attempt_ended_when_its_doubt_was_recorded(tmp_path: Path) -> None:
    settled = record(
        "a",
        500,
        Status.FAILED,
        settled=Settled.BILLED,
        at_risk=-PRICE,
        cost=PRICE,
        finished_at=rfc3339(NOW),
    )
    path = manifest(tmp_path, record("a", 500), settled, record("b", 450))
    [doubt], known = collect(path, [])
    assert doubt.task == "b"
    assert [(a.expected, a.ended) for a in known.attempts] == [(Expected.ANY, NOW - 440)]


def test_each_attempt_of_a_task_is_a_doubt_of_its_own(tmp_path: Path) -> None:
    path = manifest(
        tmp_path, record("a", 900), record("a", 500), record("a", 100, Status.SUCCEEDED)
    )
    doubts, known = collect(path, [])
    assert [doubt.began for doubt in doubts] == [NOW - 900, NOW - 500]
    assert [attempt.task for attempt in known.attempts] == ["a"]


def test_the_ids_of_all_records_and_accepted_claims_are_known(tmp_path: Path) -> None:
    path = manifest(
        tmp_path,
        record("a", 500, request_id="own"),
        record("b", 400, Status.SUCCEEDED, request_id="same"),
        record("c", 300, Status.FAILED, request_id="other", params={"prompt": "another"}),
    )
    accepted = left("d", 200, handle=Handle(id="accepted"))
    [doubt], known = collect(path, [accepted])
    assert doubt.request_id == "own"
    assert known.ids == {"same", "other", "accepted"}
    assert {a.request_id for a in known.attempts} == {"same", "accepted"}


def test_a_doubt_that_is_followed_by_its_id_already_is_not_looked_up(tmp_path: Path) -> None:
    followed = left("a", 500, handle=Handle(id="x", listed=True), doubted=True)
    doubts, _ = collect(manifest(tmp_path, record("a", 500)), [followed])
    assert doubts == []


def test_a_claim_whose_record_was_written_is_not_a_doubt_twice(tmp_path: Path) -> None:
    doubts, _ = collect(manifest(tmp_path, record("a", 500)), [left("a", 500)])
    assert [doubt.task for doubt in doubts] == ["a"]
    doubts, _ = collect(manifest(tmp_path, record("a", 500, Status.SUCCEEDED)), [left("a", 500)])
    assert doubts == []


def test_what_ended_long_before_the_oldest_doubt_is_left_out(tmp_path: Path) -> None:
    old = record("b", 3 * 86400, Status.SUCCEEDED, request_id="old")
    _, known = collect(manifest(tmp_path, old, record("a", 500)), [])
    assert (known.attempts, known.ids) == ((), frozenset())


def test_doubts_at_another_account_are_left_out(tmp_path: Path) -> None:
    path = manifest(tmp_path, record("a", 500, provider="elsewhere"), record("b", 400))
    doubts, _ = collect(path, [])
    assert [doubt.task for doubt in doubts] == ["b"]


@pytest.mark.variant
def test_what_ended_while_a_doubt_was_open_is_found_in_a_long_manifest(tmp_path: Path) -> None:
    filler = [
        record(f"task {n}", 10 * 86400, Status.SUCCEEDED, meta={"x": "y" * 900}, params={"n": n})
        for n in range(6000)
    ]
    near = record("b", 550, Status.SUCCEEDED, request_id="near")
    late = [record(f"late {n}", 300 - n / 100, Status.SUCCEEDED, meta={"x": "y" * 900},
                   params={"n": n}, request_id=f"late {n}") for n in range(6000)]  # fmt: skip
    path = manifest(tmp_path, *filler, record("a", 500), near, *late)
    assert path.stat().st_size > 9 * 1024**2
    [doubt], known = collect(path, [])
    assert doubt.task == "a"
    assert [attempt.task for attempt in known.attempts] == ["b"]
    assert len(known.ids) == 6001
