"""Jobs that `view` serves in this process, over real sockets, and a page that listens."""

import asyncio
import json
from collections import deque
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from pipeline.cli.options import load_job
from pipeline.cli.view import source_of
from pipeline.viewing.serve import listen, serve

PATIENCE = 30.0


@dataclass
class Page:
    """What a page is told: events, in order."""

    response: httpx.Response
    told: list[tuple[str, Any]] = field(default_factory=list)
    last_id: str = ""
    _lines: AsyncIterator[str] | None = None
    _waiting: deque[tuple[str, Any]] = field(default_factory=deque)

    async def until(self, kind: str, when: Any = lambda _: True) -> Any:
        """Return the data of the next event of a kind for which `when` holds."""
        async with asyncio.timeout(PATIENCE):
            while True:
                name, data = await self._next()
                if name == kind and when(data):
                    return data

    async def _next(self) -> tuple[str, Any]:
        if self._lines is None:
            self._lines = self.response.aiter_lines()
        name, data = "", None
        async for line in self._lines:
            head, _, text = line.partition(": ")
            if head == "event":
                name = text
            elif head == "id":
                self.last_id = text
            elif head == "data":
                data = json.loads(text)
            elif not line and name:
                self.told.append((name, data))
                return name, data
        raise AssertionError(f"the stream ended: {self.told}")


@dataclass
class Viewed:
    """The server: its address, and a client that has its cookie."""

    url: str
    token: str
    client: httpx.AsyncClient
    said: list[str]
    stop: asyncio.Event

    @property
    def port(self) -> int:
        return httpx.URL(self.url).port or 0

    async def get(self, path: str, **headers: str) -> httpx.Response:
        return await self.client.get(path, headers=headers)

    async def post(self, path: str, body: Any, **headers: str) -> httpx.Response:
        return await self.client.post(path, json=body, headers=headers)

    @asynccontextmanager
    async def page(self, job: str = "job", after: str = "") -> AsyncIterator[Page]:
        address = f"/{job}/events" + (f"?after={after}" if after else "")
        async with self.client.stream("GET", address) as response:
            assert response.status_code == 200
            yield Page(response)


@asynccontextmanager
async def viewed(*jobs: Path) -> AsyncIterator[Viewed]:
    """Serve jobs."""
    ready: asyncio.Future[str] = asyncio.get_running_loop().create_future()
    said, stop, sock = list[str](), asyncio.Event(), listen(0)
    loaded = [(source_of(path, None), load_job(path, to_send=False)) for path in jobs]
    task = asyncio.create_task(serve(loaded, sock, ready.set_result, said.append, stop))
    try:
        address = httpx.URL(await asyncio.wait_for(ready, PATIENCE))
        token, url = address.params["token"], f"http://127.0.0.1:{address.port}"
        async with httpx.AsyncClient(base_url=url, timeout=PATIENCE, trust_env=False) as client:
            client.cookies.set(f"pipeline-view-{address.port}", token)
            yield Viewed(url, token, client, said, stop)
    finally:
        stop.set()
        await asyncio.wait_for(task, PATIENCE)
