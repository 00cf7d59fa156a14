"""How many seeds: two short ones, or as many long ones as `--seeds N` or CHAOS_SEEDS asks for.

At the end the toll of all kills is printed: doubts, those never sent, clips that were lost.
"""

import os
from collections import Counter

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--seeds", type=int, help="run so many long seeds of chaos")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    if "seed" not in metafunc.fixturenames:
        return
    # Loaded late where the whole suite runs: then the option was never parsed.
    asked = metafunc.config.getoption("seeds", None) or int(os.environ.get("CHAOS_SEEDS") or 0)
    if asked:
        told = [pytest.param(seed, "long", marks=pytest.mark.slow) for seed in range(1, asked + 1)]
    else:
        told = [pytest.param(seed, "short", marks=pytest.mark.slow) for seed in (1, 2)]
    metafunc.parametrize(("seed", "length"), told)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    toll: Counter[str] = Counter()
    for outcome in ("passed", "failed"):
        for report in terminalreporter.getreports(outcome):
            toll.update(dict(report.user_properties).get("toll", {}))
    if toll["kills"]:
        share = 100 * toll["unsent"] / max(toll["doubts"], 1)
        terminalreporter.write_line(
            f"kill -9 of {toll['kills']} runs: {toll['doubts']} attempts in doubt, {toll['unsent']}"
            f" of them never sent ({share:.1f} %); {toll['whole']} clips lay whole on the disk,"
            f" {toll['lost']} of them lost"
        )
