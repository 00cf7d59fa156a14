"""The sandbox, which ends when standard input does: it never outlives who started it.

Takes the options of `pipeline sandbox`.
"""  # noqa: INP001 - scripts are no package

import os
import signal
import threading

from sandbox.command import sandbox


def _watch() -> None:
    while os.read(0, 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    threading.Thread(target=_watch, daemon=True).start()
    sandbox(prog_name="sandbox")
