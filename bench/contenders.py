"""Who runs: the pipeline, and its peers on the same work."""

import importlib.util
import json
import shlex
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from bench.altered import Machine
from bench.measure import HERE, OURS, PYTHON, Cost, FailedError, Server, run

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
    machine: Machine = Machine()  # noqa: RUF009 - frozen


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
    rounds: int = 1_000
    """The most rounds, where one takes minutes."""


def write_job(folder: Path, rows: int, concurrency: int, name: str = "bench") -> Path:
    """Write a job file and its sheet of prompts; returns the job file."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "rows.csv").open("w") as sheet:
        sheet.write("id,subject,mood\n")
        for number in range(rows):
            sheet.write(f"t{number:07},a lighthouse at dusk number {number},calm\n")
    job = folder / "job.yaml"
    job.write_text(
        f"name: {name}\nmodel: luma-txt-2-video\nprompts_from: rows.csv\n"
        'prompt: "{{ subject }}, {{ mood }} light"\n'
        "output: {dir: out}\ncredits: {cost: 0.95}\n"
        f"concurrency: {concurrency}\naccount: {{concurrency: {concurrency}}}\n"
    )
    return job


def _run(job: Path, work: Work, *flags: str) -> list[str]:
    return [
        *(OURS, "-m", "pipeline", "run", str(job)),
        *("--base-url", work.server.base, "--no-report", *flags),
    ]


def _pipeline(work: Work, *flags: str) -> list[str]:
    return _run(write_job(work.folder, work.count, work.concurrency), work, *flags)


def _several(work: Work, runs: int) -> list[str]:
    """Start some runs at once, each with a part of the tasks, and wait for all."""
    jobs = [
        write_job(
            work.folder / str(number), work.count // runs, work.concurrency, f"bench-{number}"
        )
        for number in range(runs)
    ]
    commands = [shlex.join(_run(job, work)) for job in jobs]
    started = "\n".join(f"{command} & pids+=($!)" for command in commands)
    return ["bash", "-ec", f'{started}\nfor pid in "${{pids[@]}}"; do wait "$pid"; done']


def _script(name: str, work: Work, *flags: str) -> list[str]:
    out = work.folder / "out"
    out.mkdir(parents=True)
    # The bare loop runs over the pipeline's own transport, in its environment.
    return [
        *(OURS if name == "bare" else PYTHON, str(HERE / "peers" / f"{name}.py")),
        *(f"--url={work.server.model}", f"--count={work.count}"),
        *(f"--concurrency={work.concurrency}", f"--out={out}", *flags),
        *(["--hash"] if work.hashed else []),
    ]


def _peer(name: str, script: str, *flags: str, module: str = "aiohttp") -> Contender:
    return Contender(name, lambda work: _script(script, work, *flags), _without_module(module))


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
THREE = Contender("pipeline, 3 runs on one account", lambda work: _several(work, 3))
BARE = Contender("bare transport loop", partial(_script, "bare"))
HTTPX = Contender("plain httpx, semaphore", partial(_script, "plain_httpx"))
AIOHTTP = _peer("aiohttp", "with_aiohttp")
DURABLE = _peer("aiohttp, fsync of file and line", "with_aiohttp", "--fsync")
FRESH = _peer("aiohttp, force_close", "with_aiohttp", "--fresh")
BACKOFF = _peer("aiohttp, backoff a request", "backoff")
ADAPTIVE = _peer("inspect_ai's adaptive concurrency", "adaptive", module="inspect_ai")
RAW = Contender("raw asyncio sockets", partial(_script, "raw"))
CURL = Contender(
    "curl --parallel", _curl, _without("curl", "apt install curl"), most=_most_of_curl()
)
GNU = Contender(
    "GNU parallel + curl --joblog",
    _parallel,
    _without("parallel", "apt install parallel") or _without("curl", "apt install curl"),
)
COOKBOOK = _peer("cookbook's script, for bytes", "cookbook", "--attempts=1000000")
SCRAPY = _peer("Scrapy", "with_scrapy", module="scrapy")
THROTTLED = _peer("Scrapy, AutoThrottle", "with_scrapy", "--throttle", module="scrapy")

# What is not a peer: the pipeline, and parts of it.
OWN = (PIPELINE.name, NO_FSYNC.name, THREE.name, BARE.name)


@dataclass(frozen=True, slots=True)
class Done:
    """One contender's run. `makespan` is from the first request to the last byte saved.

    Its seconds are those of the machine's clock; those of `cost` are not altered.
    """

    cost: Cost
    count: int
    makespan: float
    stats: dict[str, Any]
    server_cpu: float


def do(contender: Contender, work: Work, size: int) -> Done:
    """Let a contender do the work in a new folder, and make sure that it did.

    Raises:
        FailedError: it did not.
    """
    work.folder.mkdir(parents=True)
    work.server.reset()
    before = work.server.stats()["cpu"]
    # An account of its own: nothing of this user, or of the run before, is read or written.
    env = {**KEY, **work.machine.env, "XDG_STATE_HOME": str(work.folder / "state")}
    cost = run(contender.command(work), work.folder / "log", **env)
    stats = work.server.stats()
    clips = [path.stat() for path in work.folder.rglob("out/*.mp4")]
    whole = sum(clip.st_size == size for clip in clips)
    if whole != work.count:
        raise FailedError(f"{contender.name}: {whole} whole clips of {work.count}")
    logs = [log.stat() for log in work.folder.rglob("out/*.jsonl")]
    last = max(file.st_mtime for file in (*clips, *logs))
    makespan = work.machine.shows(last) - stats["first"]
    return Done(cost, work.count, makespan, stats, stats["cpu"] - before)
