"""A small HTTP server for free requests and files: it keeps connections and notes each request."""

import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from support.raw import KEY, Line, Raw, answer


@dataclass(frozen=True)
class Seen:
    """A request that has arrived."""

    method: str
    target: str
    head: str
    body: bytes = b""

    @property
    def path(self) -> str:
        return self.target.partition("?")[0]


# What is said to a target, or what is done with the line.
Said = bytes | Callable[[Line], Any]


@dataclass
class Web:
    """Answers by path, and 404 to what it does not know; `url` is its own."""

    url: str = ""
    says: dict[str, Said] = field(default_factory=dict)
    seen: list[Seen] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)

    @property
    def paths(self) -> list[str]:
        return [one.path for one in self.seen]

    @property
    def keyed(self) -> list[str]:
        """The paths of the requests in which a part of the key was."""
        return [one.path for one in self.seen if KEY in one.head or "api-key" in one.head]

    async def meet(self, line: Line) -> None:
        self.lines.append(line)
        while True:
            request = await line.read_request()
            head, _, body = request.partition(b"\r\n\r\n")
            method, target, _ = head.split(b"\r\n")[0].decode("latin-1").split(" ")
            self.seen.append(Seen(method, target, head.decode("latin-1").lower(), body))
            said = self.says.get(self.seen[-1].path, answer(b"{}", "404 Not Found"))
            if not isinstance(said, bytes):
                await said(line)
                return
            await line.say(said)


@asynccontextmanager
async def web(**says: Said) -> AsyncIterator[Web]:
    """Serve on loopback."""
    told = Web(says=dict(says))
    raw = Raw(told.meet)
    await raw.open()
    told.url = f"http://127.0.0.1:{raw.port}"
    try:
        yield told
    finally:
        await raw.close()


def as_json(value: Any, status: str = "200 OK", **headers: Any) -> bytes:
    """Write a whole answer of JSON."""
    told = {"content_type": "application/json", **headers}
    return answer(json.dumps(value).encode(), status, **told)
