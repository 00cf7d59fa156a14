"""What a killed run has left whole is brought to its bucket, before its records are written."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from threading import Lock

from msgspec.structs import replace

from pipeline.models import Claim, part_of
from pipeline.store.claims import Leftover
from pipeline.store.commit import Store
from pipeline.store.outstanding import is_recorded
from pipeline.store.shelf import is_whole

# Uploads that are on their way at once.
UPLOADS = 4

Turn = AbstractContextManager[object]
"""Held while a claim is written: one thread at a time."""
_FREE = nullcontext()


def bring_leftovers(store: Store) -> None:
    """Bring what lies whole with its claim completed, several at once; `recover` has the rest.

    Raises:
        BucketError: the bucket is down, or refuses; everything stays here.
        StorageError: a claim cannot be written.
    """
    with ThreadPoolExecutor(UPLOADS, "upload") as threads:
        bring = partial(_bring_leftover, store, Lock())
        try:
            store.leftovers = list(threads.map(bring, store.leftovers))
        except BaseException:
            threads.shutdown(cancel_futures=True)
            raise


def _bring_leftover(store: Store, turn: Turn, left: Leftover) -> Leftover:
    claim, part = left.claim, part_of(left.attempt)
    if claim is None or claim.completion is None:
        return left
    if not is_whole(store.shelf.spool(part), done := claim.completion):
        return left
    if is_recorded(left, store.history):
        if store.shelf.holds(done.output, done):  # killed before it was removed
            store.shelf.drop(part)
    else:
        return replace(left, claim=bring_now(store, left.attempt, claim, turn))
    return left


def bring_now(store: Store, attempt: str, claim: Claim, turn: Turn = _FREE) -> Claim:
    """Bring a part to where outputs lie, under a name that nobody has there; returns its claim.

    Raises:
        BucketError: the bucket is down, or refuses; the part stays here.
        StorageError: the claim cannot be written.
    """
    if not store.shelf.far:
        return claim
    while True:
        with turn:
            claim = store.complete_now(attempt, claim)
        try:
            store.shelf.bring(part_of(attempt), claim)
        except FileExistsError:
            continue
        return claim
