"""The page over 1,500 clips of 5–20 MB: first picture, bytes, scrolling, memory, search.

    python -m bench.page [CLIPS]

Needs the extras `view` and `media`, a Chromium, and what `tests/browser/setup` installs. The films
are eight, hard-linked; each has its own posters. One line a quantity, as `bench.view` prints them.
"""

import hashlib
import os
import random
import shutil
import subprocess
import sys
import tempfile
from decimal import Decimal
from pathlib import Path
from typing import Any

import av
import msgspec
import numpy

from pipeline.models import Record, Status, fingerprint, rfc3339
from pipeline.store.posters import make_posters

BROWSER = Path(__file__).parent.parent / "tests" / "browser"
FILMS = 8
MODEL = "luma-txt-2-video"
JOB = """\
name: fifteen-hundred
model: luma-txt-2-video
output: {{dir: {folder}, name: "{{{{ id }}}}"}}
matrix: {{aspect_ratio: ["16:9", "9:16"]}}
prompts_from: rows.jsonl
prompt: "{{{{ text }}}}"
"""


def film(path: Path, megabytes: float, tall: bool) -> None:
    """Write five seconds of noise over a drift of colour, of about that size."""
    width, height = (720, 1280) if tall else (1280, 720)
    noise = numpy.random.default_rng(int(megabytes * 10))
    with av.open(str(path), "w", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream("libx264", rate=24)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        stream.bit_rate = int(megabytes * 8e6 / 5)
        stream.options = {"preset": "ultrafast"}
        for number in range(120):
            picture = numpy.full((height, width, 3), (2 * number, 90, 160), numpy.uint8)
            picture += noise.integers(0, 60, picture.shape, numpy.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture, format="rgb24")))
        container.mux(stream.encode())


def prepare(folder: Path, clips: int) -> None:
    """Write the films and their posters once, and link them under the name of each task."""
    outputs = folder / "out"
    rows = [{"id": f"shot-{n:04}", "text": f"Shot {n} of many", "publish": f"2026-{n % 12 + 1:02}-{n % 28 + 1:02}",
             "channel": ("instagram", "youtube", "tiktok")[n % 3]} for n in range(clips // 2)]
    (folder / "rows.jsonl").write_bytes(b"\n".join(map(msgspec.json.encode, rows)) + b"\n")
    (folder / "job.yaml").write_text(JOB.format(folder=outputs))
    films = folder / "films"
    films.mkdir()
