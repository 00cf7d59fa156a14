"""The rows without a race: starts, a resumed million, the coordinator, the ledger, polls."""

import json
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.contenders import KEY, write_job
from bench.measure import HERE, OURS, run, serving
from bench.race import MB, Row, Settings


def start(settings: Settings) -> Iterator[Row]:
    row = Row("start", "start-up of commands", {})
    with tempfile.TemporaryDirectory(dir=settings.folder) as name:
        folder = Path(name)
        job = folder / "job.yaml"
        prompts = "".join(f"  - A lighthouse at dusk, take {n}\n" for n in range(12))
        job.write_text(f"model: luma-txt-2-video\nprompts:\n{prompts}")
        commands = {
            "python -c pass": [OURS, "-c", "pass"],
            "pipeline --help": [OURS, "-m", "pipeline", "--help"],
            "pipeline check, 12 prompts": [OURS, "-m", "pipeline", "check", str(job)],
        }
        for turn in range(settings.of(3, 3 * settings.rounds)):
            for title, command in commands.items():
                cost = run(command, folder / "log")
                row.add(title, turn, wall=cost.wall, cpu=cost.cpu)
    for title, figures in row.as_json()["figures"].items():
        settings.say(f"  start: {title:30} {figures['wall'][0]:.3f} s")
    yield row


def resume(settings: Settings) -> Iterator[Row]:
    """A large sheet of which nearly all is done: how long until the first request leaves."""
    rows = settings.of(10_000, 1_000_000)
    row = Row("resume", f"{rows:,} tasks from CSV, all but 1,000 done", {"left": 1000})
    with _folder(settings) as folder, serving() as server:
        job, log = write_job(folder, rows, 50), folder / "log"
        env = {**KEY, "XDG_STATE_HOME": str(folder / "state")}
        for turn in range(settings.rounds):
            run([OURS, "-m", "bench.prepare", str(job), str(rows // 1000)], log, **env)
            server.reset()
            command = [OURS, "-m", "pipeline", "run", str(job), "--no-report"]
            cost = run([*command, "--base-url", server.base], log, **env)
            stats = server.stats()
            assert stats["posts"] == 1000, stats["posts"]
            first = stats["first"] - cost.began
            row.add("pipeline", turn, first=first, rss=cost.rss, cpu=cost.cpu)
            settings.say(f"  resume {turn + 1}: {first:.1f} s, {cost.rss / MB:.0f} MB")
    yield row


def coordinator(settings: Settings) -> Iterator[Row]:
    """A transport that answers at once: what is left is our own."""
    count = settings.of(5_000, 200_000)
    row = Row("coordinator", "tasks against a transport that answers at once", {"count": count})
    for turn in range(settings.rounds):
        for mode in ("stub", "httpx"):
            tasks = count if mode == "stub" else count // 4
            with _folder(settings) as folder:
                command = [OURS, str(HERE / "at_once.py"), mode, str(folder / "out"), str(tasks)]
                log, state = folder / "log", str(folder / "state")
                cost = run(command, log, XDG_STATE_HOME=state)
                report = json.loads(log.read_text().splitlines()[-1])
            row.add(f"pipeline, {mode}", turn, count=tasks, rss=cost.rss, **report)
            settings.say(f"  coordinator {turn + 1}, {mode}: {1e6 * report['cpu']:.0f} µs a task")
    yield row


@contextmanager
def _folder(settings: Settings) -> Iterator[Path]:
    with tempfile.TemporaryDirectory(dir=settings.quickly, prefix="own-") as name:
        yield Path(name)


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
            row.add(title, turn, **figures)
            settings.say(
                f"  account {turn + 1}: {title:20} {1e6 * figures['wall']:5.0f} µs wall"
                f" {1e6 * figures['cpu']:5.0f} µs CPU a task"
            )
    yield row


def _on_ledger(folder: Path, runs: int, tasks: int, batch: int) -> dict[str, float]:
    """Let processes work on one ledger at once; the wall time is what all their tasks took."""
    command = [OURS, "-m", "bench.account", str(folder)]
    started = [
        subprocess.Popen([*command, f"/{number}", str(tasks), str(batch)], stdout=subprocess.PIPE)
        for number in range(runs)
    ]
    reports = [json.loads(process.communicate()[0]) for process in started]
    wall, cpu = (sum(each[key] for each in reports) for key in ("wall", "cpu"))
    return {"wall": wall / runs**2, "cpu": cpu / runs}


def polls(settings: Settings) -> Iterator[Row]:
    """Ask for the state of accepted requests: what each such call costs."""
    count = settings.of(1_000, 4_000)
    row = Row("polls", "polls of accepted requests", {"count": count})
    with tempfile.TemporaryDirectory() as name:
        log = Path(name) / "log"
        for turn in range(settings.rounds):
            run([OURS, "-m", "bench.polls", "--json", str(count)], log)
            for title, cpu in json.loads(log.read_text()).items():
                row.add(title, turn, cpu=cpu / 1000)
                settings.say(f"  polls {turn + 1}: {title:20} {cpu:.3f} ms of CPU")
    yield row
