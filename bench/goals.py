"""What is to be reached, and what was: figures read off the rows."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import median
from typing import Any

from bench import contenders as who

MB = 1024 * 1024
Rows = dict[str, dict[str, Any]]

US, BASE, HTTPX = who.PIPELINE.name, who.BARE.name, who.HTTPX.name
RAW, CURL = who.RAW.name, who.CURL.name


@dataclass(frozen=True, slots=True)
class Goal:
    """One figure with the most that it may be. `read` gives None where it was not measured."""

    work: str
    figure: str
    most: float
    read: Callable[[Rows], float | None]
    unit: str = "×"

    def measured(self, rows: Rows) -> float | None:
        try:
            return self.read(rows)
        except (KeyError, IndexError, ZeroDivisionError):
            return None


def ratio(key: str, figure: str, over: str, name: str = US) -> Callable[[Rows], float | None]:
    """Compare two contenders round by round; the median of it."""

    def read(rows: Rows) -> float | None:
        runs = rows[key]["runs"]
        pairs = zip(runs[name], runs[over], strict=False)
        return median(one[figure] / other[figure] for one, other in pairs)

    return read


def value(key: str, figure: str, scale: float = 1.0, name: str = US) -> Callable[[Rows], float]:
    return lambda rows: scale * rows[key]["medians"][name][figure]


def _ideal(key: str) -> Callable[[Rows], float]:
    def read(rows: Rows) -> float:
        return rows[key]["medians"][US]["makespan"] / rows[key]["facts"]["ideal"]

    return read


def _flat(rows: Rows) -> float:
    """The dearest of 10, 100 and 1,000 in flight over the cheapest."""
    costs = [rows[f"flat-{c}"]["medians"][US]["cpu_per_task"] for c in (10, 100, 1000)]
    return max(costs) / min(costs)


def _bodies(rows: Rows) -> Iterator[tuple[int, str]]:
    for key in rows:
        if key.startswith("bodies-"):
            yield int(key.removeprefix("bodies-")), key


def _account() -> Iterator[Goal]:
    for name in ("1 run", "4 runs"):
        work = f"reserve and settle on an account, {name}"
        yield Goal(work, "wall a task", 150, value("account", "wall_per_task", 1e6, name), " µs")
        yield Goal(work, "CPU a task", 60, value("account", "cpu_per_task", 1e6, name), " µs")


def goals(rows: Rows) -> list[Goal]:
    small = "small answers, 50 in flight, durable and recorded"
    found = [
        Goal(small, "CPU a task ÷ bare transport loop", 1.3, ratio("small", "cpu_per_task", BASE)),
        Goal(
            "the same, files in memory",
            "CPU a task ÷ bare transport loop",
            1.3,
            ratio("small-memory", "cpu_per_task", BASE),
        ),
        Goal(small, "wall ÷ plain httpx", 0.5, ratio("small", "wall", HTTPX)),
        Goal("makespan, 1 s answers, 50 in flight", "÷ ideal", 1.06, _ideal("makespan-50")),
        Goal("makespan, 1 s answers, 200 in flight", "÷ ideal", 1.12, _ideal("makespan-200")),
        Goal(
            "makespan, 5 s ± 50 %, 1,000 in flight",
            "÷ raw asyncio client",
            1.06,
            ratio("makespan-1000", "makespan", RAW),
        ),
        Goal("10 to 1,000 in flight", "CPU a task, dearest ÷ cheapest", 1.3, _flat),
    ]
    for number, key in sorted(_bodies(rows), reverse=True):
        work = f"{number} bodies of 20 MB in flight"
        found += [
            Goal(work, "RSS", 150, value(key, "rss", 1 / MB), " MB"),
            Goal(work, "CPU ÷ curl --parallel", 7, ratio(key, "cpu_per_task", CURL)),
        ]
    done = "1,000,000 tasks from CSV, all but 1,000 done"
    return [
        *found,
        Goal(done, "time to the first request", 30, value("resume", "first_dispatch"), " s"),
        Goal(done, "RSS", 350, value("resume", "rss", 1 / MB), " MB"),
        Goal(
            "1,000,000 tasks through the coordinator",
            "own CPU a task",
            0.25,
            value("coordinator", "cpu_per_task", 1000, "pipeline, stub"),
            " ms",
        ),
        *_account(),
        Goal("pipeline --help", "wall", 0.20, value("start", "wall", 1, "pipeline --help"), " s"),
        Goal(
            "pipeline check, 12 prompts",
            "wall",
            0.35,
            value("start", "wall", 1, "pipeline check, 12 prompts"),
            " s",
        ),
    ]
