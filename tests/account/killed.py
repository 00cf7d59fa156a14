"""A process that registers with a ledger, holds something, says so, and waits to be killed."""

import sys
import time
from decimal import Decimal
from pathlib import Path

from pipeline.account.ledger import Ledger
from pipeline.account.telling import Asked, Entry, Terms, Told
from pipeline.money.account import NOTHING, Bid, Holdings, Way
from pipeline.money.balance import Moment

PRICE = Decimal("0.95")


def main(folder: Path, job: str, requests: int, longest: float) -> None:
    ledger = Ledger.open(folder)
    entry = Entry(job, "killed", Terms(priority=3), longest=longest)
    ledger.register(entry, now=time.monotonic())
    before = NOTHING
    for _ in range(requests):
        after = Holdings(before.held + PRICE, Decimal("0.05"), before.flying + 1)
        asked = Asked(Bid(PRICE, PRICE, Way.BESIDE, before, after))
        ledger.transact(Told(before), [asked], now=time.monotonic())
        assert isinstance(asked.answer, Moment), asked.answer
        before = after
    sys.stdout.write("holds\n")
    sys.stdout.flush()
    time.sleep(600)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]), float(sys.argv[4]))
