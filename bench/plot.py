"""The picture of the page, drawn as SVG by hand: no library needs to be installed for it."""

from math import log10
from typing import Any
from xml.sax.saxutils import escape

from bench.goals import US

WIDTH, LINE, LEFT = 860, 24, 250
Rows = dict[str, dict[str, Any]]

_STYLE = (
    "text{font:13px system-ui,sans-serif;fill:#57606a}.t{font-weight:600;font-size:15px}"
    ".us{fill:#0a7d4f}.them{fill:#8c959f}"
    "@media(prefers-color-scheme:dark){text{fill:#adb5bd}.us{fill:#3ecf8e}.them{fill:#6e7681}}"
)


def plot(rows: Rows) -> str:
    """Draw CPU a small task, and the makespan over the ideal one, each contender a bar."""
    panels: list[tuple[str, dict[str, float], str]] = []
    if "small" in rows:
        panels.append(
            (
                "CPU of one small task, µs (logarithmic)",
                _read(rows["small"], "cpu_per_task", 1e6),
                "{:,.0f}",
            )
        )
    for key in ("makespan-200", "makespan-1000"):
        if key in rows:
            ideal = rows[key]["facts"].get("ideal", 1.0)
            unit = "÷ ideal" if "ideal" in rows[key]["facts"] else "s"
            panels.append(
                (
                    f"Makespan, {rows[key]['title']}, {unit} (logarithmic)",
                    _read(rows[key], "makespan", 1 / ideal),
                    "{:.2f}",
                )
            )
    parts: list[str] = []
    top = 10
    for title, figures, form in panels:
        parts.append(f'<text class="t" x="10" y="{top + 16}">{escape(title)}</text>')
        parts += _bars(figures, form, top + 28)
        top += 28 + LINE * len(figures) + 24
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top}" role="img"'
        f' aria-label="Speed beside the peers">\n<style>{_STYLE}</style>\n{body}\n</svg>\n'
    )


def _read(row: dict[str, Any], figure: str, scale: float) -> dict[str, float]:
    found = {name: scale * medians[figure] for name, medians in row["medians"].items()}
    return dict(sorted(found.items(), key=lambda item: item[1]))


def _bars(figures: dict[str, float], form: str, top: int) -> list[str]:
    low, high = min(figures.values()) * 0.8, max(figures.values())
    room = WIDTH - LEFT - 90
    parts = []
    for place, (name, figure) in enumerate(figures.items()):
        y = top + LINE * place
        long = max(room * log10(figure / low) / max(log10(high / low), 0.01), 2)
        kind = "us" if name.startswith(US) else "them"
        parts += [
            f'<text x="{LEFT - 10}" y="{y + 15}" text-anchor="end">{escape(name)}</text>',
            f'<rect class="{kind}" x="{LEFT}" y="{y + 3}" width="{long:.0f}" height="16" rx="2"/>',
            f'<text x="{LEFT + long + 8:.0f}" y="{y + 15}">{form.format(figure)}</text>',
        ]
    return parts
