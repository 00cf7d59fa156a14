"""How many seeds: two short ones, or as many long ones as `--seeds N` or CHAOS_SEEDS asks for."""

import os

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
