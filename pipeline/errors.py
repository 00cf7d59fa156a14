"""How a run can end, and the errors that end it.

    PipelineError                 shown as one message and a hint, never as a traceback
    ├── UsageError           2    bad flag, no key, bad base URL
    ├── JobFileError         2    the job file: all problems at once, each with its line
    ├── DirectoryError       2    output directory locked, not writable, or of another job
    └── StorageError         7    an output, a claim or a record cannot be written
        └── BucketError      7    what lies whole here cannot be brought to its bucket

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
    def cause(self) -> str:
        """What happened."""
        return _CODES[self][0]

    @property
    def remedy(self) -> str:
        """What to do, as an instruction."""
        return _CODES[self][1]

    @property
    def meaning(self) -> str:
        """What happened and, for a run that stopped, what to do."""
        return f"{self.cause}: {self.remedy}" if self > ExitCode.SOME_FAILED else self.cause


# `docs/reference/exit-codes.md` is printed from this.
_CODES = {
    ExitCode.OK: ("every task of the job has succeeded", "see the clips in report.html"),
    ExitCode.SOME_FAILED: (
        "the run finished, but some tasks failed, are in doubt or wait at the provider",
        "read the reasons in report.html, then use --retry failed, or `pipeline settle`",
    ),
    ExitCode.REFUSED: ("nothing was sent", "fix what the message names, then run again"),
    ExitCode.CREDITS: (
        "stopped for credits",
        "top up, or raise the budget or the cap, then run again",
    ),
    ExitCode.API_REFUSES: ("the API refuses the run", "fix the key, the model or the URL"),
    ExitCode.OUTAGE: ("an outage or a rate limit lasted too long", "run again later"),
    ExitCode.WINDOW: ("the time window closed", "run again in the next window"),
    ExitCode.STORAGE: (
        "outputs cannot be written",
        "make room or fix the permissions, then run again",
    ),
    ExitCode.BUG: ("this is a bug in pipeline", "please report it, with the output of --debug"),
    ExitCode.SIGHUP: ("stopped by SIGHUP (the terminal closed)", "run again to continue"),
    ExitCode.SIGINT: ("stopped by Ctrl-C", "run again to continue"),
    ExitCode.SIGTERM: ("stopped by SIGTERM", "run again to continue"),
}


class PipelineError(Exception):
    """An error that the user sees as one message and a hint, with an exit code."""

    exit_code = ExitCode.REFUSED

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class UsageError(PipelineError):
    """The command cannot be executed as given. Nothing was sent."""


class DirectoryError(PipelineError):
    """The output directory cannot be used by this run. Nothing was sent."""


class StorageError(PipelineError):
    """An output, a claim or a record cannot be made durable."""

    exit_code = ExitCode.STORAGE


class BucketError(StorageError):
    """A bucket is down or refuses; what was to go there stays on this machine.

    `lasts` says that trying again does not help before somebody has fixed something.
    """

    def __init__(self, message: str, *, lasts: bool = False, hint: str | None = None) -> None:
        super().__init__(message, hint=hint)
        self.lasts = lasts


@dataclass(frozen=True, slots=True)
class Problem:
    """One problem of a job file.

    `line` counts from 1, and is None if no line is at fault. `key` is the path in the document,
    such as `prompts[3].params.loop`. `hint` says what to write instead. `column` counts from 1 too.
    """

    file: Path
    line: int | None
    key: str
    message: str
    hint: str | None = None
    column: int | None = None

    def __str__(self) -> str:
        places = (printable(str(self.file)), self.line, self.column)
        place = ":".join(str(one) for one in places if one)
        key = f"{self.key}: " if self.key else ""
        hint = f" ({self.hint})" if self.hint else ""
        return f"{place}: {key}{self.message}{hint}"


class JobFileError(PipelineError):
    """A job file that is not valid, with all of its problems."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("\n".join(str(problem) for problem in problems))
        self.problems = problems
