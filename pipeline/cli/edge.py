"""The edge: every error becomes one message, a hint and an exit code. No traceback, ever."""

import io
import os
import sys
from collections.abc import Iterator

import click

from pipeline.cli.calling import Host
from pipeline.cli.group import cli
from pipeline.cli.output import message
from pipeline.errors import ExitCode, PipelineError


def run_command(
    arguments: list[str], host: Host | None = None, *, command: click.Command = cli
) -> int:
    """Run the command line and return its exit code.

    `host` is what a program that wraps this one replaces. `command` is what reads the arguments.
    """
    if sys.stderr is None:  # closed by the parent process
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123
    if isinstance(sys.stdout, io.TextIOWrapper):  # a terminal may not have every character
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        code = command.main(arguments, prog_name="pipeline", standalone_mode=False, obj=host)
    except click.exceptions.Exit as end:
        return end.exit_code
    except (click.Abort, KeyboardInterrupt):
        message("stopped")
        return ExitCode.SIGINT
    except click.ClickException as error:
        text = io.StringIO()
        error.show(text)
        message(text.getvalue())
        return ExitCode.REFUSED
    except SystemExit:
        # click's way out when the reader of our output has gone (`| head`).
        return ExitCode.OK
    except Exception as error:  # noqa: BLE001 - the edge
        return _explain(error, debug="--debug" in arguments)
    return code if isinstance(code, int) else ExitCode.OK


def _explain(error: Exception, *, debug: bool) -> int:
    if debug:
        import traceback  # noqa: PLC0415 - for bugs alone

        message("".join(traceback.format_exception(error)))
    for cause in _leaves(error):
        if isinstance(cause, PipelineError):
            message(f"error: {cause.message}" + (f"\n  {cause.hint}" if cause.hint else ""))
            return cause.exit_code
    leaf = next(_leaves(error))
    if isinstance(leaf, MemoryError):
        message("error: out of memory\n  Close other programs, then run the same command again.")
        return ExitCode.STORAGE
    message(
        f"error: this is a bug in pipeline: {type(leaf).__name__}: {leaf}\n"
        "  What was in flight is recorded as in doubt. Run the same command again to continue;"
        " --debug shows more."
    )
    return ExitCode.BUG


def _leaves(error: BaseException) -> Iterator[BaseException]:
    """Yield the errors in a group, of any depth."""
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _leaves(inner)
    else:
        yield error
