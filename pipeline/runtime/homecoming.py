"""Waits for workers of a killed run that live on, on other machines."""

import time
from functools import partial

import anyio
from anyio import to_thread

from pipeline.runtime.leftover import places_kept
from pipeline.store.claims import Leftover
from pipeline.store.commit import Store
from pipeline.store.recovery import waits_for_worker

# Seconds between two looks.
_LOOK = 0.5


async def wait_for_workers(
    store: Store,
    *,
    usual: float | None,
    timeout: float,  # noqa: ASYNC109 - of a request
    hint: str = "",
) -> None:
    """Wait until what workers have is brought home, or too late: then it is in doubt.

    Only then is a killed run taken in. `hint` says how a person need not wait.
    """
    if not any(left.claim and left.claim.worker for left in store.leftovers):
        return  # the disk is left alone
    said = False
    while left := await to_thread.run_sync(partial(_awaited, store)):
        ends = places_kept(
            [each.claim.started_at for each in left if each.claim],
            store.history.durations,
            usual=usual,
            timeout=timeout,
            now=time.time(),
        )
        if not ends:
            return
        if not said:
            said = True
            store.warn(
                f"a killed run has left requests with workers ({len(left)}): waiting for them for"
                f" up to {ends[-1]:.0f} s{hint}"
            )
            store.report_warnings()
        await anyio.sleep(min(_LOOK, ends[-1]))


def _awaited(store: Store) -> list[Leftover]:
    return [left for left in store.leftovers if waits_for_worker(store, left)]
