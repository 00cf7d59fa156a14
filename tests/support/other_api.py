"""An API that is not our sandbox: a few lines of asyncio that answer as a test wants it."""

import asyncio
import json
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path
from typing import Any, Self

CLIP = (Path(__file__).parents[2] / "sandbox" / "tiny.mp4").read_bytes()


@dataclass(frozen=True)
class Reply:
    """What is answered, after so many seconds."""

    status: int = 200
    body: bytes = CLIP
    kind: str = "video/mp4"
    headers: dict[str, str] = field(default_factory=dict)
    seconds: float = 0.05


class OtherApi:
    """Answers POSTs by `generate(api, number)` and GETs by `tell(api)`, in a thread of its own.

    `number` counts the POSTs from 0. `balance` is the test's to keep; `pay` takes a price off it.
    """

    def __init__(
        self,
        generate: Callable[["OtherApi", int], Reply],
        tell: Callable[["OtherApi"], Reply] = lambda _: Reply(404, b"", "text/plain"),
        balance: Any = 0,
    ) -> None:
        self._generate, self._tell = generate, tell
        self.balance = Decimal(str(balance))
        self.prompts: list[str] = []
        self.statuses: list[int] = []
        self.asked = self.in_flight = self.peak = 0

    def pay(self, price: Any) -> bool:
        """Take a price off the balance, where it covers it."""
        if self.balance < Decimal(str(price)):
            return False
        self.balance -= Decimal(str(price))
        return True

    def __enter__(self) -> Self:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        serve = asyncio.start_server(self._meet, "127.0.0.1", 0)
        self._server = asyncio.run_coroutine_threadsafe(serve, self._loop).result()
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    def __exit__(self, *_: object) -> None:
        asyncio.run_coroutine_threadsafe(self._end(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _end(self) -> None:
        self._server.close()
        open_ones = asyncio.all_tasks() - {asyncio.current_task()}
        for task in open_ones:
            task.cancel()
        await asyncio.gather(*open_ones, return_exceptions=True)

    async def _meet(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).lower()
            size = int(head.partition(b"content-length:")[2].split(b"\r\n")[0] or 0)
            body = await reader.readexactly(size)
            await self._answer(writer, head.startswith(b"post"), body)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    async def _answer(self, writer: asyncio.StreamWriter, paid: bool, body: bytes) -> None:
        if not paid:
            self.asked += 1
            reply = self._tell(self)
        else:
            number = len(self.prompts)
            self.prompts.append(json.loads(body)["prompt"])
            self.in_flight += 1
            self.peak = max(self.peak, self.in_flight)
            await asyncio.sleep(0)
            reply = self._generate(self, number)
            await asyncio.sleep(reply.seconds)
            self.in_flight -= 1
            self.statuses.append(reply.status)
        lines = [f"HTTP/1.1 {reply.status} Whatever", f"content-length: {len(reply.body)}"]
        lines += [f"content-type: {reply.kind}"] if reply.kind else []
        lines += [f"{name}: {value}" for name, value in reply.headers.items()]
        writer.write("\r\n".join([*lines, "connection: close", "", ""]).encode() + reply.body)
        await writer.drain()
