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


# What a panel shows of a row, and what it is called.
_PANELS = {
    "small": "CPU of one small task, µs",
    "makespan-50": "Makespan ÷ ideal, answers after 1 s, 50 in flight",
    "makespan-200": "Makespan ÷ ideal, answers after 1 s, 200 in flight",
    "makespan-spread": "Makespan, answers after 5 s ± 50 %, 1,000 in flight, s",
    "limits-at-once": "Makespan ÷ ideal, 20 in flight, the API takes 5 at once",
    "limits-bucket": "Makespan ÷ ideal, 30 in flight, the API takes 30 a minute and names no time",
}


def plot(rows: Rows) -> str:
    """Draw CPU of a small task, and makespans, each contender a bar."""
    parts: list[str] = []
    top = 10
    for key, title in _PANELS.items():
        if key not in rows:
            continue
        figures = _read(rows[key], "cpu" if key == "small" else "makespan")
        parts.append(f'<text class="t" x="10" y="{top + 16}">{escape(title)} (logarithmic)</text>')
        parts += _bars(figures, "{:,.0f}" if key == "small" else "{:.2f}", top + 28)
        top += 28 + LINE * len(figures) + 24
    body = "\n".join(parts)
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {top}" role="img"'
        f' aria-label="Speed compared with the peers">\n<style>{_STYLE}</style>\n{body}\n</svg>\n'
    )


def _read(row: dict[str, Any], figure: str) -> dict[str, float]:
    scale = 1e6 if figure == "cpu" else 1 / row["facts"].get("ideal", 1.0)
    found = {name: scale * figures[figure][0] for name, figures in row["figures"].items()}
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
