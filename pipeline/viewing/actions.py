"""Commands that a page starts: the same that a person would type, each in a process of its own.

A run lives longer than the page and the server that have started it. So it has its own session, no
terminal, and writes to a file that nobody has to read.
"""

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from typing import IO, Any

import anyio

from pipeline.errors import UsageError
from pipeline.ledger.selection import WORDS
from pipeline.printable import printable
from pipeline.viewing.source import Source

_LINES, _LONGEST = 12, 400  # lines that are shown of a command, and their characters
_TAIL = 16 * 1024  # bytes
_LOOK = 0.5  # seconds
_MOST_TASKS = 500
_LONGEST_NAMES = 100_000  # bytes of arguments: a process takes no more than some
_WORDS_OF_A_DOUBT = {"billed": "--billed", "not_billed": "--not-billed"}
_RETRIES = ("failed", "in-doubt", "missing")


class BusyError(UsageError):
    """A run or another command is at work."""


def run_arguments(source: Source, asked: dict[str, Any]) -> list[str]:
    """Write the arguments of `run` for what a page asks for.

    Raises:
        UsageError: it is not one of the keys, or not their values.
    """
    _refuse_others(asked, {"retry", "again", "limit"})
    arguments = ["run", *source.arguments]
    arguments += retry_arguments(asked.get("retry", []))
    arguments += again_arguments(asked.get("again"))
    limit = asked.get("limit")
    if limit is not None:
        if not isinstance(limit, int) or isinstance(limit, bool) or limit < 1:
            raise UsageError("limit is not valid", hint="a number of tasks, from 1")
        arguments.append(f"--limit={limit}")
    return arguments


def retry_arguments(retries: object) -> list[str]:
    """Write what is to be taken up again as flags."""
    if not isinstance(retries, list) or any(one not in _RETRIES for one in retries):
        raise UsageError("retry is not valid", hint=f"a list of {', '.join(_RETRIES)}")
    return [f"--retry={one}" for one in retries]


def again_arguments(again: object) -> list[str]:
    """Write what is to be rendered again as flags: `rejected`, or the names of tasks."""
    if again is None:
        return []
    if again == "rejected":
        return ["--again=rejected"]
    return [f"--again={literal(task)}" for task in named(again, 'again: "rejected", or tasks')]


def settle_arguments(source: Source, asked: dict[str, Any]) -> list[str]:
    """Write the arguments of `settle`: the provider is asked, or a person's word is taken.

    Raises:
        UsageError: it is not one of the keys, or not their values.
    """
    _refuse_others(asked, {"tasks", "word"})
    if not asked:
        return ["settle", *source.arguments]
    flag = _WORDS_OF_A_DOUBT.get(str(asked.get("word")))
    if flag is None:
        raise UsageError("word is not valid", hint="billed or not_billed, with tasks")
    tasks = named(asked.get("tasks"), "tasks: a list of names")
    return ["settle", *source.arguments, *(f"{flag}={literal(task)}" for task in tasks)]


def named(tasks: object, what: str) -> list[str]:
    """Return the names of tasks that a page has sent.

    Raises:
        UsageError: they are not a list of names, or too many.
    """
    if not isinstance(tasks, list) or not tasks or not all(isinstance(t, str) and t for t in tasks):
        raise UsageError("no tasks are named", hint=what)
    if any("\0" in task or not task.strip() for task in tasks):
        raise UsageError("a name is not one of a task", hint=what)
    size = sum(len(task.encode(errors="surrogatepass")) for task in tasks)
    if len(tasks) > _MOST_TASKS or size > _LONGEST_NAMES:
        raise UsageError(
            f"{len(tasks):,} tasks are too many for one command",
            hint=f"name at most {_MOST_TASKS}, or reject them and use --again rejected",
        )
    return tasks


def literal(task: str) -> str:
    """Write the name of a task so that it means this one, and no file of names or verdict."""
    if task not in WORDS and not task.startswith("@"):
        return task  # tried as a full name before it is as a pattern
    escaped = "".join(f"[{char}]" if char in "*?[" else char for char in task[1:])
    return f"[{task[0]}]{escaped}"


def program() -> list[str]:
    """Return the words that start this program again, whatever lies in the working directory."""
    return [sys.executable, "-P", "-m", "pipeline"]


def _refuse_others(asked: dict[str, Any], known: set[str]) -> None:
    if others := set(asked) - known:
        raise UsageError(
            f"{printable(', '.join(sorted(others)))[:200]}: no such key",
            hint=f"one of {', '.join(sorted(known))}",
        )


class Action:
    """A command that was started; `follow` reports on it until it has ended."""

    def __init__(self, number: str, what: str, arguments: list[str]) -> None:
        """Start it, without a shell.

        Raises:
            UsageError: it cannot be started.
        """
        self.id, self.what = number, what
        self._log: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - closed by `follow`
        try:
            self._process = subprocess.Popen(  # noqa: S603 - our own program; no shell
                [*program(), *arguments],
                stdin=subprocess.DEVNULL,
                stdout=self._log,
                stderr=self._log,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            self._log.close()
            raise UsageError(f"the command cannot be started: {error}") from error
        self.began = time.monotonic()

    @property
    def pid(self) -> int:
        """The number of its process."""
        return self._process.pid

    @property
    def is_running(self) -> bool:
        """Whether it has not ended."""
        return self._process.poll() is None

    async def follow(self, tell: Callable[[dict[str, Any]], None]) -> None:
        """Tell how it stands, whenever that has changed, until it has ended."""
        last: dict[str, Any] = {}
        try:
            while True:
                now = self.describe()
                if now != last:
                    tell(now)
                    last = now
                if not now["running"]:
                    return
                await anyio.sleep(_LOOK)
        finally:
            self._log.close()
            if self._process.poll() is None:  # the server ends: nobody waits for it any more
                self._process.returncode = 0

    def describe(self) -> dict[str, Any]:
        """Say how it stands: whether it runs, its exit code, and its last lines."""
        code = self._process.poll()
        return {
            "id": self.id,
            "what": self.what,
            "running": code is None,
            "code": code,
            "lines": self._lines(),
        }

    def _lines(self) -> list[str]:
        size = os.fstat(self._log.fileno()).st_size
        text = os.pread(self._log.fileno(), _TAIL, max(size - _TAIL, 0)).decode(errors="replace")
        return [printable(line)[:_LONGEST] for line in text.splitlines()[-_LINES:]]
