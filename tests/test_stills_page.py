"""The page about films of stills, word for word: its jobs, its Makefile and its commands."""

import hashlib
import json
import os
import re
import shlex
import subprocess
import sys
import threading
import urllib.request
from collections import Counter
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from support.helpers import environment
from support.pictures import png

from pipeline.cli.edge import run_command
from sandbox.testing import Sandbox

PAGE = Path(__file__).parent.parent / "docs" / "how-to" / "stills-to-films.md"
KEY = "sk-stills-0123456789abcdef"
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```", re.DOTALL | re.MULTILINE)
IMAGES = "flux-schnell"


class Pictures(BaseHTTPRequestHandler):
    """The sandbox, whose clips of a model of images are pictures, each another one."""

    sandbox: str

    def do_GET(self) -> None:
        self._pass_on(None)

    def do_POST(self) -> None:
        self._pass_on(self.rfile.read(int(self.headers["content-length"])))

    def _pass_on(self, body: bytes | None) -> None:
        kept = {name: value for name, value in self.headers.items() if name.lower() != "host"}
        request = urllib.request.Request(self.sandbox + self.path, body, kept)
        with urllib.request.urlopen(request, timeout=30) as answer:
            content, headers = answer.read(), dict(answer.headers)
        if self.path.endswith(f"/{IMAGES}"):
            content = png(int.from_bytes(hashlib.sha256(content).digest()[:2]))
            headers |= {"content-type": "image/png"}
        self.send_response(200)
        for name, value in headers.items():
            if name.lower() not in {"content-length", "transfer-encoding", "connection"}:
                self.send_header(name, value)
        self.send_header("content-length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Page:
    """A folder with the page's jobs, in which its commands run."""

    def __init__(self, folder: Path, api: Sandbox, url: str) -> None:
        self.folder, self._api, self._url = folder, api, url
        sections = re.split(r"^## ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)[1:]
        blocks = [BLOCK.findall(section) for section in sections]
        stills, films, large = (text for kind, text in blocks[0] if kind == "yml")
        (makefile,) = (text for kind, text in blocks[0] if kind == "make")
        files = {"stills.yaml": stills, "films.yaml": films, "large.yaml": large}
        for name, text in (files | {"Makefile": makefile}).items():
            (folder / name).write_text(text, encoding="utf-8")
        self.steps = [
            [shlex.split(line) for kind, text in step if kind == "sh" for line in text.splitlines()]
            for step in blocks[1:]
            if any(kind == "sh" for kind, _ in step)
        ]
        (folder / "bin").mkdir()
        command = folder / "bin" / "pipeline"
        command.write_text(f'#!/bin/sh\nexec "{sys.executable}" -m pipeline "$@"\n')
        command.chmod(0o755)

    def run(self, step: list[list[str]]) -> Counter[str]:
        """Run a step; return how many requests of each model it has sent."""
        before = self._sent()
        for program, *arguments in step:
            if program == "make":
                self._make(*arguments)
            else:
                assert program == "pipeline"
                assert run_command(arguments) == 0, arguments
        return self._sent() - before

    def _make(self, *targets: str) -> None:
        env = environment(
            SEGMIND_API_KEY=KEY,
            SEGMIND_BASE_URL=self._url,
            PATH=f"{self.folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
            MAKEFLAGS=None,
            MAKELEVEL=None,
        )
        done = subprocess.run(
            ["make", *targets],
            cwd=self.folder,
            env=env,
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr

    def _sent(self) -> Counter[str]:
        return Counter(str(request["model"]) for request in self._api.books()["requests"])

    def last(self, job: str) -> dict[str, dict[str, Any]]:
        text = (self.folder / "outputs" / job / "manifest.jsonl").read_text("utf-8")
        return {record["task"]: record for record in map(json.loads, text.splitlines())}


@pytest.fixture
def page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Page]:
    models = f"{IMAGES},ray-*,topaz-*"
    with Sandbox(latency=0, clips="tiny", credits=1000, models=models) as api:
        handler = type("Front", (Pictures,), {"sandbox": api.url})
        with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
            thread = threading.Thread(target=server.serve_forever)
            thread.start()
            url = f"http://127.0.0.1:{server.server_port}"
            monkeypatch.chdir(tmp_path)
            monkeypatch.setenv("SEGMIND_API_KEY", KEY)
            monkeypatch.setenv("SEGMIND_BASE_URL", url)
            try:
                yield Page(tmp_path, api, url)
            finally:
                server.shutdown()
                thread.join()


@pytest.mark.variant
def test_stills_are_picked_made_films_and_made_larger(
    page: Page, capsys: pytest.CaptureFixture[str]
) -> None:
    stills, films, large, again, once_more = page.steps
    assert run_command(["run", "films.yaml"]) == 2
    assert "run stills.yaml first" in capsys.readouterr().err

    assert page.run(stills) == {"flux-schnell": 4}
    assert page.run(films) == {"ray-flash-2-720p": 2}
    found = page.last("films")
    assert set(found) == {"harbour", "bakery#2"}
    assert found["harbour"]["params"]["prompt"] == (
        "A harbour at dawn, boats in the mist, slow push in"
    )
    assert found["harbour"]["meta"] == {"channel": "instagram", "publish": "2026-12-01"}
    still = page.last("stills")["harbour"]
    assert found["harbour"]["inputs"]["start_image_url"]["sha256"] == still["sha256"]

    assert page.run(large) == {"topaz-video-upscale": 1}
    assert page.run(again) == {}

    capsys.readouterr()
    assert page.run(once_more) == {"flux-schnell": 1, "ray-flash-2-720p": 1}
    assert "~       1  changed, will be rendered again" in capsys.readouterr().out
    after = page.last("films")
    assert [name for name in found if after[name] != found[name]] == ["bakery#2"]
    new = page.last("stills")["bakery#2"]
    assert after["bakery#2"]["inputs"]["start_image_url"]["sha256"] == new["sha256"]
