"""`bash bench/run`: runs the rows, prints the table, keeps the figures in bench/results."""

import argparse
import os
import shutil
import sys
import time
from pathlib import Path
from typing import Any

from bench.figures import dumps
from bench.latest import write
from bench.machine import describe
from bench.measure import HERE, in_own_venv
from bench.race import Settings
from bench.rows import ROWS
from bench.table import markdown, write_page

RESULTS = HERE / "results"


def main() -> None:
    in_own_venv("run")
    args = _arguments()
    if args.quick and args.write:
        sys.exit("--write takes a whole run: a quick one has fewer tasks than the goals speak of")
    chosen = args.rows.split(",") if args.rows else list(ROWS)
    if unknown := set(chosen) - set(ROWS):
        sys.exit(f"unknown rows: {', '.join(unknown)}; known: {', '.join(ROWS)}")
    folder = (args.dir or RESULTS / "work").resolve()
    folder.mkdir(parents=True, exist_ok=True)
    memory = _memory()
    settings = Settings(args.quick, folder, memory, args.rounds or (1 if args.quick else 5), _say)
    began = time.time()
    today = time.strftime("%Y-%m-%d", time.gmtime())
    results: dict[str, Any] = {"machine": describe(folder, memory), "rows": []}
    raw: list[dict[str, Any]] = []
    try:
        for name in chosen:
            _say(name)
            start = time.monotonic()
            for row in ROWS[name](settings):
                results["rows"].append({**row.as_json(), "when": today})
                raw.append({"key": row.key, "runs": row.runs})
            _keep({**results, "raw": raw}, time.strftime("%Y%m%dT%H%M%S", time.gmtime(began)))
            if args.write:
                write_page(write(results))
            _say(f"  {name}: {time.monotonic() - start:.0f} s")
    finally:
        shutil.rmtree(folder if args.dir is None else folder / "work", ignore_errors=True)
        if memory:
            shutil.rmtree(memory, ignore_errors=True)
    print(markdown(results, measured_only=True))
    _say(f"{time.time() - began:.0f} s; the figures are in bench/results")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bash bench/run", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="less of everything: two minutes")
    parser.add_argument("--rows", metavar="ROW,…", help=f"of {', '.join(ROWS)}")
    parser.add_argument("--rounds", type=int, help="how often each contender runs")
    parser.add_argument("--dir", type=Path, help="where outputs go: a real disk")
    parser.add_argument(
        "--write", action="store_true", help="put the figures into latest.json and the page"
    )
    return parser.parse_args()


def _memory() -> Path | None:
    shm = Path("/dev/shm")
    if not (shm.is_dir() and os.access(shm, os.W_OK)):
        return None
    folder = shm / f"bench-{os.getpid()}"
    folder.mkdir()
    return folder


def _keep(results: dict, name: str) -> None:
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(dumps(results) + "\n")


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
