"""The real `pipeline view`, in a process of its own."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def serving(jobs: list[Path], url: str) -> Iterator[str]:
    """Serve jobs, whose runs call the API at `url`; give the address that is printed."""
    command = [sys.executable, "-m", "pipeline", "view", *map(str, jobs)]
    env = {**os.environ, "SEGMIND_API_KEY": "sk-live", "SEGMIND_BASE_URL": url}
    with subprocess.Popen(
        command, env=env, cwd=jobs[0].parent, stdout=subprocess.PIPE, text=True
    ) as server:
        try:
            assert server.stdout is not None
            yield server.stdout.readline().strip()
        finally:
            server.terminate()
            server.wait(timeout=30)
