"""A job whose runs are killed at points of a request's life, and what the two ledgers say of it.

A seed chooses all that a plan leaves open: how many requests, which one dies, what the sandbox is
like, and whether the runs that go on after the first die too.
"""

import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from random import Random
from typing import Any, Self

from pipeline.job import load
from pipeline.models import Task
from sandbox.testing import Sandbox
from support.helpers import KEY, Workspace, environment, until
from support.kill_points import OF_RECOVERY, Point

DRIVER = Path(__file__).with_name("kill_driver.py")
KILLED = -9
PRICE, DEARER = Decimal("0.95"), Decimal("1.90")
# Bytes of an output: some reads of a socket.
SIZE = 600_000
Order = dict[str, Any]


class Driver:
    """The process that forks the runs."""

    def __enter__(self) -> Self:
        self._process = subprocess.Popen(
            [sys.executable, DRIVER],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=environment(PYTHONPATH=f"{DRIVER.parents[1]}{os.pathsep}{DRIVER.parents[2]}"),
            text=True,
        )
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate()

    def order(self, **order: Any) -> int:
        """Let a run live; returns its exit code, -9 where it was killed."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order) + "\n")
        self._process.stdin.flush()
        return int(self._process.stdout.readline())


@dataclass
class Plan:
    """What a seed has chosen; `short` is quick."""

    point: Point
    wire: str
    history: bool
    seed: int
    short: bool = False

    def __post_init__(self) -> None:
        dice = self._dice = Random(f"{self.point} {self.wire} {self.history} {self.seed}")
        self.prompts = dice.randint(2, 4)
        self.takes = dice.choice([1, 1, 2])
        self.concurrency = dice.randint(1, 4)
        self.no_wait = dice.random() < 0.3
        # Without a list nobody says what the first of a price would have cost.
        self.by_parameter = self.history and dice.random() < 0.4
        self.longer = dice.random() < 0.2
        lags = [0.0, 0.0, dice.uniform(0.1, 1.0), dice.uniform(1.0, 5.0)]
        self.lag = 0.0 if self.short else dice.choice(lags)
        self.later_kills = [
            (dice.choice(OF_RECOVERY), dice.randint(1, 2)) for _ in range(dice.choice([0, 1, 1, 2]))
        ]
        self.next_wire = self.wire
        if self.wire == "segmind-v2" and dice.random() < 0.15:
            self.next_wire = "segmind"

    @cached_property
    def sandbox(self) -> dict[str, Any]:
        """The options of the sandbox."""
        dice = self._dice
        options: dict[str, Any] = {
            "clips": "tiny",
            "body_size": SIZE,
            "credits": 1000,
            "latency": 0.1 if self.short else dice.uniform(0.1, 0.5),
            "charge": dice.choice(["accept", "completion"]),
            "header_lag": dice.random() < 0.5,
            "history": dice.choice(["json", "repr", "object"]) if self.history else "missing",
            "history_lag": self.lag,
            "history_times": dice.choice(["utc", "offset", "naive"]),
            "request_ids": dice.choice(["same", "other", "none"]),
            "strangers": dice.choice([0, 40]),
            "slow_seconds": 0.5,
            "seed": self.seed,
        }
        if self.point is Point.WRITTEN:  # so that there is a while without an answer
            options |= {"latency": 1.0} if self.wire == "segmind" else {"fault": ["slow=1"]}
        if self.point is Point.POLLING:
            options["latency"] = 0.5
        if self.by_parameter:
            options |= {"price_of": f"loop=true:{DEARER}", "cost_header": True}
        return options

    def job(self, *, longer: bool = False) -> dict[str, Any]:
        """Write the job file: as it is at first, or with one more prompt."""
        prompts = [
            {
                "id": f"p{number}",
                "prompt": f'it\'s a "lighthouse", {number}',
                "params": {"loop": self.by_parameter and number % 2 == 0},
            }
            for number in range(self.prompts + longer)
        ]
        return {
            "provider": self.next_wire if longer else self.wire,
            "concurrency": self.concurrency,
            "takes": self.takes,
            "timeout": 5,
            "poll": 0.1,
            "credits": {} if self.by_parameter else {"cost": float(PRICE)},
            "prompts": prompts[::-1] if longer else prompts,
        }

    def target(self, tasks: list[Task]) -> str:
        """Choose whose request meets its end."""
        return self._dice.choice(tasks).id


@dataclass
class Life:
    """A job in a folder of its own, the sandbox, and the runs that come and go."""

    folder: Path
    driver: Driver
    box: Sandbox
    plan: Plan
    codes: list[int] = field(default_factory=list)
    target: str = ""

    def __post_init__(self) -> None:
        self.workspace = Workspace(self.folder)
        self.write(**self.plan.job())
        self.target = self.plan.target(self.tasks)

    def write(self, **job: Any) -> None:
        """Write the job file, and read what it asks for."""
        self.wire = job["provider"]
        self.tasks: list[Task] = list(load(self.workspace.write(**job)).tasks())

    def command(self, *arguments: str, trap: Order | None = None) -> int:
        """Let the real command live in a process of its own, to its end or into a trap."""
        code = self.driver.order(
            folder=str(self.folder),
            url=self.box.url,
            arguments=arguments,
            wire=self.wire,
            trap=trap,
        )
        self.codes.append(code)
        assert "Traceback" not in self.said, self.said
        assert KEY not in self.said
        return code

    @property
    def said(self) -> str:
        """All that the runs have said."""
        texts = [self.folder / "err", self.folder / "out"]
        return "".join(path.read_text("utf-8") for path in texts if path.exists())

    def run(self, *flags: str, trap: Order | None = None) -> int:
        more = ["--no-wait"] if self.plan.no_wait else []
        return self.command("run", "job.yaml", "--no-report", *more, *flags, trap=trap)

    def kill(self) -> None:
        """Run until the request comes to its point; then go on, and die again, as planned."""
        nth = 2 if self.plan.point is Point.POLLING and self.plan.seed % 2 else 1
        trap = {"point": self.plan.point, "task": self.target, "nth": nth, "half": SIZE // 2}
        assert self.run(trap=trap) == KILLED, self.said
        if self.plan.longer or self.plan.next_wire != self.plan.wire:
            self.write(**self.plan.job(longer=True))
        for point, nth in self.plan.later_kills:
            self.run(trap={"point": point, "task": None, "nth": nth, "half": SIZE // 2})

    # -- the two ledgers ----------------------------------------------------------------------

    def books(self) -> dict[str, Any]:
        """Read the sandbox's books once all its work is done."""
        return finished(self.box.books)

    @property
    def doubts(self) -> set[str]:
        last = self.workspace.last()
        return {task for task, record in last.items() if record["status"] == "in_doubt"}

    @property
    def twins(self) -> set[str]:
        """The tasks that ask for what the one asks for whose request meets its end."""
        wanted = next(task.fingerprint for task in self.tasks if task.id == self.target)
        return {task.id for task in self.tasks if task.fingerprint == wanted}

    def sent(self, books: dict[str, Any]) -> Counter[str]:
        """Count the requests that the provider has had, by what was sent."""
        return Counter(_key(request["params"]) for request in books["requests"])

    def wanted(self) -> Counter[str]:
        """Count the requests that the job asks for, by what is sent."""
        return Counter(_key(task.params) for task in self.tasks)

    def unseen(self, books: dict[str, Any]) -> int:
        """Count the tasks whose request the provider has never had."""
        return (self.wanted() - self.sent(books)).total()

    def peak(self, books: dict[str, Any]) -> int:
        """Find how many requests the provider had unfinished at once."""
        steps = []
        for request in books["requests"]:
            end = max(request["done"] or 0.0, request["finished"] or 0.0)
            if request["wire"] == "v2" and request["done"]:
                # Its list says so, also while an answer that is slow has not left yet.
                end = request["done"]
            steps += [(request["arrived"], 1), (end, -1)]
        most = now = 0
        for _, step in sorted(steps):
            now += step
            most = max(most, now)
        return most

    def audit(self) -> int:
        """Compare the list, which shows all of this job now and nothing else, with the records."""
        self.box.change(history_lag=0, strangers=0)
        return self.command("audit", "job.yaml")


def finished(read: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """Read the books of a vendor once all its work is done."""

    def done() -> dict[str, Any] | None:
        books = read()
        return None if books["at_work"] else books

    books: dict[str, Any] = until(done)
    return books


def _key(params: dict[str, Any]) -> str:
    return json.dumps(params, sort_keys=True)
