"""The claims of an output directory, and files of claims as older versions wrote them."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pipeline.models import Claim
from pipeline.store.claim_lines import NAME, leftovers
from pipeline.store.claim_log import ClaimLog
from pipeline.store.layout import Layout


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
