"""Claims in files of their own, one an attempt, as versions before format 4 wrote them.

The first line is the claim. It ends in its time and `"sent":false}`, which were overwritten just
before the first byte of the request left. When an answer had begun, the line was ended, and the
head of the answer appended as a second one.
"""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import msgspec

from pipeline.common.files import read_file
from pipeline.ledger.formats import refuse_newer
from pipeline.store import claims
from pipeline.store.claims import Head, Leftover

_BEGINS = b'{"task":'
# Bytes; a claim of 0.1 may hold pictures in its parameters.
_LONGEST = 64 * 1024**2


class _Gist(msgspec.Struct):
    """What every claim has."""

    task: str
    started_at: str


_HEADS = msgspec.json.Decoder(Head)
_GISTS = msgspec.json.Decoder(_Gist)


def leftovers(folder: Path, *, besides: str) -> Iterator[Leftover]:
    """Yield the claims of the files in a folder; `besides` is the name of one that has none.

    Raises:
        DirectoryError: one that pipeline did not write: a link, or one that names a file elsewhere.
    """
    for path in sorted(folder.glob("*.json")):
        if path.name == besides:
            continue
        try:
            text = read_file(path, _LONGEST)
        except FileNotFoundError:
            continue  # a run that is going on has just ended that attempt
        if (left := _parse(path, text)) is not None:
            yield left


def _parse(path: Path, text: bytes) -> Leftover | None:
    """Read a claim; None if the file is not a claim, not even a torn one."""
    first, ended, second = text.partition(b"\n")
    refuse_newer(path, first)
    if not _is_claim(first):
        is_torn = _BEGINS.startswith(first[: len(_BEGINS)].partition(b"\0")[0])
        return Leftover(path.stem) if is_torn else None
    claim = claims.decode(str(path), path.stem, first)
    head = None
    with contextlib.suppress(*claims.UNREADABLE):  # it was torn, or there is none
        head = _HEADS.decode(second)
    return Leftover(path.stem, claim, head, ended=bool(ended))


def _is_claim(text: bytes) -> bool:
    """Whether it is a whole claim, of whatever version."""
    with contextlib.suppress(*claims.UNREADABLE):
        _GISTS.decode(text)
        return True
    return False
