"""A folder of real clips with its report, and what a headless Chromium makes of it."""

import functools
import hashlib
import json
import os
import re
import shlex
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote

import av
import pytest
from PIL import Image

from pipeline.job.loading import load
from pipeline.ledger.manifest import encode
from pipeline.models import Record, Status, fingerprint, rfc3339
from pipeline.report import collect, write
from pipeline.report.build import write_report
from pipeline.report.commands import Commands
from pipeline.store.layout import Layout

HERE = Path(__file__).parent
HOW = "run tests/browser/setup"
HOSTILE = '<script>hit = 1</script> "><img src=x onerror="hit = 1"> </script><!--'
TEN = 1_795_298_400.0  # 21 November 2026, 22:00 UTC
CROWDED = "2027-01-05"


def make_clip(path: Path, width: int, height: int) -> None:
    """Write one second of H.264, as the API sends it."""
    with av.open(str(path), "w", options={"movflags": "+faststart"}) as container:
        stream = container.add_stream("libx264", rate=12)
        stream.width, stream.height, stream.pix_fmt = width, height, "yuv420p"
        for number in range(12):
            picture = Image.new("RGB", (width, height), (20 * number, 90, 160))
            container.mux(stream.encode(av.VideoFrame.from_image(picture)))
        container.mux(stream.encode())


def edit(page: Path, change: Callable[[dict[str, Any]], None]) -> None:
    """Change the entries that a page carries: what else makes them is not at hand here."""
    text = page.read_text("utf-8")
    found = re.search(r'(?<= id="entries">)(.*?)(?=</script>)', text, re.DOTALL)
    assert found
    entries = json.loads(found[0])
    for entry in entries:
        change(entry)
    data = json.dumps(entries).replace("<", r"\u003c")
    page.write_text(text[: found.start()] + data + text[found.end() :], "utf-8")


COMMANDS = Commands.of(lambda *flags: shlex.join(["pipeline", "run", "my job.yaml", *flags]))


@dataclass
class Folder:
    """An output directory in the making: records, and links to one clip of each shape."""

    path: Path
    clips: dict[str, Path]
    records: list[Record] = field(default_factory=list)

    def add(self, task: str, prompt: str, publish: str | None = None, **fields: Any) -> None:
        number = len(self.records)
        shape = fields.pop("shape", "16:9")
        params = {"prompt": prompt, "aspect_ratio": shape, "loop": fields.pop("loop", False)}
        params = fields.pop("params", params)
        meta = {"channel": ("instagram", "youtube")[number % 2], "publish": publish}
        output = fields.setdefault("output", f"{task}.mp4")
        if output and output.endswith(".mp4") and not (self.path / output).exists():
            os.link(self.clips[shape], self.path / output)
        if output and (self.path / output).exists():
            data = (self.path / output).read_bytes()
            fields = {"bytes": len(data), "sha256": hashlib.sha256(data).hexdigest(), **fields}
        usual: dict[str, Any] = {
            "status": Status.SUCCEEDED,
            "fingerprint": fingerprint("luma-txt-2-video", params),
            "meta": {name: value for name, value in meta.items() if value},
            "cost": Decimal("0.95"),
            "remaining_credits": Decimal(1_000) - number,
            "started_at": rfc3339(TEN + 20 * number),
            "finished_at": rfc3339(TEN + 20 * number + 60),
            "duration_s": 60.0,
            "simulated": True,
        }
        self.records.append(
            Record(task=task, model="luma-txt-2-video", params=params, **(usual | fields))
        )

    def report(self, name: str) -> Path:
        page = self.path / "report.html"
        moment = "2026-11-22T07:00:00Z"
        write(page, collect(self.records, name=name, commands=COMMANDS, generated_at=moment))
        return page


def _demo(path: Path, clips: dict[str, Path]) -> Folder:
    path.mkdir()
    folder = Folder(path, clips)
    folder.add("lighthouse", "A lighthouse at dusk", "2026-12-01", loop=True)
    folder.add("odd", "An odd name", "2026-12-02", output="100% #1 — é? & 'x'.mp4")
    folder.add("wizard", "An old wizard, arc shot", "2026-12-03T09:30", shape="9:16")
    folder.add("hostile", HOSTILE, "2026-12-03")
    folder.add("take-1", "The same twice")
    folder.add("take-2", "The same twice")
    Image.new("RGB", (32, 18), "teal").save(path / "still.png")
    folder.add("still", "A picture", output="still.png")
    failure = {"output": None, "cost": None}
    folder.add(
        "failed-one", "What failed", "2026-12-04",
        status=Status.FAILED, error="400: the prompt was refused", http_status=400, **failure,
    )  # fmt: skip
    folder.add(
        "doubt-one", "What is in doubt",
        status=Status.IN_DOUBT, error="the answer broke off", at_risk=Decimal("0.95"), **failure,
    )  # fmt: skip
    folder.add("missing", "Gone before the report")
    (path / "missing.mp4").unlink()
    folder.add("moved", "Gone after it: moved away")
    for number in range(5):
        folder.add(f"crowd-{number}", f"One of many {number}", CROWDED)
    folder.add("pictured", "A clip that is pictured")
    Image.new("RGB", (160, 90), "olive").save(path / "poster.webp")
    Image.new("RGB", (9 * 80, 45), "navy").save(path / "poster.strip.webp")
    edit(folder.report(HOSTILE), _placed)
    (path / "moved.mp4").unlink()
    return folder


def _placed(entry: dict[str, Any]) -> None:
    if entry["task"].startswith("take-"):
        entry["post"] = "twice"
    if entry["task"] == "pictured":
        entry |= {"poster": "./poster.webp", "strip": "./poster.strip.webp"}
        entry |= {"poster_w": 160, "poster_h": 90}


def _night(path: Path, clip: Path) -> Path:
    """A job whose three hundred clips are there, and its report."""
    path.mkdir()
    job = path / "night.yaml"
    prompts = "".join(f"  - {{id: shot-{n}, prompt: Shot {n} of the night}}\n" for n in range(300))
    job.write_text(f"model: luma-txt-2-video\nprompts:\n{prompts}output: {{dir: out}}\n")
    loaded = load(job)
    layout = Layout(loaded.output_dir)
    layout.root.mkdir()
    folder = Folder(layout.root, {"16:9": clip})
    for task in loaded.tasks():
        folder.add(task.id, "", params=task.params, fingerprint=task.fingerprint, meta=task.meta)
    layout.manifest.write_bytes(b"".join(map(encode, folder.records)))
    write_report(loaded, COMMANDS)
    return job


def _thousand(path: Path, clips: dict[str, Path]) -> Folder:
    path.mkdir()
    folder = Folder(path, clips)
    for number in range(1_000):
        publish = f"2026-{number % 12 + 1:02}-{number % 28 + 1:02}"
        folder.add(f"shot-{number}", f"Shot {number} of a thousand", publish, output="clip.mp4")
    folder.report("A thousand")
    return folder


def _browser() -> str:
    names = filter(
        None, (os.environ.get("CHROMIUM"), "chromium", "chromium-browser", "google-chrome")
    )
    found = next(filter(None, map(shutil.which, names)), None)
    if found is None:
        pytest.skip(f"no Chromium here: {HOW}, or name one in CHROMIUM")
    return found


@pytest.fixture(scope="session")
def node() -> str:
    found = shutil.which("node")
    if found is None:
        pytest.skip(f"no Node.js here: install it, and {HOW}")
    return found


@pytest.fixture(scope="session")
def chromium() -> str:
    found = _browser()
    if not (HERE / "node_modules" / "playwright-core").is_dir():
        pytest.skip(f"playwright-core and axe-core are not installed: {HOW}")
    return found


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Folder:
    base = tmp_path_factory.mktemp("browser")
    clips = {"16:9": base / "wide.mp4", "9:16": base / "tall.mp4"}
    make_clip(clips["16:9"], 160, 90)
    make_clip(clips["9:16"], 90, 160)
    # A copied folder may be called anything.
    return _demo(base / "copy of renders #1 é", clips)


@pytest.fixture(scope="module")
def address(demo: Folder) -> Iterator[str]:
    handler = functools.partial(_Quiet, directory=str(demo.path))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/report.html"
        server.shutdown()
        thread.join()


class _Quiet(SimpleHTTPRequestHandler):
    def log_message(self, *args: object) -> None:
        """A test says nothing of its requests."""


@pytest.fixture(scope="module")
def night(demo: Folder) -> Path:
    """The job file of the night that is culled."""
    return _night(demo.path.parent / "night", demo.clips["16:9"])


@pytest.fixture(scope="module")
def downloads(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("downloads")


@pytest.fixture(scope="module")
def pages(demo: Folder, night: Path, address: str) -> list[str]:
    """The addresses of the pages that are visited; the last one is served."""
    big = _thousand(demo.path.parent / "big", demo.clips)
    folders = demo.path, big.path, night.parent / "out"
    return [*(f"file://{quote(str(each))}/report.html" for each in folders), address]


@pytest.fixture(scope="module")
def seen(
    pages: list[str], downloads: Path, node: str, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    browser = _browser()
    if not (HERE / "node_modules" / "playwright-core").is_dir():
        pytest.skip(f"playwright-core and axe-core are not installed: {HOW}")
    done = subprocess.run(
        [node, str(HERE / "visit.mjs"), browser, *pages, str(downloads)],
        env={**os.environ, "TMPDIR": str(tmp_path_factory.mktemp("profile"))},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)
