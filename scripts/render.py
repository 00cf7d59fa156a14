"""`make render`: runs the command `run`, then says its exit code and what that means.

In this one process, so that a Ctrl-C or SIGTERM meets the run itself, once, and nothing that
would have to pass it on.
"""  # noqa: INP001 - scripts are no package

import sys

from making import spelling

from pipeline.cli.calling import Host
from pipeline.cli.edge import run_command
from pipeline.errors import ExitCode


def main() -> int:
    """Run; return the exit code of the run."""
    try:
        code = run_command(["run", *sys.argv[1:]], Host(spelling("render JOB=")))
    except SystemExit as end:  # a signal before the run listens for it
        code = end.code if isinstance(end.code, int) else ExitCode.BUG
    sys.stderr.write(f"pipeline ended with exit code {int(code)}: {_meaning(code)}\n")
    if 0 < code < ExitCode.SIGHUP:
        sys.stderr.write(f"(make calls this Error {int(code)}, and itself exits with 2)\n")
    return code


def _meaning(code: int) -> str:
    try:
        return ExitCode(code).meaning
    except ValueError:
        return "that is none of its codes"


if __name__ == "__main__":
    sys.exit(main())
