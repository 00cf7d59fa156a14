"""The page over 1,500 clips of 5–20 MB: first picture, bytes, scrolling, memory, search.

    python -m bench.page [CLIPS]

Needs the extras `view` and `media`, a Chromium, and what `tests/browser/setup` installs. The films
are eight, hard-linked. One line a quantity.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from decimal import Decimal
from pathlib import Path

import av
import msgspec
import numpy as np

from pipeline.facts.drawing import Posters
from pipeline.facts.reading import read_facts
from pipeline.job import load
from pipeline.models import Record, Status, Task, rfc3339
from pipeline.store.layout import Layout
from pipeline.store.posters import save

FILMS = 8
JOB = """\
name: fifteen-hundred
model: luma-txt-2-video
output: {{dir: {folder}, name: "{{{{ id }}}}-{{{{ aspect_ratio | slug }}}}"}}
matrix: {{aspect_ratio: ["16:9", "9:16"]}}
prompts_from: rows.jsonl
prompt: "{{{{ text }}}}"
"""


def write_film(path: Path, megabytes: float, *, tall: bool) -> None:
    """Write five seconds of noise over patches that drift, of about that size."""
    width, height = (720, 1280) if tall else (1280, 720)
    noise = np.random.default_rng(int(megabytes * 10))
    # Patches that are still seen on a poster, so that it is about as large as that of a real clip.
    patches = noise.integers(0, 190, (height // 20, width // 20, 3), np.uint8)
    scene = patches.repeat(20, axis=0).repeat(20, axis=1)
    with av.open(str(path), "w", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream("libx264", rate=24)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.bit_rate = int(megabytes * 8e6 / 5)
        stream.options = {"preset": "ultrafast"}
        for number in range(120):
            picture = np.roll(scene, 4 * number, axis=1)
            picture += noise.integers(0, 60, picture.shape, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())


def prepare(folder: Path, clips: int) -> Path:
    """Write the films and their posters once, and link them under the name of each task."""
    outputs = folder / "out"
    (folder / "rows.jsonl").write_bytes(b"\n".join(map(msgspec.json.encode, _rows(clips // 2))))
    job = folder / "job.yaml"
    job.write_text(JOB.format(folder=outputs))
    films = [_film(folder / f"{number}.mp4", number) for number in range(FILMS)]
    layout = Layout(outputs)
    for path in (outputs, layout.posters):
        path.mkdir()
    with Posters() as maker:
        posters = [maker.make(path) for path, _ in films]
    with layout.manifest.open("wb") as manifest:
        for number, task in enumerate(load(job).tasks()):
            kind = 2 * (number // 2 % (FILMS // 2)) + number % 2
            path, sha256 = films[kind]
            output = f"{task.output}.mp4"
            os.link(path, outputs / output)
            # The names differ, so a browser takes each for a picture of its own.
            save(layout, output, sha256, posters[kind].still, posters[kind].strip)
            manifest.write(msgspec.json.encode(_record(task, number, output, path, sha256)) + b"\n")
    return job


def _rows(count: int) -> list[dict[str, str]]:
    return [
        {
            "id": f"shot-{number:04}",
            "text": f"Shot {number} of many, a long take over a quiet harbour at dawn",
            "publish": f"2026-{number % 12 + 1:02}-{number % 28 + 1:02}",
            "channel": ("instagram", "youtube", "tiktok")[number % 3],
        }
        for number in range(count)
    ]


def _film(path: Path, number: int) -> tuple[Path, str]:
    write_film(path, 4 + 2 * number, tall=bool(number % 2))
    return path, hashlib.sha256(path.read_bytes()).hexdigest()


def _record(task: Task, number: int, output: str, path: Path, sha256: str) -> Record:
    began = 1_795_298_400.0 + 20 * number
    return Record(
        task=task.id,
        status=Status.SUCCEEDED,
        model=task.model,
        params=task.params,
        fingerprint=task.fingerprint,
        meta=task.meta,
        output=output,
        bytes=path.stat().st_size,
        sha256=sha256,
        content_type="video/mp4",
        http_status=200,
        cost=Decimal("0.95"),
        started_at=rfc3339(began),
        finished_at=rfc3339(began + 60),
        duration_s=60.0,
        simulated=True,
        media=read_facts(path),
    )


def main(clips: int = 1_500) -> None:
    """Make the folder, serve it, and have a browser go through it."""
    browser = next(
        filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome")))
    )
    with tempfile.TemporaryDirectory() as folder:
        job = prepare(Path(folder), clips)
        print(f"clips: {clips}")
        served = subprocess.Popen(
            [sys.executable, "-m", "pipeline", "view", str(job)], stdout=subprocess.PIPE, text=True
        )
        assert served.stdout is not None
        try:
            address = served.stdout.readline().strip()
            subprocess.run(
                ["node", str(Path(__file__).with_suffix(".mjs")), browser, address],
                check=True,
                env={**os.environ, "TMPDIR": folder},
            )
        finally:
            served.terminate()
            served.wait()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
