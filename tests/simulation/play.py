"""Plays a scenario: the real runs, on virtual time."""

import asyncio
import random
import resource
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from pathlib import Path

import anyio
from support import virtual

from pipeline import events as ev
from pipeline.account.shared import Accounts, Apart, Shared
from pipeline.models import AccountPolicy, CreditPolicy, Job, Status, Task, fingerprint
from pipeline.runtime import runner
from pipeline.runtime.control import by_nobody
from pipeline.runtime.options import Options
from pipeline.store.commit import inline
from simulation.books import Books
from simulation.ports import ENDPOINT, VendorProvider, no_clips
from simulation.scenario import PRICE, Scenario
from simulation.vendor import MODEL, Vendor, prompt
from simulation.workers import Workers


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What came of a scenario: by the seed alone, but for the last four.

    `answers` counts what the vendor has answered, by status; `lost` the attempts whose worker died.
    `repeated` are requests for what was charged already. Seconds, US dollars, MB.
    """

    scenario: Scenario
    codes: list[int]
    makespan: float
    ideal: float
    requests: int
    answers: dict[int, int]
    peak: int
    lost: int
    succeeded: int
    in_doubt: int
    repeated: int
    charged: Decimal
    spent: Decimal
    at_risk: Decimal
    faults: list[str]
    cpu: float
    system: float
    wall: float
    memory: float

    @property
    def apart(self) -> Decimal:
        """By how much the books here differ from the vendor's."""
        return self.spent + self.at_risk - self.charged


def play(scenario: Scenario, folder: Path, seed: int) -> Result:
    """Play a scenario in an empty folder."""
    random.seed(seed)  # what waits are stretched by
    durations = scenario.durations(seed)
    night = _Night(scenario, folder, seed)
    began, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_SELF)
    vendor = virtual.run(night.play(durations))
    wall, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF)
    system = after.ru_stime - before.ru_stime
    books = night.audit(vendor)
    return Result(
        scenario=scenario,
        codes=[int(summary.exit_code) for summary in night.summaries],
        makespan=max(max(ends) for ends in vendor.ends),
        ideal=scenario.ideal(durations),
        requests=vendor.requests,
        answers=dict(sorted(vendor.answers.items())),
        peak=vendor.peak,
        lost=sum(crew.lost for crew in night.crews),
        succeeded=books.statuses[Status.SUCCEEDED],
        in_doubt=books.statuses[Status.IN_DOUBT],
        repeated=vendor.repeated,
        charged=vendor.charged,
        spent=books.spent,
        at_risk=books.at_risk,
        faults=books.faults,
        cpu=after.ru_utime - before.ru_utime + system,
        system=system,
        wall=wall,
        memory=after.ru_maxrss / 1024,
    )


class _Night:
    """The runs of a scenario."""

    def __init__(self, scenario: Scenario, folder: Path, seed: int) -> None:
        self.scenario, self.folder, self.seed = scenario, folder, seed
        self.summaries = list[ev.Summary]()
        self.crews: list[Workers] = []

    async def play(self, durations: Sequence[Sequence[float]]) -> Vendor:
        vendor = Vendor(self.scenario, durations, asyncio.get_running_loop())
        async with anyio.create_task_group() as group:
            for number in range(self.scenario.jobs):
                group.start_soon(self._run, vendor, number)
        return vendor

    async def _run(self, vendor: Vendor, number: int) -> None:
        crew = Workers(self.scenario, vendor, number, self.seed)
        self.crews.append(crew)
        waits = None if self.scenario.top_up is None else float("inf")
        summary = await runner.run(
            self._job(number),
            ENDPOINT,
            options=Options(fsync=False, wait_for_credits=waits),
            provider=VendorProvider(vendor, number),
            crew=crew.at_work,
            shelf=no_clips,
            account=self._account(),
            control=by_nobody,
            hop=inline,
        )
        self.summaries.append(summary)

    def _account(self) -> Accounts:
        if self.scenario.jobs == 1:
            return Apart()
        # The clock is looked up at each look: on virtual time it is another one.
        return Shared(self.folder / "account", wall=lambda: time.time())  # noqa: PLW0108

    def _job(self, number: int) -> Job:
        scenario, folder = self.scenario, self._folder(number)
        folder.mkdir()
        bound = None if scenario.jobs == 1 else scenario.in_flight
        return Job(
            path=folder / "job.yaml",
            name=f"job {number}",
            model=MODEL,
            output_dir=folder / "out",
            expand=partial(_tasks, number, scenario.tasks // scenario.jobs),
            concurrency=scenario.in_flight,
            credits=CreditPolicy(cost=PRICE),
            account=AccountPolicy(concurrency=bound),
        )

    def _folder(self, number: int) -> Path:
        return self.folder / f"job-{number}"

    def audit(self, vendor: Vendor) -> Books:
        """Hold what was written against the vendor's books."""
        books = Books()
        for number, ends in enumerate(vendor.ends):
            books.add(self._folder(number) / "out" / "manifest.jsonl", ends)
        books.compare(vendor, self.summaries)
        return books


def _tasks(job: int, count: int) -> Iterator[Task]:
    for number in range(count):
        params, name = {"prompt": prompt(job, number)}, f"{number:07}"
        of_it = fingerprint(MODEL, params)
        yield Task(id=name, model=MODEL, params=params, fingerprint=of_it, output=name)
