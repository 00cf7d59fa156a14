"""What a signal does before a run listens for signals, and after it.

Python's own answer to Ctrl-C is an exception. One that is raised in a callback of the import
system or in a finaliser is lost with a few lines of noise, and the run would spend more money.
So until a run listens, a signal ends the process at once, with the run's own exit code. Nothing is
lost by that: nothing is on the wire, and every file is as good as after a kill.
"""

import os
import signal
from contextlib import suppress
from types import FrameType

_ENDING = [
    getattr(signal, name) for name in ("SIGINT", "SIGTERM", "SIGHUP") if hasattr(signal, name)
]
# A run prints how it stands at the first of these; nothing else is to die of them.
_ASKING = ("SIGUSR1", "SIGUSR2")


def _stay(_number: int, _frame: FrameType | None) -> None:
    """Go on."""


def end_at_once(code: int | None = None) -> None:
    """From now on, end the process at the first signal that is not ignored.

    The exit code is the signal's own, or `code`, where the work is done and the end decided.
    """

    def end(number: int, _frame: FrameType | None) -> None:
        if code is not None:
            os._exit(code)
        with suppress(OSError):  # whoever would read it may have left
            # A display may have hidden the cursor.
            os.write(2, b"\x1b[?25hstopped\n" if os.isatty(2) else b"stopped\n")
        os._exit(128 + number)

    for name in _ASKING:
        number = getattr(signal, name, None)
        if number is not None and signal.getsignal(number) is signal.SIG_DFL:
            signal.signal(number, _stay)  # by itself it would kill
    for number in _ENDING:
        if signal.getsignal(number) is not signal.SIG_IGN:  # nohup, a job in the background
            signal.signal(number, end)
