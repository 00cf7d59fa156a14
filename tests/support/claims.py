"""The claims of an output directory, and files of claims as older versions wrote them."""

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path

import msgspec

from pipeline.models import Claim, Completion, fingerprint
from pipeline.store.claim_lines import NAME, leftovers
from pipeline.store.claim_log import ClaimLog
from pipeline.store.layout import Layout

PRICE, BODY = Decimal("0.95"), b"a clip"


def claim_of(task: str, output: str | None = None, **more: object) -> Claim:
    """Make the claim of a task of model m."""
    params = {"prompt": task}
    fields = {
        "task": task, "fingerprint": fingerprint("m", params), "model": "m", "params": params,
        "meta": {"channel": "web"}, "price": PRICE, "attempt": 1, "output": output or task,
        "started_at": "2026-01-01T00:00:00.000Z",
    }  # fmt: skip
    return Claim(**{**fields, **more})  # type: ignore[arg-type]


def complete(claim: Claim, body: bytes = BODY, cost: Decimal | None = PRICE) -> Claim:
    """Add to a claim that its output is here, whole."""
    done = Completion(
        output=f"{claim.output}.mp4", bytes=len(body), sha256=hashlib.sha256(body).hexdigest(),
        content_type="video/mp4", http_status=200, cost=cost, remaining_credits=None,
        request_id="r", finished_at="2026-01-01T00:01:00.000Z", duration_s=60.0, simulated=False,
    )  # fmt: skip
    return msgspec.structs.replace(claim, completion=done)


def open_claims(output: Path) -> dict[str, Claim | None]:
    """Read the claims of an output directory that are not closed, by their attempts."""
    return {left.attempt: left.claim for left in leftovers(output / ".inflight")}


def log_of(output: Path) -> Path:
    """Name the log of the claims."""
    return output / ".inflight" / NAME


def claim_file(layout: Layout, attempt: str) -> Path:
    """Name the file of a claim as versions before format 4 wrote it."""
    return layout.inflight / f"{attempt}.json"


@contextmanager
def open_log(output: Path) -> Iterator[ClaimLog]:
    """Open the log of a folder as a run does, and leave it as a killed one."""
    log = ClaimLog(output / ".inflight", fsync=False, sync_names=lambda _: None)
    try:
        yield log
    finally:
        log.close()
