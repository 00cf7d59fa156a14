"""Prints the CPU that asking for an accepted request costs, over loopback, against a cheap server.

Each way is measured in rounds, one after the other, and the least counts: other processes only add.
"""

import argparse
import asyncio
import json
import multiprocessing
import time
from collections.abc import Awaitable, Callable
from multiprocessing.connection import Connection

import httpx

from pipeline.api.client import Client
from pipeline.api.endpoint import Endpoint
from pipeline.api.outcome import Progress, RequestState
from pipeline.api.segmind.wire import SegmindV2Wire
from pipeline.models import Handle
from pipeline.runtime.poller import Poller

KEY = "sk-0123456789abcdef0123456789abcdef"
IDS = [f"0b7a2d52-6f5e-4b6c-9b1e-{number:012x}" for number in range(1000)]
BODY = b'{"request_id":"%b","status":"PROCESSING"}'
AT_ONCE = 8
ROUNDS = 5
REQUESTS, SECONDS = 1000, 5


class Cheap(asyncio.Protocol):
    """Answers each GET that every request is at work."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        body = BODY % data.split(b"/", 4)[3]
        head = b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n"
        self.transport.write(head % len(body) + body)


def serve(port: Connection) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(Cheap, "127.0.0.1", 0)
        port.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(main())


class Server:
    """The cheap server, in a process of its own."""

    def __enter__(self) -> str:
        ours, theirs = multiprocessing.Pipe()
        self.process = multiprocessing.Process(target=serve, args=(theirs,), daemon=True)
        self.process.start()
        return f"http://127.0.0.1:{ours.recv()}"

    def __exit__(self, *_: object) -> None:
        self.process.terminate()
        self.process.join()


async def cpu(poll: Callable[[str], Awaitable[object]], count: int) -> float:
    """Milliseconds of CPU a poll."""

    async def worker(ids: list[str]) -> None:
        for id_ in ids:
            await poll(id_)

    ids = (IDS * (count // len(IDS) + 1))[:count]
    began = time.process_time()
    await asyncio.gather(*(worker(ids[first::AT_ONCE]) for first in range(AT_ONCE)))
    return (time.process_time() - began) / count * 1000


async def measure(url: str, count: int, rounds: int = ROUNDS) -> dict[str, float]:
    endpoint = Endpoint(url, KEY)
    wire = SegmindV2Wire(endpoint)
    pool = httpx.AsyncHTTPTransport(trust_env=False, limits=httpx.Limits(max_connections=16))
    async with Client(wire, endpoint) as ours, Client(wire, endpoint, transport=pool) as theirs:

        async def ask(client: Client, id_: str) -> None:
            progress = await client.ask(Handle(id=id_, status=f"{url}/v2/requests/{id_}/status"))
            assert progress.state is RequestState.RUNNING, progress

        ways = {
            "kept connections": lambda id_: ask(ours, id_),
            "httpx, a pool": lambda id_: ask(theirs, id_),
        }
        least = dict.fromkeys(ways, float("inf"))
        for _ in range(rounds):
            for name, way in ways.items():
                least[name] = min(least[name], await cpu(way, count))
    return least


async def run(url: str) -> tuple[float, int]:
    """The share of a core of a run's poller, and how many it has asked."""
    endpoint, asked = Endpoint(url, KEY), 0
    async with Client(SegmindV2Wire(endpoint), endpoint) as client:

        async def ask(handle: Handle) -> Progress:
            nonlocal asked
            asked += 1
            return await client.ask(handle)

        async with Poller(ask, SECONDS) as poller, asyncio.TaskGroup() as group:
            for id_ in IDS:
                group.create_task(poller.final(Handle(id=id_), patience=3600))
            await asyncio.sleep(SECONDS)
            began, asked, used = time.monotonic(), 0, time.process_time()
            await asyncio.sleep(3 * SECONDS)
            share = (time.process_time() - used) / (time.monotonic() - began)
            count = asked
            poller.end()
    return share, count


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", nargs="?", type=int, default=4000)
    parser.add_argument("--json", action="store_true", help="one round of the polls alone")
    args = parser.parse_args()
    with Server() as url:
        if args.json:
            print(json.dumps(asyncio.run(measure(url, args.count, rounds=1))))
            return
        least = asyncio.run(measure(url, args.count))
        used, asked = asyncio.run(run(url))
    share = REQUESTS / SECONDS / 1000
    for name, cost in least.items():
        print(
            f"{name}: {cost:.3f} ms of CPU a poll, "
            f"{cost * share:.1%} of a core for {REQUESTS} requests, one poll each {SECONDS} s"
        )
    print(f"a run's poller: {used:.1%} of a core, {asked} polls in {3 * SECONDS} s")


if __name__ == "__main__":
    main()
