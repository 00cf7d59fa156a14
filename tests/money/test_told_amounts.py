"""What a server tells of money is not always so: the real command, and servers that do not count.

Each takes 0.95 for a clip, whatever it says.
"""

import json
from decimal import Decimal

import pytest
from helpers import Desk
from other_api import OtherApi, Reply

PRICE = Decimal("0.95")
UNKNOWN = "nobody-knows-its-price"


def job(desk: Desk, count: int, **keys: object) -> None:
    prompts = [{"id": f"t{n:02}", "prompt": f"scene {n:02}"} for n in range(count)]
    desk.write(prompts=prompts, **{"concurrency": 1, **keys})


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
    desk: Desk, balance: float, price: float, clips: int, written: bool
) -> None:
    job(desk, clips + 2, model=UNKNOWN, credits={"cost": price} if written else {})
    account = Floats(balance, price)
    with OtherApi(account.generate, account.tell) as api:
        run = desk.run(url=api.url)
    assert run.code == 3, run.err
    assert desk.sound() == clips
    assert set(api.statuses) == {200}
    costs = [Decimal(record["cost"]) for record in desk.records()]
    assert set(costs) == {Decimal(str(price))}
    assert desk.status()["spent"] == clips * Decimal(str(price))
    assert "e-" not in run.err.casefold()
