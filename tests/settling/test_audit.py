"""The records of jobs, held against the provider's own list of charges."""

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from support import virtual

from pipeline.api.outcome import Page, Progress, Query, RequestState, Row
from pipeline.ledger.manifest import encode
from pipeline.models import CORRECTION, Claim, Handle, Record, Settled, Status, rfc3339
from pipeline.settling.audit import Audit, Charges, DifferenceKind, audit, window
from pipeline.settling.auditing import read_charges
from pipeline.settling.books import Entry, entries
from pipeline.store.claims import Leftover

NOW = virtual.NOON
PRICE = Decimal("0.95")
DONE, WAITING, FAILED = RequestState.DONE, RequestState.WAITING, RequestState.FAILED


def record(task: str, ago: float, status: Status = Status.SUCCEEDED, **more: Any) -> Record:
    return Record(
        **{
            "task": task,
            "status": status,
            "model": "luma",
            "params": {"prompt": task},
            "fingerprint": "f",
            "cost": PRICE if status is Status.SUCCEEDED else None,
            "at_risk": PRICE if status is Status.IN_DOUBT else Decimal(0),
            "started_at": rfc3339(NOW - ago),
            "finished_at": rfc3339(NOW - ago + 60),
            "request_id": f"id-{task}",
            **more,
        }
    )


def row(task: str, ago: float, state: RequestState = DONE, **more: Any) -> Row:
    cost = more.pop("cost", PRICE if state is DONE else Decimal(0))
    return Row(
        **{
            "id": f"id-{task}",
            "model": "luma",
            "sent": {"prompt": task, "loop": False},
            "created": NOW - ago + 1,
            "progress": Progress(state=state, cost=cost),
            **more,
        }
    )


def books(folder: Path, *records: Record, claims: list[Leftover] | None = None) -> list[Entry]:
    path = folder / "manifest.jsonl"
    path.write_bytes(b"".join(map(encode, records)))
    return entries("job", path, claims or [])


def held(ours: list[Entry], *rows: Row) -> Audit:
    span = window(ours, now=NOW)
    assert span is not None
    return audit(ours, Charges(rows=rows), span)


def kinds(found: Audit) -> list[tuple[str, str | None]]:
    return [(each.kind.value, each.task) for each in found.differences]


def test_equal_books_agree(tmp_path: Path) -> None:
    ours = books(tmp_path, record("a", 500), record("b", 400))
    found = held(ours, row("a", 500), row("b", 400))
    assert found.agrees
    assert (found.here, found.there, found.requests) == (2 * PRICE, 2 * PRICE, 2)


def test_a_charge_made_behind_our_back_is_found(tmp_path: Path) -> None:
    ours = books(tmp_path, record("a", 500), record("b", 400))
    found = held(ours, row("a", 500), row("b", 400), row("other", 450))
    [difference] = found.differences
    assert (difference.kind, difference.request_id) == (DifferenceKind.UNKNOWN_HERE, "id-other")
    assert (difference.here, difference.there) == (None, PRICE)
    assert (found.here, found.there) == (2 * PRICE, 3 * PRICE)


def test_a_second_charge_for_what_was_sent_once_is_found(tmp_path: Path) -> None:
    ours = books(tmp_path, record("a", 500), record("b", 400))
    again = row("a", 480, id="second")
    assert kinds(held(ours, row("a", 500), again, row("b", 400))) == [("unknown_here", None)]


def test_an_amount_that_was_recorded_too_high_is_found(tmp_path: Path) -> None:
    ours = books(tmp_path, record("a", 500, cost=Decimal("1.20")), record("b", 400))
    [difference] = held(ours, row("a", 500), row("b", 400)).differences
    assert (difference.kind, difference.task) == (DifferenceKind.AMOUNT, "a")
    assert (difference.here, difference.there) == (Decimal("1.20"), PRICE)


def test_what_is_recorded_here_and_not_listed_is_found(tmp_path: Path) -> None:
    ours = books(tmp_path, record("a", 500), record("b", 400))
    assert kinds(held(ours, row("a", 500))) == [("unknown_there", "b")]


def test_a_doubt_that_was_charged_is_named_so(tmp_path: Path) -> None:
    ours = books(tmp_path, record("a", 500, Status.IN_DOUBT, request_id=None))
    [difference] = held(ours, row("a", 500)).differences
    assert (difference.kind, difference.task) == (DifferenceKind.IN_DOUBT, "a")


@pytest.mark.parametrize("listed", [(), (row("a", 500, FAILED),), (row("a", 500, WAITING),)])
def test_a_doubt_that_is_not_charged_is_no_difference(tmp_path: Path, listed: Any) -> None:
    ours = books(tmp_path, record("a", 500, Status.IN_DOUBT))
    found = held(ours, *listed)
    assert found.agrees
    assert found.at_risk == PRICE


def test_a_failure_that_was_charged_is_found(tmp_path: Path) -> None:
    ours = books(tmp_path, record("a", 500, Status.FAILED))
    assert kinds(held(ours, row("a", 500))) == [("amount", "a")]


@pytest.mark.parametrize("cost", [Decimal(0), Decimal("0.0000001")])
def test_a_row_of_no_cost_agrees_with_anything(tmp_path: Path, cost: Decimal) -> None:
    assert held(books(tmp_path, record("a", 500)), row("a", 500, cost=cost)).agrees
    assert held(books(tmp_path, record("a", 500)), row("a", 500), row("x", 480, cost=cost)).agrees


def test_a_charge_without_an_amount_confirms_nothing(tmp_path: Path) -> None:
    assert kinds(held(books(tmp_path, record("a", 500)), row("a", 500, cost=None))) == [
        ("amount", "a")
    ]


def test_a_request_with_several_outputs_is_counted_once(tmp_path: Path) -> None:
    ours = books(tmp_path, record("a", 500))
    assert held(ours, row("a", 500), row("a", 500), row("a", 500)).there == PRICE
    ours = books(tmp_path, record("a", 500), record("b", 400))
    found = held(ours, row("a", 500), row("b", 400), row("x", 450), row("x", 450))
    assert kinds(found) == [("unknown_here", None)]
    assert found.there == 3 * PRICE


def test_corrections_are_summed_into_their_attempt(tmp_path: Path) -> None:
    first = record("a", 500, cost=Decimal("0.90"))
    corrected = record("a", 500, cost=Decimal("0.05"), reason=CORRECTION)
    assert held(books(tmp_path, first, corrected), row("a", 500)).agrees


def test_a_doubt_that_was_settled_counts_as_what_it_was_settled_to(tmp_path: Path) -> None:
    doubt = record("a", 500, Status.IN_DOUBT)
    for settled, listed in (
        (record("a", 500, Status.FAILED, cost=PRICE, at_risk=-PRICE), [row("a", 500)]),
        (record("a", 500, at_risk=-PRICE, settled=Settled.FOUND), [row("a", 500)]),
        (record("a", 500, Status.FAILED, cost=Decimal(0), at_risk=-PRICE), []),
    ):
        word = settled.settled or (Settled.BILLED if settled.cost else Settled.NOT_BILLED)
        ending = msgspec.structs.replace(settled, settled=word)
        found = held(books(tmp_path, doubt, ending), *listed)
        assert found.agrees
        assert found.at_risk == 0


def test_what_has_no_id_of_the_list_is_found_by_its_time_and_parameters(tmp_path: Path) -> None:
    ours = books(tmp_path, record("a", 500, request_id="other"), record("b", 400, request_id=None))
    assert held(ours, row("a", 500), row("b", 400)).agrees


def test_a_charge_outside_of_the_jobs_time_is_none_of_theirs(tmp_path: Path) -> None:
    ours = books(tmp_path, record("a", 500), record("b", 400))
    rows = [row("a", 500), row("b", 400), row("x", 520), row("y", 330)]
    assert held(ours, *rows).agrees
    assert kinds(audit(ours, Charges(rows=tuple(rows)), (NOW - 600, NOW))) == [
        ("unknown_here", None),
        ("unknown_here", None),
    ]


def test_attempts_before_since_are_not_compared(tmp_path: Path) -> None:
    ours = books(tmp_path, record("a", 500), record("b", 400))
    span = window(ours, since=NOW - 450, now=NOW)
    assert span is not None
    found = audit(ours, Charges(rows=(row("b", 400),)), span)
    assert found.agrees
    assert found.here == PRICE


def test_the_row_of_an_attempt_just_before_since_is_nobody_elses(tmp_path: Path) -> None:
    ours = books(tmp_path, record("a", 500, request_id=None), record("b", 400))
    span = window(ours, since=NOW - 499.5, now=NOW)
    assert span is not None
    found = audit(ours, Charges(rows=(row("a", 500), row("b", 400))), span)
    assert found.agrees
    assert (found.here, found.there, found.requests) == (PRICE, PRICE, 1)


def test_a_list_that_cannot_be_read_is_no_agreement(tmp_path: Path) -> None:
    ours = books(tmp_path, record("a", 500))
    found = audit(ours, Charges(readable=False, detail="HTTP 500"), (NOW - 600, NOW))
    assert not found.agrees
    assert found.as_json()["detail"] == "HTTP 500"


def test_what_waits_at_the_provider_is_not_a_charge_of_others(tmp_path: Path) -> None:
    claim = Claim(
        task="a",
        fingerprint="f",
        model="luma",
        params={"prompt": "a"},
        meta={},
        price=PRICE,
        attempt=1,
        output="a",
        started_at=rfc3339(NOW - 500),
        handle=Handle(id="id-a"),
        sent=True,
    )
    ours = books(tmp_path, claims=[Leftover("a.1", claim)])
    assert held(ours, row("a", 500, WAITING)).agrees
    assert kinds(held(ours, row("a", 500))) == [("accepted", "a")]


def test_a_claim_whose_record_is_written_counts_once(tmp_path: Path) -> None:
    done = record("a", 500)
    claim = Claim(
        task="a",
        fingerprint="f",
        model="luma",
        params={"prompt": "a"},
        meta={},
        price=PRICE,
        attempt=1,
        output="a",
        started_at=done.started_at,
        sent=True,
    )
    found = held(books(tmp_path, done, claims=[Leftover("a.1", claim)]), row("a", 500))
    assert found.agrees
    assert (found.here, found.at_risk) == (PRICE, 0)


def test_tasks_of_one_name_in_two_jobs_are_two(tmp_path: Path) -> None:
    one = books(tmp_path, record("a", 500, request_id="x"))
    other = entries("other", tmp_path / "manifest.jsonl")
    found = held([*one, *other], row("a", 500, id="x"))
    assert kinds(found) == [("unknown_there", "a")]
    assert found.differences[0].job == "other"


def test_an_audit_can_be_written_as_json(tmp_path: Path) -> None:
    ours = books(tmp_path, record("a", 500, cost=Decimal(2)))
    found = held(ours, row("a", 500), row("x", 480))
    written = json.loads(msgspec.json.encode(found.as_json()))
    assert written["agree"] is False
    assert [each["kind"] for each in written["differences"]] == ["amount", "unknown_here"]
    assert written["since"] == rfc3339(NOW - 500)


class Provider:
    """Lists rows, two a page; `broken` pages fail so often before they answer."""

    def __init__(self, rows: list[Row], broken: int = 0) -> None:
        self.rows, self.broken, self.asked = rows, broken, list[Query]()

    async def list_requests(self, query: Query, page: int) -> Page:
        self.asked.append(query)
        if self.broken:
            self.broken -= 1
            return Page(readable=False, detail="HTTP 502")
        there = [
            row
            for row in self.rows
            if query.model in row.model and query.since <= (row.created or 0) <= query.until
        ]
        return Page(rows=tuple(there[page * 2 - 2 : page * 2]), more=page * 2 < len(there))


def test_all_pages_and_models_are_read_and_no_model_of_a_like_name() -> None:
    rows = [row(str(n), 600 - n) for n in range(7)]
    rows += [row("k", 500, model="kling"), row("other", 500, model="luma-ray")]
    charges = virtual.run(read_charges(Provider(rows), ["luma", "kling"], (NOW - 700, NOW)))
    assert charges.readable
    assert {each.id for each in charges.rows} == {f"id-{n}" for n in "0123456k"}


def test_a_page_that_fails_is_asked_for_again() -> None:
    charges = virtual.run(read_charges(Provider([row("a", 500)], 2), ["luma"], (NOW - 700, NOW)))
    assert charges.readable
    assert len(charges.rows) == 1


def test_a_page_that_goes_on_failing_makes_the_list_unreadable() -> None:
    charges = virtual.run(read_charges(Provider([row("a", 500)], 9), ["luma"], (NOW - 700, NOW)))
    assert (charges.readable, charges.detail) == (False, "HTTP 502")


def test_months_are_read_in_windows_that_the_vendor_allows() -> None:
    provider = Provider([row("a", 80 * 86400)])
    charges = virtual.run(read_charges(provider, ["luma"], (NOW - 90 * 86400, NOW)))
    assert len(charges.rows) == 1
    assert all(query.until - query.since <= 30 * 86400 for query in provider.asked)


@pytest.mark.parametrize(
    "time", ["9999-12-31T23:59:59Z", "0001-01-01T00:00:00+14:00", "1970-01-01T00:00:00Z", "", "x"]
)
def test_no_time_of_a_record_makes_an_audit_endless(tmp_path: Path, time: str) -> None:
    ours = books(
        tmp_path,
        record("a", 500),
        record("b", 400, started_at=time),
        record("c", 9, finished_at=time),
    )
    span = window(ours, now=NOW)
    assert span is not None
    provider = Provider([row("a", 500)])
    charges = virtual.run(read_charges(provider, ["luma"], span))
    assert len(provider.asked) < 400
    json.dumps(msgspec.to_builtins(audit(ours, charges, span).as_json()), default=str)
