"""Runs of the real composition root that die at a chosen step: a process that forks one for each.

Reads orders as JSON lines: {"job", "output", "journal", "die_at", "retry", "api", "slow"}. Answers
each with a line {"steps", "code", "ops"}. What waits for the disk is done in one order, or where
it is "slow" at once, as each may come first. With "bucket", a folder, outputs go to a bucket
there; then each request to it is a step, too. A step is a place before, inside or after a call
that changes what is on disk; the client is a function that writes each request into the journal,
as the server's own books would have it, before it answers with a clip that no other request has
had. `api` is what it does besides: `bare` nothing, `listed` lists the requests of the journal,
`accepting` answers with an id as well, and gives the clip to whoever asks by it.
"""

import hashlib
import json
import os
import signal
import sys
import time
from decimal import Decimal
from functools import partial
from pathlib import Path
from typing import Any, Self

import anyio
import anyio._backends._asyncio
import anyio.lowlevel

# Imported here, once: each run is a fork of this process.
import pipeline.runtime.runner
import pipeline.store.batch
from pipeline.account.shared import Apart
from pipeline.api.endpoint import Endpoint
from pipeline.api.outcome import Balance, Body, Outcome, Page, Progress, Query, RequestState, Row
from pipeline.api.provider import Witness
from pipeline.api.segmind import Segmind
from pipeline.job import load
from pipeline.ledger.plan import Retry
from pipeline.models import Handle, Job, Task
from pipeline.runtime.control import by_nobody
from pipeline.store.cloud import CloudShelf
from pipeline.store.layout import Layout

sys.path.insert(0, str(Path(__file__).parents[1]))
from support.folder_bucket import FolderBucket

CHANGING = ("fsync", "fdatasync", "replace", "unlink", "write", "mkdir")
REAL = {name: getattr(os, name) for name in CHANGING}


class Steps:
    """Counts steps, and kills the process at one of them."""

    def __init__(self, die_at: int | None) -> None:
        self.count = 0
        self.ops: list[str] = []
        self._die_at = die_at

    def step(self) -> None:
        self.count += 1
        if self.count == self._die_at:
            os.kill(os.getpid(), signal.SIGKILL)

    def watch(self, name: str, *arguments: Any, **more: Any) -> Any:
        """Do what `os.<name>` does, with a step before and after, and halfway of a write."""
        self.step()
        if name == "write" and len(arguments[1]) > 1:
            half = len(arguments[1]) // 2
            done = REAL["write"](arguments[0], arguments[1][:half])
            self.step()
            done += REAL["write"](arguments[0], arguments[1][half:])
        else:
            done = REAL[name](*arguments, **more)
        self.ops.append(f"{name} {_subject(name, arguments)}")
        self.step()
        return done


def _subject(name: str, arguments: tuple[Any, ...]) -> str:
    """Name what a call is about; a descriptor by the file it is open on."""
    if isinstance(arguments[0], int):
        return str(Path(f"/proc/self/fd/{arguments[0]}").readlink())
    return str(arguments[1] if name == "replace" else arguments[0])


class Client:
    """Answers at once, with a clip of its own for each request."""

    def __init__(self, journal: Path, steps: Steps, api: str) -> None:
        self.endpoint = Endpoint("https://api.example.com", "k")
        self._journal = journal
        self._steps = steps
        self._api = api

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    async def list_requests(self, query: Query, page: int) -> Page:
        if self._api == "bare" or page > 1:
            return Page(readable=self._api != "bare", detail="HTTP 404")
        return Page(
            rows=tuple(
                Row(
                    id=line["id"],
                    model=query.model,
                    sent=line["params"],
                    created=line["at"],
                    progress=_done(line),
                )
                for line in self._requests()
            )
        )

    async def ask(self, handle: Handle) -> Progress:
        return next(_done(line) for line in self._requests() if line["id"] == handle.id)

    async def fetch(self, media: str, part: Path) -> Outcome:
        await anyio.lowlevel.checkpoint()
        return self._answer(part, f"clip {media}")

    def _requests(self) -> list[dict[str, Any]]:
        if not self._journal.exists():
            return []
        return [json.loads(line) for line in self._journal.read_text("utf-8").splitlines()]

    async def balance(self) -> Balance:
        return Balance(Decimal(1000), simulated=False)

    async def attempt(self, task: Task, part: Path, witness: Witness | None = None) -> Outcome:
        self._steps.step()
        assert witness is not None
        if self._api == "bare":
            witness.sending()
            self._steps.step()
        else:  # it arrives with its mark: what is lost on its way, no list has
            watched, os.write = os.write, REAL["write"]
            witness.sending()
            os.write = watched
        name = os.urandom(8).hex()
        said = {"id": name, "params": task.params, "at": time.time()}
        line = json.dumps({"task": task.id, "fingerprint": task.fingerprint, **said}) + "\n"
        file = os.open(self._journal, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
        REAL["write"](file, line.encode())
        os.close(file)
        self._steps.step()
        await anyio.lowlevel.checkpoint()
        self._steps.ops.append(f"answer {task.id}")
        if self._api == "accepting":
            return Outcome(took=0.0, status=200, accepted=Handle(id=name))
        return self._answer(part, f"clip {name}")

    def _answer(self, part: Path, text: str) -> Outcome:
        """Write a clip to its part, as it comes."""
        data = text.encode()
        descriptor = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        self._steps.watch("write", descriptor, data)
        os.close(descriptor)
        body = Body(len(data), hashlib.sha256(data).hexdigest(), ".mp4", "video/mp4")
        return Outcome(took=0.0, status=200, body=body)


def _done(line: dict[str, Any]) -> Progress:
    """Say of a request in the journal that it is done; its clip lies at an address of its own."""
    return Progress(state=RequestState.DONE, media=line["id"], cost=Decimal("0.95"))


class Provider(Segmind):
    """The real provider, but for its network."""

    def __init__(self, client: Client) -> None:
        super().__init__()
        self.client = client

    def connect(self, *_: Any, **__: Any) -> Client:
        return self.client


def run(order: dict[str, Any]) -> dict[str, Any]:
    """Run a job once, in this process."""
    steps = Steps(order["die_at"])
    for name in REAL:
        setattr(os, name, partial(steps.watch, name))
    # What a disk has taken does not decide: then no two runs would have the same steps.
    pipeline.store.batch._SLOW = -1.0 if order.get("slow") else float("inf")
    job = load(Path(order["job"]))
    options = pipeline.Options(
        retry=frozenset(Retry(name) for name in order["retry"]), keep_places=False
    )
    endpoint = Endpoint("https://api.example.com", "k")
    provider = Provider(Client(Path(order["journal"]), steps, order.get("api", "bare")))
    render = partial(
        pipeline.run,
        job,
        endpoint,
        options=options,
        provider=provider,
        account=Apart(),  # the files of others are steps of their own
        control=by_nobody,
    )
    if bucket := order.get("bucket"):
        folder = FolderBucket(Path(bucket), steps.step, _save)
        render.keywords["shelf"] = partial(_far_shelf, folder)
    summary = anyio.run(render)
    return {"steps": steps.count, "code": int(summary.exit_code), "ops": steps.ops}


def _save(file: Path, text: str) -> None:
    """Write a file whole, as one request does; its steps are the bucket's own."""
    draft = file.with_suffix(".new")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    REAL["write"](descriptor, text.encode())
    os.close(descriptor)
    REAL["replace"](draft, file)


def _far_shelf(bucket: FolderBucket, job: Job, layout: Layout, **more: Any) -> CloudShelf:
    return CloudShelf(bucket.address, layout, job=job.name, connect=lambda _: bucket, **more)


def serve() -> None:
    """Fork a run for each order."""
    warm = False
    for line in sys.stdin:
        if not warm:  # what is imported late is imported here, once
            list(load(Path(json.loads(line)["job"])).tasks())
            warm = True
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            result = run(json.loads(line))
            os.write = REAL["write"]
            with os.fdopen(writing, "w") as out:
                json.dump(result, out)
            os._exit(0)
        os.close(writing)
        with os.fdopen(reading) as answer:
            told = answer.read()
        _, status = os.waitpid(child, 0)
        killed = os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL
        if not told and not killed:
            sys.exit("a run ended in an error")
        sys.stdout.write((told or json.dumps({"steps": None, "code": None, "ops": []})) + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    serve()
