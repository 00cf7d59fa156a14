"""Keeps 200 requests in flight for a while, and watches memory, descriptors and CPU."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from statistics import median

from bench.contenders import KEY, write_job
from bench.measure import HERE, OURS, in_own_venv, serving

IN_FLIGHT = 200
# Seconds, ± 50 %: a sixth of what a video takes, so that half an hour is three hours' work.
LATENCY = 10.0
_EVERY = 5.0
# Beyond this, the second half of the run differs from the first: it is not flat.
_DRIFT = 1.10


def sample(pid: int) -> dict[str, float]:
    """Read what a process has and has used."""
    folder = Path(f"/proc/{pid}")
    fields = (folder / "stat").read_text().rsplit(")", 1)[1].split()
    ticks = os.sysconf("SC_CLK_TCK")
    return {
        "at": time.monotonic(),
        "rss": int((folder / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE"),
        "files": len(os.listdir(folder / "fd")),
        "cpu": (int(fields[11]) + int(fields[12])) / ticks,
    }


def main() -> int:
    in_own_venv("soak")
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 30.0
    folder = HERE / "results" / "soak"
    shutil.rmtree(folder, ignore_errors=True)
    # More than can be done in that time: the run is stopped, as a person would stop it.
    job = write_job(folder, int(minutes * 60 * IN_FLIGHT / LATENCY * 1.2) + 1000, IN_FLIGHT)
    try:
        with serving("--size=20000", f"--latency={LATENCY}", "--spread=0.5") as server:
            samples = _watch(job, server.base, server, minutes)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return _judge(samples)


def _watch(job: Path, base: str, server, minutes: float) -> list[dict[str, float]]:
    samples: list[dict[str, float]] = []
    with (job.parent / "log").open("wb") as log:
        child = subprocess.Popen(
            [OURS, "-m", "pipeline", "run", str(job), "--base-url", base, "--no-report"],
            stdout=log,
            stderr=log,
            env={**os.environ, **KEY, "XDG_STATE_HOME": str(job.parent / "state")},
        )
        try:
            end = time.monotonic() + minutes * 60
            while time.monotonic() < end and child.poll() is None:
                time.sleep(_EVERY)
                stats = server.stats()
                samples.append({**sample(child.pid), "done": stats["posts"], "peak": stats["peak"]})
                if len(samples) % 12 == 0:
                    print(_line(samples[-1]), file=sys.stderr, flush=True)
        finally:
            child.send_signal(signal.SIGTERM)
            code = child.wait(60)
    if code != 143:
        sys.exit(f"the run ended with {code}:\n{(job.parent / 'log').read_text()[-2000:]}")
    return samples


def _line(one: dict[str, float]) -> str:
    return (
        f"{one['done']:,.0f} requests, {one['rss'] / 2**20:.0f} MB, {one['files']:.0f} descriptors,"
        f" {one['cpu']:.0f} s of CPU"
    )


def _judge(samples: list[dict[str, float]]) -> int:
    """Hold the second half of the run against the first, without its beginning."""
    steady = samples[len(samples) // 10 + 1 :]
    early, late = steady[: len(steady) // 2], steady[len(steady) // 2 :]
    figures = {
        "memory, MB": [median(s["rss"] for s in part) / 2**20 for part in (early, late)],
        "descriptors": [median(s["files"] for s in part) for part in (early, late)],
        "CPU a request, µs": [_cost(part) for part in (early, late)],
    }
    done = steady[-1]["done"] - steady[0]["done"]
    grown = (steady[-1]["rss"] - steady[0]["rss"]) / done
    flat = True
    print(f"{samples[-1]['done']:,.0f} requests, {samples[-1]['peak']:.0f} in flight at most")
    for name, (first, second) in figures.items():
        steady_enough = second <= first * _DRIFT
        flat &= steady_enough
        verdict = "flat" if steady_enough else "NOT FLAT"
        print(f"{name:20} first half {first:10.1f}   second half {second:10.1f}   {verdict}")
    print(f"memory grew by {grown:.0f} bytes a request: the set of what is done")
    (HERE / "results").mkdir(exist_ok=True)
    (HERE / "results" / "soak.json").write_text(json.dumps({"samples": samples}) + "\n")
    return not flat


def _cost(part: list[dict[str, float]]) -> float:
    return 1e6 * (part[-1]["cpu"] - part[0]["cpu"]) / (part[-1]["done"] - part[0]["done"])


if __name__ == "__main__":
    sys.exit(main())
