"""Runs a command with a sandbox beside it.

    python scripts/sandboxed.py [sandbox options] -- COMMAND…

The command finds the sandbox by SEGMIND_BASE_URL and SEGMIND_API_KEY. The sandbox takes a free
port, and ends with this process, however that ends. The exit code is the command's.
"""  # noqa: INP001 - scripts are no package

import os
import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import FrameType

_READY = "sandbox listening on "


@contextmanager
def sandbox(options: Sequence[str]) -> Iterator[str]:
    """Serve a sandbox on a free port; give its URL."""
    guarded = Path(__file__).with_name("guarded_sandbox.py")
    with subprocess.Popen(  # noqa: S603 - our own
        [sys.executable, str(guarded), "--port=0", *options],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        # Out of reach of a Ctrl-C: what is in flight shall still get its answer.
        start_new_session=True,
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        with process.stdin:  # whose end is the sandbox's, also if this process is killed
            line = process.stdout.readline()
            if not line.startswith(_READY):
                raise SystemExit("the sandbox did not start")
            yield line.removeprefix(_READY).strip()


def settings(url: str) -> dict[str, str]:
    """Name what leads a run to the sandbox at `url`, whatever key and address the caller has."""
    return {"SEGMIND_BASE_URL": url, "SEGMIND_API_KEY": "simulated-key"}


def run(command: Sequence[str], url: str) -> int:
    """Run a command against the sandbox at `url`; return its exit code.

    A Ctrl-C reaches the command by itself, as the terminal signals the whole group; SIGTERM and
    SIGHUP go to this process alone, and are passed on.
    """
    try:
        process = subprocess.Popen(command, env={**os.environ, **settings(url)})  # noqa: S603 - as asked
    except OSError as error:
        raise SystemExit(f"{command[0]} cannot be run: {error.strerror}") from None

    def pass_on(number: int, _frame: FrameType | None) -> None:
        if number != signal.SIGINT:
            process.send_signal(number)

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, pass_on)
    code = process.wait()
    return code if code >= 0 else 128 - code


def main() -> int:
    """Serve, run, and return the exit code of the command."""
    cut = sys.argv.index("--") if "--" in sys.argv else len(sys.argv)
    if not sys.argv[cut + 1 :]:
        raise SystemExit("usage: sandboxed.py [sandbox options] -- COMMAND…")
    with sandbox(sys.argv[1:cut]) as url:
        return run(sys.argv[cut + 1 :], url)


if __name__ == "__main__":
    sys.exit(main())
