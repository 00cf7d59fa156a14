"""What every peer is asked for: so many POSTs, so many at once, each answer in its own file."""

import argparse
import json
import os
import threading
from pathlib import Path
from typing import Any, TextIO

BODY = {"prompt": "a lighthouse at dusk", "loop": False}


def arguments() -> Any:
    parser = argparse.ArgumentParser()
    parser.add_argument("--url", required=True)
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--concurrency", type=int, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--hash", action="store_true", help="sha256 of each body as it streams")
    parser.add_argument("--fsync", action="store_true", help="make body and line durable")
    parser.add_argument("--fresh", action="store_true", help="a connection for each request")
    parser.add_argument("--throttle", action="store_true", help="adapt to a limit")
    parser.add_argument("--attempts", type=int, default=5)
    return parser.parse_args()


class Files:
    """Where answers go: a part, renamed when it is whole, and one JSON line."""

    def __init__(self, out: Path) -> None:
        self._out = out
        self._log: TextIO = (out / "log.jsonl").open("w")
        self._lock = threading.Lock()

    def part(self, number: int) -> str:
        return f"{self._out}/{number}.part"

    def done(self, number: int, status: int, sha256: str | None = None) -> None:
        os.rename(self.part(number), f"{self._out}/{number}.mp4")
        line = {"task": number, "status": status, "output": f"{number}.mp4", "sha256": sha256}
        self._log.write(json.dumps(line) + "\n")

    def durable(self, number: int, body: int, status: int, sha256: str | None = None) -> None:
        """The same, for a thread: it returns once body (a descriptor) and line are on the disk."""
        os.fsync(body)
        with self._lock:
            self.done(number, status, sha256)
            self._log.flush()
        os.fsync(self._log.fileno())

    def close(self) -> None:
        self._log.close()
