"""What the simulation puts in place of the network and of the clips; all else is the real thing."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Self

import anyio

from pipeline.api.endpoint import Endpoint
from pipeline.api.outcome import Balance, Outcome, Page, Progress, Query
from pipeline.api.provider import Witness
from pipeline.api.segmind import Segmind
from pipeline.models import Handle, Job, Task
from pipeline.store.layout import Layout
from pipeline.store.shelf import LocalShelf
from simulation.vendor import Vendor

ENDPOINT = Endpoint("http://127.0.0.1:9", "simulated")
_SECONDS = 0.02  # that a free call takes


class VendorProvider(Segmind):
    """The real provider, but for its network."""

    def __init__(self, vendor: Vendor, job: int) -> None:
        super().__init__()
        self._session = VendorSession(vendor, job)

    def connect(self, *_: Any, **__: Any) -> "VendorSession":
        return self._session


class VendorSession:
    """A session of one job with the vendor; attempts are the workers'."""

    def __init__(self, vendor: Vendor, job: int) -> None:
        self.endpoint = ENDPOINT
        self._vendor, self._job = vendor, job

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    async def attempt(self, task: Task, part: Path, witness: Witness | None = None) -> Outcome:
        raise NotImplementedError("the workers make the attempts")

    async def ask(self, handle: Handle) -> Progress:
        await anyio.sleep(_SECONDS)
        return self._vendor.progress(handle.id)

    async def fetch(self, media: str, part: Path) -> Outcome:
        await anyio.sleep(_SECONDS)
        return self._vendor.fetch()

    async def list_requests(self, query: Query, page: int) -> Page:
        await anyio.sleep(_SECONDS)
        return self._vendor.list(self._job, query, page)

    async def balance(self) -> Balance:
        await anyio.sleep(_SECONDS)
        return self._vendor.tell()


class NoClips(LocalShelf):
    """A shelf that keeps no clip: parts are files, and what would be placed is removed."""

    def place(self, part: str, task: str, output: str) -> None:
        self.drop(part)
        self._chosen.pop(output, None)

    def room(self) -> None:
        """Ask no disk: what is not kept needs none, and no table depends on this machine's."""


def no_clips(
    job: Job, layout: Layout, *, fsync: bool = True, warn: Callable[[str], None] = lambda _: None
) -> NoClips:
    """Open such a shelf."""
    return NoClips(layout, fsync=fsync, warn=warn)
