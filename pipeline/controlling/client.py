"""The other end: asks the run of an output directory. Blocks; never waits without a bound."""

import os
import socket
import stat
import time
from pathlib import Path

from pipeline.controlling.place import NAME, is_private, socket_place
from pipeline.controlling.requests import (
    LONGEST_ANSWER,
    Action,
    decode_answer,
    encode_request,
    read_request,
)
from pipeline.errors import DirectoryError, UsageError
from pipeline.events import Standing
from pipeline.store.layout import Layout

# Seconds for a run that is just beginning to listen, for an answer, and for a long job to be read.
_TO_LISTEN = 20.0
_TO_ANSWER = 30.0
_TO_RELOAD = 600.0
_LOOK = 0.5
_TO_END = 2.0


class NoRunError(DirectoryError):
    """No run is in progress in the directory."""


def ask(
    layout: Layout, action: str, value: object = None, *, patience: float | None = None
) -> Standing:
    """Ask the run of a directory, and return what stands then.

    With `patience`, it is waited for so many seconds at most, until it listens and until it
    answers.

    Raises:
        NoRunError: there is none.
        UsageError: it refuses, or does not answer.
    """
    asked = read_request(action, value).action
    line = encode_request(asked, value)
    with _connect(layout, patience or _TO_LISTEN) as connection:
        usual = _TO_RELOAD if asked is Action.RELOAD else _TO_ANSWER
        end = time.monotonic() + (patience or usual)
        said = _exchange(connection, line, layout, end)
    if not said.endswith(b"\n"):
        # A run that was killed closes its connections a moment before its locks.
        end = min(end, time.monotonic() + _TO_END)
        while (running := layout.is_running()) and time.monotonic() < end:
            time.sleep(0.02)
        if not running:
            raise _no_run(layout, "the run has ended while it was asked")
        raise UsageError(
            f"the run in {layout.root} does not answer",
            hint="it may be suspended; see `pipeline status`, or end it by a signal",
        )
    return decode_answer(said)


def _connect(layout: Layout, patience: float) -> socket.socket:
    """Connect to the run; the lock says whether there is one, not the socket."""
    path, end = socket_place(layout.root), time.monotonic() + patience
    while True:
        if not layout.is_running():
            raise _no_run(layout, "no run is in progress")
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            if _is_trusted(path):
                connection.settimeout(_LOOK)
                connection.connect(os.fspath(path))
                return connection
        except PermissionError as error:
            connection.close()
            raise UsageError(
                f"{path} is another user's: only who runs a job controls it"
            ) from error
        except OSError:  # it has not begun to listen, or has just ended
            pass
        connection.close()
        if time.monotonic() > end:
            raise UsageError(
                f"the run in {layout.root} cannot be reached at {path}",
                hint="its log says why; a signal still ends it: kill -TERM",
            )
        time.sleep(0.05)


def _is_trusted(path: Path) -> bool:
    """Whether a socket is there: no link, and, outside the directory of the job, ours alone."""
    if not stat.S_ISSOCK(path.lstat().st_mode):
        return False
    return path.name == NAME or is_private(path.parent)


def _exchange(connection: socket.socket, line: bytes, layout: Layout, end: float) -> bytes:
    """Send a line, and take what comes until its end, the run's, or the end of the patience."""
    said = b""
    try:
        connection.sendall(line)
        while not said.endswith(b"\n") and len(said) <= LONGEST_ANSWER:
            try:
                more = connection.recv(64 * 1024)
            except TimeoutError:
                if time.monotonic() > end or not layout.is_running():
                    return said
                continue
            if not more:
                break
            said += more
    except OSError:  # the run was killed
        pass
    return said


def _no_run(layout: Layout, what: str) -> NoRunError:
    return NoRunError(
        f"{what} in {layout.root}: nothing was changed",
        hint="where the last one stands: `pipeline status`",
    )
