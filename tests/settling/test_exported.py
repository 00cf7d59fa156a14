"""Doubts that an exported list of requests ends."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import anyio
import pytest
from support.doubts import AT, PRICE, leave_claim, opened, record, records

from pipeline.api import providers
from pipeline.api.outcome import Progress, RequestState, Row
from pipeline.ledger.manifest import read
from pipeline.models import Handle, Settled, Status
from pipeline.settling.attempts import unix
from pipeline.settling.exported import Reach, Taken, take_list
from pipeline.settling.usage import read_usage
from pipeline.store.claim_lines import leftovers
from pipeline.store.layout import Layout

DONE, WAITING, FAILED = RequestState.DONE, RequestState.WAITING, RequestState.FAILED
ONLINE = Reach(providers.get(), base_url="https://api.test", names={"a": "clips/a"})
OFFLINE = Reach(providers.get())


@pytest.fixture
def layout(tmp_path: Path) -> Layout:
    found = Layout(tmp_path / "out")
    found.inflight.mkdir(parents=True)
    return found


def row(
    task: str,
    state: RequestState = DONE,
    cost: Decimal | None = PRICE,
    media: str | None = None,
    error: str = "",
) -> Row:
    progress = Progress(state=state, cost=cost, media=media, error=error)
    created = unix(AT)
    return Row(
        id=f"id-{task}", model="luma", sent={"prompt": task}, created=created, progress=progress
    )


def taken(layout: Layout, reach: Reach, *rows: Row) -> Taken:
    async def main() -> Taken:
        async with opened(layout) as store:
            return await take_list(store, rows, reach)

    return anyio.run(main)


def test_what_completed_is_accepted_where_it_can_be_asked_for(layout: Layout) -> None:
    records(layout, record("a"))
    leave_claim(layout, "b")
    assert len(taken(layout, ONLINE, row("a"), row("b", WAITING)).accepted) == 2
    found = {left.claim.task: left.claim for left in leftovers(layout.inflight) if left.claim}
    handles = {task: claim.handle for task, claim in found.items()}
    assert {task: (h.id, h.listed) for task, h in handles.items() if h} == {
        "a": ("id-a", True),
        "b": ("id-b", True),
    }
    assert (found["a"].output, found["a"].doubted, found["b"].doubted) == ("clips/a", True, False)


def test_what_has_failed_was_not_charged(layout: Layout) -> None:
    records(layout, record("a"))
    leave_claim(layout, "b", part=b"some of it")
    written = taken(layout, OFFLINE, row("a", FAILED), row("b", FAILED, error="NSFW")).records
    assert [(r.status, r.settled, r.cost) for r in written] == [
        (Status.FAILED, Settled.FOUND, 0)
    ] * 2
    assert [r.at_risk for r in written] == [-PRICE, 0]
    assert [kept.read_bytes() for kept in layout.errors.iterdir()] == [b"some of it"]


def test_what_completed_and_is_out_of_reach_was_charged(layout: Layout) -> None:
    records(layout, record("a"))
    [written] = taken(layout, OFFLINE, row("a", cost=Decimal("1.10"))).records
    assert (written.settled, written.cost, written.at_risk) == (
        Settled.BILLED,
        Decimal("1.10"),
        -PRICE,
    )
    assert written.request_id == "id-a"


def test_an_output_that_could_still_be_fetched_stays_in_doubt(layout: Layout) -> None:
    records(layout, record("a"))
    found = taken(layout, OFFLINE, row("a", media="https://media.test/a.mp4"))
    assert [doubt.task for doubt in found.open] == ["a"]
    assert len(list(read(layout.manifest))) == 1


def test_a_charge_of_an_unknown_amount_stays_in_doubt(layout: Layout) -> None:
    records(layout, record("a", at_risk=None))
    assert len(taken(layout, OFFLINE, row("a", cost=None)).open) == 1


def test_one_row_ends_one_doubt(layout: Layout) -> None:
    twin = {"params": {"prompt": "a"}}
    records(layout, record("a"), record("b", **twin))
    assert len(taken(layout, OFFLINE, row("a")).records) == 1
    assert taken(layout, OFFLINE, row("a")).records == []


def test_a_charge_for_what_was_rendered_since_corrects_the_sums(layout: Layout) -> None:
    later = "2026-11-26T11:30:00.000Z"
    done = record("a", Status.SUCCEEDED, cost=PRICE, output="a.mp4", started_at=later)
    records(layout, record("a"), done)
    [written] = taken(layout, ONLINE, row("a")).records
    assert (written.cost, written.at_risk, written.settled) == (PRICE, -PRICE, Settled.FOUND)


def test_an_exported_file_ends_a_doubt(layout: Layout, tmp_path: Path) -> None:
    records(layout, record("a"), record("b"))
    sheet = tmp_path / "usage.csv"
    sheet.write_text(
        "Request ID;Model;Status;Cost;Created;Parameters\n"
        f"x;luma;Completed;0,95;{AT};\"{{'prompt': 'a', 'loop': False}}\"\n"
        f'y;luma;Failed;0;{AT};"{{""prompt"": ""b""}}"\n'
    )
    written = taken(layout, OFFLINE, *read_usage(sheet, providers.get())).records
    assert [(r.task, r.settled, r.cost) for r in written] == [
        ("a", Settled.BILLED, PRICE),
        ("b", Settled.FOUND, 0),
    ]


def asked(progress: Progress, asked_for: list[str]) -> Reach:
    async def ask(handle: Handle) -> Progress:
        asked_for.append(handle.id)
        return progress

    return replace(ONLINE, ask=ask)


def test_what_the_provider_has_forgotten_was_charged(layout: Layout) -> None:
    records(layout, record("a"))
    asked_for: list[str] = []
    found = taken(layout, asked(Progress(state=RequestState.GONE), asked_for), row("a"))
    assert [(r.settled, r.cost) for r in found.records] == [(Settled.BILLED, PRICE)]
    assert asked_for == ["id-a"]


@pytest.mark.parametrize("state", [RequestState.UNREACHED, RequestState.REFUSED])
def test_what_cannot_be_asked_for_now_stays_in_doubt(layout: Layout, state: RequestState) -> None:
    records(layout, record("a"))
    found = taken(layout, asked(Progress(state=state), []), row("a"))
    assert [doubt.task for doubt in found.open] == ["a"]
    assert len(list(read(layout.manifest))) == 1


def test_what_the_provider_still_has_is_accepted(layout: Layout) -> None:
    records(layout, record("a"))
    there = Progress(state=DONE, media="https://media.test/a.mp4")
    [left] = taken(layout, asked(there, []), row("a")).accepted
    assert left.claim is not None
    assert left.claim.handle is not None
    assert left.claim.handle.media == "https://media.test/a.mp4"


def test_an_output_that_the_list_names_is_kept_in_the_claim_and_nobody_is_asked(
    layout: Layout,
) -> None:
    records(layout, record("a"))
    asked_for: list[str] = []
    named = row("a", media="https://media.test/a.mp4")
    taken(layout, asked(Progress(state=RequestState.GONE), asked_for), named)
    [left] = leftovers(layout.inflight)
    assert left.claim is not None
    assert left.claim.handle is not None
    assert (left.claim.handle.media, left.claim.handle.cost) == (named.progress.media, PRICE)
    assert asked_for == []
