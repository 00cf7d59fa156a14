"""Who runs: the pipeline, and its peers on the same work."""

import importlib.util
import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from bench.measure import HERE, PYTHON, Cost, FailedError, Server, run

KEY = {"SEGMIND_API_KEY": "bench"}
JSON = "Content-Type: application/json"
BODY = json.dumps({"prompt": "a lighthouse at dusk", "loop": False})


@dataclass(frozen=True, slots=True)
class Work:
    """So many requests, so many in flight; the outputs go under `folder`."""

    server: Server
    count: int
    concurrency: int
    folder: Path
    hashed: bool = False


Command = Callable[[Work], list[str]]


@dataclass(frozen=True, slots=True)
class Contender:
    """One way to do the work. `share` of it, where all of it would take too long."""

    name: str
    command: Command
    missing: str | None = None
    share: float = 1.0
    most: int = 10_000
    """The most that it can have in flight."""


def write_job(folder: Path, rows: int, concurrency: int) -> Path:
    """Write a job file and its sheet of prompts; returns the job file."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "rows.csv").open("w") as sheet:
        sheet.write("id,subject,mood\n")
        for number in range(rows):
            sheet.write(f"t{number:07},a lighthouse at dusk number {number},calm\n")
    job = folder / "job.yaml"
    job.write_text(
        "name: bench\nmodel: luma-txt-2-video\nprompts_from: rows.csv\n"
        'prompt: "{{ subject }}, {{ mood }} light"\n'
        "output: {dir: out}\ncredits: {cost: 0.95}\n"
        f"concurrency: {concurrency}\n"
    )
    return job


def _pipeline(work: Work, *flags: str) -> list[str]:
    job = write_job(work.folder, work.count, work.concurrency)
    return [
        *(PYTHON, "-m", "pipeline", "run", str(job)),
        *("--base-url", work.server.base, "--no-report", *flags),
    ]


def _script(name: str, work: Work) -> list[str]:
    out = work.folder / "out"
    out.mkdir(parents=True)
    return [
        *(PYTHON, str(HERE / "peers" / f"{name}.py"), f"--url={work.server.model}"),
        *(f"--count={work.count}", f"--concurrency={work.concurrency}", f"--out={out}"),
        *(["--hash"] if work.hashed else []),
    ]


def _curl(work: Work) -> list[str]:
    out = work.folder / "out"
    out.mkdir(parents=True)
    targets = work.folder / "targets"
    with targets.open("w") as file:
        for number in range(work.count):
            file.write(f'url="{work.server.model}"\noutput="{out}/{number}.mp4"\n')
    return [
        *("curl", "--silent", "--fail", "--parallel", "--parallel-immediate"),
        *("--parallel-max", str(work.concurrency), "--header", JSON, "--data", BODY),
        *("--config", str(targets)),
    ]


def _parallel(work: Work) -> list[str]:
    out = work.folder / "out"
    out.mkdir(parents=True)
    fetch = (
        f"curl --silent --fail --header '{JSON}' --data '{BODY}' -o {out}/{{}}.part"
        f" {work.server.model}"
        f" && mv {out}/{{}}.part {out}/{{}}.mp4"
    )
    numbers = work.folder / "numbers"
    numbers.write_text("".join(f"{number}\n" for number in range(work.count)))
    return [
        *("parallel", "--will-cite", "--jobs", str(work.concurrency)),
        *("--joblog", str(work.folder / "joblog"), "--arg-file", str(numbers), fetch),
    ]


def _without(program: str, hint: str) -> str | None:
    return None if shutil.which(program) else f"{program} is not installed ({hint})"


def _without_module(name: str) -> str | None:
    found = importlib.util.find_spec(name) is not None
    return None if found else f"{name} does not install here"


def _most_of_curl() -> int:
    """Older versions of curl take 300 at most, whatever limit they are given."""
    try:
        done = subprocess.run(["curl", "--version"], capture_output=True, text=True, check=True)
    except (OSError, subprocess.CalledProcessError):
        return 0
    version = tuple(int(part) for part in done.stdout.split()[1].split(".")[:2])
    return 65535 if version >= (8, 16) else 300


PIPELINE = Contender("pipeline", _pipeline)
NO_FSYNC = Contender("pipeline --no-fsync", lambda work: _pipeline(work, "--no-fsync"))
BARE = Contender("bare transport loop", partial(_script, "bare"))
HTTPX = Contender("plain httpx, semaphore", partial(_script, "plain_httpx"))
AIOHTTP = Contender("aiohttp", partial(_script, "with_aiohttp"), _without_module("aiohttp"))
RAW = Contender("raw asyncio sockets", partial(_script, "raw"))
CURL = Contender(
    "curl --parallel", _curl, _without("curl", "apt install curl"), most=_most_of_curl()
)
GNU = Contender(
    "GNU parallel + curl --joblog",
    _parallel,
    _without("parallel", "apt install parallel") or _without("curl", "apt install curl"),
    share=0.1,
)
COOKBOOK = Contender(
    "cookbook's script, for bytes", partial(_script, "cookbook"), _without_module("aiohttp")
)
SCRAPY = Contender("Scrapy", partial(_script, "with_scrapy"), _without_module("scrapy"))


@dataclass(frozen=True, slots=True)
class Done:
    """One contender's run. `makespan` is from the first request to the last byte saved."""

    cost: Cost
    count: int
    makespan: float
    peak: int
    server_cpu: float


def do(contender: Contender, work: Work, size: int) -> Done:
    """Let a contender do the work in a new folder, and make sure that it did.

    Raises:
        FailedError: it did not.
    """
    work.folder.mkdir(parents=True)
    work.server.reset()
    before = work.server.stats()["cpu"]
    cost = run(contender.command(work), work.folder / "log", **KEY)
    stats = work.server.stats()
    clips = [path.stat() for path in (work.folder / "out").glob("*.mp4")]
    whole = sum(clip.st_size == size for clip in clips)
    if whole != work.count:
        raise FailedError(f"{contender.name}: {whole} whole clips of {work.count}")
    logs = [log.stat() for log in (work.folder / "out").glob("*.jsonl")]
    makespan = max(file.st_mtime for file in (*clips, *logs)) - stats["first"]
    return Done(cost, work.count, makespan, int(stats["peak"]), stats["cpu"] - before)
