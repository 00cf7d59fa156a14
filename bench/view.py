"""`pipeline view` beside a run of 50 results a second: what it costs the machine.

    python -m bench.view [SECONDS]

A job of 1,500 tasks, two pages that listen. The run is simulated: it holds the output directory and
appends records, and answers no questions, so that the server reads everything from files. One line
a quantity.
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import httpx

from pipeline import load
from pipeline.ledger.manifest import encode
from pipeline.models import Record, Status, Task
from pipeline.store.layout import Layout, locked

TASKS, RATE, PAGES = 1_500, 50, 2
SETTLE = 3.0  # seconds until the first reading is over
STEP = 0.02
AT = "2026-11-20T10:00:00.000Z"


def prepare(folder: Path) -> Path:
    """Write a job whose prompts are as long as people's."""
    prompts = [
        {
            "id": f"post-{number:04}",
            "prompt": f"A lighthouse at dusk, camera orbit right, number {number}. " * 4,
            "meta": {"publish": "2026-12-01", "channel": "instagram", "caption": "So calm. " * 10},
        }
        for number in range(TASKS)
    ]
    path = folder / "job.yaml"
    job = {"model": "luma-txt-2-video", "output": {"dir": "out", "name": "{{ id }}"}}
    path.write_text(json.dumps({**job, "prompts": prompts}))
    return path


def record(task: Task) -> Record:
    """Write the record of a success."""
    return Record(
        task=task.id,
        status=Status.SUCCEEDED,
        model=task.model,
        params=task.params,
        fingerprint=task.fingerprint,
        meta=task.meta,
        output=f"{task.output}.mp4",
        bytes=5_000_000,
        sha256="0" * 64,
        content_type="video/mp4",
        http_status=200,
        started_at=AT,
        finished_at=AT,
        duration_s=60.0,
    )


async def listen(client: httpx.AsyncClient, heard: dict[str, int]) -> None:
    """Count what a page hears."""
    async with client.stream("GET", "/job/events") as stream:
        async for line in stream.aiter_lines():
            if line.startswith("event: "):
                heard[line[7:]] = heard.get(line[7:], 0) + 1
            heard["bytes"] = heard.get("bytes", 0) + len(line) + 1


def cpu_s(pid: int) -> float:
    """Return the CPU that a process has used, in seconds."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


async def append(manifest: Path, lines: list[bytes], seconds: float) -> int:
    """Append lines at the rate for so long, and return how many."""
    began, written = time.monotonic(), 0
    with manifest.open("ab", buffering=0) as file:
        while (gone := time.monotonic() - began) < seconds:
            due = min(int(gone * RATE), len(lines))
            file.write(b"".join(lines[written:due]))
            written = due
            await asyncio.sleep(STEP)
    return written


async def measure(server: subprocess.Popen[str], path: Path, seconds: float) -> None:
    """Measure, and print."""
    job = load(path)
    layout = Layout(job.output_dir)
    lines = [encode(record(task)) for task in job.tasks()]
    assert server.stdout is not None
    address = httpx.URL((await asyncio.to_thread(server.stdout.readline)).strip())
    base = f"http://127.0.0.1:{address.port}"
    heard: list[dict[str, int]] = [{} for _ in range(PAGES)]
    with locked(layout):
        async with httpx.AsyncClient(base_url=base, follow_redirects=True, timeout=60) as client:
            await client.get(address)
            pages = [asyncio.create_task(listen(client, one)) for one in heard]
            await asyncio.sleep(SETTLE)
            before = cpu_s(server.pid)
            written = await append(layout.manifest, lines[500:], seconds)
            used = cpu_s(server.pid) - before
            await asyncio.sleep(1)
            state = (await client.get("/job/data")).json()["state"]
            for page in pages:
                page.cancel()
    print(f"tasks: {TASKS}")
    print(f"records appended: {written}, {written / seconds:.0f} a second")
    print(f"records shown: {state['counts']['succeeded'] - 500}")
    print(f"events to a page: {heard[0]}")
    print(f"CPU of the server: {100 * used / seconds:.1f} % of a core")


def main(seconds: float = 20) -> int:
    """Serve a job of which a third is rendered, and measure."""
    with tempfile.TemporaryDirectory() as name:
        path = prepare(Path(name))
        job = load(path)
        (job.output_dir / ".inflight").mkdir(parents=True)
        rendered = list(job.tasks())[:500]
        lines = (encode(record(task), first=not n) for n, task in enumerate(rendered))
        Layout(job.output_dir).manifest.write_bytes(b"".join(lines))
        command = [sys.executable, "-m", "pipeline", "view", str(path)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
            try:
                asyncio.run(measure(server, path, seconds))
            finally:
                server.terminate()
        return 0


if __name__ == "__main__":
    sys.exit(main(*map(float, sys.argv[1:2])))
