"""Several jobs of the real command on one account, and what the server saw of them.

Example:
    jobs = Jobs(tmp_path, count=3)
    jobs.write(tasks=30, credits={"cost": 0.95})
    with Sandbox(clips="tiny", credits=57) as api:
        runs = jobs.run(api.url)
        seen = Seen(api.books())
    assert seen.paid == 60
    jobs.agree_with(seen)
"""

import itertools
import re
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable
from decimal import Decimal
from functools import cached_property
from pathlib import Path
from typing import Any

from sandbox.testing import Sandbox
from support.helpers import Run, Workspace, until

ZERO = Decimal(0)


class Seen:
    """What the books of the sandbox say of several jobs; a job is the first word of its prompts."""

    def __init__(self, books: dict[str, Any]) -> None:
        self.books = books
        self.requests: list[dict[str, Any]] = sorted(
            books["requests"], key=lambda request: request["arrived"]
        )

    @property
    def paid(self) -> int:
        """The number of generations that were paid for."""
        return len(self.books["charges"])

    @property
    def taken(self) -> Decimal:
        """What they have cost together, in US dollars."""
        return Decimal(self.books["charged"])

    def refusals(self, status: int = 406) -> int:
        return sum(request["status"] == status for request in self.requests)

    @property
    def twice(self) -> dict[str, int]:
        """Prompts that were paid for more than once."""
        paid = Counter(charge["params"]["prompt"] for charge in self.books["charges"])
        return {prompt: number for prompt, number in paid.items() if number > 1}

    @cached_property
    def starts(self) -> dict[str, list[float]]:
        """When each job's requests arrived, in Unix seconds."""
        found: defaultdict[str, list[float]] = defaultdict(list)
        for request in self.requests:
            found[_job_of(request["prompt"])].append(request["arrived"])
        return found

    def shares(self, *names: str, since: float = 0.0, until: float = 0.0) -> dict[str, int]:
        """Count the starts of each job in the time in which all these were there."""
        mine = {name: [at for at in self.starts[name] if at >= since] for name in names}
        begin = max(times[0] for times in mine.values())
        end = min([times[-1] for times in mine.values()] + [until or float("inf")])
        return {n: sum(begin <= at <= end for at in times) for n, times in mine.items()}

    @property
    def arrivals(self) -> list[float]:
        """When requests arrived, in order."""
        return [request["arrived"] for request in self.requests]

    def peak(self, wanted: Callable[[dict[str, Any]], bool] = lambda _: True) -> int:
        """Count the most requests that were unfinished at once, whoever had left."""
        changes: list[tuple[float, int]] = []
        for request in filter(wanted, self.requests):
            ends = [at for at in (request["finished"], request["done"]) if at is not None]
            changes += [(request["arrived"], 1), (max(ends, default=float("inf")), -1)]
        return max(itertools.accumulate(change for _, change in sorted(changes)), default=0)

    def taken_by(self, at: float) -> Decimal:
        """Add up what was charged until then."""
        charges = self.books["charges"]
        return sum((Decimal(c["price"]) for c in charges if c["at"] <= at), ZERO)


def _job_of(prompt: str) -> str:
    return prompt.partition(" ")[0]


def settled_books(box: Sandbox) -> Seen:
    """Read the books of the sandbox once all its work is done."""

    def done() -> dict[str, Any] | None:
        books = box.books()
        return None if books["at_work"] or books["in_flight"] else books

    return Seen(until(done))


class Jobs:
    """Jobs in folders of their own, `a`, `b`, `c`, …, whose runs use one account."""

    def __init__(self, folder: Path, count: int = 3) -> None:
        self.names = [chr(ord("a") + number) for number in range(count)]
        self.all = {name: self._workspace(folder / name) for name in self.names}
        self.processes: dict[str, Any] = {}
        self.runs: dict[str, Run] = {}

    @staticmethod
    def _workspace(folder: Path) -> Workspace:
        folder.mkdir(parents=True)
        return Workspace(folder)

    def __getitem__(self, name: str) -> Workspace:
        return self.all[name]

    def write(self, *names: str, tasks: int = 10, **keys: Any) -> None:
        """Write the job files of these jobs, of all without names."""
        for name in names or self.names:
            prompts = [{"id": f"t{n:03}", "prompt": f"{name} scene {n}"} for n in range(tasks)]
            self.all[name].write(**{"prompts": prompts, "retry": {"wait": 0.1}, **keys})

    def start(self, *names: str, url: str, flags: Iterable[object] = ()) -> None:
        """Start the runs of these jobs, of all without names."""
        flags = ("--no-report", *flags)
        for name in names or self.names:
            self.processes[name] = self.all[name].start(*flags, url=url)

    def set_env(self, **env: str | None) -> None:
        """Give every command these, or take them away."""
        for job in self.all.values():
            job.env |= env

    def finish(self, *names: str, within: float = 90.0) -> dict[str, Run]:
        """Wait until these runs have ended, all without names."""
        for name in names or list(self.processes):
            self.runs[name] = self.all[name].finish(self.processes.pop(name), within)
        return self.runs

    def run(self, *names: str, url: str, flags: Iterable[object] = ()) -> dict[str, Run]:
        """Run these jobs at once, to their ends."""
        self.start(*names, url=url, flags=flags)
        return self.finish(*names)

    def kill(self, name: str) -> None:
        """End a run by SIGKILL."""
        process = self.processes.pop(name)
        process.kill()
        process.communicate()

    def stop(self, *names: str) -> None:
        """Let these runs end early, by SIGTERM: what is in flight finishes and is saved."""
        for name in names:
            self.processes[name].terminate()
        self.finish(*names)

    def is_running(self, name: str) -> bool:
        return name in self.processes and self.processes[name].poll() is None

    # -- what they say ------------------------------------------------------------------------

    @property
    def codes(self) -> dict[str, int]:
        return {name: run.code for name, run in self.runs.items()}

    @property
    def said(self) -> str:
        return "\n".join(f"{name}: {run.err}" for name, run in self.runs.items())

    def spent(self) -> Decimal:
        return sum((job.spent() for job in self.all.values()), ZERO)

    def at_risk(self) -> Decimal:
        return sum((job.at_risk() for job in self.all.values()), ZERO)

    def agree_with(self, seen: Seen, guessed: Decimal = ZERO) -> None:
        """Hold what manifests, status and the last summaries say against what was charged.

        `guessed` is how far records are off that say themselves that they are estimates.
        """
        assert not seen.twice
        assert self.spent() == seen.taken + guessed, self.said
        assert self.at_risk() == 0, self.said
        for name, job in self.all.items():
            assert not job.claims()
            assert job.sound() == job.counts()["succeeded"]
            told = job.status()
            assert (told["spent"], told["at_risk"]) == (job.spent(), job.at_risk())
            if name in self.runs:
                assert spent_in(self.runs[name].err) == job.spent(), self.runs[name].err


def spent_in(said: str) -> Decimal | None:
    """Read what the summary of a run says was spent."""
    lines = [line for line in said.splitlines() if re.search(r" exit \d+: ", line)]
    amounts = re.findall(r"spent \$([\d.,]*\d)", lines[-1]) if lines else []
    return Decimal(amounts[0].replace(",", "")) if amounts else None
