"""The edge: every error becomes one message, a hint and an exit code. No traceback, ever."""

import io
import os
import sys
import traceback
from collections.abc import Iterator

import click

from pipeline.cli.calling import Spelling
from pipeline.cli.group import cli
from pipeline.cli.output import tell
from pipeline.errors import ExitCode, PipelineError


def run_command(arguments: list[str], spelling: Spelling | None = None) -> int:
    """Run the command line; the exit code.

    `spelling` writes the commands that are shown, where they are not those of the program itself.
    """
    if sys.stderr is None:  # closed by whoever started us: there is nobody to tell
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123
    if isinstance(sys.stdout, io.TextIOWrapper):  # a terminal may not know every letter
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        code = cli.main(arguments, prog_name="pipeline", standalone_mode=False, obj=spelling)
    except click.exceptions.Exit as end:
        return end.exit_code
    except (click.Abort, KeyboardInterrupt):
        tell("stopped")
        return ExitCode.SIGINT
    except click.ClickException as error:
        said = io.StringIO()
        error.show(said)
        tell(said.getvalue())
        return ExitCode.REFUSED
    except SystemExit:
        # So click ends where the reader of our output has left (`| head`): nobody is to be told.
        return ExitCode.OK
    except Exception as error:  # noqa: BLE001 - the edge
        return _explain(error, debug="--debug" in arguments)
    return code if isinstance(code, int) else ExitCode.OK


def _explain(error: Exception, *, debug: bool) -> int:
    if debug:
        tell("".join(traceback.format_exception(error)))
    for cause in _leaves(error):
        if isinstance(cause, PipelineError):
            tell(f"error: {cause.message}" + (f"\n  {cause.hint}" if cause.hint else ""))
            return cause.exit_code
    leaf = next(_leaves(error))
    if isinstance(leaf, MemoryError):
        tell("error: this machine has no memory left\n  Close other programs, and run it again.")
        return ExitCode.STORAGE
    tell(
        f"error: this is a bug in pipeline: {type(leaf).__name__}: {leaf}\n"
        "  Whatever was in flight is in doubt; the same command goes on. --debug shows more."
    )
    return ExitCode.BUG


def _leaves(error: BaseException) -> Iterator[BaseException]:
    """Yield what a group of errors holds: the pool raises groups."""
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _leaves(inner)
    else:
        yield error
