"""A sandbox as a real process, for tests. Standard library only.

Example:
    with Sandbox(latency=0, credits=10, fault=["500=0.2"]) as sandbox:
        run_something_against(sandbox.url)
        assert sandbox.books()["charged"] == "9.50"
"""

import json
import os
import select
import subprocess
import sys
import time
import urllib.request
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

_READY_WITHIN = 20.0  # seconds; a loaded machine may need many times what an idle one does


class Sandbox:
    """`python -m sandbox` in a process of its own, on a free port.

    Options are those of the command, with underscores: True is a flag, a list repeats its
    option. To keep the books over `kill` and `restart`, name a file: `books=tmp_path / "books"`.
    """

    def __init__(self, **options: Any) -> None:
        self.options = options
        self.url = ""
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.stop()

    @property
    def port(self) -> int:
        """The port it listens on."""
        return int(self.url.rpartition(":")[2])

    @property
    def pid(self) -> int:
        """The process that serves."""
        assert self._process is not None, "the sandbox is not running"
        return self._process.pid

    def start(self) -> None:
        """Start it, on the port that it had before if there was one, and wait until it listens."""
        port = self.port if self.url else self.options.get("port", 0)
        arguments = _as_arguments({**self.options, "port": port})
        # -P: not a `sandbox` that lies in the working directory.
        command = [sys.executable, "-P", "-m", "sandbox", *arguments]
        self._process = subprocess.Popen(command, stdout=subprocess.PIPE)  # noqa: S603
        line = _first_line(self._process)
        if not line.startswith("sandbox listening on "):
            self.kill()
            raise RuntimeError(f"the sandbox did not start: {line!r}")
        self.url = line.split()[-1]

    def stop(self) -> int:
        """End it by SIGTERM; return its exit code. Without effect on one that has ended."""
        if self._process is None:
            return 0
        self._process.terminate()
        return self._reap()

    def kill(self) -> None:
        """End it by SIGKILL."""
        if self._process is not None:
            self._process.kill()
            self._reap()

    def restart(self) -> None:
        """Start it again on the same port, after a `kill`, or after ending it by SIGTERM."""
        self.stop()
        self.start()

    def books(self) -> dict[str, Any]:
        """Read the books: `posts`, `in_flight`, `peak_in_flight`, `balance`, `charged`, …."""
        return self._call("books")

    def top_up(self, amount: Any) -> None:
        """Add so many US dollars to the balance."""
        self._call("credits", {"add": str(amount)})

    def set_faults(self, rates: Mapping[str, float]) -> None:
        """Change the rates of the kinds that are named: `{"500": 0.5, "reset": 0}`."""
        self._call("faults", dict(rates))

    def outage(self, seconds: float, kind: str = "503") -> None:
        """Begin an outage now. After a `refuse` nothing here answers before its end, either."""
        self._call("outage", {"seconds": seconds, "kind": kind})

    def change(self, **options: Any) -> None:
        """Change options while it serves: those of the history, of v2 and of media, `latency`."""
        self._call("options", options)

    def requests(self) -> list[dict[str, Any]]:
        """List the requests in the books, as `books` has them."""
        listed: list[dict[str, Any]] = self.books()["requests"]
        return listed

    def _call(self, lever: str, order: dict[str, Any] | None = None) -> dict[str, Any]:
        data = None if order is None else json.dumps(order).encode()
        request = urllib.request.Request(f"{self.url}/sandbox/{lever}", data)  # noqa: S310
        # Whatever proxy the environment names, loopback is reached without it.
        opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with opener.open(request, timeout=30) as answer:
            result: dict[str, Any] = json.load(answer)
            return result

    def _reap(self) -> int:
        assert self._process is not None
        process, self._process = self._process, None
        if process.stdout is not None:
            process.stdout.close()
        return process.wait(timeout=30)


def _as_arguments(options: dict[str, Any]) -> list[str]:
    """Write options as a command line has them."""
    arguments: list[str] = []
    for name, value in options.items():
        flag = f"--{name.replace('_', '-')}"
        if value is True:
            arguments.append(flag)
        elif value is not False and value is not None:
            values = value if isinstance(value, list | tuple) else [value]
            arguments += [f"{flag}={one}" for one in values]
    return arguments


def _first_line(process: "subprocess.Popen[bytes]") -> str:
    """Read what a process says first, or nothing if it ends or stays silent."""
    assert process.stdout is not None
    read = b""
    end = time.monotonic() + _READY_WITHIN
    while not read.endswith(b"\n") and (left := end - time.monotonic()) > 0:
        if select.select([process.stdout], [], [], left)[0]:
            piece = os.read(process.stdout.fileno(), 4096)
            if not piece:
                break
            read += piece
    return read.decode().strip()
