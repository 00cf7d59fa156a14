"""`make simulate`: play all scenarios, print their table, and end with 1 if something is wrong."""

import argparse
import multiprocessing
import os
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from simulation.play import Result, play
from simulation.scenario import Scenario, scenarios
from simulation.table import lines, measured


def main() -> int:
    """Play what the command line asks for."""
    wanted = _arguments()
    results = []
    with tempfile.TemporaryDirectory(prefix="simulation-", dir=wanted.folder) as name:
        os.environ["XDG_STATE_HOME"] = name  # no run of a person is looked at
        for scenario in scenarios(wanted.tasks, wanted.in_flight):
            print(f"{scenario.name}: {scenario.tasks} tasks …", file=sys.stderr, flush=True)  # noqa: T201
            results.append(_apart(scenario, Path(name), wanted.seed))
    print("\n".join([*lines(results), "", "Measured here:", "", *measured(results)]))  # noqa: T201
    return any(one.faults for one in results)


def _apart(scenario: Scenario, folder: Path, seed: int) -> Result:
    """Play a scenario in a process of its own, whose memory is its own."""
    spawning = multiprocessing.get_context("spawn")
    with (
        tempfile.TemporaryDirectory(dir=folder) as own,
        ProcessPoolExecutor(1, mp_context=spawning) as process,
    ):
        return process.submit(play, scenario, Path(own), seed).result()


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="make simulate", description=__doc__)
    memory = "/dev/shm"  # a file a task: on a disk, that would be most of what is measured
    folder = memory if os.access(memory, os.W_OK) else None
    parser.add_argument("--tasks", type=int, default=1_000_000, help="of all scenarios together")
    parser.add_argument("--in-flight", type=int, default=10_000, help="requests at once, at most")
    parser.add_argument("--seed", type=int, default=1, help="the same seed, the same table")
    parser.add_argument("--folder", default=folder, help="where the files of the runs are")
    wanted = parser.parse_args()
    if wanted.tasks < 1000:
        parser.error("--tasks: at least 1000")
    if wanted.in_flight < 8:
        parser.error("--in-flight: at least 8")
    return wanted


if __name__ == "__main__":
    sys.exit(main())
