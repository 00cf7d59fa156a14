"""An output directory with doubts in it, and the store that is opened on it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

from pipeline.ledger.manifest import encode
from pipeline.models import Claim, Record, Status, task_key
from pipeline.store import claims
from pipeline.store.commit import Store
from pipeline.store.layout import Layout
from pipeline.store.recovery import recover
from support.claims import claim_file

PRICE = Decimal("0.95")
AT = "2026-11-26T11:00:00.000Z"


def record(task: str, status: Status = Status.IN_DOUBT, **more: Any) -> Record:
    """Make a record of a task that was sent at 11:00, by default in doubt."""
    return Record(
        **{
            "task": task,
            "status": status,
            "model": "luma",
            "params": {"prompt": task},
            "fingerprint": "f",
            "at_risk": PRICE if status is Status.IN_DOUBT else Decimal(0),
            "started_at": AT,
            "finished_at": AT,
            **more,
        }
    )


def leave_claim(layout: Layout, task: str, part: bytes = b"", **more: Any) -> None:
    """Leave the claim of a killed run, and what had come of its body."""
    claim = Claim(
        **{
            "task": task,
            "fingerprint": "f",
            "model": "luma",
            "params": {"prompt": task},
            "meta": {},
            "price": PRICE,
            "attempt": 1,
            "output": task,
            "started_at": AT,
            "sent": True,
            **more,
        }
    )
    attempt = f"{task_key(task)}.abc.1"
    claim_file(layout, attempt).write_bytes(claims.encode(claim, attempt))
    if part:
        layout.part(attempt).write_bytes(part)


def records(layout: Layout, *given: Record) -> None:
    """Write the manifest."""
    layout.manifest.write_bytes(b"".join(map(encode, given)))


@asynccontextmanager
async def opened(layout: Layout) -> AsyncIterator[Store]:
    """Open the store, and take in what a killed run has left whole."""
    store = Store(layout)
    try:
        recover(store)
        yield store
    finally:
        store.stop()
        store.close()
