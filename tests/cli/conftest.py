"""A job on disk, the sandbox beside it, and the real command."""

import fcntl
import json
import os
import pty
import struct
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import pytest

from pipeline.cli.edge import run_command
from sandbox.testing import Sandbox

KEY = "sk-cli-0123456789abcdef"
JOB = """\
model: luma-txt-2-video
prompts:
  - {id: one, prompt: a lighthouse, meta: {publish: 2026-12-01, channel: web, caption: "Hi, you"}}
  - {id: two, prompt: a harbour}
concurrency: 2
retry: {wait: 0.05}
credits: {cost: 0.95}
"""


@dataclass(frozen=True)
class Run:
    """What a command left behind."""

    code: int
    out: str
    err: str


Command = Callable[..., Run]


def clean_environment(**more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SEGMIND")}
    return {**kept, "COLUMNS": "120", **more}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[Sandbox]:
    with Sandbox(latency=0.02, clips="tiny", credits=1000) as served:
        yield served


@pytest.fixture
def job(tmp_path: Path) -> Path:
    path = tmp_path / "job.yaml"
    path.write_text(JOB, encoding="utf-8")
    return path


@pytest.fixture
def pipeline(
    tmp_path: Path,
    sandbox: Sandbox,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> Command:
    """Run `pipeline` in this process, in the job's folder, with a key and the sandbox's URL."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: object, env: dict[str, str] | None = None) -> Run:
        settings = {"SEGMIND_API_KEY": KEY, "SEGMIND_BASE_URL": sandbox.url}
        with monkeypatch.context() as patch:
            for name in settings:
                patch.delenv(name, raising=False)
            for name, value in (settings if env is None else env).items():
                patch.setenv(name, value)
            code = run_command([str(argument) for argument in arguments])
        told = capsys.readouterr()
        assert "Traceback" not in told.err
        return Run(code, told.out, told.err)

    return run


@pytest.fixture
def pipeline_process(tmp_path: Path, sandbox: Sandbox) -> Command:
    """Run `pipeline` as users do, in a process of its own."""

    def run(*arguments: object, env: dict[str, str] | None = None, **more: Any) -> Run:
        settings = {"SEGMIND_API_KEY": KEY, "SEGMIND_BASE_URL": sandbox.url}
        done = subprocess.run(
            [sys.executable, "-m", "pipeline", *map(str, arguments)],
            cwd=tmp_path,
            env=clean_environment(**(settings if env is None else env)),
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            **more,
        )
        assert "Traceback" not in done.stderr
        return Run(done.returncode, done.stdout, done.stderr)

    return run


@dataclass(frozen=True)
class Screen:
    """What a command wrote to a terminal, standard output and error together."""

    code: int
    text: str


Terminal = Callable[..., Screen]


@pytest.fixture
def on_terminal(tmp_path: Path, sandbox: Sandbox) -> Terminal:
    """Run `pipeline` on a terminal of so many columns."""

    def run(
        *arguments: object,
        columns: int = 80,
        env: dict[str, str] | None = None,
        rows: int = 24,
        program: Sequence[str] = ("-m", "pipeline"),
    ) -> Screen:
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
        settings = {"SEGMIND_API_KEY": KEY, "SEGMIND_BASE_URL": sandbox.url} if env is None else env
        environment = clean_environment(TERM="xterm-256color", **settings)
        del environment["COLUMNS"]
        with subprocess.Popen(
            [sys.executable, *program, *map(str, arguments)],
            cwd=tmp_path, env=environment, stdin=theirs, stdout=theirs, stderr=theirs,
            start_new_session=True,
        ) as process:  # fmt: skip
            os.close(theirs)
            shown = b""
            while part := _read(ours):
                shown += part
            code = process.wait(60)
        os.close(ours)
        return Screen(code, shown.decode().replace("\r\n", "\n"))

    return run


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 65536)
    except OSError:  # so a terminal says that its other side has left
        return b""


@dataclass
class Thief:
    """A server of somebody's own, and the keys that came to it."""

    url: str
    keys: list[str]


@pytest.fixture
def thief() -> Iterator[Thief]:
    keys: list[str] = []

    class Listening(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            keys.append(self.headers.get("x-api-key", ""))
            self.send_error(401)

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    with HTTPServer(("127.0.0.1", 0), Listening) as server:
        Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield Thief(f"http://127.0.0.1:{server.server_port}", keys)
        server.shutdown()


def write(path: Path, **settings: str) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text("".join(f"{k}={v}\n" for k, v in settings.items()), encoding="utf-8")
    path.chmod(0o600)
    return path


def records(folder: Path) -> list[dict[str, Any]]:
    text = (folder / "manifest.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]
