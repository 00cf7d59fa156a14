"""Has clips looked at in a child process, which a hostile clip may crash, fill or stall."""

import contextlib
import os
import selectors
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Self

import msgspec

import pipeline
from pipeline.facts.stretches import Look

INSTALL = "pip install 'overnight-pipeline[media]'"
_NEEDS = ("av", "imagehash", "PIL")
_PATIENCE = 60.0  # seconds for one clip
_LONGEST = 64 * 1024  # bytes of an answer
_DECODER = msgspec.json.Decoder(Look)


def can_look() -> bool:
    """Return whether the extra `media` is installed."""
    return all(find_spec(name) is not None for name in _NEEDS)


class Looking:
    """Looks at clips, one after the other. Use it as a context manager.

    The child is started when it is first needed, and again after a clip that has ended it.
    """

    def __init__(self, patience: float = _PATIENCE) -> None:
        self._patience = patience
        self._child: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def look(self, path: Path) -> Look:
        """Look at a clip; its `fault` says why that was not possible."""
        name = os.fsencode(path)
        if b"\n" in name:
            return Look(fault="its name has a line feed in it")
        child = self._child or self._start()
        assert child.stdin is not None
        with contextlib.suppress(BrokenPipeError):  # it has ended: there is no answer
            child.stdin.write(name + b"\n")
            child.stdin.flush()
        answer = self._answer(child)
        if answer is not None and answer.endswith(b"\n"):
            with contextlib.suppress(msgspec.MsgspecError):
                return _DECODER.decode(answer)
        self._end()
        code = child.returncode
        why = f"took longer than {self._patience:g} s" if answer is None else f"ended it ({code})"
        return Look(fault=f"what decodes it {why}")

    def _start(self) -> subprocess.Popen[bytes]:
        # Without the rest of the environment, in which the key may be.
        self._child = subprocess.Popen(
            [sys.executable, "-P", "-m", "pipeline.facts.frames"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            bufsize=0,  # nothing is left to be written when it has ended
            env=_environment(),
            start_new_session=True,
        )
        return self._child

    def _answer(self, child: subprocess.Popen[bytes]) -> bytes | None:
        """Read a line: None if it takes too long, a part of one if the child has ended."""
        assert child.stdout is not None
        answer, file = b"", child.stdout.fileno()
        with selectors.DefaultSelector() as selector:
            selector.register(file, selectors.EVENT_READ)
            while not answer.endswith(b"\n") and len(answer) < _LONGEST:
                if not selector.select(self._patience):
                    return None
                if not (more := os.read(file, _LONGEST)):
                    return answer
                answer += more
        return answer

    def _end(self) -> None:
        child, self._child = self._child, None
        if child is not None:
            child.kill()
            with child:  # closes its pipes, and waits for its end
                pass


def _environment() -> dict[str, str]:
    root = str(Path(pipeline.__file__).parent.parent)
    search = os.pathsep.join(filter(None, (root, os.environ.get("PYTHONPATH"))))
    kept = {name: os.environ[name] for name in ("PATH", "LD_LIBRARY_PATH") if name in os.environ}
    return {**kept, "PYTHONPATH": search}
