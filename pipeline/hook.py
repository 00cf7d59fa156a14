"""`run --exec`: a command for each finished clip, next to the run and never in its way.

The command gets the clip by its environment and its arguments, and the record on standard input.
It inherits no descriptor, no lock and no secret. What fails is a warning; the run does not wait.
"""

import os
import re
import select
import shlex
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Any, Self

import msgspec

from pipeline import events as ev
from pipeline.errors import ExitCode, UsageError
from pipeline.job.problems import did_you_mean, shown
from pipeline.models import CORRECTION, Record, Status
from pipeline.printable import printable

AT_ONCE = 4
TIMEOUT = 600.0
"""Seconds that a command may take."""

GRACE = 10.0
"""Seconds that commands have left after a run was stopped by a signal."""

# A run of a million clips with a slow command: what does not fit is counted, and said at the end.
_MOST_WAITING = 10_000
_TAIL = 4096  # bytes of its standard error
_BLOCK, _MOST_BLOCKS = 65_536, 16  # as much as a pipe may hold
_LOOK = 0.1  # seconds between looks whether it has ended, while something holds its pipe
_LONGEST_LINE = 300
_SHORTEST_SECRET = 8
_SOON = 1.0  # seconds after which a wait is worth a line
_PATIENCE = 2.0  # seconds that an ended command has to leave
SIGNALS = frozenset({ExitCode.SIGHUP, ExitCode.SIGINT, ExitCode.SIGTERM})
_HELD = re.compile(r"\{\{|\}\}|\{(\w*)\}")
_NAMES = ("file", "path", "task", "sha256")


@dataclass(frozen=True, slots=True)
class Clip:
    """A finished clip; `file` is where it is, `path` relative to the output directory."""

    record: Record
    file: str

    @property
    def values(self) -> dict[str, str]:
        """What placeholders stand for, and what the environment says in capitals."""
        path, record = self.record.output or "", self.record
        return {"file": self.file, "path": path, "task": record.task, "sha256": record.sha256 or ""}


class Command:
    """A command line, split as a shell would and run without one.

    `{file}`, `{path}`, `{task}` and `{sha256}` in a word are replaced; `{{` is a brace.

    Raises:
        UsageError: it cannot be split, has an unknown placeholder, or is not there to be run.
    """

    def __init__(self, text: str) -> None:
        try:
            self._words = shlex.split(text)
        except ValueError as error:
            raise UsageError(f"--exec: {shown(text)} is not a command line: {error}") from None
        if not self._words:
            raise UsageError("--exec: the command is empty; is a shell variable unset?")
        for name in (match[1] for word in self._words for match in _HELD.finditer(word)):
            if name is not None and name not in _NAMES:
                raise UsageError(
                    f"--exec: {{{name}}} is not a placeholder",
                    hint=f"{did_you_mean(name, _NAMES)}; write a brace twice for itself",
                )
        program = self._words[0]
        if not _HELD.search(program) and shutil.which(program) is None:
            raise UsageError(
                f"--exec: there is no program {shown(program)} that can be run",
                hint="name a program on the PATH, or its path; a pipe needs: sh -c '…'",
            )
        self.name = printable(os.path.basename(program))  # noqa: PTH119 - of a text

    def of(self, clip: Clip) -> list[str]:
        """Return the words for a clip: what replaces a placeholder is never split."""
        values = clip.values

        def replaced(match: re.Match[str]) -> str:
            return match[0][0] if match[1] is None else values[match[1]]

        return [_HELD.sub(replaced, word) for word in self._words]


def without_secrets(
    environment: Mapping[str, str], names: Iterable[str], secrets: Iterable[str]
) -> dict[str, str]:
    """Return an environment without the variables `names`, and without any that has a secret."""
    left_out, hidden = set(names), set(secrets)
    return {
        name: value
        for name, value in environment.items()
        if name not in left_out and not any(_has(value, secret) for secret in hidden)
    }


def _has(value: str, secret: str) -> bool:
    # One of a few letters, as for a sandbox, is a part of every path.
    return value == secret or (len(secret) >= _SHORTEST_SECRET and secret in value)


class Hook:
    """Runs a command for each finished clip, at most `at_once` of them, in threads of its own.

    `locate` says where an output is found. `timeout` is how long a command may take, `grace` how
    long those that run have left after a signal, both in seconds.
    """

    def __init__(  # noqa: PLR0913 - what is injected
        self,
        command: Command,
        locate: Callable[[str], str],
        warn: ev.Watcher,
        environment: Mapping[str, str],
        *,
        at_once: int = AT_ONCE,
        timeout: float = TIMEOUT,
        grace: float = GRACE,
    ) -> None:
        self._command = command
        self._locate = locate
        self._warn = warn
        self._environment = dict(environment)
        self._at_once = at_once
        self._timeout = timeout
        self._grace = grace
        self._changed = threading.Condition()
        self._waiting: deque[Record] = deque()
        self._threads: set[threading.Thread] = set()
        self._running: set[subprocess.Popen[bytes]] = set()
        self._ending = False
        self._was_stopped = False
        self.succeeded = self.failed = self.not_run = 0

    def __call__(self, event: ev.Event) -> None:
        """Handle an event; it never waits."""
        match event:
            case ev.Finished(record=record) | ev.Recovered(record=record):
                is_clip = record.status is Status.SUCCEEDED and record.output is not None
                if is_clip and record.reason != CORRECTION:
                    self._put(record)
            case ev.Stopping(exit_code=code) | ev.Summary(exit_code=code):
                self._was_stopped = code in SIGNALS
            case _:
                pass

    def _put(self, record: Record) -> None:
        with self._changed:
            if len(self._waiting) >= _MOST_WAITING:
                self.not_run += 1
                return
            self._waiting.append(record)
            if len(self._threads) < self._at_once:
                thread = threading.Thread(target=self._work, name="exec", daemon=True)
                self._threads.add(thread)
                thread.start()

    def _work(self) -> None:
        """Run what waits; a thread ends when there is nothing left."""
        while True:
            with self._changed:
                if not self._waiting or self._ending:
                    self._threads.discard(threading.current_thread())
                    self._changed.notify_all()
                    return
                record = self._waiting.popleft()
            try:
                fault = self._run(record)
            except Exception as error:  # noqa: BLE001 - a thread of a run must not end in silence
                fault = f"{type(error).__name__}: {error}"
            with self._changed:
                self.succeeded += fault is None
                self.failed += fault is not None
            if fault is not None:
                self._say(f"{self._command.name} for {printable(record.task)}: {fault}")

    def _say(self, text: str) -> None:
        self._warn(ev.Warned(f"exec: {text}", time.time()))

    def _run(self, record: Record) -> str | None:
        """Run the command for a clip; return what went wrong."""
        clip = Clip(record, self._locate(record.output or ""))
        named = {f"PIPELINE_{name.upper()}": value for name, value in clip.values.items()}
        with (
            tempfile.TemporaryFile() as said
        ):  # a file: a command that does not read blocks nothing
            said.write(msgspec.json.Encoder(decimal_format="number").encode(record) + b"\n")
            said.seek(0)
            try:
                process = subprocess.Popen(  # noqa: S603 - what the user asks for, without a shell
                    self._command.of(clip),
                    stdin=said,
                    stdout=subprocess.DEVNULL,
                    stderr=subprocess.PIPE,
                    env={**self._environment, **named},
                    # Ctrl-C at the terminal is for the run, which ends commands in its own time.
                    start_new_session=True,
                )
            except (OSError, ValueError) as error:
                return f"it cannot be started: {getattr(error, 'strerror', None) or error}"
        with _Said(process) as words:
            return self._ended(process, words)

    def _ended(self, process: "subprocess.Popen[bytes]", words: "_Said") -> str | None:
        with self._changed:
            self._running.add(process)
            too_late = self._ending
        try:
            if too_late:
                _end(process)
            code = words.wait(self._timeout)
        except subprocess.TimeoutExpired:
            _end(process)
            return f"it was ended after {self._timeout:g} s{words.last_line}"
        finally:
            with self._changed:
                self._running.discard(process)
        if code == 0:
            return None
        how = f"exit code {code}" if code > 0 else f"ended by {_signal_name(-code)}"
        return how + words.last_line

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        """Wait for the commands; after a signal or an error, only as long as the grace is.

        Another signal meanwhile ends them too.
        """
        asked = threading.Event()
        patience = self._grace if self._was_stopped or kind is not None else None
        with on_signals(lambda: self._ask(asked)):
            self._wait(asked, patience)
            with self._changed:
                if not self._threads:
                    return
                self._ending = True
                self.not_run += len(self._waiting)
                self._waiting.clear()
                running = list(self._running)
            for ending in (signal.SIGTERM, signal.SIGKILL):
                for process in running:
                    _send(process, ending)
                with self._changed:
                    self._changed.wait_for(lambda: not self._threads, _PATIENCE)

    def _wait(self, asked: threading.Event, patience: float | None) -> None:
        """Wait until no command is left, or a signal asks to end, or for so many seconds."""
        soon = _SOON if patience is None else min(patience, _SOON)
        for seconds in (soon, None if patience is None else patience - soon):
            with self._changed:
                if self._changed.wait_for(lambda: asked.is_set() or not self._threads, seconds):
                    return
                left = len(self._waiting) + len(self._threads)
            if seconds is soon:
                self._say(f"waiting for {left:,} more; Ctrl-C ends them")

    def _ask(self, asked: threading.Event) -> None:
        asked.set()
        # This may be the thread that has the lock, so another one wakes it.
        threading.Thread(target=self._wake, daemon=True).start()

    def _wake(self) -> None:
        with self._changed:
            self._changed.notify_all()

    @property
    def outcome(self) -> str | None:
        """What became of the commands, in a line; None where none was to be run."""
        counts = {"failed": self.failed, "not run": self.not_run}
        ran = self.succeeded + self.failed
        if not ran and not self.not_run:
            return None
        words = [f"{number:,} {what}" for what, number in counts.items() if number]
        clips = "1 clip" if ran == 1 else f"{ran:,} clips"
        return ", ".join([f"exec: {self._command.name} ran for {clips}", *words])


class _Said:
    """What a command writes to standard error, until it ends: all is read, and the end is kept.

    What it has left running may hold the pipe for days. So the pipe is closed when the command has
    ended, and no thread waits for the end of what is in it.
    """

    def __init__(self, process: "subprocess.Popen[bytes]") -> None:
        self._process = process
        self._kept = b""
        assert process.stderr is not None
        self._stream = process.stderr
        self._poll = select.poll()  # descriptors may have high numbers
        self._poll.register(self._stream, select.POLLIN)
        self._is_open = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._stream.close()

    def wait(self, timeout: float) -> int:
        """Read until the command has ended; return its exit code.

        Raises:
            subprocess.TimeoutExpired: it takes longer than `timeout`, in seconds.
        """
        end = time.monotonic() + timeout
        while self._is_open and self._process.poll() is None and time.monotonic() < end:
            self._take(_LOOK)
        return self._process.wait(max(end - time.monotonic(), 0.0))

    def _take(self, patience: float) -> bool:
        """Read what comes within so many seconds; return whether there may be more."""
        if not self._is_open or not self._poll.poll(patience * 1000):
            return False
        part = os.read(self._stream.fileno(), _BLOCK)
        self._is_open = bool(part)
        self._kept = (self._kept + part)[-_TAIL:]
        return self._is_open

    @property
    def last_line(self) -> str:
        """The last line, inert and in parentheses; empty where nothing was written."""
        # What it has left running may write for ever: no more than a pipe holds is of the command.
        for _ in range(_MOST_BLOCKS):
            if not self._take(0.0):
                break
        lines = self._kept.decode(errors="replace").split("\n")
        line = next((line.strip() for line in reversed(lines) if line.strip()), "")
        return f" ({printable(line[:_LONGEST_LINE])})" if line else ""


def _end(process: "subprocess.Popen[bytes]") -> None:
    """End a command and what it has started, as far as that has stayed in its session."""
    for number in (signal.SIGTERM, signal.SIGKILL):
        _send(process, number)
        with suppress(subprocess.TimeoutExpired):
            process.wait(_PATIENCE)
            return


def _send(process: "subprocess.Popen[bytes]", number: signal.Signals) -> None:
    if process.poll() is None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(process.pid, number)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


@contextmanager
def on_signals(act: Callable[[], None]) -> Iterator[None]:
    """Call `act` for the signals that end a program, in the main thread."""
    before: dict[signal.Signals, Any] = {}
    if threading.current_thread() is threading.main_thread():
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            if (handler := signal.getsignal(number)) is not signal.SIG_IGN:
                before[number] = handler
                signal.signal(number, lambda *_: act())
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
