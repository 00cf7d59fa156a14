"""One process of the account's row: reserves and settles on a ledger, and says what that took."""

import json
import sys
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

from pipeline.account import places, schema
from pipeline.account.ledger import Ledger
from pipeline.account.telling import Asked, Entry, News, Operation, Posting, Terms, Told
from pipeline.money.account import NOTHING, Bid, Holdings, Way
from pipeline.money.balance import Moment, Question

PRICE, ZERO, LEFT = Decimal("0.95"), Decimal(0), Decimal(10**8)


def main(folder: str, job: str, tasks: int, batch: int) -> None:
    """Let `tasks` requests go and be charged, so many at once, one after the other."""
    ledger = Ledger.open(Path(folder))
    terms = Terms(concurrency=10_000, day=Decimal(10**8), zone="UTC")
    ledger.register(Entry(job, job, terms), now=time.monotonic())
    _tell(ledger, [Operation("answer", (Question(Moment(), quiet=True), LEFT))])

    def work() -> None:
        for _ in range(0, tasks, batch):
            _settle(ledger, _reserve(ledger, batch))

    _report(work, tasks)
    ledger.leave(NOTHING, now=time.monotonic())


def bare(folder: str, tasks: int) -> None:
    """Write a row twice for each task, each time in a transaction of its own: what SQLite takes."""
    connection = schema.connect(_made(Path(folder)))

    def work() -> None:
        for count in range(2 * tasks):
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("UPDATE account SET turn = ?", (count,))
            connection.execute("COMMIT")

    _report(work, tasks)
    connection.close()


def _made(folder: Path) -> Path:
    places.prepare(folder)
    return folder


def _report(work: Callable[[], None], tasks: int) -> None:
    began, used = time.perf_counter(), time.process_time()
    work()
    wall, cpu = time.perf_counter() - began, time.process_time() - used
    json.dump({"wall": wall / tasks, "cpu": cpu / tasks}, sys.stdout)


def _reserve(ledger: Ledger, batch: int) -> list[Moment]:
    asked = []
    for count in range(batch):
        before, after = (Holdings(PRICE * n, ZERO, n) for n in (count, count + 1))
        asked.append(Asked(Bid(PRICE, PRICE, Way.BESIDE, before, after)))
    ledger.transact(Told(NOTHING), asked, now=time.monotonic())
    answers = [each.answer for each in asked]
    return [answer for answer in answers if isinstance(answer, Moment)]


def _settle(ledger: Ledger, sent: list[Moment]) -> None:
    operations = []
    for moment in sent:
        operations += [
            Operation("charge", (PRICE, moment)),
            Operation("header", (LEFT, moment)),
            Operation("change", ()),
        ]
    quarter = int(time.time() // 900)
    _tell(ledger, operations, [Posting(quarter, PRICE, ZERO) for _ in sent])


def _tell(
    ledger: Ledger, operations: list[Operation], postings: list[Posting] | None = None
) -> News:
    said = Told(NOTHING, operations, postings=postings or [])
    return ledger.transact(said, (), now=time.monotonic())


if __name__ == "__main__":
    place, job, tasks, batch = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    if batch:
        main(place, job, tasks, batch)
    else:
        bare(place, tasks)
