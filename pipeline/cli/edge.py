"""The edge: every error becomes one message, a hint and an exit code. No traceback, ever."""

import io
import os
import sys
import traceback
from collections.abc import Iterator
from contextlib import suppress

import click

from pipeline.cli.group import cli
from pipeline.errors import ExitCode, PipelineError

_secrets: set[str] = set()


def remember_secret(secret: str) -> None:
    """Note a secret that no message may show."""
    _secrets.add(secret)


def redact(text: str) -> str:
    """Remove every known secret from a text."""
    for secret in _secrets:
        text = text.replace(secret, "[key]")
    return text


def run_command(arguments: list[str]) -> int:
    """Run the command line; the exit code."""
    if sys.stderr is None:  # closed by whoever started us: there is nobody to tell
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123
    if isinstance(sys.stdout, io.TextIOWrapper):  # a terminal may not know every letter
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        code = cli.main(arguments, prog_name="pipeline", standalone_mode=False)
    except click.exceptions.Exit as end:
        return end.exit_code
    except (click.Abort, KeyboardInterrupt):
        _say("stopped")
        return ExitCode.SIGINT
    except click.ClickException as error:
        error.show()
        return ExitCode.REFUSED
    except SystemExit:
        # So click ends where the reader of our output has left (`| head`): nobody is to be told.
        return ExitCode.OK
    except Exception as error:  # noqa: BLE001 - the edge
        return _explain(error, debug="--debug" in arguments)
    return code if isinstance(code, int) else ExitCode.OK


def _explain(error: Exception, *, debug: bool) -> int:
    if debug:
        _say("".join(traceback.format_exception(error)))
    for cause in _leaves(error):
        if isinstance(cause, PipelineError):
            _say(f"error: {cause.message}" + (f"\n  {cause.hint}" if cause.hint else ""))
            return cause.exit_code
    leaf = next(_leaves(error))
    _say(
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


def _say(text: str) -> None:
    with suppress(OSError):  # whoever would read it may have left
        sys.stderr.write(redact(text).rstrip("\n") + "\n")
