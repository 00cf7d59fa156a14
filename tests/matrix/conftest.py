"""At its end the kill matrix is printed: a line a vendor, of all lives that were lived."""

from collections import Counter

import pytest

COLUMNS = (
    "lives", "kills", "dropped", "found", "never had", "not found",
    "paid twice", "over bound", "left behind",
)  # fmt: skip


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    found: Counter[str] = Counter()
    for outcome in ("passed", "failed"):
        for report in terminalreporter.getreports(outcome):
            found.update(dict(report.user_properties).get("matrix", {}))
    vendors = sorted({name.partition("/")[0] for name in found})
    if not vendors:
        return
    terminalreporter.write_line(
        "kill matrix; in doubt at the end only what the vendor never had, and what nothing finds:"
    )
    widths = [max(len(name) for name in vendors), *map(len, COLUMNS)]
    rows = [("", *COLUMNS)]
    rows += [(name, *(str(found[f"{name}/{one}"]) for one in COLUMNS)) for name in vendors]
    for row in rows:
        cells = [row[0].ljust(widths[0])]
        cells += [cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True)]
        terminalreporter.write_line("  ".join(cells))
