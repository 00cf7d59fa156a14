"""Make the pictures of the README: the terminal in the middle of the demo, and the page.

python scripts/screenshots.py   needs the dev extra; the page also what tests/browser/setup installs

The page shows a month of posts in two takes each, which are rendered against the sandbox.
"""

import io
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import anyio
import yaml
from PIL import Image
from rich.console import Console
from rich.text import Text

import pipeline
from pipeline.display.live import LiveDisplay
from pipeline.display.words import clock, line
from sandbox.testing import Sandbox

ROOT = Path(__file__).parent.parent
DEMO = ROOT / "jobs" / "demo.yaml"
IMAGES = ROOT / "docs" / "images"
SHOOT = ROOT / "tests" / "browser" / "shoot.mjs"
# What of the pictures of the page the documentation shows, and under which name.
PICTURES = {
    "light": "clips",
    "laptop": "clips-laptop",
    "dark": "clips-dark",
    "phone": "clips-phone",
    "print": "clips-print",
    "calendar": "calendar",
    "compare": "compare",
    "live": "live",
    "morning": "morning",
}
# The picture is taken when so many tasks have ended.
MOMENT = 7
HALF = 5
CHANNELS = "instagram", "youtube", "tiktok"
SHAPES = "16:9", "1:1", "9:16", "16:9"


class Photographer:
    """Watches a run through the live display, and keeps one picture of it."""

    def __init__(self) -> None:
        self._console = Console(
            file=io.StringIO(), width=104, height=20, force_terminal=True, record=True
        )
        self._display = LiveDisplay(self._console)
        self._ended = 0
        self._news: list[Text] = []

    def __call__(self, event: pipeline.events.Event) -> None:
        """Take an event."""
        text = line(event)
        if text is not None and self._ended < MOMENT:
            self._news.append(Text(f"{clock(event.at)} {text}"))
        self._display(event)
        self._ended += isinstance(event, pipeline.events.Finished)
        if self._ended == MOMENT:
            self._ended += 1
            self._take()

    def _take(self) -> None:
        self._console.export_text(clear=True)
        for news in self._news:
            self._console.print(news, overflow="ellipsis", no_wrap=True)
        self._console.print(self._display.render())
        svg = self._console.export_svg(title="pipeline run jobs/demo.yaml")
        (IMAGES / "terminal.svg").write_text(svg, encoding="utf-8")


def terminal(folder: Path) -> None:
    """Take the picture of the terminal."""
    with Sandbox(latency=2, jitter=0.5) as sandbox:
        job = pipeline.load(DEMO, output=folder / "demo")
        endpoint = pipeline.Endpoint(sandbox.url, "sandbox")
        anyio.run(lambda: pipeline.run(job, endpoint, watch=Photographer()))


def write_job(folder: Path, name: str, month: str, campaign: str, **more: object) -> Path:
    """Write a job of the demo's prompts, each a post of that month."""
    prompts = yaml.safe_load(DEMO.read_text(encoding="utf-8"))["prompts"]
    posts = [
        {
            "id": told["id"],
            "prompt": re.sub(r"\s*\[\[.*?\]\]", "", told["prompt"]).strip(),
            "params": {"aspect_ratio": SHAPES[number % len(SHAPES)]},
            "meta": {
                "publish": f"{month}-{2 * number + 1:02}T18:00",
                "channel": CHANNELS[number % len(CHANNELS)],
                "campaign": campaign,
                "caption": told.get("meta", {}).get("caption", told["prompt"].split(",")[0]),
            },
        }
        for number, told in enumerate(prompts)
    ]
    job = {
        "name": name,
        "model": "luma-txt-2-video",
        "output": {"dir": str(folder / name)},
        "credits": {"cost": 0.95, "budget": 50},
        "prompts": posts,
        **more,
    }
    path = folder / f"{name}.yaml"
    path.write_text(json.dumps(job), encoding="utf-8")
    return path


@contextmanager
def command(job: Path, *words: str, url: str) -> Iterator[subprocess.Popen[str]]:
    """Have the command run in the folder of a job, at most until the end of the block."""
    env = {**os.environ, "SEGMIND_API_KEY": "simulated", "SEGMIND_BASE_URL": url}
    with subprocess.Popen(  # noqa: S603
        [sys.executable, "-m", "pipeline", *words], env=env, cwd=job.parent,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
    ) as process:  # fmt: skip
        try:
            yield process
        finally:
            process.terminate()


@contextmanager
def running(job: Path, url: str) -> Iterator[None]:
    """Render a job until the end of the block; the block begins in the middle of it."""
    manifest = job.with_suffix("") / "manifest.jsonl"
    with command(job, "run", job.name, url=url) as run:
        while run.poll() is None and (
            not manifest.exists() or manifest.read_bytes().count(b"\n") < HALF
        ):
            time.sleep(0.1)
        time.sleep(1)  # for its posters
        yield


def small(picture: Path, to: Path) -> None:
    """Write a picture in 256 colours, which are mixed where there are more: half of the bytes."""
    with Image.open(picture) as image:
        whole = image.convert("RGB")
    palette = whole.quantize(256)
    whole.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG).save(to, optimize=True)


def photograph(chromium: str, folder: Path) -> None:
    """Render the month, and take the pictures of its page."""
    done = write_job(folder, "december", "2026-12", "Advent", takes=2, concurrency=8)
    going = write_job(folder, "january", "2027-01", "New year", concurrency=3)
    with Sandbox(latency=0.1, credits=500) as sandbox:
        with command(done, "run", done.name, url=sandbox.url) as run:
            run.communicate()
        for words in (("tideline", "wizard", "--keep"), ("redwood", "--reject")):
            with command(done, "pick", done.name, *words, url=sandbox.url) as pick:
                pick.communicate()
    with (
        Sandbox(latency=10, jitter=0.3, credits=500) as sandbox,
        running(going, sandbox.url),
        command(done, "view", done.name, going.name, url=sandbox.url) as view,
    ):
        assert view.stdout is not None
        address = view.stdout.readline().strip()
        page, shots = folder / "december" / "report.html", folder / "shots"
        shoot = ["node", str(SHOOT), chromium, str(page), str(shots), address, "january"]
        subprocess.run(shoot, check=True, timeout=180)  # noqa: S603
    for shot, name in PICTURES.items():
        small(shots / f"{shot}.png", IMAGES / f"{name}.png")


def main() -> None:
    """Take all pictures."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="demo") as name:
        terminal(Path(name))
        chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
        if chromium is None:
            sys.exit("no Chromium: the page was not photographed")
        photograph(chromium, Path(name))


if __name__ == "__main__":
    main()
