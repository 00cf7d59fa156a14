"""Make the pictures of the README: the terminal in the middle of the demo, and its report.

python scripts/screenshots.py        needs the sandbox extra; the report also Chromium and Node
"""

import io
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import anyio
from rich.console import Console
from rich.text import Text

import pipeline
from pipeline.display.live import LiveDisplay
from pipeline.display.words import clock, line
from pipeline.report.build import write_report
from pipeline.report.commands import Commands
from sandbox.testing import Sandbox

ROOT = Path(__file__).parent.parent
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
}
# The picture is taken when so many tasks have ended.
MOMENT = 7


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


def main() -> None:
    """Render the demo and take the pictures."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(prefix="demo") as folder,
        Sandbox(latency=2, jitter=0.5) as sandbox,
    ):
        job = pipeline.load(ROOT / "jobs" / "demo.yaml", output=folder)
        endpoint = pipeline.Endpoint(sandbox.url, "sandbox")
        anyio.run(lambda: pipeline.run(job, endpoint, watch=Photographer()))
        page = write_report(
            job,
            Commands.of(lambda *flags: shlex.join(["pipeline", "run", "jobs/demo.yaml", *flags])),
        )
        chromium = os.environ.get("CHROMIUM") or shutil.which("chromium")
        if chromium is None:
            sys.exit("no Chromium: the report was not photographed")
        shots = Path(folder) / "shots"
        subprocess.run(["node", str(SHOOT), chromium, str(page), str(shots)], check=True)  # noqa: S603, S607
        for shot, name in PICTURES.items():
            shutil.copy(shots / f"report-{shot}.png", IMAGES / f"{name}.png")


if __name__ == "__main__":
    main()
