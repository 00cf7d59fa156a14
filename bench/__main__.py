"""`bash bench/run`: runs the rows, prints the table, keeps the figures in bench/results."""

import argparse
import json
import os
import shutil
import sys
import time
from pathlib import Path

from bench.machine import describe
from bench.measure import HERE, in_own_venv
from bench.rows import ROWS, Settings
from bench.table import markdown, write_page

RESULTS = HERE / "results"


def main() -> None:
    in_own_venv("run")
    args = _arguments()
    chosen = args.only.split(",") if args.only else list(ROWS)
    if unknown := set(chosen) - set(ROWS):
        sys.exit(f"unknown rows: {', '.join(unknown)}; known: {', '.join(ROWS)}")
    folder = (args.dir or RESULTS / "work").resolve()
    folder.mkdir(parents=True, exist_ok=True)
    memory = _memory()
    settings = Settings(args.quick, folder, memory, args.rounds or (1 if args.quick else 5), _say)
    began = time.time()
    results = {
        "quick": args.quick,
        "command": " ".join(["bash bench/run", *sys.argv[1:]]),
        "when": time.strftime("%Y-%m-%d", time.gmtime()),
        "machine": describe(folder, memory),
        "rows": [],
    }
    try:
        for name in chosen:
            _say(name)
            results["rows"] += [row.as_json() for row in ROWS[name](settings)]
            _keep(results, time.strftime("%Y%m%dT%H%M%S", time.gmtime(began)))
    finally:
        shutil.rmtree(folder if args.dir is None else folder / "work", ignore_errors=True)
        if memory:
            shutil.rmtree(memory, ignore_errors=True)
    print(markdown(results))
    _say(f"{time.time() - began:.0f} s; the figures are in bench/results")
    if args.write:
        _write(results)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bash bench/run", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="less of everything: two minutes")
    parser.add_argument("--only", metavar="ROW,…", help=f"of {', '.join(ROWS)}")
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
    (RESULTS / f"{name}.json").write_text(json.dumps(results, indent=1) + "\n")


def _write(results: dict) -> None:
    """Lay the rows over those of earlier runs: a single row can be measured again."""
    latest = RESULTS / "latest.json"
    if latest.exists():
        old = json.loads(latest.read_text())
        new = {row["key"] for row in results["rows"]}
        kept = [row for row in old["rows"] if row["key"] not in new]
        results["rows"] = [*kept, *results["rows"]]
    latest.write_text(json.dumps(results, indent=1) + "\n")
    write_page(results)


def _say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    main()
