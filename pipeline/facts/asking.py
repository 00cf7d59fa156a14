"""Has clips decoded in a child process, which a hostile clip may crash, fill or stall."""

import contextlib
import os
import selectors
import subprocess
import sys
import time
from importlib.util import find_spec
from pathlib import Path
from typing import Self

import pipeline

INSTALL = "pip install 'overnight-pipeline[media]'"
_NEEDS = ("av", "imagehash", "PIL")
_LONGEST_LINE = 128
_MOST_PARTS = 4
_BLOCK = 64 * 1024


def can_look() -> bool:
    """Return whether the extra `media` is installed."""
    return all(find_spec(name) is not None for name in _NEEDS)


class NoAnswerError(Exception):
    """There is no answer for a clip; the text says why."""


class SlowError(NoAnswerError):
    """The answer for a clip took too long."""


class _BrokenError(Exception):
    """The child has ended, or what it says is no answer."""


class Child:
    """A child process that answers for clips, one after the other. Use it as a context manager.

    `program` is a module of this package; see `child.py`. `patience` is the time for one clip, in
    seconds, `most` how many bytes an answer may have. The child is started when it is first needed,
    and again after a clip that has ended it.
    """

    def __init__(self, program: str, *, patience: float, most: int) -> None:
        self._program, self._patience, self._most = program, patience, most
        self._child: subprocess.Popen[bytes] | None = None
        self._was_killed = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    @property
    def pid(self) -> int | None:
        """The id of the process; None where none runs."""
        return None if self._child is None else self._child.pid

    def ask(self, path: Path) -> list[bytes]:
        """Return the parts of the answer for a clip; there is at least one.

        Raises:
            SlowError: it took too long.
            NoAnswerError: it has ended the child.
        """
        name = os.fsencode(path)
        if b"\n" in name:
            raise NoAnswerError("its name has a line feed in it")
        child = self._child or self._start()
        assert child.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it has ended: there is no answer
            child.stdin.write(name + b"\n")
            child.stdin.flush()
        try:
            return self._parts(_Stream(child, self._patience))
        except TimeoutError:
            self.end()
            raise SlowError(f"what decodes it took longer than {self._patience:g} s") from None
        except _BrokenError:
            self.end()
            raise NoAnswerError(f"what decodes it ended it ({child.returncode})") from None

    def _parts(self, stream: "_Stream") -> list[bytes]:
        words = stream.line().split()
        sizes = [int(word) for word in words if word.isdigit()]
        if len(sizes) != len(words) or not 0 < len(sizes) <= _MOST_PARTS or sum(sizes) > self._most:
            raise _BrokenError
        return [stream.take(size) for size in sizes]

    def _start(self) -> "subprocess.Popen[bytes]":
        # Without the rest of the environment, in which the key may be.
        self._child = subprocess.Popen(  # noqa: S603 - a module of this package
            [sys.executable, "-P", "-m", f"pipeline.facts.{self._program}"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,  # nothing is left to be written when it has ended
            env=_environment(),
            start_new_session=True,
        )
        if self._was_killed:
            self._child.kill()
        return self._child

    def kill(self) -> None:
        """Kill the process from another thread: who asks gets no answer, now and later."""
        self._was_killed = True
        if (child := self._child) is not None:
            child.kill()

    def end(self) -> None:
        """End the process, and wait until it has."""
        child, self._child = self._child, None
        if child is not None:
            child.kill()
            with child:  # closes its pipes, and waits for its end
                pass


class _Stream:
    """What a child writes for one clip, until a time."""

    def __init__(self, child: "subprocess.Popen[bytes]", patience: float) -> None:
        assert child.stdout is not None
        self._file, self._end = child.stdout.fileno(), time.monotonic() + patience
        self._held = b""

    def line(self) -> bytes:
        """Read a line, without its end."""
        while b"\n" not in self._held:
            if len(self._held) > _LONGEST_LINE:
                raise _BrokenError
            self._held += self._more()
        line, _, self._held = self._held.partition(b"\n")
        return line

    def take(self, size: int) -> bytes:
        """Read so many bytes."""
        taken = bytearray(self._held)
        while len(taken) < size:
            taken += self._more()
        self._held = bytes(taken[size:])
        return bytes(taken[:size])

    def _more(self) -> bytes:
        with selectors.DefaultSelector() as selector:
            selector.register(self._file, selectors.EVENT_READ)
            if not selector.select(max(self._end - time.monotonic(), 0.0)):
                raise TimeoutError
        if not (more := os.read(self._file, _BLOCK)):
            raise _BrokenError
        return more


def _environment() -> dict[str, str]:
    root = str(Path(pipeline.__file__).parent.parent)
    search = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
    kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
    return {**kept, "PYTHONPATH": search}
