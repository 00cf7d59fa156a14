"""200 tasks, each with a picture of 5 MB, 50 in flight: memory, manifest, and the event loop.

    python -m bench.inputs [TASKS] [FORM]

With a form (`data_uri`, `multipart`, `upload`) it is a described provider that takes them so, and
`bench.files` serves. One line a quantity. Whoever serves has a process of its own.
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


DESCRIBED = """\
provider: bench
base_url: http://127.0.0.1:1
submit:
  path: /now
  body: "$merge(params, inputs)"
  with_inputs: {{encode: {encode}}}
answer: {{media: $bytes}}
inputs: {{as: {form}, upload: {{url: /up, multipart: file, found: at}}}}
"""


def prepare(folder: Path, tasks: int, form: str | None) -> None:
    """Write the pictures, each with bytes of its own, and the job."""
    (folder / "frames").mkdir()
    for number in range(tasks):
        (folder / "frames" / f"{number}.png").write_bytes(HEAD + os.urandom(PICTURE))
    prompts = "".join(f'- {{id: "{number}", prompt: "{number}"}}\n' for number in range(tasks))
    head = "model: ray-flash-2-720p\n"
    if form is not None:
        head = "provider: ./bench.yaml\nmodel: any\n"
        encode = "multipart" if form == "multipart" else "json"
        described = DESCRIBED.format(form=form, encode=encode)
        (folder / "bench.yaml").write_text(described)
    (folder / "job.yaml").write_text(
        f"{head}concurrency: 50\ncredits: {{cost: 0.95}}\n"
        'inputs: {start_image_url: "frames/{{ id }}.png"}\nprompts:\n' + prompts
    )


def run(folder: Path, environment: dict[str, str]) -> int:
    """Run the job, print what it needed, and return its exit code."""
    done = subprocess.run(
        [sys.executable, "-c", RUN],
        cwd=folder,
        env={**os.environ, **environment},
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    print(done.stdout, end="")
    manifest = folder / "outputs" / "job" / "manifest.jsonl"
    print(f"manifest: {manifest.stat().st_size / 1000:.0f} kB")
    assert not re.search(r"base64,", manifest.read_text())
    return done.returncode


def main(tasks: int = 200, form: str | None = None) -> int:
    """Measure, and print."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        prepare(folder, tasks, form)
        print(f"tasks: {tasks}, of {PICTURE / 1e6:g} MB each")
        if form is None:
            with Sandbox(clips="tiny", credits=10_000, latency=2) as api:
                code = run(folder, {"SEGMIND_API_KEY": KEY, "SEGMIND_BASE_URL": api.url})
                print(f"in flight at most: {api.books()['peak_in_flight']}")
            return code
        command = [sys.executable, "-m", "bench.files"]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
        with subprocess.Popen(command, text=True, **pipes) as server:
            assert server.stdin is not None
            assert server.stdout is not None
            port = server.stdout.readline().strip()
            code = run(folder, {"BENCH_BASE_URL": f"http://127.0.0.1:{port}"})
            server.stdin.close()
            print(server.stdout.read(), end="")
        return code


if __name__ == "__main__":
    arguments = sys.argv[1:]
    sys.exit(main(*map(int, arguments[:1]), *arguments[1:2]))
