"""The figures as Markdown, and the page that shows them."""

from collections.abc import Callable
from typing import Any

from bench.figures import QUICKEST, Spread
from bench.goals import GOALS, MB, Rows
from bench.measure import ROOT
from bench.plot import plot

PAGE = ROOT / "docs" / "explanation" / "performance.md"
PICTURE = ROOT / "docs" / "images" / "performance.svg"
BEGIN, END = "<!-- begin: bash bench/run --write -->", "<!-- end -->"

Row = dict[str, Any]
# What a cell shows of a contender in a row.
Column = tuple[str, Callable[[Row, str], str]]


def markdown(results: dict[str, Any], *, measured_only: bool = False) -> str:
    """Write the tables of one run."""
    rows = {row["key"]: row for row in results["rows"]}
    parts = [_goals(rows, measured_only=measured_only), _machine(results)]
    for columns, keys in _TABLES:
        parts += [_table(rows[key], columns) for key in rows if key.startswith(keys)]
        if columns is _RACE:
            parts.append(_waves(rows))
    parts.append(_missing(rows))
    return "\n\n".join(part for part in parts if part) + "\n"


def write_page(results: dict[str, Any]) -> None:
    """Put the tables into the page, between their marks, and draw the picture."""
    text = PAGE.read_text(encoding="utf-8")
    head, rest = text.split(BEGIN, 1)
    tail = rest.split(END, 1)[1]
    PAGE.write_text(f"{head}{BEGIN}\n\n{markdown(results)}\n{END}{tail}", encoding="utf-8")
    PICTURE.write_text(plot({row["key"]: row for row in results["rows"]}), encoding="utf-8")


def _lines(title: str, head: list[str], body: list[list[str]]) -> str:
    if not body:
        return ""
    rule = ["---"] + ["---:"] * (len(head) - 1)
    return "\n".join(
        [f"### {title}", "", *("| " + " | ".join(line) + " |" for line in (head, rule, *body))]
    )


def _spread(found: Spread, scale: float = 1.0) -> str:
    """Write a median, and the least and the most where they differ from it."""
    middle, least, most = (_figure(scale * each) for each in found)
    return middle if least == most else f"{middle} ({least}–{most})"


def _figure(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _goals(rows: Rows, *, measured_only: bool) -> str:
    body = []
    for goal in GOALS:
        measured = goal.measured(rows)
        if measured is None and measured_only:
            continue
        body.append([f"{goal.work}: {goal.figure}", f"≤ {goal.most:g}{goal.unit}"])
        if measured is None:
            body[-1] += ["", "not measured"]
        else:
            reached = round(measured[0], 3) <= goal.most
            body[-1] += [_exact(measured) + goal.unit, "reached" if reached else "**missed**"]
    return _lines("Goals", ["work", "goal", "measured", ""], body)


def _exact(found: Spread) -> str:
    """Write a figure as exactly as a goal is: 1.03 is not 1.027."""
    middle, least, most = (_figure(each) if each >= 10 else f"{each:.3f}" for each in found)
    return middle if least == most else f"{middle} ({least}–{most})"


def _machine(results: dict[str, Any]) -> str:
    facts = ", ".join(f"{name} {value}" for name, value in results["machine"].items())
    rounds = sorted({row["rounds"] for row in results["rows"]})
    days = sorted({row["when"] for row in results["rows"]})
    return (
        f"Measured on {_span(days)}, rounds: {_span(rounds)}; {facts}. A figure is the median of"
        " the rounds, with the least and the most of them. *pipeline ÷ it* is taken round by round."
    )


def _span(values: list[Any]) -> str:
    return " to ".join(dict.fromkeys(str(value) for value in (values[0], values[-1])))


def _figures(title: str, key: str, scale: float = 1.0, unit: str = "") -> Column:
    def show(row: Row, name: str) -> str:
        found = row["figures"][name].get(key)
        return _spread(found, scale) + unit if found else "–"

    return title, show


def _ratio(title: str, key: str) -> Column:
    def show(row: Row, name: str) -> str:
        found = row["ratios"].get(name, {}).get(key)
        return _spread(found) if found else "–"

    return title, show


def _ideal(row: Row, name: str) -> str:
    ideal = row["facts"].get("ideal")
    return _spread(row["figures"][name]["makespan"], 1 / ideal) if ideal else "–"


_CPU, _WALL = _figures("CPU a task", "cpu", 1e6, " µs"), _figures("wall a task", "wall", 1e6, " µs")
_CPU_MS = _figures("CPU a task", "cpu", 1e3, " ms")
_RSS = _figures("peak RSS", "rss", 1 / MB, " MB")
_MAKESPAN = _figures("makespan", "makespan", 1, " s")
_PEAK = _figures("peak in flight", "peak")
_SMALL = [_CPU, _ratio("pipeline ÷ it", "cpu"), _WALL, _ratio("pipeline ÷ it", "wall"), _RSS, _PEAK]
_RACE = [
    _MAKESPAN,
    ("÷ ideal", _ideal),
    _ratio("pipeline ÷ it", "makespan"),
    _PEAK,
    _figures("429s a task", "refused"),
    _CPU_MS,
]
_BODIES = [_RSS, _CPU_MS, _ratio("pipeline ÷ it", "cpu"), _MAKESPAN]
_COORDINATOR = [
    _CPU,
    *(_figures(title, f"rss_{key}", 1 / MB, " MB") for title, key in (
        ("RSS at 10 %", "tenth"), ("at 50 %", "half"), ("at the end", "end"),
    )),
    _figures("growth a task", "bytes_per_task", 1, " B"),
]  # fmt: skip
_START = [_figures("wall", "wall", 1000, " ms"), _figures("CPU", "cpu", 1000, " ms")]
_RESUME = [
    _figures("to the first request", "first", 1, " s"),
    _figures("CPU of the run", "cpu", 1, " s"),
    _RSS,
]
_TABLES: list[tuple[list[Column], tuple[str, ...]]] = [
    (_SMALL, ("small",)),
    (_RACE, ("makespan-", "limits-", "slow-disk", "runs")),
    ([_CPU, _ratio("pipeline ÷ it", "cpu")], ("flat-",)),
    (_BODIES, ("bodies-",)),
    (_START, ("start",)),
    (_RESUME, ("resume",)),
    (_COORDINATOR, ("coordinator",)),
    ([_WALL, _CPU], ("account",)),
    ([_CPU], ("polls",)),
]


def _table(row: Row, columns: list[Column]) -> str:
    main = "makespan" if columns is _RACE else "cpu"
    names = sorted(row["figures"], key=lambda name: row["figures"][name][main][0])
    body = [[name, *(show(row, name) for _, show in columns)] for name in names]
    quickest = row["ratios"].get(QUICKEST)
    if columns is _RACE and quickest:
        body.append([f"*{QUICKEST}*", "", "", _spread(quickest["makespan"]), "", "", ""])
    count = row["facts"].get("count")
    title = row["title"][0].upper() + row["title"][1:] + (f": {count:,} tasks" if count else "")
    return _lines(title, ["", *(title for title, _ in columns)], body)


def _waves(rows: Rows) -> str:
    """Show when requests arrived: in lockstep all of a wave come at once, and late."""
    body = []
    for key in ("makespan-50", "makespan-200", "makespan-1000", "slow-disk"):
        for name, waves in rows.get(key, {}).get("waves", {}).items():
            times = [" / ".join(f"{each:.2f}" for each in wave) for wave in waves[1:4]]
            body.append([f"{name}, {rows[key]['title']}", *times, *[""] * (3 - len(times))])
    head = ["", *(f"wave {number}" for number in (2, 3, 4))]
    return _lines(
        "When requests arrived: the first / median / last of a wave, in seconds", head, body
    )


def _missing(rows: Rows) -> str:
    reasons = {
        f"- {name}, {row['title']}: {why}"
        for row in rows.values()
        for name, why in row["missing"].items()
    }
    return "\n".join(["Left out:", "", *sorted(reasons)]) if reasons else ""
