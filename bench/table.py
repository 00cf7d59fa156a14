"""The figures as Markdown, and the page that shows them."""

from typing import Any

from bench.goals import BASE, CURL, MB, Rows, goals
from bench.measure import HERE
from bench.plot import plot

PAGE = HERE.parent / "docs" / "explanation" / "performance.md"
PICTURE = HERE.parent / "docs" / "images" / "performance.svg"
BEGIN, END = "<!-- begin: bash bench/run --write -->", "<!-- end -->"


def markdown(results: dict[str, Any]) -> str:
    """Write the tables of one run."""
    rows = {row["key"]: row for row in results["rows"]}
    parts = [_goals(rows, quick=results["quick"]), _machine(results)]
    parts += [_race(rows[key]) for key in ("small", "small-memory") if key in rows]
    parts += [_makespans(rows), _flat(rows)]
    parts += [_bodies(row) for key, row in rows.items() if key.startswith("bodies-")]
    parts += [_coordinator(rows), _account(rows), _missing(rows)]
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


def _goals(rows: Rows, *, quick: bool) -> str:
    body = []
    for goal in goals(rows):
        measured = goal.measured(rows)
        if measured is None:
            continue
        verdict = "reached" if measured <= goal.most else "**missed**"
        body.append(
            [
                f"{goal.work}: {goal.figure}",
                f"≤ {goal.most:g}{_unit(goal.unit)}",
                f"{measured:.3g}{_unit(goal.unit)}",
                verdict,
            ]
        )
    title = "Goals (quick run: fewer tasks than the goals speak of)" if quick else "Goals"
    return _lines(title, ["work", "goal", "measured", ""], body)


def _upper(title: str) -> str:
    return title[0].upper() + title[1:]


def _unit(unit: str) -> str:
    return " ×" if unit == "×" else unit


def _machine(results: dict[str, Any]) -> str:
    machine = results["machine"]
    facts = ", ".join(f"{name} {value}" for name, value in machine.items())
    return f"Measured on {results['when']} with `{results['command']}`: {facts}."


def _race(row: dict[str, Any]) -> str:
    medians = row["medians"]
    least = medians.get(CURL, medians.get(BASE, {})).get("cpu_per_task")
    body = [
        [
            name,
            f"{1e6 * figures['cpu_per_task']:,.0f} µs",
            f"{figures['cpu_per_task'] / least:.1f}" if least else "",
            f"{1e3 * figures['wall_per_task']:.2f} ms",
            f"{figures['rss'] / MB:.0f} MB",
            f"{figures['count']:,.0f}",
        ]
        for name, figures in sorted(medians.items(), key=lambda item: item[1]["cpu_per_task"])
    ]
    over = "curl's" if CURL in medians else "bare"
    head = ["", "CPU a task", f"÷ {over}", "wall a task", "peak RSS", "tasks"]
    return _lines(f"{_upper(row['title'])}: {row['facts']['count']:,} tasks", head, body)


def _makespans(rows: Rows) -> str:
    keys = [key for key in ("makespan-50", "makespan-200", "makespan-1000") if key in rows]
    names = dict.fromkeys(name for key in keys for name in rows[key]["medians"])
    body = [[name, *(_makespan(rows[key], name) for key in keys)] for name in names]
    titles = [f"{rows[key]['title']}, {rows[key]['facts']['count']:,} tasks" for key in keys]
    return _lines("Makespan", ["", *titles], body)


def _makespan(row: dict[str, Any], name: str) -> str:
    figures = row["medians"].get(name)
    if figures is None:
        return "–"
    ideal = row["facts"].get("ideal")
    wall = f"{figures['makespan']:.2f} s"
    return f"{wall} = {figures['makespan'] / ideal:.2f} × ideal" if ideal else wall


def _flat(rows: Rows) -> str:
    keys = [key for key in ("flat-10", "flat-100", "flat-1000") if key in rows]
    names = dict.fromkeys(name for key in keys for name in rows[key]["medians"])
    body = [
        [
            name,
            *(
                f"{1e6 * figures['cpu_per_task']:,.0f} µs"
                if (figures := rows[key]["medians"].get(name))
                else "–"
                for key in keys
            ),
        ]
        for name in names
    ]
    head = ["", *(rows[key]["title"] for key in keys)]
    return _lines("CPU a task by what is in flight, at 400 a second at most", head, body)


def _bodies(row: dict[str, Any]) -> str:
    medians = row["medians"]
    least = medians.get(CURL, {}).get("cpu_per_task")
    body = [
        [
            name,
            f"{figures['rss'] / MB:.0f} MB",
            f"{figures['cpu_per_task']:.3f} s",
            f"{figures['cpu_per_task'] / least:.1f}" if least else "",
            f"{figures['makespan']:.1f} s",
        ]
        for name, figures in sorted(medians.items(), key=lambda item: item[1]["cpu_per_task"])
    ]
    head = ["", "peak RSS", "CPU a body", "÷ curl's", "makespan"]
    return _lines(_upper(row["title"]), head, body)


def _coordinator(rows: Rows) -> str:
    if "coordinator" not in rows:
        return ""
    body = [
        [
            name,
            f"{figures['count']:,.0f}",
            f"{1e6 * figures['cpu_per_task']:,.0f} µs",
            *(f"{figures[key] / MB:.0f} MB" for key in ("rss_tenth", "rss_half", "rss_end")),
            f"{figures['bytes_per_task']:.0f} B",
        ]
        for name, figures in rows["coordinator"]["medians"].items()
    ]
    head = ["", "tasks", "own CPU a task", "RSS at 10 %", "at 50 %", "at the end", "growth a task"]
    return _lines("Tasks against a transport that answers at once", head, body)


def _account(rows: Rows) -> str:
    if "account" not in rows:
        return ""
    body = [
        [name, f"{1e6 * each['wall_per_task']:,.0f} µs", f"{1e6 * each['cpu_per_task']:,.0f} µs"]
        for name, each in rows["account"]["medians"].items()
    ]
    head = ["", "wall a task", "CPU a task"]
    return _lines("Reserve and settle on an account, four tasks a transaction", head, body)


def _missing(rows: Rows) -> str:
    reasons = {
        f"- {name}, {row['title']}: {why}"
        for row in rows.values()
        for name, why in row["missing"].items()
    }
    return "\n".join(["Left out:", "", *sorted(reasons)]) if reasons else ""
