"""The rows of the table: what is run, how often, and what is read off it."""

import json
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench import contenders as who
from bench.contenders import KEY, Contender, Done, Work, do, write_job
from bench.measure import HERE, PYTHON, FailedError, median, run, serving

MB = 1024 * 1024


@dataclass(slots=True)
class Settings:
    """How much of everything. `folder` is on a disk, `memory` in memory where there is such."""

    quick: bool
    folder: Path
    memory: Path | None
    rounds: int
    say: Callable[[str], None]

    def of(self, quick: int, full: int) -> int:
        return quick if self.quick else full


@dataclass(slots=True)
class Row:
    """One line of work, with the runs of each contender in the order of the rounds."""

    key: str
    title: str
    facts: dict[str, Any] = field(default_factory=dict)
    runs: dict[str, list[dict[str, float]]] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, **figures: float) -> None:
        self.runs.setdefault(name, []).append(figures)

    def as_json(self) -> dict[str, Any]:
        medians = {
            name: {key: median([run[key] for run in runs]) for key in runs[0]}
            for name, runs in self.runs.items()
        }
        return {
            "key": self.key,
            "title": self.title,
            "facts": self.facts,
            "medians": medians,
            "runs": self.runs,
            "missing": self.missing,
        }


def _figures(done: Done) -> dict[str, float]:
    return {
        "cpu_per_task": done.cost.cpu / done.count,
        "wall_per_task": done.cost.wall / done.count,
        "wall": done.cost.wall,
        "makespan": done.makespan,
        "rss": done.cost.rss,
        "peak": done.peak,
        "server_cpu_per_task": done.server_cpu / done.count,
        "count": done.count,
    }


def _race(
    row: Row,
    settings: Settings,
    contenders: list[Contender],
    *,
    folder: Path,
    count: int,
    concurrency: int,
    size: int = 1024,
    latency: float = 0.0,
    spread: float = 0.0,
    hashed: bool = False,
    rounds: int | None = None,
) -> None:
    """Let the contenders do the same work, one after the other, round after round."""
    # Small files are deleted at the end: some file systems are slow for a minute after that.
    keep = tempfile.TemporaryDirectory(dir=folder, prefix=f"{row.key}-")
    with keep as place, serving(size=size, latency=latency, spread=spread) as server:
        for turn in range(rounds or settings.rounds):
            for contender in contenders:
                if contender.missing:
                    row.missing[contender.name] = contender.missing
                    continue
                if concurrency > contender.most:
                    row.missing[contender.name] = f"has {contender.most} in flight at most"
                    continue
                part = max(int(count * contender.share), 1)
                here = Path(place) / f"{turn}-{contender.name.replace(' ', '-')}"
                try:
                    done = do(contender, Work(server, part, concurrency, here, hashed), size)
                except FailedError as error:
                    row.missing[contender.name] = str(error).splitlines()[0]
                    settings.say(str(error))
                    continue
                finally:
                    if size > MB:
                        shutil.rmtree(here, ignore_errors=True)
                row.add(contender.name, **_figures(done))
                settings.say(
                    f"  {row.key} {turn + 1}: {contender.name:30} {done.cost.wall:6.2f} s wall"
                    f" {1e6 * done.cost.cpu / part:7.0f} µs CPU a task"
                    f" {done.cost.rss / MB:5.0f} MB"
                )


def small(settings: Settings) -> Iterator[Row]:
    count = settings.of(1000, 5000)
    row = Row("small", "small answers, 50 in flight, on a disk", {"count": count})
    peers = [who.RAW, who.CURL, who.AIOHTTP, who.HTTPX, who.GNU, who.COOKBOOK]
    full = [] if settings.quick else [who.SCRAPY]
    ours = [who.PIPELINE, who.BARE, who.NO_FSYNC]
    _race(
        row, settings, [*ours, *peers, *full], folder=settings.folder, count=count, concurrency=50
    )
    yield row
    if settings.memory is None:
        return
    row = Row("small-memory", "the same, files in memory", {"count": count})
    _race(row, settings, [*ours, who.HTTPX], folder=settings.memory, count=count, concurrency=50)
    yield row


def makespan(settings: Settings) -> Iterator[Row]:
    peers = [who.BARE, who.RAW, who.AIOHTTP, who.CURL, who.HTTPX]
    for concurrency in (50, 200):
        count = concurrency * settings.of(2, 4)
        row = Row(
            f"makespan-{concurrency}",
            f"answers after 1 s, {concurrency} in flight",
            {"count": count, "ideal": count / concurrency},
        )
        extra = [] if settings.quick or concurrency > 50 else [who.GNU, who.COOKBOOK, who.SCRAPY]
        _race(
            row,
            settings,
            [who.PIPELINE, *peers, *(_whole(peer) for peer in extra)],
            folder=settings.folder,
            count=count,
            concurrency=concurrency,
            latency=1.0,
            rounds=settings.of(1, settings.rounds),
        )
        yield row
    if settings.quick:
        return
    row = Row("makespan-1000", "5 s ± 50 %, 1,000 in flight", {"count": 3000})
    _race(
        row,
        settings,
        [who.PIPELINE, who.RAW, who.BARE, who.AIOHTTP, who.CURL],
        folder=settings.folder,
        count=3000,
        concurrency=1000,
        latency=5.0,
        spread=0.5,
    )
    _race(
        row,
        settings,
        [who.HTTPX],
        folder=settings.folder,
        count=3000,
        concurrency=1000,
        latency=5.0,
        spread=0.5,
        rounds=1,
    )
    yield row


def _whole(contender: Contender) -> Contender:
    return Contender(contender.name, contender.command, contender.missing)


def flat(settings: Settings) -> Iterator[Row]:
    """CPU per task by what is in flight; the pace is the same, 400 a second at most."""
    count = settings.of(400, 4000)
    for concurrency in (10, 100, 1000):
        row = Row(f"flat-{concurrency}", f"{concurrency} in flight", {"count": count})
        for contender, part in ((who.PIPELINE, count), (who.HTTPX, min(count, 1500))):
            if settings.quick and contender is who.HTTPX and concurrency == 1000:
                continue
            _race(
                row,
                settings,
                [contender],
                folder=settings.memory or settings.folder,
                count=part,
                concurrency=concurrency,
                latency=concurrency / 400,
                rounds=settings.of(1, settings.rounds) if contender is who.PIPELINE else 1,
            )
        yield row


def bodies(settings: Settings) -> Iterator[Row]:
    size = 20 * MB
    for concurrency in (20,) if settings.quick else (200, 100):
        row = Row(
            f"bodies-{concurrency}",
            f"{concurrency} bodies of 20 MB in flight, hashed as they stream",
            {"count": concurrency},
        )
        _race(
            row,
            settings,
            [who.PIPELINE, who.CURL, who.RAW, who.BARE, who.AIOHTTP, who.HTTPX],
            folder=settings.folder,
            count=concurrency,
            concurrency=concurrency,
            size=size,
            latency=1.0,
            hashed=True,
            rounds=settings.of(1, min(settings.rounds, 3)),
        )
        yield row


def resume(settings: Settings) -> Iterator[Row]:
    """A large sheet of which nearly all is done: how long until the first request leaves."""
    rows = settings.of(20_000, 1_000_000)
    row = Row("resume", "tasks from CSV, all but 1,000 done", {"rows": rows, "left": 1000})
    folder = (settings.memory or settings.folder) / "work"
    shutil.rmtree(folder, ignore_errors=True)
    job = write_job(folder, rows, 50)
    settings.say(f"  resume: preparing {rows:,} tasks …")
    try:
        with serving() as server:
            for turn in range(settings.of(1, 2)):
                prepare = [PYTHON, "-m", "bench.prepare", str(job), str(rows // 1000)]
                run(prepare, folder.parent / "log", **KEY)
                server.reset()
                command = [PYTHON, "-m", "pipeline", "run", str(job), "--no-report"]
                cost = run([*command, "--base-url", server.base], folder.parent / "log", **KEY)
                stats = server.stats()
                assert stats["posts"] == 1000, stats
                first = stats["first"] - cost.began
                row.add("pipeline", first_dispatch=first, rss=cost.rss, cpu=cost.cpu)
                settings.say(f"  resume {turn + 1}: {first:.1f} s, {cost.rss / MB:.0f} MB")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    yield row


def coordinator(settings: Settings) -> Iterator[Row]:
    """A transport that answers at once: what is left is our own."""
    count = settings.of(10_000, 1_000_000)
    row = Row("coordinator", "tasks against a transport that answers at once", {"count": count})
    folder = (settings.memory or settings.folder) / "work"
    for mode in ("stub", "httpx"):
        tasks = count if mode == "stub" or settings.quick else count // 10
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        command = [PYTHON, str(HERE / "at_once.py"), mode, str(folder / "out"), str(tasks)]
        log = folder / "log"
        cost = run(command, log)
        report = json.loads(log.read_text().splitlines()[-1])
        row.add(f"pipeline, {mode}", count=tasks, rss=cost.rss, **report)
        settings.say(f"  coordinator, {mode}: {report}")
        shutil.rmtree(folder, ignore_errors=True)
    yield row


def account(settings: Settings) -> Iterator[Row]:
    """Reserve and settle on an account's ledger, which many tasks do in one transaction."""
    tasks = settings.of(2_000, 20_000)
    row = Row("account", "reserve and settle on an account", {"count": tasks})
    # How many processes, and how many tasks in one transaction.
    kinds = {"1 run": (1, 4), "4 runs": (4, 4), "1 run, task by task": (1, 1), "SQLite": (1, 0)}
    for turn in range(settings.rounds):
        for title, (runs, batch) in kinds.items():
            with tempfile.TemporaryDirectory(dir=settings.folder) as name:
                ledger = Path(name) / "accounts" / "0123456789abcdef"
                figures = _on_ledger(ledger, runs, tasks // runs, batch)
            row.add(title, **figures)
            settings.say(
                f"  account {turn + 1}: {title:20} {1e6 * figures['wall_per_task']:5.0f} µs wall"
                f" {1e6 * figures['cpu_per_task']:5.0f} µs CPU a task"
            )
    yield row


def _on_ledger(folder: Path, runs: int, tasks: int, batch: int) -> dict[str, float]:
    """Let processes work on one ledger at once; the wall time is what all their tasks took."""
    command = [PYTHON, "-m", "bench.account", str(folder)]
    started = [
        subprocess.Popen([*command, f"/{number}", str(tasks), str(batch)], stdout=subprocess.PIPE)
        for number in range(runs)
    ]
    reports = [json.loads(process.communicate()[0]) for process in started]
    wall, cpu = (sum(each[key] for each in reports) for key in ("wall_per_task", "cpu_per_task"))
    return {"wall_per_task": wall / runs**2, "cpu_per_task": cpu / runs}


def start(settings: Settings) -> Iterator[Row]:
    row = Row("start", "start-up of commands", {})
    with tempfile.TemporaryDirectory(dir=settings.folder) as name:
        folder = Path(name)
        job = folder / "job.yaml"
        prompts = "".join(f"  - A lighthouse at dusk, take {n}\n" for n in range(12))
        job.write_text(f"model: luma-txt-2-video\nprompts:\n{prompts}")
        commands = {
            "python -c pass": [PYTHON, "-c", "pass"],
            "pipeline --help": [PYTHON, "-m", "pipeline", "--help"],
            "pipeline check, 12 prompts": [PYTHON, "-m", "pipeline", "check", str(job)],
        }
        for _ in range(settings.of(5, 15)):
            for title, command in commands.items():
                cost = run(command, folder / "log")
                row.add(title, wall=cost.wall, cpu=cost.cpu)
    for title, figures in row.as_json()["medians"].items():
        settings.say(f"  start: {title:30} {figures['wall']:.3f} s")
    yield row


ROWS: dict[str, Callable[[Settings], Iterator[Row]]] = {
    "start": start,
    "small": small,
    "makespan": makespan,
    "flat": flat,
    "bodies": bodies,
    "resume": resume,
    "coordinator": coordinator,
    "account": account,
}
