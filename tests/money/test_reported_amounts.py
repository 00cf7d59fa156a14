"""What a server tells of money is not always so: the real command, and servers that do not count.

Each takes 0.95 for a clip, whatever it says.
"""

import json
from decimal import Decimal

import pytest
from support.helpers import Run, Workspace
from support.other_api import OtherApi, Reply

from pipeline.amounts import dollars

pytestmark = pytest.mark.few(0)

PRICE = Decimal("0.95")
UNKNOWN = "nobody-knows-its-price"


def job(workspace: Workspace, count: int, **keys: object) -> None:
    prompts = [{"id": f"t{n:02}", "prompt": f"scene {n:02}"} for n in range(count)]
    workspace.write(prompts=prompts, **{"concurrency": 1, **keys})


class Floats:
    """An account whose balance is a float, as careless servers keep it."""

    def __init__(self, balance: float, price: float) -> None:
        self.balance, self.price = balance, price

    def generate(self, _api: OtherApi, _number: int) -> Reply:
        # It forgives a hair, as it does not know better itself.
        if self.balance + 1e-9 < self.price:
            return Reply(406, b'{"error": "insufficient credits"}', "application/json")
        self.balance -= self.price
        return Reply(headers={"x-remaining-credits": repr(self.balance)})

    def tell(self, _api: OtherApi) -> Reply:
        told = json.dumps({"credits": self.balance, "free-credits": 0}).encode()
        return Reply(200, told, "application/json", seconds=0)


@pytest.mark.parametrize(
    ("balance", "price", "clips"), [(33.33, 0.95, 35), (6.65, 0.95, 7), (2.1, 0.3, 7)]
)
@pytest.mark.parametrize("written", [True, False], ids=["written", "unwritten"])
def test_the_last_affordable_clip_is_rendered_where_the_balance_is_a_float(
    workspace: Workspace, balance: float, price: float, clips: int, written: bool
) -> None:
    job(workspace, clips + 2, model=UNKNOWN, credits={"cost": price} if written else {})
    account = Floats(balance, price)
    with OtherApi(account.generate, account.tell) as api:
        run = workspace.run(url=api.url)
    assert run.code == 3, run.err
    assert workspace.sound() == clips
    assert set(api.statuses) == {200}
    costs = [Decimal(record["cost"]) for record in workspace.records()]
    assert set(costs) == {Decimal(str(price))}
    assert workspace.status()["spent"] == clips * Decimal(str(price))
    assert "e-" not in run.err.casefold()


LIES = {
    "nothing": ["0"],
    "a hundredth": ["0.0095"],
    "a fifth": ["0.2"],
    "a half": ["0.475"],
    "once next to nothing": ["0.0001", "0.95"],
    "once far too much": ["900000000000", "0.95"],
    "always far too much": ["900000000000"],
    "tenfold": ["9.5"],
    "negative": ["-5"],
    "now less, now more": ["0.10", "9"],
    "less and less": [str(Decimal("0.95") / 2**n) for n in range(12)],
    "more and more": [str(Decimal("0.95") * 2**n) for n in range(12)],
    "no number": ["NaN", "1e400", "-0", "abc"],
}


def lying(costs: list[str], *, header: bool = True) -> OtherApi:
    """Take 0.95 for each clip, and say what `costs` says, in turn."""

    def generate(api: OtherApi, number: int) -> Reply:
        if not api.pay(PRICE):
            return Reply(406, b'{"error": "insufficient credits"}', "application/json")
        told = {"x-cost": costs[number % len(costs)]}
        return Reply(headers=told | ({"x-remaining-credits": str(api.balance)} if header else {}))

    def tell(api: OtherApi) -> Reply:
        told = json.dumps({"credits": float(api.balance), "free-credits": 0}).encode()
        return Reply(200, told, "application/json", seconds=0)

    return OtherApi(generate, tell, balance=100)


def sums_agree(workspace: Workspace, run: Run) -> Decimal:
    """Hold what status, the report and the last line say against the sum of the records."""
    spent = workspace.spent()
    status = workspace.status()
    assert (status["spent"], status["at_risk"]) == (spent, workspace.at_risk())
    assert workspace.finish(workspace.start(command="report")).code == 0
    page = (workspace.output / "report.html").read_text(encoding="utf-8")
    assert f"<dt>Spent</dt><dd>{dollars(spent)}</dd>" in page
    assert f"spent {dollars(spent)}" in run.err
    return spent


OFTEN = {"nothing", "a fifth", "once far too much"}


def lies() -> list[object]:
    """Each lie with a written price and without; all but a few are long runs."""
    return [
        pytest.param(
            told, width, written,
            id=f"{name}, {'written' if written else 'unwritten'}, {width} at a time",
            marks=() if name in OFTEN and width == 4 else pytest.mark.slow,
        )
        for name, told in LIES.items() for width in (1, 4) for written in (True, False)
    ]  # fmt: skip


@pytest.mark.parametrize(("costs", "width", "written"), lies())
def test_a_budget_holds_in_what_the_server_took_whatever_answers_say(
    workspace: Workspace, costs: list[str], width: int, written: bool
) -> None:
    policy = {"budget": 4} | ({"cost": 0.95} if written else {})
    job(
        workspace,
        20,
        concurrency=width,
        credits=policy,
        model="luma-txt-2-video" if written else UNKNOWN,
    )
    with lying(costs) as api:
        run = workspace.run(url=api.url)
        assert run.code == 3, run.err
        taken = 100 - api.balance
        assert taken <= 4
        sums_agree(workspace, run)
        # Nor does the budget open again for the next run.
        again = workspace.run(url=api.url)
        assert again.code == 3, again.err
        assert 100 - api.balance <= 4
    assert run.err.count("not believed") <= 1
    assert set(api.statuses) == {200}
