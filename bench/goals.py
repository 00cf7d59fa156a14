"""What is to be reached, and what was: figures read off the rows."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bench import contenders as who
from bench.figures import QUICKEST, Spread
from bench.limited import CASES

MB = 1024 * 1024
Rows = dict[str, dict[str, Any]]
Read = Callable[[Rows], Spread]

US = who.PIPELINE.name


@dataclass(frozen=True, slots=True)
class Goal:
    """One figure with the most that its median may be."""

    work: str
    figure: str
    most: float
    read: Read
    unit: str = " ×"

    def measured(self, rows: Rows) -> Spread | None:
        """Return the median, the least and the most, or None where it was not measured."""
        try:
            return self.read(rows)
        except KeyError:
            return None


def ratio(key: str, figure: str, over: str) -> Read:
    """Compare with another contender of the same round."""
    return lambda rows: rows[key]["ratios"][over][figure]


def value(key: str, figure: str, scale: float = 1.0, name: str = US) -> Read:
    return lambda rows: [scale * each for each in rows[key]["figures"][name][figure]]


def ideal(key: str) -> Read:
    """Compare with what a client that knew all would need."""
    return lambda rows: [
        each / rows[key]["facts"]["ideal"] for each in rows[key]["figures"][US]["makespan"]
    ]


def flat(rows: Rows) -> Spread:
    """The most expensive of 10, 100 and 1,000 in flight ÷ the cheapest."""
    costs = [rows[f"flat-{c}"]["figures"][US]["cpu"][0] for c in (10, 100, 1000)]
    return [max(costs) / min(costs)] * 3


def _makespans() -> list[Goal]:
    fifty, many, lockstep = (f"makespan, 1 s answers, {c} in flight" for c in (50, 200, "1,000"))
    spread = "makespan, 5 s ± 50 %, 1,000 in flight"
    aiohttp, raw = who.AIOHTTP.name, who.RAW.name
    return [
        Goal(fifty, "÷ ideal", 1.03, ideal("makespan-50")),
        Goal(fifty, "÷ aiohttp", 1.02, ratio("makespan-50", "makespan", aiohttp)),
        Goal(many, "÷ ideal", 1.08, ideal("makespan-200")),
        Goal(many, "÷ aiohttp", 1.00, ratio("makespan-200", "makespan", aiohttp)),
        Goal(lockstep, "÷ aiohttp", 1.00, ratio("makespan-1000", "makespan", aiohttp)),
        Goal(spread, "÷ raw sockets", 1.01, ratio("makespan-spread", "makespan", raw)),
    ]


def _costs() -> list[Goal]:
    durable, bodies = "small answers, 50 in flight, durable", "200 bodies of 20 MB in flight"
    same, aiohttp = who.DURABLE.name, who.AIOHTTP.name
    return [
        Goal(durable, "wall ÷ plain httpx", 0.5, ratio("small", "wall", who.HTTPX.name)),
        Goal(durable, "CPU ÷ aiohttp with the same fsyncs", 1.0, ratio("small", "cpu", same)),
        Goal(
            "the same, files in memory",
            "CPU ÷ aiohttp with force_close",
            2.0,
            ratio("small-memory", "cpu", who.FRESH.name),
        ),
        Goal("10 to 1,000 in flight", "CPU a task, most ÷ least", 1.3, flat),
        Goal(bodies, "CPU ÷ aiohttp", 1.1, ratio("bodies-200", "cpu", aiohttp)),
        Goal(bodies, "RSS", 150, value("bodies-200", "rss", 1 / MB), " MB"),
    ]


def _limits() -> list[Goal]:
    found = []
    for case in CASES:
        key, work = f"limits-{case.key}", case.title
        found.append(Goal(work, "makespan ÷ ideal", 1.03, ideal(key)))
        if case.limit:
            found += [
                Goal(work, "answers of 429 a task", 1.5, value(key, "refused"), ""),
                Goal(work, f"makespan ÷ {QUICKEST}", 1.0, ratio(key, "makespan", QUICKEST)),
            ]
    slow = "each fsync 50 ms more, 1 s answers, 50 in flight"
    return [*found, Goal(slow, "makespan ÷ ideal", 1.05, ideal("slow-disk"))]


def _own() -> list[Goal]:
    done, check = "1,000,000 tasks from CSV, all but 1,000 done", "pipeline check, 12 prompts"
    stub, help_ = "pipeline, stub", "pipeline --help"
    found = [
        Goal(done, "time to the first request", 10, value("resume", "first"), " s"),
        Goal(done, "RSS", 350, value("resume", "rss", 1 / MB), " MB"),
        Goal(
            "tasks through the coordinator",
            "own CPU a task",
            0.12,
            value("coordinator", "cpu", 1000, stub),
            " ms",
        ),
        Goal(check, "wall", 0.15, value("start", "wall", 1, check), " s"),
        Goal(help_, "wall", 0.08, value("start", "wall", 1, help_), " s"),
    ]
    for name in ("1 run", "4 runs"):
        work = f"reserve and settle on an account, {name}"
        found += [
            Goal(work, "wall a task", 150, value("account", "wall", 1e6, name), " µs"),
            Goal(work, "CPU a task", 60, value("account", "cpu", 1e6, name), " µs"),
        ]
    return found


GOALS = [*_makespans(), *_costs(), *_limits(), *_own()]
