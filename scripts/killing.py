"""Runs a command, and kills it in the middle of its work."""  # noqa: INP001 - scripts are no package

import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from types import FrameType

from sandbox.testing import Sandbox

_LOOK_EACH = 0.05  # seconds
_ERRORS = {500, 502, 503}


def killed_in_the_middle(command: Sequence[str], api: Sandbox, paid: int) -> int | None:
    """Run a command until `api` has charged for so many clips and has more in flight; kill it then.

    Returns None where it was killed, else the exit code with which it ended before. Signals that
    would end this process reach the command, and it is left to end by itself.
    """
    process = subprocess.Popen(command)  # noqa: S603 - our own
    stopping = False

    def pass_on(number: int, _frame: FrameType | None) -> None:
        nonlocal stopping
        stopping = True
        if number != signal.SIGINT:  # which the terminal sends to the whole group
            process.send_signal(number)

    numbers = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
    before = [signal.signal(number, pass_on) for number in numbers]
    try:
        while process.poll() is None and not stopping:
            if _is_the_middle(api, paid):
                # Held still first, so that it sends nothing between the look and the kill.
                process.send_signal(signal.SIGSTOP)
                if _is_the_middle(api, paid):
                    process.kill()
                    process.wait()
                    _show_cursor()
                    return None
                process.send_signal(signal.SIGCONT)
            time.sleep(_LOOK_EACH)
        code = process.wait()
        return code if code >= 0 else 128 - code
    finally:
        for number, handler in zip(numbers, before, strict=True):
            signal.signal(number, handler)


def _is_the_middle(api: Sandbox, paid: int) -> bool:
    """Tell whether enough was paid for and more is under way, and no error waits for its retry.

    An error that a kill leaves is one that the next run records, and does not try again unasked.
    """
    books = api.books()
    last = {request["prompt"]: request for request in books["requests"]}.values()
    pending = [request for request in last if request["state"] == "PENDING"]
    errors = [request for request in last if request["status"] in _ERRORS]
    return len(books["charges"]) >= paid and len(pending) > 1 and not errors


def _show_cursor() -> None:
    """Undo what a progress display does to a terminal, as one that is killed cannot."""
    if sys.stderr.isatty():
        sys.stderr.write("\x1b[?25h")
        sys.stderr.flush()
