"""How many seeds: two short ones, or as many long ones as `--seeds N` or CHAOS_SEEDS asks for.

At the end the toll of all kills is printed: doubts, those never sent, clips that were lost; and how
the doubts of kills at chosen points have ended. For that `make chaos` names this folder: else only
the workers of a parallel run would load this file, and not the process that prints.
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
    if "length" not in metafunc.fixturenames:
        metafunc.parametrize("seed", range(1, (asked or 2) + 1))
        return
    if asked:
        told = [pytest.param(seed, "long", marks=pytest.mark.slow) for seed in range(1, asked + 1)]
    else:
        told = [pytest.param(seed, "short", marks=pytest.mark.slow) for seed in (1, 2)]
    metafunc.parametrize(("seed", "length"), told)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    toll, kills = _sum(terminalreporter, "toll"), _sum(terminalreporter, "kills")
    if kills["runs"]:
        terminalreporter.write_line(
            f"kill -9 of {kills['runs']} runs of {kills['jobs']} jobs at chosen points:"
            f" {kills['found']} doubts were found in the list, {kills['not_billed']} had never"
            " left, and a person said so"
        )
    if toll["kills"]:
        share = 100 * toll["unsent"] / max(toll["doubts"], 1)
        terminalreporter.write_line(
            f"kill -9 of {toll['kills']} runs: {toll['doubts']} attempts in doubt, {toll['unsent']}"
            f" of them never sent ({share:.1f} %); {toll['whole']} clips lay whole on the disk,"
            f" {toll['lost']} of them lost"
        )


def _sum(reporter: pytest.TerminalReporter, name: str) -> Counter[str]:
    """Add up a property of all tests."""
    found: Counter[str] = Counter()
    for outcome in ("passed", "failed"):
        for report in reporter.getreports(outcome):
            found.update(dict(report.user_properties).get(name, {}))
    return found
