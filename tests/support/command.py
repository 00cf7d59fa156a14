"""The real command in a process of its own, in a folder of its own, and what it leaves behind."""

import asyncio
import io
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import chdir, contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from textwrap import indent
from typing import Any
from unittest import mock

from pipeline.cli.edge import run_command
from pipeline.models import Claim
from support.claims import open_claims
from support.raw import CLIP, Act, Line, Raw, answer

KEY = "sk-command-0123456789abcdef"
MODEL = "luma-txt-2-video"

# Says when our own code begins: a signal before that is the interpreter's to answer.
DRIVER = """\
import sys
{patches}
try:
    from pipeline.__main__ import main
    host = None
{host}
    print("ready", flush=True)
    main(host)
except KeyboardInterrupt:
    sys.exit(130)
"""

HOST = """\
from pipeline.api.segmind import Segmind
from pipeline.api.timeouts import Timeouts
from pipeline.cli.calling import Host
{provider}
host = Host(provider=provider)
"""


# Makes its standard input the terminal of its session, then becomes Python with its arguments.
ON_A_TERMINAL = """\
import fcntl, os, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.executable, [sys.executable, *sys.argv[1:]])
"""


@dataclass(frozen=True)
class Run:
    """How a command ended, and what it said."""

    code: int
    out: str
    err: str

    @property
    def last_line(self) -> str:
        """The line that sums up."""
        lines = [line for line in self.err.splitlines() if " exit " in line]
        assert lines, self.err
        return lines[-1]


def eventually(
    look: Callable[[], Any], within: float = 30.0, say: str = "it", pause: float = 0.01
) -> Any:
    """Wait until `look` sees something, and return it."""
    end = time.monotonic() + within
    while time.monotonic() < end:
        if seen := look():
            return seen
        time.sleep(pause)
    raise AssertionError(f"{say} did not happen")


class Process:
    """A run that is going on."""

    def __init__(self, popen: subprocess.Popen[str], workspace: "CommandWorkspace") -> None:
        self.popen, self._workspace = popen, workspace
        self._err: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.popen.stderr is not None
        for line in self.popen.stderr:
            self._err.append(line)

    @property
    def err(self) -> str:
        return "".join(self._err)

    def send(self, number: signal.Signals) -> None:
        self.popen.send_signal(number)

    def kill(self) -> None:
        self.popen.kill()
        self.end()

    def until_said(self, words: str, within: float = 30.0) -> None:
        eventually(lambda: words in self.err or self.popen.poll() is not None, within, words)
        assert words in self.err, self.err

    def end(self, within: float = 60.0, *, bug: bool = False) -> Run:
        """Wait until it has ended, and look for what must never be seen."""
        try:
            code = self.popen.wait(within)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            raise AssertionError(f"it did not end: {self.err}") from None
        self._reader.join(10)
        assert self.popen.stdout is not None
        assert self.popen.stderr is not None
        out = self.popen.stdout.read()
        self.popen.stdout.close()
        self.popen.stderr.close()
        run = Run(code, out, self.err)
        self._workspace.assert_sound(run, bug=bug)
        return run


class CommandWorkspace:
    """A folder with a job file in it."""

    def __init__(self, folder: Path, url: str) -> None:
        self.folder, self.url = folder, url
        self.path = folder / "job.yaml"
        self.out = folder / "out"
        self.name = folder.name

    def write(self, prompts: list[Any], **job: Any) -> Path:
        """Write a job; bare prompts get their place as id, and words of their own."""
        told = [
            {"id": f"t{place:03}", "prompt": f"{one} ({self.name} {place})"}
            if isinstance(one, str)
            else one
            for place, one in enumerate(prompts)
        ]
        defaults = {
            "model": MODEL,
            "output": {"dir": "out"},
            "concurrency": 3,
            "retry": {"wait": 0.05, "attempts": 3},
            "credits": {"cost": 0.95},
        }
        # JSON is YAML.
        self.path.write_text(json.dumps({**defaults, **job, "prompts": told}), encoding="utf-8")
        return self.path

    def start(  # noqa: PLR0913 - each is seldom given
        self,
        *arguments: object,
        patches: str = "",
        provider: str = "",
        driver: bool = False,
        url: str | None = None,
        env: dict[str, str] | None = None,
        report: bool = False,
    ) -> Process:
        """Start `pipeline run`.

        `patches` is Python that runs first, `provider` Python that makes one, of that name.
        """
        host = indent(HOST.format(provider=provider), 4 * " ") if provider else ""
        code = DRIVER.format(patches=patches, host=host)
        program = ["-c", code] if patches or provider or driver else ["-m", "pipeline"]
        flags = [str(argument) for argument in arguments]
        flags += [] if report else ["--no-report"]
        kept = {k: v for k, v in os.environ.items() if not k.startswith("SEGMIND")}
        kept |= {"SEGMIND_API_KEY": KEY, "SEGMIND_BASE_URL": url or self.url, **(env or {})}
        popen = subprocess.Popen(
            [sys.executable, *program, "run", self.path.name, *flags],
            cwd=self.folder,
            env=kept,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,  # and a group: what it leaves behind can be found
        )
        return Process(popen, self)

    def start_on(self, stream: int, *flags: str, terminal: bool = True) -> subprocess.Popen[bytes]:
        """Start a run that speaks to `stream` alone: a terminal of its own session, or a pipe.

        The caller's copy of the stream is closed.
        """
        kept = {k: v for k, v in os.environ.items() if not k.startswith("SEGMIND")}
        kept |= {"SEGMIND_API_KEY": KEY, "SEGMIND_BASE_URL": self.url, "TERM": "xterm"}
        taking = ["-c", ON_A_TERMINAL] if terminal else []
        popen = subprocess.Popen(
            [sys.executable, *taking, "-m", "pipeline", "run", self.path.name, *flags],
            cwd=self.folder,
            env=kept,
            stdin=stream if terminal else subprocess.DEVNULL,
            stdout=stream,
            stderr=stream,
            start_new_session=True,
        )
        os.close(stream)
        return popen

    def run(self, *arguments: object, within: float = 60.0, **more: Any) -> Run:
        return self.start(*arguments, **more).end(within)

    def call(self, *arguments: object, url: str | None = None) -> Run:
        """Run `pipeline run` in this process: for what needs no process of its own."""
        told = {"SEGMIND_API_KEY": KEY, "SEGMIND_BASE_URL": url or self.url}
        out, err = io.StringIO(), io.StringIO()
        with (
            mock.patch.dict(os.environ, told),
            chdir(self.folder),
            redirect_stdout(out),
            redirect_stderr(err),
        ):
            code = run_command(["run", self.path.name, "--no-report", *map(str, arguments)])
        run = Run(code, out.getvalue(), err.getvalue())
        self.assert_sound(run)
        return run

    # -- what is left behind ------------------------------------------------------------------

    @property
    def manifest(self) -> list[dict[str, Any]]:
        path = self.out / "manifest.jsonl"
        if not path.exists():
            return []
        lines = path.read_text(encoding="utf-8-sig").splitlines()
        return [json.loads(line, parse_float=Decimal) for line in lines]

    @property
    def records(self) -> dict[str, dict[str, Any]]:
        """The last record of each task."""
        return {record["task"]: record for record in self.manifest}

    def statuses(self) -> dict[str, str]:
        return {task: record["status"] for task, record in self.records.items()}

    def counts(self) -> dict[str, int]:
        told = list(self.statuses().values())
        return {status: told.count(status) for status in sorted(set(told))}

    def claims(self) -> list[Claim | None]:
        return list(open_claims(self.out).values())

    def money(self) -> tuple[Decimal, Decimal]:
        """What the manifest says was spent, and what may have been."""
        records = self.manifest
        spent = sum((Decimal(r["cost"] or 0) for r in records), Decimal(0))
        return spent, sum((Decimal(r["at_risk"] or 0) for r in records), Decimal(0))

    def requests(self, books: dict[str, Any]) -> list[dict[str, Any]]:
        """Those of the server's requests that are this folder's."""
        return [r for r in books["requests"] if f"({self.name} " in str(r["prompt"])]

    def charged(self, books: dict[str, Any]) -> Decimal:
        mine = (c for c in books["charges"] if f"({self.name} " in str(c["params"]["prompt"]))
        return sum((Decimal(charge["price"]) for charge in mine), Decimal(0))

    def assert_sound(self, run: Run, *, bug: bool = False) -> None:
        """What must never be seen was not."""
        for word in () if bug else ("Traceback", "never retrieved", "bug in pipeline"):
            assert word not in run.err, run.err
        assert KEY not in run.out + run.err
        for path in self.folder.rglob("*"):
            if path.is_file():
                assert KEY.encode() not in path.read_bytes(), path


class Clips:
    """A server of clips of one size, that can be told to wait before it answers."""

    def __init__(self, size: int) -> None:
        self.posts = 0
        self.waiting = threading.Event()
        self.go = threading.Event()
        self.go.set()
        self._body = CLIP + (8 + size).to_bytes(4) + b"free" + bytes(size)

    @property
    def act(self) -> Act:
        async def act(line: Line) -> None:
            request = await line.read_request()
            if request.startswith(b"GET"):
                await line.say(answer(b'{"credits": 500}', content_type="application/json"))
                return
            self.posts += 1
            self.waiting.set()
            await asyncio.to_thread(self.go.wait, 30)
            await line.say(answer(self._body))

        return act


@contextmanager
def raw_server(act: Act, **options: Any) -> Iterator[Raw]:
    """A raw server in a thread, for commands in a process of their own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()

    def call(work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, loop).result(20)

    server = Raw(act)
    call(server.open(**options))
    try:
        yield server
    finally:
        call(server.close())
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
