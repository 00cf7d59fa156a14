"""The table of a simulation: by the seed alone, and below it what was measured on this machine."""

from collections.abc import Iterable, Sequence
from decimal import Decimal

from simulation.play import Result

_HEAD = (
    "scenario", "tasks", "in flight", "makespan", "÷ ideal", "requests", "429", "503", "406",
    "lost", "in doubt", "charged", "apart",
)  # fmt: skip


def lines(results: Sequence[Result]) -> list[str]:
    """Write what the same seed writes again."""
    sums = [
        ("tasks", f"{sum(one.scenario.tasks for one in results)}"),
        ("peak in flight", f"{max(one.peak for one in results)}"),
        ("makespan ÷ ideal", f"{_total(results):.4f}"),
        ("requests", f"{sum(one.requests for one in results)}"),
        ("in doubt", f"{sum(one.in_doubt for one in results)}"),
        ("sent twice unasked", f"{sum(one.repeated for one in results)}"),
        ("books balance", f"{sum((one.apart for one in results), Decimal(0)):.2f} USD apart"),
    ]
    faults = [f"{one.scenario.name}: {fault}" for one in results for fault in one.faults]
    return [*_aligned([_HEAD, *map(_row, results)]), "", *(f"{a}: {b}" for a, b in sums), *faults]


def measured(results: Sequence[Result]) -> list[str]:
    """Write what it took, which is another figure each time."""
    tasks = sum(one.scenario.tasks for one in results)
    cpu, system = sum(one.cpu for one in results), sum(one.system for one in results)
    head = ("scenario", "CPU a task, ms", "of it system", "memory, MB", "wall, s")
    return [
        *_aligned([head, *map(_cost, results)]),
        "",
        f"CPU a task: {1000 * cpu / tasks:.3f} ms",
        f"of it in the system: {1000 * system / tasks:.3f} ms",
        f"memory: {max(one.memory for one in results):.0f} MB",
        f"wall: {sum(one.wall for one in results):.0f} s",
    ]


def _total(results: Iterable[Result]) -> float:
    pairs = [(one.makespan, one.ideal) for one in results]
    return sum(made for made, _ in pairs) / sum(ideal for _, ideal in pairs)


def _row(one: Result) -> tuple[str, ...]:
    refused = (f"{one.answers.get(status, 0)}" for status in (429, 503, 406))
    return (
        one.scenario.name, f"{one.scenario.tasks}", f"{one.peak}", f"{one.makespan:.0f} s",
        f"{one.makespan / one.ideal:.4f}", f"{one.requests}", *refused, f"{one.lost}",
        f"{one.in_doubt}", f"{one.charged:.2f}", f"{one.apart:.2f}",
    )  # fmt: skip


def _cost(one: Result) -> tuple[str, ...]:
    each = 1000 / one.scenario.tasks
    cpu, system = f"{one.cpu * each:.3f}", f"{one.system * each:.3f}"
    return one.scenario.name, cpu, system, f"{one.memory:.0f}", f"{one.wall:.0f}"


def _aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    wide = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return ["  ".join(_pad(row, wide)).rstrip() for row in rows]


def _pad(row: Sequence[str], wide: Sequence[int]) -> Iterable[str]:
    yield row[0].ljust(wide[0])
    yield from (cell.rjust(width) for cell, width in zip(row[1:], wide[1:], strict=True))
