"""The sandbox, which ends when standard input does: it never outlives who started it.

Takes the options of `pipeline sandbox`.
"""  # noqa: INP001 - scripts are no package

import os
import signal
import sys
import threading

from sandbox.__main__ import main


def _watch() -> None:
    while os.read(0, 1024):
        pass
    os.kill(os.getpid(), signal.SIGTERM)


if __name__ == "__main__":
    threading.Thread(target=_watch, daemon=True).start()
    sys.exit(main())
