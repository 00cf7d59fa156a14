"""`python -m pipeline`, and the console script."""

import os
import sys
from typing import TYPE_CHECKING, TextIO

from pipeline.cli import signals

if TYPE_CHECKING:
    from pipeline.cli.calling import Host


def main(host: "Host | None" = None) -> None:
    """Run the command line and exit with its code; `host` is for programs that wrap it."""
    signals.end_at_once()
    # httpx has a command line too, and it takes 40 ms where rich and pygments are installed: with
    # None for its module it is not found, which httpx expects.
    sys.modules.setdefault("httpx._main", None)  # type: ignore[arg-type]
    from pipeline.cli.edge import run_command  # noqa: PLC0415 - once a signal finds us ready

    code = run_command(sys.argv[1:], host)
    for stream in (sys.stdout, sys.stderr):
        _let_go(stream)
    signals.end_at_once(code)
    sys.exit(code)


def _let_go(stream: TextIO | None) -> None:
    """Flush a stream: where its reader has left, Python's own last flush would change the code."""
    if stream is None:
        return
    try:
        stream.flush()
    except OSError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), stream.fileno())


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit(130)
