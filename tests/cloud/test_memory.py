"""What uploads take of memory, with the real command."""

import re
import subprocess
import time
from pathlib import Path

import pytest
from cloud.conftest import CloudWorkspace
from support.other_api import CLIP, OtherApi, Reply

pytestmark = [pytest.mark.cloud, pytest.mark.slow]

MB = 1024**2


def large(size: int) -> bytes:
    """Make a valid clip of so many bytes."""
    rest = size - len(CLIP)
    return CLIP + rest.to_bytes(4, "big") + b"free" + bytes(rest - 8)


def peak_of(workspace: CloudWorkspace, clip: bytes, prompts: int) -> float:
    """Run a job of so many requests at once; returns the peak of its memory in MB."""
    workspace.render(prompts=prompts, concurrency=prompts, credits={"cost": 0.95, "gate": "off"})
    with OtherApi(lambda *_: Reply(body=clip, seconds=2.0), balance=1000) as api:
        process, peak = workspace.start(url=api.url), 0
        status = Path(f"/proc/{process.pid}/status")
        while process.poll() is None:
            if found := re.search(r"VmHWM:\s+(\d+)", status.read_text()):
                peak = int(found[1])
            time.sleep(0.02)
        assert workspace.finish(process).code == 0
    return peak / 1024


def test_fifty_clips_of_20_mb_take_at_most_250_mb_more_than_small_ones(
    tmp_path: Path, workspace: CloudWorkspace
) -> None:
    idle = peak_of(workspace, CLIP, 2)
    subprocess.run(["rm", "-rf", str(workspace.output)], check=True)
    workspace.bucket.clear()
    peak = peak_of(workspace, large(20 * MB), 50)
    print(f"idle {idle:.0f} MB, 50 × 20 MB {peak:.0f} MB")  # noqa: T201 - the figure
    assert workspace.sound() == 50
    assert peak - idle <= 250
