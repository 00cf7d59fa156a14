"""What the figures were measured on, without names."""

import os
import platform
import subprocess
import sys
from importlib import metadata
from pathlib import Path

VERSIONS = ("httpx", "httpcore", "anyio", "aiohttp", "scrapy", "inspect-ai")


def describe(folder: Path, memory: Path | None) -> dict[str, str]:
    """Describe the machine and the versions, for the table."""
    return {
        "cores": str(os.cpu_count()),
        "memory": f"{_memory() / 2**30:.0f} GB",
        "system": f"{platform.system()} {'.'.join(platform.release().split('.')[:2])}",
        "python": platform.python_version(),
        "disk": _kind(folder),
        "files in memory": _kind(memory) if memory else "none",
        **{name: _version(name) for name in VERSIONS},
        "curl": _first_words(["curl", "--version"], 2),
        "parallel": _first_words(["parallel", "--version"], 3),
    }


def _memory() -> int:
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def _kind(folder: Path) -> str:
    """Name the file system that a folder is on."""
    best = ("", "unknown")
    try:
        mounts = Path("/proc/mounts").read_text().splitlines()
    except OSError:
        return sys.platform
    for line in mounts:
        _, place, kind, *_ = line.split()
        inside = folder == Path(place) or Path(place) in folder.parents
        if inside and len(place) >= len(best[0]):
            best = (place, kind)
    return best[1]


def _version(name: str) -> str:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return "not installed"


def _first_words(command: list[str], words: int) -> str:
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return "not installed"
    return " ".join(done.split()[:words])
