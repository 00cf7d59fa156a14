"""Runs tasks through the pipeline against a transport that answers at once; says what it cost.

`stub` puts in place of the client one that writes the body and hands the outcome back: what is left
is queue, gate, claims, outputs, records. `httpx` keeps the client, over a transport that answers
without a network. Outputs are deleted as soon as they are recorded, to keep the disk small.
"""

import hashlib
import json
import os
import resource
import sys
from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import httpx

from pipeline import events
from pipeline.api.client import Client
from pipeline.api.endpoint import Endpoint
from pipeline.api.outcome import Body, Outcome
from pipeline.api.provider import Witness
from pipeline.api.segmind import Segmind
from pipeline.api.segmind.wire import SegmindWire
from pipeline.models import CreditPolicy, Job, Task, fingerprint
from pipeline.runtime import runner

BODY = (20).to_bytes(4) + b"ftypisom\0\0\2\0isom" + (236).to_bytes(4) + b"mdat" + b"\x5a" * 228
MODEL = "luma-txt-2-video"


def tasks(count: int) -> Iterator[Task]:
    for number in range(count):
        params = {"prompt": f"a lighthouse at dusk number {number}", "loop": False}
        name = f"t{number:07}"
        yield Task(
            id=name,
            model=MODEL,
            params=params,
            fingerprint=fingerprint(MODEL, params),
            output=name,
        )


class AtOnce(httpx.AsyncBaseTransport):
    """Answers without a network."""

    async def handle_async_request(self, _request: httpx.Request) -> httpx.Response:
        headers = [
            (b"content-type", b"video/mp4"),
            (b"content-length", str(len(BODY)).encode()),
            (b"x-remaining-credits", b"1000000"),
            (b"x-cost", b"0.95"),
        ]
        return httpx.Response(200, headers=headers, stream=_Once())


class _Once(httpx.AsyncByteStream):
    async def __aiter__(self) -> AsyncIterator[bytes]:
        yield BODY


class Stub(Client):
    """Writes the body itself."""

    async def attempt(
        self,
        task: Task,  # noqa: ARG002 - as the client
        part: Path,
        witness: Witness | None = None,  # noqa: ARG002 - as the client
    ) -> Outcome:
        with open(part, "wb", buffering=0) as file:
            file.write(BODY)
        body = Body(len(BODY), hashlib.sha256(BODY).hexdigest(), ".mp4", "video/mp4")
        return Outcome(
            took=0.0,
            status=200,
            body=body,
            content_type="video/mp4",
            remaining=Decimal(1000000),
            cost=Decimal("0.95"),
        )


class Without(Segmind):
    """The provider without a network."""

    def __init__(self, client: type[Client]) -> None:
        super().__init__()
        self._client = client

    def connect(self, endpoint: Endpoint, **bounds: Any) -> Client:
        return self._client(SegmindWire(endpoint), endpoint, transport=AtOnce(), **bounds)


def rss() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize()


def cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def main() -> None:
    mode, out, count = sys.argv[1], Path(sys.argv[2]), int(sys.argv[3])
    provider = Without(Client if mode == "httpx" else Stub)
    job = Job(
        path=out.parent / "job.yaml",
        name="at-once",
        model=MODEL,
        output_dir=out,
        expand=partial(tasks, count),
        concurrency=50,
        credits=CreditPolicy(cost=Decimal("0.95")),
    )
    marks: dict[int, tuple[float, int]] = {}
    ended = 0

    def watch(event: Any) -> None:
        nonlocal ended
        if isinstance(event, events.Finished):
            ended += 1
            os.unlink(f"{out}/{event.record.output}")
            if ended in {count // 10, count // 2, count}:
                marks[ended] = cpu(), rss()

    endpoint = Endpoint("http://127.0.0.1:9", "bench")
    anyio.run(partial(runner.run, job, endpoint, watch=watch, provider=provider))
    (early_cpu, early), (_, half), (end_cpu, end) = marks.values()
    print(
        json.dumps(
            {
                "cpu": (end_cpu - early_cpu) / (count - count // 10),
                "rss_tenth": early,
                "rss_half": half,
                "rss_end": end,
                "bytes_per_task": (end - early) / (count - count // 10),
            }
        )
    )


main()
