"""Costs that were estimates: two runs on one account, and what the records say in the end."""

import json
from decimal import Decimal
from pathlib import Path

import pytest
from support.helpers import Workspace
from support.other_api import OtherApi, Reply

from pipeline.ledger.manifest import corrected, last_records, read, replay
from pipeline.ledger.records import correction
from pipeline.ledger.writing import Manifest
from pipeline.models import CORRECTION, CostSource, Record, Status
from pipeline.money.prices import Booked, PriceBook
from pipeline.report.commands import Commands
from pipeline.report.data import collect
from sandbox.testing import Sandbox

pytestmark = pytest.mark.few(0)

PRICE = Decimal("0.95")
UNKNOWN = "nobody-knows-its-price"
ESTIMATED, MEASURED, REPORTED = CostSource.ESTIMATED, CostSource.MEASURED, CostSource.REPORTED


def a_record(cost: str, source: CostSource = ESTIMATED, task: str = "a") -> Record:
    return Record(
        task=task, status=Status.SUCCEEDED, model="m", params={"prompt": task}, fingerprint="f",
        output=f"{task}.mp4", bytes=9, sha256="0" * 64, cost=Decimal(cost), at_risk=Decimal(0),
        remaining_credits=Decimal(7), started_at="2026-12-01T00:00:00.000Z",
        finished_at="2026-12-01T00:01:00.000Z", duration_s=60.0, cost_source=source,
    )  # fmt: skip


# -- a correction -----------------------------------------------------------------------------


def test_a_correction_carries_the_difference_and_leaves_the_task_as_it_stands(
    tmp_path: Path,
) -> None:
    path, first = tmp_path / "manifest.jsonl", a_record("1.90")
    mended = correction(first, Booked(PRICE, MEASURED))
    manifest = Manifest(path)
    manifest.append([first, a_record("0.95", MEASURED, "b"), mended])
    manifest.close()
    assert (mended.cost, mended.reason, mended.at_risk) == (-PRICE, CORRECTION, 0)
    history = replay(path)
    assert history.spent == sum(r.cost or 0 for r in read(path)) == 2 * PRICE
    assert history.counts[Status.SUCCEEDED] == 2
    assert len(history.durations) == 2
    by_task = {record.task: record for record in last_records(path, history)}
    assert by_task["a"].cost == by_task["b"].cost == PRICE
    assert by_task["a"].cost_source is MEASURED
    assert by_task["a"].reason is None
    assert by_task["a"].output == "a.mp4"


def test_a_correction_of_a_correction_counts_too(tmp_path: Path) -> None:
    path, first = tmp_path / "manifest.jsonl", a_record("2.85")
    second = correction(first, Booked(Decimal("1.90"), ESTIMATED))
    third = correction(corrected(first, second), Booked(PRICE, MEASURED))
    manifest = Manifest(path)
    manifest.append([first, second, third])
    manifest.close()
    (last,) = last_records(path, replay(path))
    assert (last.cost, last.cost_source) == (PRICE, MEASURED)
    assert replay(path).spent == PRICE


def test_the_report_shows_a_clip_with_its_corrected_cost_and_once() -> None:
    first = a_record("1.90")
    mended = correction(first, Booked(PRICE, MEASURED))
    now = "2026-12-01T01:00:00Z"
    data = collect([first, mended], name="n", commands=Commands("run"), generated_at=now)
    (shown,) = data.records
    assert shown.cost == data.totals.spent == PRICE
    assert sum(sum(night.succeeded) for night in data.nights) == 1


# -- prices -----------------------------------------------------------------------------------


def test_one_fall_is_an_estimate_and_a_second_like_it_makes_it_sure() -> None:
    prices = PriceBook(None, None)
    assert prices.of("a") is None
    prices.fell("a", Decimal("1.90"))
    assert prices.book("a", None) == (Decimal("1.90"), ESTIMATED)
    assert prices.final("a") is None
    prices.fell("a", PRICE)  # the lowest is believed
    assert prices.book("a", None) == (PRICE, ESTIMATED)
    prices.fell("a", PRICE)
    assert prices.book("a", None) == prices.final("a") == (PRICE, MEASURED)
    prices.fell("a", Decimal("0.30"))  # a top-up while it was on its way
    assert prices.book("a", None) == (PRICE, MEASURED)


def test_a_fall_that_agrees_with_the_list_is_sure_at_once() -> None:
    prices = PriceBook(None, PRICE)
    prices.fell("a", PRICE)
    assert prices.of("a") == PRICE
    assert prices.final("a") == (PRICE, MEASURED)


def test_falls_that_were_two_runs_at_once_are_recognized_by_the_steps_between_answers() -> None:
    prices = PriceBook(None, None)
    prices.fell("a", Decimal("1.90"))
    prices.fell("a", Decimal("1.90"))
    assert prices.final("a") == (Decimal("1.90"), MEASURED)
    prices.stepped("a", Decimal("1.90"))
    prices.stepped("a", PRICE)
    assert prices.estimate("a") == Decimal("1.90")
    prices.stepped("a", PRICE)
    assert prices.final("a") == (PRICE, MEASURED)


def test_a_fall_that_was_seen_once_is_sure_when_answers_in_a_row_show_it_too() -> None:
    prices = PriceBook(None, None)
    prices.fell("a", Decimal("1.90"))
    prices.fell("a", PRICE)
    prices.stepped("a", PRICE)
    assert prices.final("a") is None
    prices.stepped("a", PRICE)
    assert prices.final("a") == (PRICE, MEASURED)


@pytest.mark.parametrize("written", [None, PRICE])
def test_no_fall_is_sure_where_other_runs_may_spend_unseen(written: Decimal | None) -> None:
    prices, three = PriceBook(written, None), 3 * PRICE
    prices.blind = True
    for _ in range(5):  # three runs whose requests are answered in the same moments
        prices.fell("a", three)
        prices.stepped("a", three)
    estimated = None, (three, ESTIMATED)
    as_written = (PRICE, CostSource.WRITTEN), (PRICE, CostSource.WRITTEN)
    assert (prices.final("a"), prices.book("a", None)) == (as_written if written else estimated)
    assert prices.guessed("a") is (written is None)
    assert prices.estimate("b") == written


def test_no_step_of_runs_that_are_not_seen_divides_a_price_that_was_sure() -> None:
    prices = PriceBook(None, None)
    prices.fell("a", 2 * PRICE)
    prices.fell("a", 2 * PRICE)
    prices.blind = True
    for _ in range(2):
        prices.stepped("a", PRICE)
    assert prices.final("a") == (2 * PRICE, MEASURED)


@pytest.mark.parametrize("published", [None, 2 * PRICE])
def test_what_answers_report_is_believed_where_other_runs_may_spend_unseen(
    published: Decimal | None,
) -> None:
    prices, balance = PriceBook(None, published), Decimal(100)
    prices.blind = True
    prices.fell("a", 2 * PRICE)
    prices.fell("a", 12 * PRICE)
    assert prices.book("a", None).cost == 2 * PRICE
    assert prices.believes("a", PRICE, balance, 1)
    prices.report("a", PRICE)
    assert prices.book("a", PRICE) == (PRICE, REPORTED)
    assert prices.estimate("a") == PRICE


@pytest.mark.parametrize("written", [None, PRICE / 2])
@pytest.mark.parametrize("steps", [0, 2])
def test_a_price_that_was_sure_stays_so_where_other_runs_spend_unseen_later(
    written: Decimal | None, steps: int
) -> None:
    prices = PriceBook(written, None)
    for _ in range(1 if steps else 2):
        prices.fell("a", PRICE)
    for _ in range(steps):
        prices.stepped("a", PRICE)
    prices.blind = True
    for _ in range(2):
        prices.fell("a", 3 * PRICE)
        prices.stepped("a", 3 * PRICE)
    assert prices.final("a") == (PRICE, MEASURED)


def test_a_single_answer_that_says_otherwise_moves_no_price() -> None:
    prices = PriceBook(None, None)
    for cost in (PRICE, PRICE, Decimal("0.20"), PRICE, Decimal(4)):
        prices.report("a", cost)
        assert prices.estimate("a") == PRICE


def test_a_written_price_is_never_undercut_and_follows_what_is_reported_twice() -> None:
    prices = PriceBook(PRICE, None)
    for cost in ("0.50", "0.50", "0.50"):
        prices.report("a", Decimal(cost))
    assert prices.estimate("a") == PRICE
    for cost in ("1.20", "1.20"):
        prices.report("a", Decimal(cost))
    assert prices.estimate("a") == Decimal("1.20")


# -- the real command -------------------------------------------------------------------------


def two_workspaces(folder: Path, count: int, **keys: object) -> list[Workspace]:
    workspaces = []
    for name in ("one", "two"):
        (folder / name).mkdir()
        workspace = Workspace(folder / name)
        prompts = [{"id": f"t{n:02}", "prompt": f"{name} {n:02}"} for n in range(count)]
        workspace.write(prompts=prompts, **keys)
        workspaces.append(workspace)
    return workspaces


@pytest.mark.parametrize("price", ["0.95", "0.40"], ids=["as listed", "another"])
def test_two_runs_at_once_on_one_account_record_what_was_taken(tmp_path: Path, price: str) -> None:
    """The price is not written, and each sees the balance fall by what the other spends."""
    workspaces = two_workspaces(tmp_path, 10, concurrency=3)
    with Sandbox(credits=100, price=price, clips="tiny", latency=0.3, jitter=0.4) as sandbox:
        runs = [workspace.start(url=sandbox.url) for workspace in workspaces]
        ends = [workspace.finish(run) for workspace, run in zip(workspaces, runs, strict=True)]
        books = sandbox.books()
    assert [end.code for end in ends] == [0, 0], ends
    told = sum(workspace.spent() for workspace in workspaces)
    records = [record for workspace in workspaces for record in workspace.records()]
    assert told == Decimal(books["charged"]), [(r["cost"], r["cost_source"]) for r in records]
    for workspace in workspaces:
        assert workspace.status()["spent"] == workspace.spent()
        assert workspace.sound() == 10


def test_an_estimate_is_corrected_by_a_record_once_two_agree(tmp_path: Path) -> None:
    """Somebody else spends 0.50 while the first clip is made, and nothing after."""
    workspace = Workspace(tmp_path)
    prompts = [{"id": f"t{n}", "prompt": f"scene {n}"} for n in range(4)]
    workspace.write(prompts=prompts, model=UNKNOWN, concurrency=1)

    def generate(api: OtherApi, number: int) -> Reply:
        api.pay(PRICE + (Decimal("0.50") if number == 0 else 0))
        return Reply(headers={"x-remaining-credits": str(api.balance)})

    def tell(api: OtherApi) -> Reply:
        told = json.dumps({"credits": float(api.balance)}).encode()
        return Reply(200, told, "application/json", seconds=0)

    with OtherApi(generate, tell, balance=50) as api:
        run = workspace.run(url=api.url)
        again = workspace.run(url=api.url)
    assert (run.code, again.code) == (0, 0), run.err
    first, *_, last = [record for record in workspace.records() if record["task"] == "t0"]
    assert (first["cost"], first["cost_source"]) == (Decimal("1.45"), "estimated")
    assert (last["cost"], last["reason"]) == (Decimal("-0.50"), "correction")
    assert workspace.spent() == workspace.status()["spent"] == 4 * PRICE
    assert len(api.prompts) == 4
    assert len(workspace.records()) == 5
    listed = workspace.finish(workspace.start("--to", "json", command="export"))
    assert {Decimal(str(clip["cost"])) for clip in json.loads(listed.out)} == {PRICE}
