"""Decodes every clip of a folder: play.py DIR. The exit code is 1 where one does not play."""  # noqa: INP001

import sys
from pathlib import Path

import av


def main() -> int:
    """Decode all; return an exit code."""
    clips = sorted(Path(sys.argv[1]).rglob("*.mp4"))
    broken = [clip for clip in clips if not plays(clip)]
    for clip in broken:
        sys.stderr.write(f"does not play: {clip}\n")
    sys.stderr.write(f"{len(clips) - len(broken)} of {len(clips)} clips play\n")
    return 0 if clips and not broken else 1


def plays(clip: Path) -> bool:
    """Decode a clip to its end."""
    try:
        with av.open(clip) as container:
            return sum(1 for _ in container.decode(video=0)) > 0
    except av.FFmpegError:
        return False


if __name__ == "__main__":
    sys.exit(main())
