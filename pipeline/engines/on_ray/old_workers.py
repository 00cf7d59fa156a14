"""The workers that a killed run has left: what they are at is waited for, then they end."""

import asyncio
from typing import Any

from pipeline.engines.on_ray.cluster import ANSWER, Cluster, in_thread
from pipeline.models import Job
from pipeline.store.commit import Store

# Seconds without an answer after which a worker cannot be waited for, and between two questions.
_SILENT, _BETWEEN = 10.0, 5.0


async def gather(cluster: Cluster, job: Job, store: Store) -> None:
    """Wait for the old workers of a directory, whose lock this run has: nobody else uses them.

    One that does not answer is left alone: it may be frozen, and bring home yet what was paid for.
    Then it ends itself.
    """
    names = await in_thread(lambda: cluster.names(job), ANSWER, "Ray")
    if not names:
        return
    store.warn(f"a killed run has left workers ({len(names)}): waiting for what they are at")
    store.report_warnings()
    seen_off = await asyncio.gather(*(_see_off(cluster, name) for name in names))
    if silent := seen_off.count(False):
        store.warn(f"old workers that do not answer, and are left alone: {silent}")
        store.report_warnings()


async def _see_off(cluster: Cluster, name: str) -> bool:
    """End an old worker once nothing is in flight there; False where it does not answer."""
    handle = await in_thread(lambda: cluster.find(name), ANSWER, "Ray")
    if handle is None:
        return True
    if not await _drained(cluster, handle):
        return False
    await in_thread(lambda: cluster.end(handle), ANSWER, "Ray")
    return True


async def _drained(cluster: Cluster, handle: Any) -> bool:
    """Wait until nothing is in flight at a worker, or it has ended; False where it is silent."""
    draining = asyncio.ensure_future(_awaited(handle.drain.remote()))
    try:
        while True:
            asking = asyncio.ensure_future(_awaited(handle.beat.remote()))
            await asyncio.wait({asking}, timeout=_SILENT)
            if not asking.done():
                asking.cancel()
                return False
            asking.result()
            await asyncio.wait({draining}, timeout=_BETWEEN)
            if draining.done():
                draining.result()
                return True
    except cluster.ray.exceptions.ActorUnavailableError:
        return False
    except cluster.ray.exceptions.RayActorError:
        return True  # it has ended
    finally:
        draining.cancel()


async def _awaited(reference: Any) -> Any:
    return await reference
