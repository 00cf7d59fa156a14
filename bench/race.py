"""Lets contenders do the same work, one after the other, round after round."""

import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from bench import contenders as who
from bench import figures
from bench.altered import Machine
from bench.contenders import Contender, Done, Work, do
from bench.measure import FailedError, Server, serving

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

    @property
    def quickly(self) -> Path:
        """Where files cost least."""
        return self.memory or self.folder


@dataclass(slots=True)
class Row:
    """One line of work, with the runs of each contender."""

    key: str
    title: str
    facts: dict[str, Any] = field(default_factory=dict)
    runs: figures.Runs = field(default_factory=dict)
    arrivals: dict[str, list[list[figures.Spread]]] = field(default_factory=dict)
    missing: dict[str, str] = field(default_factory=dict)

    def add(self, name: str, turn: int, **measured: float) -> None:
        self.runs.setdefault(name, []).append({"round": turn, **measured})

    def as_json(self) -> dict[str, Any]:
        """Sum up the rounds, without the samples."""
        waves = {name: figures.medians(each) for name, each in self.arrivals.items()}
        return {
            "key": self.key,
            "title": self.title,
            "rounds": max((len(rounds) for rounds in self.runs.values()), default=0),
            "facts": self.facts,
            "figures": figures.figures(self.runs),
            "ratios": figures.ratios(
                self.runs, who.PIPELINE.name, who.OWN, alike="ideal" in self.facts
            ),
            **({"waves": waves} if waves else {}),
            "missing": self.missing,
        }


@dataclass(frozen=True, slots=True)
class Course:
    """The work of a race, how the server answers (its flags), and on what machine."""

    folder: Path
    count: int
    concurrency: int
    size: int = 1024
    answers: tuple[str, ...] = ()
    hashed: bool = False
    lockstep: bool = False
    """Whether all answers take as long, so that arrivals come in waves."""
    machine: Machine = Machine()  # noqa: RUF009 - frozen


def race(row: Row, settings: Settings, contenders: list[Contender], course: Course) -> None:
    """Run all rounds. Each begins with another contender, so that none always follows the same."""
    if course.machine.missing:
        row.missing |= {each.name: course.machine.missing for each in contenders}
        return
    # Small files are deleted at the end: some file systems are slow for a minute after that.
    keep = tempfile.TemporaryDirectory(dir=course.folder, prefix=f"{row.key}-")
    flags = (f"--size={course.size}", *course.answers)
    with keep as place, serving(*flags, env=course.machine.env) as server:
        for turn in range(settings.rounds):
            first = turn % len(contenders)
            for contender in (*contenders[first:], *contenders[:first]):
                if why := _left_out(contender, course):
                    row.missing[contender.name] = why
                elif turn < contender.rounds:
                    here = Path(place) / f"{turn}-{contender.name.replace(' ', '-')}"
                    _leg(row, settings, contender, course, server, here, turn)


def _left_out(contender: Contender, course: Course) -> str | None:
    if contender.missing:
        return contender.missing
    few = course.concurrency > contender.most
    return f"has {contender.most} in flight at most" if few else None


def _leg(
    row: Row,
    settings: Settings,
    contender: Contender,
    course: Course,
    server: Server,
    here: Path,
    turn: int,
) -> None:
    count = max(int(course.count * contender.share), 1)
    work = Work(server, count, course.concurrency, here, course.hashed, course.machine)
    try:
        done = do(contender, work, course.size)
    except FailedError as error:
        row.missing[contender.name] = str(error).splitlines()[0]
        settings.say(str(error))
        return
    finally:
        if course.size > MB:
            shutil.rmtree(here, ignore_errors=True)
    row.add(contender.name, turn, **measured(done))
    if course.lockstep:
        waves = figures.waves(done.stats["arrivals"], course.concurrency)
        row.arrivals.setdefault(contender.name, []).append(waves)
    settings.say(
        f"  {row.key} {turn + 1}: {contender.name:34} {done.cost.wall:6.2f} s wall"
        f" {done.makespan:7.2f} s makespan {1e6 * done.cost.cpu / count:7.0f} µs CPU a task"
        f" {done.cost.rss / MB:4.0f} MB, peak {done.stats['peak']}, 429s {done.stats['refused']}"
    )


def measured(done: Done) -> dict[str, float]:
    """Read the figures of one run: seconds and bytes; CPU, wall and answers of 429 a task."""
    return {
        "cpu": done.cost.cpu / done.count,
        "wall": done.cost.wall / done.count,
        "makespan": done.makespan,
        "rss": done.cost.rss,
        "peak": done.stats["peak"],
        "refused": done.stats["refused"] / done.count,
        "server_cpu": done.server_cpu / done.count,
    }
