"""Copies of the manifest and the report, beside the outputs in a bucket."""

import os
from collections.abc import Iterator
from pathlib import Path

from pipeline.common.files import open_file
from pipeline.errors import BucketError
from pipeline.store.bucket import Bucket, Found

_STAGING = ".inflight"
_TYPES = {".jsonl": "application/x-ndjson", ".html": "text/html; charset=utf-8"}
_BLOCK = 1024**2


def copy_beside(bucket: Bucket, file: Path, directory: str, *, lines: bool = False) -> None:
    """Copy a file of the output directory to its name below the prefix.

    With `lines` it may be growing, and only whole lines are copied.
    `directory` is the id of the directory whose file it is: a copy of another one is left alone.

    Raises:
        BucketError: that name is somebody else's; or the bucket is down, or refuses.
    """
    found, staged = bucket.find(file.name), f"{_STAGING}/{file.name}"
    taken = BucketError(
        f"{bucket.address}/{file.name} is not this job's, and is left unchanged",
        lasts=True,
        hint="move it away, or give this job a prefix of its own",
    )
    if found is not None and found.attributes.get("directory") != directory:
        if not _is_half_moved(bucket, staged, file.name, found, directory):
            raise taken
        bucket.move(staged, file.name, create=False)
    said = {"Content-Type": _TYPES[file.suffix], "directory": directory}
    blocks = whole_lines(file)
    small = file.stat().st_size <= _BLOCK  # then one request is enough
    bucket.upload((b"".join(blocks) if small else blocks) if lines else file, staged, said)
    try:
        bucket.move(staged, file.name, create=found is None)
    except FileExistsError:
        raise taken from None


def _is_half_moved(bucket: Bucket, staged: str, name: str, found: Found, directory: str) -> bool:
    """Return whether a killed run has given a copy its name, and not said yet whose it is.

    Its upload is still there then, and says it.
    """
    upload = None if "directory" in found.attributes else bucket.find(staged)
    return (
        upload is not None
        and upload.attributes.get("directory") == directory
        and upload.size == found.size
        and bucket.sha256(staged) == bucket.sha256(name)
    )


def whole_lines(path: Path) -> Iterator[bytes]:
    """Read what a file has now, up to the end of its last whole line, in blocks."""
    rest = b""
    with os.fdopen(open_file(path), "rb") as file:
        left = os.fstat(file.fileno()).st_size
        while left > 0 and (block := file.read(min(_BLOCK, left))):
            left -= len(block)
            head, end, tail = block.rpartition(b"\n")
            if end:
                yield rest + head + end
                rest = tail
            else:
                rest += tail
