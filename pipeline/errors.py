"""Every way a run can end, and the errors that end it.

    PipelineError                 told to the user in one line, with a hint; never a traceback
    ├── UsageError           2    bad flag, no key, bad base URL
    ├── JobFileError         2    the job file: every problem at once, each with its line
    ├── DirectoryError       2    output directory locked, not writable, or another job's
    └── StorageError         7    an output, a claim or a record cannot be written

A task that fails is a `Record`, not an exception.
"""

from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

from pipeline.printable import printable


class ExitCode(IntEnum):
    """Exit codes of `pipeline run`."""

    OK = 0
    SOME_FAILED = 1
    REFUSED = 2
    CREDITS = 3
    API_REFUSES = 4
    OUTAGE = 5
    WINDOW = 6
    STORAGE = 7
    BUG = 70
    SIGHUP = 129
    SIGINT = 130
    SIGTERM = 143

    @property
    def meaning(self) -> str:
        """What the code says, and what to do."""
        return _MEANINGS[self]


_MEANINGS = {
    ExitCode.OK: "every task of the job has succeeded",
    ExitCode.SOME_FAILED: "the run went through, but some tasks failed or are in doubt",
    ExitCode.REFUSED: "nothing was sent: mend what the message names, and run again",
    ExitCode.CREDITS: "stopped for credits: top up (or raise the budget), and run again",
    ExitCode.API_REFUSES: "the API refuses the run: mend the key, the model or the URL",
    ExitCode.OUTAGE: "an outage or a rate limit outlasted its patience: run again later",
    ExitCode.WINDOW: "the time window closed: run again in the next one",
    ExitCode.STORAGE: "outputs cannot be written: make room or mend permissions, and run again",
    ExitCode.BUG: "a bug in pipeline: please report it, with --debug",
    ExitCode.SIGHUP: "stopped by a hang-up: run again to go on",
    ExitCode.SIGINT: "stopped by Ctrl-C: run again to go on",
    ExitCode.SIGTERM: "stopped by SIGTERM: run again to go on",
}


class PipelineError(Exception):
    """An error told to the user as one message and a hint, and an exit code."""

    exit_code = ExitCode.REFUSED

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(PipelineError):
    """The command cannot be carried out as given. Nothing was sent."""


class DirectoryError(PipelineError):
    """The output directory cannot be used by this run. Nothing was sent."""


class StorageError(PipelineError):
    """An output, a claim or a record cannot be made durable."""

    exit_code = ExitCode.STORAGE


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing wrong with a job file.

    `line` counts from 1, or is None where no line is to blame. `key` is the dotted place in the
    document, such as `prompts[3].params.loop`. `hint` says what would be right.
    """

    file: Path
    line: int | None
    key: str
    message: str
    hint: str | None = None

    def __str__(self) -> str:
        file = printable(str(self.file))
        place = f"{file}:{self.line}" if self.line else file
        key = f"{self.key}: " if self.key else ""
        hint = f" ({self.hint})" if self.hint else ""
        return f"{place}: {key}{self.message}{hint}"


class JobFileError(PipelineError):
    """A job file that cannot be run, with all its problems at once."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems
