"""200 tasks, each with a picture of 5 MB, 50 in flight: memory, manifest, and the event loop.

    python -m bench.inputs [TASKS]

One line a quantity. The sandbox answers in a process of its own.
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from sandbox.testing import Sandbox

PICTURE = 5_000_000
HEAD = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\4\0\0\0\4\10\2\0\0\0&\x93\x09)"
KEY = "sk-bench-0123456789abcdef"

# The run itself, with a clock around each callback of its event loop.
RUN = """
import asyncio, re, sys, time
from pathlib import Path
from pipeline.cli.edge import run_command

worst, worst_cpu, call = 0.0, 0.0, asyncio.Handle._run

def timed(handle):
    global worst, worst_cpu
    began, cpu = time.perf_counter(), time.thread_time()
    result = call(handle)
    worst = max(worst, time.perf_counter() - began)
    worst_cpu = max(worst_cpu, time.thread_time() - cpu)
    return result

asyncio.Handle._run = timed
code = run_command(["run", "job.yaml", "--no-report"])
peak = re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]
print(f"longest callback: {worst * 1000:.0f} ms, {worst_cpu * 1000:.0f} ms of them CPU")
print(f"memory at most: {int(peak) / 1024:.0f} MB")
sys.exit(code)
"""


def prepare(folder: Path, tasks: int) -> None:
    """Write the pictures, each with bytes of its own, and the job."""
    (folder / "frames").mkdir()
    for number in range(tasks):
        (folder / "frames" / f"{number}.png").write_bytes(HEAD + os.urandom(PICTURE))
    prompts = "".join(f'- {{id: "{number}", prompt: "{number}"}}\n' for number in range(tasks))
    (folder / "job.yaml").write_text(
        "model: ray-flash-2-720p\nconcurrency: 50\ncredits: {cost: 0.95}\n"
        'inputs: {start_image_url: "frames/{{ id }}.png"}\nprompts:\n' + prompts
    )


def main(tasks: int = 200) -> int:
    """Measure, and print."""
    served = Sandbox(clips="tiny", credits=10_000, latency=2)
    with tempfile.TemporaryDirectory() as name, served as api:
        folder = Path(name)
        prepare(folder, tasks)
        done = subprocess.run(
            [sys.executable, "-c", RUN],
            cwd=folder,
            env={**os.environ, "SEGMIND_API_KEY": KEY, "SEGMIND_BASE_URL": api.url},
            stdout=subprocess.PIPE,
            text=True,
            check=False,
        )
        books, manifest = api.books(), folder / "outputs" / "job" / "manifest.jsonl"
        print(f"tasks: {tasks}, of {PICTURE / 1e6:g} MB each")
        print(f"in flight at most: {books['peak_in_flight']}")
        print(done.stdout, end="")
        print(f"manifest: {manifest.stat().st_size / 1000:.0f} kB")
        assert not re.search(r"base64,", manifest.read_text())
    return done.returncode


if __name__ == "__main__":
    sys.exit(main(*map(int, sys.argv[1:])))
