"""The machine of a row: its clocks may run faster, its disk may take longer (bench/machine.c).

Every program of the row runs on it, the server too, and keeps its own constants: a minute is a
minute to all of them. CPU, network and disk are as fast as they are.
"""

import atexit
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

from bench.measure import HERE


@dataclass(frozen=True, slots=True)
class Machine:
    """`rate`: how many times as fast the clocks run. `fsync`: seconds more for each."""

    rate: int = 1
    fsync: float = 0.0
    since: int = field(default_factory=lambda: int(time.time()))

    @property
    def _altered(self) -> bool:
        return self.rate != 1 or self.fsync > 0

    @property
    def missing(self) -> str | None:
        """Say why there cannot be such a machine here."""
        if not self._altered:
            return None
        if sys.platform != "linux":
            return "needs Linux"
        return None if shutil.which("cc") else "no C compiler (cc) is installed"

    @property
    def env(self) -> dict[str, str]:
        """What its programs need in their environment."""
        if not self._altered:
            return {}
        return {
            "LD_PRELOAD": str(_library()),
            "CLOCK_RATE": str(self.rate),
            "CLOCK_SINCE": str(self.since),
            "FSYNC_DELAY": str(self.fsync),
        }

    def shows(self, real: float) -> float:
        """Return what its wall clock shows at a Unix time, such as that of a file."""
        return self.since + (real - self.since) * self.rate


@cache
def _library() -> Path:
    folder = tempfile.mkdtemp(prefix="bench-machine-")
    atexit.register(shutil.rmtree, folder)
    path = Path(folder) / "machine.so"
    source = str(HERE / "machine.c")
    subprocess.run(["cc", "-O2", "-shared", "-fPIC", source, "-o", str(path), "-ldl"], check=True)
    return path
